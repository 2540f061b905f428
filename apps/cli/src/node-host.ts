import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { HostServices } from '@ringfence/machine';

const deflateRaw = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.deflateRaw);
const inflateRaw = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);

/** Clock, timers, randomness and memory use of Node for a machine. */
export const nodeHost: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer(callback, delayMs) {
    // setImmediate runs after input and output were served; setTimeout would wait a millisecond.
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, Math.min(delayMs, MOST_DELAY_MS));
    return () => clearTimeout(timer);
  },
  random32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  // In one piece: each piece of the usual 16 KiB costs a way to a thread and back.
  deflate: (bytes) => deflateRaw(bytes, { level: 1, chunkSize: bytes.length + LEAST_CHUNK }),
  // One byte more, to tell that there is more than there should be.
  inflate: (bytes, size) =>
    inflateRaw(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(size + 1, LEAST_CHUNK) }),
  residentBytes: () => process.memoryUsage.rss(),
};

/** The smallest `chunkSize` that zlib takes. */
const LEAST_CHUNK = 64;

/** setTimeout takes a longer delay for 1 ms; a machine that wakes early finds nothing to do. */
const MOST_DELAY_MS = 2 ** 31 - 1;
