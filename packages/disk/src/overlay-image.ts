import { identify } from './disk-identity.ts';
import { DiskError } from './error.ts';
import type { DiskFormat, DiskImage } from './image.ts';
import type { Steps } from './steps.ts';

/** What is kept together of what was written, here and in a snapshot. */
export const overlayPieceBytes = 0x1_0000;
const pieceBytes = overlayPieceBytes;

/** The most that an overlay holds in memory. */
export const mostOverlayBytes: number = 2 ** 31;

/** What was written to a disk, apart from what it stands on. */
export interface DiskChanges {
  /** Tells one base from another: its size, and a checksum over samples of it. */
  readonly base: string;
  /** Returns offsets of the pieces that differ from the base, and the pieces one after another. */
  save(): SavedChanges;
  /**
   * Takes over changes, in place of those that are there.
   *
   * @throws DiskError `bad-image` for changes that are none of this disk's.
   */
  restore(changes: SavedChanges): void;
}

/** Changes of a disk as data. */
export interface SavedChanges {
  readonly offsets: readonly number[];
  readonly pieces: Uint8Array;
}

/**
 * A disk on another that is never written: what is written stays in memory, and can be saved and
 * taken over.
 */
export class OverlayImage implements DiskImage {
  readonly format: DiskFormat;
  readonly bytes: number;
  readonly readOnly = false;
  /** What was written. */
  readonly changes: DiskChanges;
  readonly #base: DiskImage;
  readonly #pieces = new Map<number, Uint8Array>();

  private constructor(base: DiskImage, identity: string) {
    this.#base = base;
    this.format = base.format;
    this.bytes = base.bytes;
    this.changes = {
      base: identity,
      save: () => this.#save(),
      restore: (changes) => {
        this.#restore(changes);
      },
    };
  }

  /** Makes an overlay; samples of the base are read. */
  static *open(base: DiskImage): Steps<OverlayImage> {
    return new OverlayImage(base, yield* identify(base));
  }

  *read(offset: number, target: Uint8Array): Steps<void> {
    for (const run of this.#runs(offset, target.length)) {
      const part = target.subarray(run.done, run.done + run.length);
      if (run.piece === undefined) {
        yield* this.#base.read(offset + run.done, part);
      } else {
        part.set(run.piece.subarray(run.within, run.within + run.length));
      }
    }
  }

  *write(offset: number, source: Uint8Array): Steps<void> {
    for (let done = 0; done < source.length;) {
      const at = offset + done;
      const within = at % pieceBytes;
      const length = Math.min(source.length - done, pieceBytes - within);
      const piece = yield* this.#pieceOf(at - within, length);
      piece.set(source.subarray(done, done + length), within);
      done += length;
    }
  }

  *flush(): Steps<void> {
    // Nothing of it outlives the process.
  }

  *close(): Steps<void> {
    this.#pieces.clear();
    yield* this.#base.close();
  }

  /** Returns the piece at an offset, from the base unless all of it is about to be written. */
  *#pieceOf(start: number, written: number): Steps<Uint8Array> {
    const held = this.#pieces.get(start);
    if (held !== undefined) return held;
    if ((this.#pieces.size + 1) * pieceBytes > mostOverlayBytes) {
      const most = String(mostOverlayBytes);
      throw new DiskError('io', `overlay in memory: it holds ${most} bytes, and no more`);
    }
    const piece = new Uint8Array(pieceBytes);
    const length = Math.min(pieceBytes, this.bytes - start);
    if (written < length) yield* this.#base.read(start, piece.subarray(0, length));
    this.#pieces.set(start, piece);
    return piece;
  }

  /** Splits a range into parts of pieces, and what lies between them. */
  *#runs(offset: number, length: number): Iterable<Run> {
    let clean = 0;
    for (let done = 0; done < length;) {
      const at = offset + done;
      const within = at % pieceBytes;
      const part = Math.min(length - done, pieceBytes - within);
      const piece = this.#pieces.get(at - within);
      if (piece === undefined) {
        clean += part;
      } else {
        if (clean > 0) yield { piece: undefined, within: 0, done: done - clean, length: clean };
        clean = 0;
        yield { piece, within, done, length: part };
      }
      done += part;
    }
    if (clean > 0) yield { piece: undefined, within: 0, done: length - clean, length: clean };
  }

  #save(): SavedChanges {
    const offsets = [...this.#pieces.keys()].sort((one, other) => one - other);
    const pieces = new Uint8Array(offsets.length * pieceBytes);
    for (const [index, offset] of offsets.entries()) {
      pieces.set(this.#pieces.get(offset) ?? [], index * pieceBytes);
    }
    return { offsets, pieces };
  }

  #restore(changes: SavedChanges): void {
    checkChanges(changes, this.bytes);
    const { offsets, pieces } = changes;
    this.#pieces.clear();
    for (const [index, offset] of offsets.entries()) {
      this.#pieces.set(offset, pieces.slice(index * pieceBytes, (index + 1) * pieceBytes));
    }
  }
}

interface Run {
  /** What holds the range; the base where it is undefined. */
  readonly piece: Uint8Array | undefined;
  readonly within: number;
  readonly done: number;
  readonly length: number;
}

/**
 * Checks that changes can be those of a disk of a size.
 *
 * @throws DiskError `bad-image`.
 */
export function checkChanges({ offsets, pieces }: SavedChanges, bytes: number): void {
  const fits = (offset: number): boolean => offset % pieceBytes === 0 && offset < bytes;
  if (pieces.length !== offsets.length * pieceBytes || !offsets.every(fits)) {
    throw new DiskError('bad-image', 'changes of a disk: they are none of this one');
  }
}
