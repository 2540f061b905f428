import { type ByteStore, refuseWrite } from '@ringfence/disk';

/** What is read and kept together. */
const pieceBytes = 0x1_0000;

/** Pieces that are kept. */
const mostPieces = 512;

/**
 * A disk image in a file that somebody chose: read piece by piece, and never written.
 */
export class BlobStore implements ByteStore {
  readonly name: string;
  readonly size: number;
  readonly readOnly: boolean = true;
  readonly #blob: Blob;
  readonly #pieces = new Map<number, Uint8Array>();

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

  write(): never {
    throw refuseWrite(this);
  }

  flush(): undefined {}

  close(): undefined {}

  #missing(offset: number, length: number): number[] {
    const first = Math.floor(offset / pieceBytes);
    const last = Math.floor((offset + length - 1) / pieceBytes);
    return Array.from({ length: last - first + 1 }, (_nothing, index) => first + index).filter(
      (piece) => !this.#pieces.has(piece),
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
      this.#pieces.set(piece, bytes);
    }
    for (const piece of this.#pieces.keys()) {
      if (this.#pieces.size <= mostPieces) break;
      this.#pieces.delete(piece);
    }
    return loaded;
  }

  #copyOut(
    offset: number,
    target: Uint8Array,
    loaded?: ReadonlyMap<number, Uint8Array>,
  ): undefined {
    for (const [piece, within, done, length] of parts(offset, target.length)) {
      const bytes = loaded?.get(piece) ?? this.#pieces.get(piece);
      if (bytes !== undefined) target.set(bytes.subarray(within, within + length), done);
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
