/**
 * A file of compiled modules beside the translation profile: code that an earlier run had compiled
 * is there at once, where V8 would need 5 to 7 ms of another thread for each region.
 *
 * The file holds machine code, so it is as trustworthy as the program itself: it is left alone
 * unless it belongs to the user and nobody else can write it. What is in it stands for the bytes of
 * a WebAssembly module, by their SHA-256, so that it cannot be out of date; its own SHA-256 tells
 * what is damaged.
 *
 *     file    header, batches
 *     header  "RFCODE 1", SHA-256 of what V8 and processor this is
 *     batch   modules, an entry for each, footer
 *     entry   SHA-256 of the WebAssembly bytes, SHA-256 of the code, offset in the batch, bytes
 *     footer  number of entries, bytes of the batch without it, "RFCB"
 *
 * A run appends batches. A file that does not end in a footer is started anew.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { RegionCompiler } from '@ringfence/machine';
import type { ModuleSerializer } from './module-serializer.ts';
import { replaceFile } from './replace-file.ts';

const magic = 'RFCODE 1';
const batchMagic = 'RFCB';
const digestBytes = 32;
const headerBytes = magic.length + digestBytes;
const entryBytes = 2 * digestBytes + 8;
const footerBytes = 12;

/** Modules that wait to be written together, in bytes. */
const batchLimit = 1 << 20;

/** The largest file, and what one run adds to it: a guest may make new code for ever. */
const fileLimit = 128 << 20;
const runLimit = 48 << 20;

/** Where a module's code is. */
interface Stored {
  readonly at: number;
  readonly bytes: number;
  readonly digest: Buffer;
}

/** Code that waits to be written. */
interface Pending {
  readonly key: Buffer;
  readonly digest: Buffer;
  readonly code: Uint8Array;
}

/** A file as it was opened. */
interface OpenFile {
  readonly file: number;
  readonly size: number;
  readonly index: Map<string, Stored>;
}

/** The modules of one file, for the runs of this process. */
export class ModuleFile implements RegionCompiler {
  readonly #serializer: ModuleSerializer;
  readonly #path: string;
  #file: number;
  #size: number;
  readonly #index: Map<string, Stored>;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #addedBytes = 0;

  private constructor(path: string, serializer: ModuleSerializer, opened: OpenFile) {
    this.#path = path;
    this.#serializer = serializer;
    this.#file = opened.file;
    this.#size = opened.size;
    this.#index = opened.index;
  }

  /** Opens the file or starts it; undefined where that is not possible, or not safe. */
  static open(path: string, serializer: ModuleSerializer): ModuleFile | undefined {
    try {
      return new ModuleFile(path, serializer, openSafely(path) ?? startAnew(path));
    } catch {
      return undefined;
    }
  }

  find(wasm: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
    if (this.#index.size === 0) return undefined;
    const key = sha256(wasm).toString('hex');
    const stored = this.#index.get(key);
    if (stored === undefined) return undefined;
    const code = this.#read(stored);
    const module = code && this.#serializer.deserialize(code, wasm);
    if (module === undefined) this.#index.delete(key);
    return module;
  }

  async compile(wasm: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
    const module = await WebAssembly.compile(wasm);
    this.#keep(wasm, module);
    return module;
  }

  /** Writes what waits, and closes the file. */
  close(): void {
    this.#flush();
    if (this.#file >= 0) fs.closeSync(this.#file);
    this.#file = -1;
    this.#index.clear();
  }

  #keep(wasm: Uint8Array, module: WebAssembly.Module): void {
    if (this.#file < 0 || this.#addedBytes >= runLimit || this.#size >= fileLimit) return;
    const code = this.#serializer.serialize(module);
    this.#pending.push({ key: sha256(wasm), digest: sha256(code), code });
    this.#pendingBytes += code.length;
    this.#addedBytes += code.length;
    if (this.#pendingBytes >= batchLimit) this.#flush();
  }

  #flush(): void {
    if (this.#pending.length === 0 || this.#file < 0) return;
    const batch = batchOf(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      // In one piece: others may append to the file too.
      this.#size += fs.writeSync(this.#file, batch);
    } catch {
      // A full disk: the next run compiles again.
      fs.rmSync(this.#path, { force: true });
      this.#addedBytes = runLimit;
    }
  }

  #read({ at, bytes, digest }: Stored): Uint8Array<ArrayBuffer> | undefined {
    const code = new Uint8Array(bytes);
    const isWhole = fs.readSync(this.#file, code, 0, bytes, at) === bytes;
    return isWhole && sha256(code).equals(digest) ? code : undefined;
  }
}

/** Opens a file that is there, undefined if it cannot be used as it is. */
function openSafely(path: string): OpenFile | undefined {
  let file: number;
  try {
    file = fs.openSync(path, 'a+');
  } catch {
    return undefined;
  }
  const { uid, mode, size } = fs.fstatSync(file);
  const isOurs = (process.getuid?.() ?? uid) === uid && (mode & 0o022) === 0;
  const index = isOurs && size < fileLimit ? readIndex(file, size) : undefined;
  if (index !== undefined) return { file, size, index };
  fs.closeSync(file);
  return undefined;
}

/** Puts a new file with nothing in it in the place of whatever is there. */
function startAnew(path: string): OpenFile {
  replaceFile(path, headerOf(), 0o600);
  return { file: fs.openSync(path, 'a+'), size: headerBytes, index: new Map<string, Stored>() };
}

/** The modules of a file, undefined if it is damaged or of another engine. */
function readIndex(file: number, size: number): Map<string, Stored> | undefined {
  if (!readAt(file, 0, headerBytes).equals(headerOf())) return undefined;
  const index = new Map<string, Stored>();
  let end = size;
  while (end > headerBytes) {
    const footer = readAt(file, end - footerBytes, footerBytes);
    if (footer.toString('latin1', 8) !== batchMagic) return undefined;
    const [count, bytes] = [footer.readUInt32LE(0), footer.readUInt32LE(4)];
    const start = end - footerBytes - bytes;
    if (start < headerBytes || count * entryBytes > bytes) return undefined;
    const entriesAt = end - footerBytes - count * entryBytes;
    const entries = readAt(file, entriesAt, count * entryBytes);
    for (let at = 0; at < entries.length; at += entryBytes) {
      const offset = entries.readUInt32LE(at + 2 * digestBytes);
      const length = entries.readUInt32LE(at + 2 * digestBytes + 4);
      if (start + offset + length > entriesAt) return undefined;
      const key = entries.toString('hex', at, at + digestBytes);
      const digest = entries.subarray(at + digestBytes, at + 2 * digestBytes);
      index.set(key, { at: start + offset, bytes: length, digest });
    }
    end = start;
  }
  return end === headerBytes ? index : undefined;
}

function batchOf(pending: readonly Pending[]): Buffer {
  const entries = Buffer.alloc(pending.length * entryBytes);
  let offset = 0;
  pending.forEach(({ key, digest, code }, number) => {
    const at = number * entryBytes;
    key.copy(entries, at);
    digest.copy(entries, at + digestBytes);
    entries.writeUInt32LE(offset, at + 2 * digestBytes);
    entries.writeUInt32LE(code.length, at + 2 * digestBytes + 4);
    offset += code.length;
  });
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt32LE(pending.length, 0);
  footer.writeUInt32LE(offset + entries.length, 4);
  footer.write(batchMagic, 8, 'latin1');
  return Buffer.concat([...pending.map(({ code }) => code), entries, footer]);
}

function headerOf(): Buffer {
  const engine = `${process.versions.v8} ${process.platform} ${process.arch}`;
  return Buffer.concat([Buffer.from(magic, 'latin1'), sha256(Buffer.from(engine))]);
}

/** So many bytes of a file, fewer where it ends. */
function readAt(file: number, at: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  return at < 0 ? Buffer.alloc(0) : buffer.subarray(0, fs.readSync(file, buffer, 0, bytes, at));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
