/** Telling one disk's contents from another's without reading all of them. */
import type { DiskImage } from './image.ts';
import { advance, type Steps } from './steps.ts';

const sampleBytes = 0x1000;

/**
 * Returns the size of a disk and a checksum (FNV-1a, 32 bits) over samples from end to end, the
 * first and last sectors among them.
 */
export function* identify(image: DiskImage, samples: number = 32): Steps<string> {
  const last = Math.max(0, image.bytes - sampleBytes);
  let hash = 0x811c_9dc5;
  for (let index = 0; index < samples; index += 1) {
    const offset = Math.floor((last * index) / (samples - 1) / 512) * 512;
    const sample = new Uint8Array(Math.min(sampleBytes, image.bytes - offset));
    yield* image.read(offset, sample);
    for (const byte of sample) hash = Math.imul(hash ^ byte, 0x0100_0193);
  }
  return `${String(image.bytes)} bytes, ${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

/** Runs an operation if it need not wait; returns nothing where it must, or where it fails. */
export function tryNow<T>(steps: Steps<T>): T | undefined {
  const progress = advance(steps);
  if (progress.kind === 'waits') progress.on.catch(() => undefined); // Nobody asks how it ended.
  return progress.kind === 'done' ? progress.value : undefined;
}
