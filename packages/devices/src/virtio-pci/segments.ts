import type { DmaMemory } from '../interfaces.ts';
import type { GuestSegment } from './virtqueue.ts';

/** Returns how many bytes segments have together. */
export function segmentBytes(segments: readonly GuestSegment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Fills `target` from segments, `skip` bytes into them. */
export function readSegments(
  memory: DmaMemory,
  segments: readonly GuestSegment[],
  skip: number,
  target: Uint8Array,
): void {
  forEachPart(segments, skip, target, (address, part) => {
    memory.read(address, part);
  });
}

/** Copies `source` to segments, `skip` bytes into them. */
export function writeSegments(
  memory: DmaMemory,
  segments: readonly GuestSegment[],
  skip: number,
  source: Uint8Array,
): void {
  forEachPart(segments, skip, source, (address, part) => {
    memory.write(address, part);
  });
}

function forEachPart(
  segments: readonly GuestSegment[],
  skip: number,
  buffer: Uint8Array,
  use: (address: number, part: Uint8Array) => void,
): void {
  let done = 0;
  let before = skip;
  for (const { address, bytes } of segments) {
    if (done === buffer.length) break;
    const part = Math.min(bytes - before, buffer.length - done);
    if (part > 0) {
      use(address + before, buffer.subarray(done, done + part));
      done += part;
    }
    before = Math.max(0, before - bytes);
  }
}
