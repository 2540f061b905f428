import { type ByteStore, readBytes } from './byte-store.ts';
import type { DiskFormat, DiskImage } from './image.ts';
import { DiskError } from './error.ts';
import { MemoryStore } from './memory-store.ts';
import { openImage } from './open-image.ts';
import { type DiskChanges, OverlayImage, overlayPieceBytes } from './overlay-image.ts';
import { checkQcow } from './qcow2/check.ts';
import { createQcow } from './qcow2/create.ts';
import { QcowImage } from './qcow2/image.ts';
import type { Steps } from './steps.ts';

/**
 * A disk on another that is never written: what is written is in memory, as in an `OverlayImage`,
 * and with each flush also in a store of its own, where the next one finds it.
 *
 * So a base that answers late serves all the same, and a snapshot is taken between two
 * instructions. The store holds a qcow2 image that names the base, and survives a cut as those do.
 */
export class KeptOverlay implements DiskImage {
  readonly format: DiskFormat;
  readonly bytes: number;
  readonly readOnly = false;
  /** What was written. Changes that are taken over go to the store with the next flush. */
  readonly changes: DiskChanges;
  readonly #overlay: OverlayImage;
  readonly #kept: QcowImage;
  /** Offsets of the pieces that the store has not got as they are. */
  #unkept = new Set<number>();

  private constructor(overlay: OverlayImage, kept: QcowImage) {
    this.#overlay = overlay;
    this.#kept = kept;
    this.format = overlay.format;
    this.bytes = overlay.bytes;
    const { changes } = overlay;
    const note = (): void => {
      for (const offset of changes.save().offsets) this.#unkept.add(offset);
    };
    this.changes = {
      base: changes.base,
      save: () => changes.save(),
      restore: (saved) => {
        note();
        changes.restore(saved);
        note();
      },
    };
  }

  /**
   * Opens an overlay on `base` with what `store` kept for it; a store that has nothing, or whose
   * image was cut off in the making, becomes one.
   *
   * @throws DiskError `bad-image` for a store that holds something else.
   */
  static *open(base: DiskImage, store: ByteStore): Steps<KeptOverlay> {
    const overlay = yield* OverlayImage.open(base);
    if (yield* isBlank(store)) {
      const backing = { name: 'base', format: 'raw' } as const;
      yield* createQcow(store, { bytes: base.bytes, clusterBytes: overlayPieceBytes, backing });
    }
    yield* checkQcow(store, true);
    // What is not kept is read from the base itself.
    const openBacking = (): ByteStore => new MemoryStore();
    const kept = yield* openImage(store, { format: 'qcow2', openBacking });
    if (!(kept instanceof QcowImage) || kept.bytes !== base.bytes) {
      const found = `${String(base.bytes)} bytes expected, found ${String(kept.bytes)}`;
      throw new DiskError('bad-image', `${store.name}: it is of another disk: ${found}`);
    }
    const offsets = yield* kept.ownPieces(overlayPieceBytes);
    const pieces = new Uint8Array(offsets.length * overlayPieceBytes);
    for (const [index, offset] of offsets.entries()) {
      const at = index * overlayPieceBytes;
      yield* kept.read(offset, pieces.subarray(at, at + pieceLength(base, offset)));
    }
    overlay.changes.restore({ offsets, pieces });
    return new KeptOverlay(overlay, kept);
  }

  /** Whether anything was written that the store has not got. */
  get isAhead(): boolean {
    return this.#unkept.size > 0;
  }

  read(offset: number, target: Uint8Array): Steps<void> {
    return this.#overlay.read(offset, target);
  }

  *write(offset: number, source: Uint8Array): Steps<void> {
    yield* this.#overlay.write(offset, source);
    const first = offset - (offset % overlayPieceBytes);
    for (let piece = first; piece < offset + source.length; piece += overlayPieceBytes) {
      this.#unkept.add(piece);
    }
  }

  *flush(): Steps<void> {
    const unkept = this.#unkept;
    this.#unkept = new Set();
    try {
      for (const offset of unkept) {
        const piece = new Uint8Array(pieceLength(this, offset));
        yield* this.#overlay.read(offset, piece);
        yield* this.#kept.write(offset, piece);
      }
      yield* this.#kept.flush();
    } catch (error) {
      for (const offset of unkept) this.#unkept.add(offset);
      throw error;
    }
  }

  *close(): Steps<void> {
    try {
      yield* this.flush();
    } finally {
      yield* this.#kept.close();
    }
    yield* this.#overlay.close();
  }
}

function* isBlank(store: ByteStore): Steps<boolean> {
  const start = new Uint8Array(4);
  if (store.size > 0) yield* readBytes(store, 0, start);
  return start.every((byte) => byte === 0);
}

function pieceLength(image: DiskImage, offset: number): number {
  return Math.min(overlayPieceBytes, image.bytes - offset);
}
