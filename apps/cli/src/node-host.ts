import type { HostServices } from '@ringfence/machine';

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
  residentBytes: () => process.memoryUsage.rss(),
};

/** setTimeout takes a longer delay for 1 ms; a machine that wakes early finds nothing to do. */
const MOST_DELAY_MS = 2 ** 31 - 1;
