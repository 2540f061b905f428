/**
 * A file of code that an earlier run had made: blobs by key, for the runs of one user.
 *
 * The file holds machine code, so it is as trustworthy as the program itself: it is left alone
 * unless it belongs to the user and nobody else can write it. The SHA-256 of a blob tells whether
 * it is damaged.
 *
 *     file    header, batches
 *     header  "RFCODE 1", SHA-256 of what V8 and processor this is
 *     batch   blobs, an entry for each, footer
 *     entry   SHA-256 that is the key, SHA-256 of the blob, offset in the batch, bytes
 *     footer  number of entries, bytes of the batch without it, "RFCB"
 *
 * A run appends batches. A file that does not end in a footer is started anew.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { replaceFile } from './replace-file.ts';

const magic = 'RFCODE 1';
const batchMagic = 'RFCB';
const digestBytes = 32;
const headerBytes = magic.length + digestBytes;
const entryBytes = 2 * digestBytes + 8;
const footerBytes = 12;

/** Blobs that wait to be written together, in bytes. */
const batchLimit = 1 << 20;

/** The largest file, and what one run adds to it: a guest may make new code for ever. */
const fileLimit = 128 << 20;
const runLimit = 48 << 20;

/** Blobs of one key that are offered, the newest ones. */
const mostAlike = 4;

/** Where a blob is. */
interface Stored {
  readonly at: number;
  readonly bytes: number;
  readonly digest: Buffer;
}

/** A blob that waits to be written. */
interface Pending {
  readonly key: Buffer;
  readonly digest: Buffer;
  readonly blob: Uint8Array;
}

/** A file as it was opened. */
interface OpenFile {
  readonly file: number;
  readonly size: number;
  readonly index: Map<string, Stored[]>;
}

/** An open file of blobs. */
export class CodeFile {
  readonly #path: string;
  #file: number;
  #size: number;
  /** By key in hexadecimal digits, the newest first. */
  readonly #index: Map<string, Stored[]>;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #addedBytes = 0;
  /** Digests of what this run added, and their keys. */
  readonly #added = new Set<string>();

  private constructor(path: string, opened: OpenFile) {
    this.#path = path;
    this.#file = opened.file;
    this.#size = opened.size;
    this.#index = opened.index;
  }

  /** Opens the file or starts it; undefined where that is not possible, or not safe. */
  static open(path: string): CodeFile | undefined {
    try {
      return new CodeFile(path, openSafely(path) ?? startAnew(path));
    } catch {
      return undefined;
    }
  }

  /** What earlier runs kept under a key, in hexadecimal digits; the newest first. */
  *find(key: string): Generator<Uint8Array<ArrayBuffer>> {
    for (const stored of this.#index.get(key) ?? []) {
      const blob = this.#read(stored);
      if (blob !== undefined) yield blob;
    }
  }

  /** Offers nothing under a key any more. */
  forget(key: string): void {
    this.#index.delete(key);
  }

  /** Keeps a blob for later runs, unless there is room for no more. */
  keep(key: Buffer, blob: Uint8Array): void {
    if (this.#file < 0 || this.#addedBytes >= runLimit || this.#size >= fileLimit) return;
    const digest = sha256(blob);
    const alike = this.#index.get(key.toString('hex')) ?? [];
    if (alike.some((stored) => stored.digest.equals(digest))) return;
    const name = Buffer.concat([key, digest]).toString('latin1');
    if (this.#added.has(name)) return;
    this.#added.add(name);
    this.#pending.push({ key, digest, blob });
    this.#pendingBytes += blob.length;
    this.#addedBytes += blob.length;
    if (this.#pendingBytes >= batchLimit) this.#flush();
  }

  /** Writes what waits, and closes the file. */
  close(): void {
    this.#flush();
    if (this.#file >= 0) fs.closeSync(this.#file);
    this.#file = -1;
    this.#index.clear();
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
    const blob = new Uint8Array(bytes);
    const isWhole = fs.readSync(this.#file, blob, 0, bytes, at) === bytes;
    return isWhole && sha256(blob).equals(digest) ? blob : undefined;
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
  return { file: fs.openSync(path, 'a+'), size: headerBytes, index: new Map<string, Stored[]>() };
}

/** What is in a file, undefined if it is damaged or of another engine. */
function readIndex(file: number, size: number): Map<string, Stored[]> | undefined {
  if (!readAt(file, 0, headerBytes).equals(headerOf())) return undefined;
  const index = new Map<string, Stored[]>();
  let end = size;
  while (end > headerBytes) {
    const footer = readAt(file, end - footerBytes, footerBytes);
    if (footer.toString('latin1', 8) !== batchMagic) return undefined;
    const [count, bytes] = [footer.readUInt32LE(0), footer.readUInt32LE(4)];
    const start = end - footerBytes - bytes;
    if (start < headerBytes || count * entryBytes > bytes) return undefined;
    const entriesAt = end - footerBytes - count * entryBytes;
    const entries = readAt(file, entriesAt, count * entryBytes);
    for (let at = entries.length - entryBytes; at >= 0; at -= entryBytes) {
      const offset = entries.readUInt32LE(at + 2 * digestBytes);
      const length = entries.readUInt32LE(at + 2 * digestBytes + 4);
      if (start + offset + length > entriesAt) return undefined;
      const key = entries.toString('hex', at, at + digestBytes);
      const digest = entries.subarray(at + digestBytes, at + 2 * digestBytes);
      const alike = index.get(key) ?? [];
      if (alike.length < mostAlike) alike.push({ at: start + offset, bytes: length, digest });
      index.set(key, alike);
    }
    end = start;
  }
  return end === headerBytes ? index : undefined;
}

function batchOf(pending: readonly Pending[]): Buffer {
  const entries = Buffer.alloc(pending.length * entryBytes);
  let offset = 0;
  pending.forEach(({ key, digest, blob }, number) => {
    const at = number * entryBytes;
    key.copy(entries, at);
    digest.copy(entries, at + digestBytes);
    entries.writeUInt32LE(offset, at + 2 * digestBytes);
    entries.writeUInt32LE(blob.length, at + 2 * digestBytes + 4);
    offset += blob.length;
  });
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt32LE(pending.length, 0);
  footer.writeUInt32LE(offset + entries.length, 4);
  footer.write(batchMagic, 8, 'latin1');
  return Buffer.concat([...pending.map(({ blob }) => blob), entries, footer]);
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

/** The SHA-256 of some bytes. */
export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
