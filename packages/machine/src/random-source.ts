import type { HostServices } from './options/machine-options.ts';

/** Any odd number; each machine with the instruction clock sees the same random numbers. */
const seed = 0x9e37_79b9;

/**
 * Returns the source of RDRAND's bits: the host's, or with the instruction clock a fixed sequence.
 *
 * The sequence is xorshift32 (Marsaglia, "Xorshift RNGs", 2003): a guest that wants secrets must
 * not run with it.
 */
export function randomSource(kind: 'host' | 'instructions', host: HostServices): () => number {
  if (kind === 'host') {
    return () => (host.random32?.() ?? Math.floor(Math.random() * 2 ** 32)) | 0;
  }
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
