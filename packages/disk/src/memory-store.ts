import { type ByteStore, refuseWrite, type Soon } from './byte-store.ts';
import { DiskError } from './error.ts';

/** The bytes of one piece of a memory store: what is never written takes no memory. */
const pieceBytes = 0x1_0000;

/** What a memory store can be told. */
export interface MemoryStoreOptions {
  readonly name?: string;
  /** Its first contents; a view that is copied piece by piece as it is written. */
  readonly contents?: Uint8Array;
  readonly readOnly?: boolean;
  /** The most bytes that it may grow to; 1 GiB by default. */
  readonly mostBytes?: number;
}

/**
 * A store in memory, for tests, for images that were dropped on a page, for changes to throw away.
 */
export class MemoryStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #contents: Uint8Array;
  readonly #written = new Map<number, Uint8Array>();
  readonly #mostBytes: number;
  #size: number;

  /** Makes a store, empty or with contents. */
  constructor(options: MemoryStoreOptions = {}) {
    this.name = options.name ?? 'memory';
    this.readOnly = options.readOnly ?? false;
    this.#contents = options.contents ?? new Uint8Array(0);
    this.#size = this.#contents.length;
    this.#mostBytes = options.mostBytes ?? 2 ** 30;
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, target: Uint8Array): Soon {
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const within = at % pieceBytes;
      const part = Math.min(target.length - done, pieceBytes - within);
      const piece = this.#written.get((at - within) / pieceBytes);
      const source =
        piece === undefined
          ? this.#contents.subarray(Math.min(at, this.#contents.length), at + part)
          : piece.subarray(within, within + part);
      target.set(source.subarray(0, part), done);
      target.fill(0, done + source.length, done + part);
      done += part;
    }
    return undefined;
  }

  write(offset: number, source: Uint8Array): Soon {
    if (this.readOnly) throw refuseWrite(this);
    const end = offset + source.length;
    if (end > this.#mostBytes) {
      const found = `a write up to byte ${String(end)}`;
      throw new DiskError('io', `${this.name}: at most ${String(this.#mostBytes)} bytes, ${found}`);
    }
    for (let done = 0; done < source.length;) {
      const at = offset + done;
      const within = at % pieceBytes;
      const part = Math.min(source.length - done, pieceBytes - within);
      this.#piece((at - within) / pieceBytes).set(source.subarray(done, done + part), within);
      done += part;
    }
    this.#size = Math.max(this.#size, end);
    return undefined;
  }

  flush(): Soon {
    return undefined;
  }

  close(): Soon {
    return undefined;
  }

  /** Returns a copy of everything that it holds. */
  bytes(): Uint8Array {
    const copy = new Uint8Array(this.#size);
    this.read(0, copy);
    return copy;
  }

  #piece(index: number): Uint8Array {
    const found = this.#written.get(index);
    if (found !== undefined) return found;
    const piece = new Uint8Array(pieceBytes);
    const start = index * pieceBytes;
    if (start < this.#contents.length) {
      piece.set(this.#contents.subarray(start, start + pieceBytes));
    }
    this.#written.set(index, piece);
    return piece;
  }
}
