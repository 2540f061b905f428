/**
 * A file of compiled modules beside the translation profile: code that an earlier run had compiled
 * is there at once, where V8 would need 5 to 7 ms of another thread for each region. With it are
 * the recipes of regions, by which modules are found without lowering what they are made of.
 *
 *     what     key: SHA-256 of                        blob
 *     module   its WebAssembly bytes                  their length, they, and what V8 made of them
 *     region   its module, before it was linked       the linked module's key, its number in that
 *     recipe   the program's fingerprint, its key     region's key, length of the recipe,
 *                                                     the recipe, the region's module
 *
 * So a module cannot be out of date, nor a recipe be that of another version of the program.
 */
import type { CompiledRegion, KeptRegion, RecipeStore, RegionCompiler } from '@ringfence/machine';
import { CodeFile, sha256 } from './code-file.ts';
import type { ModuleSerializer } from './module-serializer.ts';

const digestBytes = 32;
const lengthBytes = 4;
const recipeHeaderBytes = digestBytes + lengthBytes;

/** The modules and recipes of one file, for the runs of this process. */
export class ModuleFile implements RegionCompiler {
  /** What was made by this program; undefined where it is not known which program this is. */
  readonly recipes: RecipeStore | undefined;
  readonly #serializer: ModuleSerializer;
  readonly #file: CodeFile;
  /** Keys of regions that came with recipes. */
  readonly #keys = new WeakMap<Uint8Array, string>();
  /** Modules that were found, by their keys. */
  readonly #modules = new Map<string, WeakRef<WebAssembly.Module>>();

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

  find(region: Uint8Array<ArrayBuffer>): CompiledRegion | undefined {
    const key = this.#keys.get(region) ?? sha256(region).toString('hex');
    for (const place of this.#file.find(key)) {
      const module = this.#moduleOf(Buffer.from(place.buffer, 0, digestBytes).toString('hex'));
      if (module !== undefined) return { module, number: place[digestBytes] ?? 0 };
    }
    this.#file.forget(key);
    return undefined;
  }

  async compile(
    wasm: Uint8Array<ArrayBuffer>,
    regions: readonly Uint8Array<ArrayBuffer>[],
  ): Promise<WebAssembly.Module> {
    const module = await WebAssembly.compile(wasm);
    try {
      const key = sha256(wasm);
      const code = this.#serializer.serialize(module);
      this.#file.keep(key, Buffer.concat([lengthOf(wasm), wasm, code]));
      regions.forEach((region, number) => {
        this.#file.keep(sha256(region), Buffer.concat([key, Buffer.of(number)]));
      });
    } catch {
      // The module serves this run all the same.
    }
    return module;
  }

  /** The module of a key, if it is there: one object for all of its regions. */
  #moduleOf(key: string): WebAssembly.Module | undefined {
    const known = this.#modules.get(key)?.deref();
    if (known !== undefined) return known;
    for (const blob of this.#file.find(key)) {
      const end = lengthBytes + new DataView(blob.buffer).getUint32(0, true);
      const module = this.#serializer.deserialize(blob.slice(end), blob.slice(lengthBytes, end));
      if (module === undefined) continue;
      this.#modules.set(key, new WeakRef(module));
      return module;
    }
    this.#file.forget(key);
    return undefined;
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
  return Buffer.concat([sha256(wasm), lengthOf(recipe), recipe, wasm]);
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(bytes.length);
  return length;
}
