/**
 * A file of compiled modules beside the translation profile: code that an earlier run had compiled
 * is there at once, where V8 would need 5 to 7 ms of another thread for each region. With it are
 * the recipes of regions, by which modules are found without lowering what they are made of.
 *
 *     what     key: SHA-256 of                        blob
 *     module   its WebAssembly bytes                  what V8 made of it
 *     recipe   the program's fingerprint, its key     module's key, length of the recipe,
 *                                                     the recipe, the module's WebAssembly bytes
 *
 * So a module cannot be out of date, nor a recipe be that of another version of the program.
 */
import type { KeptRegion, RecipeStore, RegionCompiler } from '@ringfence/machine';
import { CodeFile, sha256 } from './code-file.ts';
import type { ModuleSerializer } from './module-serializer.ts';

const digestBytes = 32;
const recipeHeaderBytes = digestBytes + 4;

/** The modules and recipes of one file, for the runs of this process. */
export class ModuleFile implements RegionCompiler {
  /** What was made by this program; undefined where it is not known which program this is. */
  readonly recipes: RecipeStore | undefined;
  readonly #serializer: ModuleSerializer;
  readonly #file: CodeFile;
  /** Keys of modules that came with recipes. */
  readonly #keys = new WeakMap<Uint8Array, string>();

  private constructor(
    file: CodeFile,
    serializer: ModuleSerializer,
    fingerprint: Uint8Array | undefined,
  ) {
    this.#file = file;
    this.#serializer = serializer;
    this.recipes = fingerprint && {
      find: (key) => this.#findRecipes(recipeKey(fingerprint, key)),
      keep: (key, region) => {
        this.#file.keep(recipeKey(fingerprint, key), recipeBlob(region));
      },
    };
  }

  /**
   * Opens the file or starts it; undefined where that is not possible, or not safe. `fingerprint`
   * stands for this program; without it no recipes are kept.
   */
  static open(
    path: string,
    serializer: ModuleSerializer,
    fingerprint?: Uint8Array,
  ): ModuleFile | undefined {
    const file = CodeFile.open(path);
    return file && new ModuleFile(file, serializer, fingerprint);
  }

  find(wasm: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
    const key = this.#keys.get(wasm) ?? sha256(wasm).toString('hex');
    for (const code of this.#file.find(key)) {
      const module = this.#serializer.deserialize(code, wasm);
      if (module !== undefined) return module;
    }
    this.#file.forget(key);
    return undefined;
  }

  async compile(wasm: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
    const module = await WebAssembly.compile(wasm);
    try {
      this.#file.keep(sha256(wasm), this.#serializer.serialize(module));
    } catch {
      // The module serves this run all the same.
    }
    return module;
  }

  /** Writes what waits, and closes the file. */
  close(): void {
    this.#file.close();
  }

  *#findRecipes(key: Buffer): Generator<KeptRegion> {
    for (const blob of this.#file.find(key.toString('hex'))) {
      const { length } = blob;
      const size =
        length < recipeHeaderBytes
          ? length
          : new DataView(blob.buffer).getUint32(digestBytes, true);
      const wasm = blob.subarray(recipeHeaderBytes + size);
      this.#keys.set(wasm, Buffer.from(blob.buffer, 0, digestBytes).toString('hex'));
      yield { recipe: blob.subarray(recipeHeaderBytes, recipeHeaderBytes + size), wasm };
    }
  }
}

function recipeKey(fingerprint: Uint8Array, key: string): Buffer {
  return sha256(Buffer.concat([fingerprint, Buffer.from(key)]));
}

function recipeBlob({ recipe, wasm }: KeptRegion): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(recipe.length);
  return Buffer.concat([sha256(wasm), size, recipe, wasm]);
}
