import type { DiskImage } from './image.ts';
import type { Steps } from './steps.ts';

const pieceBytes = 0x10_0000;
const sparseBytes = 0x1_0000;

/**
 * Copies a disk to another of at least its size, which reads as zeros so far; parts of 64 KiB of
 * zeros are not written. `progress` is told how many bytes are done.
 */
export function* convertDisk(
  from: DiskImage,
  to: DiskImage,
  progress: (bytes: number) => void = () => undefined,
): Steps<void> {
  const piece = new Uint8Array(pieceBytes);
  for (let at = 0; at < from.bytes; at += pieceBytes) {
    const part = piece.subarray(0, Math.min(pieceBytes, from.bytes - at));
    yield* from.read(at, part);
    for (let within = 0; within < part.length; within += sparseBytes) {
      const block = part.subarray(within, within + sparseBytes);
      if (!isZero(block)) yield* to.write(at + within, block);
    }
    progress(at + part.length);
  }
  yield* to.flush();
}

function isZero(bytes: Uint8Array): boolean {
  const words = new Float64Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8));
  // A NaN and -0 are not equal to +0 bit by bit, so a zero word is looked at by Object.is.
  for (const word of words) {
    if (!Object.is(word, 0)) return false;
  }
  for (let at = words.length * 8; at < bytes.length; at += 1) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}
