/** What a qcow2 image holds itself beside the image that it stands on. */
import { identify } from '../disk-identity.ts';
import { DiskError } from '../error.ts';
import type { DiskImage } from '../image.ts';
import {
  checkChanges,
  type DiskChanges,
  mostOverlayBytes,
  overlayPieceBytes,
  type SavedChanges,
} from '../overlay-image.ts';
import { advance, type Steps } from '../steps.ts';

/** An image that can say which pieces of it are its own. */
export interface BackedImage extends DiskImage {
  /** Returns the offsets of the pieces that are not, as a whole, what the image stands on. */
  ownPieces(pieceBytes: number): Steps<number[]>;
}

/**
 * Returns the changes of an image on its base, which must answer at once when they are asked for.
 * Taking over others writes to the image: it then reads as the one did that they are from.
 */
export function changesOf(image: BackedImage, base: DiskImage): DiskChanges {
  let identity: string | undefined;
  return {
    get base() {
      return (identity ??= atOnce(identify(base)));
    },
    save: () => atOnce(save(image)),
    restore: (changes) => {
      checkChanges(changes, image.bytes);
      atOnce(restore(image, base, changes));
    },
  };
}

function* save(image: BackedImage): Steps<SavedChanges> {
  const offsets = yield* image.ownPieces(overlayPieceBytes);
  const bytes = offsets.length * overlayPieceBytes;
  if (bytes > mostOverlayBytes) {
    const most = String(mostOverlayBytes);
    throw new DiskError('io', `changes of a disk: ${String(bytes)} bytes, more than ${most}`);
  }
  const pieces = new Uint8Array(bytes);
  for (const [index, offset] of offsets.entries()) {
    const at = index * overlayPieceBytes;
    yield* image.read(offset, pieces.subarray(at, at + pieceLength(image, offset)));
  }
  return { offsets, pieces };
}

function* restore(image: BackedImage, base: DiskImage, changes: SavedChanges): Steps<void> {
  const { offsets, pieces } = changes;
  const places = new Map(offsets.map((offset, index) => [offset, index * overlayPieceBytes]));
  const now = yield* image.ownPieces(overlayPieceBytes);
  for (const offset of new Set([...offsets, ...now])) {
    const length = pieceLength(image, offset);
    const at = places.get(offset);
    const wanted = new Uint8Array(length);
    if (at === undefined) {
      const there = Math.max(0, Math.min(length, base.bytes - offset));
      yield* base.read(offset, wanted.subarray(0, there));
    } else {
      wanted.set(pieces.subarray(at, at + length));
    }
    const found = new Uint8Array(length);
    yield* image.read(offset, found);
    if (found.some((byte, index) => byte !== wanted[index])) yield* image.write(offset, wanted);
  }
  yield* image.flush();
}

function pieceLength(image: DiskImage, offset: number): number {
  return Math.min(overlayPieceBytes, image.bytes - offset);
}

/** Runs what must be done between two instructions of a guest. */
function atOnce<T>(steps: Steps<T>): T {
  const progress = advance(steps);
  if (progress.kind === 'failed') throw progress.error;
  if (progress.kind === 'waits') {
    progress.on.catch(() => undefined);
    const what = 'what the image stands on does not answer at once';
    throw new DiskError('unsupported', `changes of a disk: ${what}`);
  }
  return progress.value;
}
