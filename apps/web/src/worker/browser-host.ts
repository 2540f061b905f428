import type { HostServices } from '@ringfence/machine';

import { savedKernels } from '../storage/saved-kernels.ts';

/** `setTimeout` takes a longer delay for none at all. */
const mostDelayMs = 2 ** 31 - 1;

/**
 * Clock, timers, randomness and kept kernels of a browser for a machine.
 *
 * A timer for now is a message to oneself: `setTimeout` waits 4 ms once it is nested, and a machine
 * runs in slices of 12 ms. The page's messages are served between two of them.
 */
export function browserHost(): HostServices {
  const { port1, port2 } = new MessageChannel();
  const waiting = new Map<number, () => void>();
  let last = 0;
  port1.onmessage = ({ data }: MessageEvent<number>): void => {
    const callback = waiting.get(data);
    waiting.delete(data);
    callback?.();
  };
  return {
    monotonicMs: () => performance.now(),
    unixTimeMs: () => Date.now(),
    setTimer(callback, delayMs) {
      if (delayMs > 0) {
        const timer = setTimeout(callback, Math.min(delayMs, mostDelayMs));
        return () => {
          clearTimeout(timer);
        };
      }
      last += 1;
      const id = last;
      waiting.set(id, callback);
      port2.postMessage(id);
      return () => {
        waiting.delete(id);
      };
    },
    // Linux is at its shell 6 % sooner so (docs/decisions/interpreter-and-regions.md).
    optimizesLate: true,
    unpackedKernels: savedKernels,
    random32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  };
}
