import type { ByteStore } from '@ringfence/disk';

/** What is read and kept together. */
const pieceBytes = 0x1_0000;

/** Pieces that are kept although they are as in the file. */
const mostClean = 512;

/**
 * A disk image in a file that somebody chose: read piece by piece, and never written.
 *
 * What the guest writes stays in memory and is gone with the page.
 */
export class BlobStore implements ByteStore {
  readonly name: string;
  readonly size: number;
  readonly readOnly: boolean = false;
  readonly #blob: Blob;
  readonly #clean = new Map<number, Uint8Array>();
  readonly #dirty = new Map<number, Uint8Array>();

  /** Makes a store over a file; `name` is for messages. */
  constructor(name: string, blob: Blob) {
    this.name = name;
    this.size = blob.size;
    this.#blob = blob;
  }

  read(offset: number, target: Uint8Array): Promise<void> | undefined {
    const missing = this.#missing(offset, target.length);
    if (missing.length === 0) return this.#copyOut(offset, target);
    return this.#load(missing).then((loaded) => this.#copyOut(offset, target, loaded));
  }

  write(offset: number, source: Uint8Array): Promise<void> | undefined {
    const missing = this.#missing(offset, source.length);
    if (missing.length === 0) return this.#copyIn(offset, source);
    return this.#load(missing).then((loaded) => this.#copyIn(offset, source, loaded));
  }

  flush(): undefined {}

  close(): undefined {}

  #missing(offset: number, length: number): number[] {
    const first = Math.floor(offset / pieceBytes);
    const last = Math.floor((offset + length - 1) / pieceBytes);
    return Array.from({ length: last - first + 1 }, (_nothing, index) => first + index).filter(
      (piece) => !this.#dirty.has(piece) && !this.#clean.has(piece),
    );
  }

  /** Reads pieces from the file, which are also kept while there is room. */
  async #load(pieces: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>> {
    const loaded = new Map<number, Uint8Array>();
    for (const piece of pieces) {
      const start = piece * pieceBytes;
      const part = await this.#blob.slice(start, start + pieceBytes).arrayBuffer();
      const bytes = new Uint8Array(pieceBytes);
      bytes.set(new Uint8Array(part));
      loaded.set(piece, bytes);
      this.#clean.set(piece, bytes);
    }
    for (const piece of this.#clean.keys()) {
      if (this.#clean.size <= mostClean) break;
      this.#clean.delete(piece);
    }
    return loaded;
  }

  #copyOut(
    offset: number,
    target: Uint8Array,
    loaded?: ReadonlyMap<number, Uint8Array>,
  ): undefined {
    for (const [piece, within, done, length] of parts(offset, target.length)) {
      const bytes = this.#dirty.get(piece) ?? loaded?.get(piece) ?? this.#clean.get(piece);
      if (bytes !== undefined) target.set(bytes.subarray(within, within + length), done);
    }
  }

  #copyIn(offset: number, source: Uint8Array, loaded?: ReadonlyMap<number, Uint8Array>): undefined {
    for (const [piece, within, done, length] of parts(offset, source.length)) {
      const clean = loaded?.get(piece) ?? this.#clean.get(piece);
      const bytes = this.#dirty.get(piece) ?? clean ?? new Uint8Array(pieceBytes);
      bytes.set(source.subarray(done, done + length), within);
      this.#dirty.set(piece, bytes);
      this.#clean.delete(piece);
    }
  }
}

/** Splits a range at the borders of pieces: piece, offset in it, offset in the range, length. */
function* parts(offset: number, length: number): Iterable<[number, number, number, number]> {
  for (let done = 0; done < length;) {
    const within = (offset + done) % pieceBytes;
    const part = Math.min(length - done, pieceBytes - within);
    yield [(offset + done - within) / pieceBytes, within, done, part];
    done += part;
  }
}
