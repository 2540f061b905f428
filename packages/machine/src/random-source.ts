import type { HostServices } from './options/machine-options.ts';

/** Any odd number; each machine with the instruction clock sees the same random numbers. */
const seed = 0x9e37_79b9;

/** Where RDRAND's bits come from, with what of it a snapshot keeps. */
export interface RandomSource {
  /** Returns 32 random bits, as an int32. */
  next(): number;
  /** What the next bits depend on; any number where they depend on the host. */
  state: number;
}

/**
 * Returns the source of RDRAND's bits: the host's, or with the instruction clock a fixed sequence.
 *
 * The sequence is xorshift32 (Marsaglia, "Xorshift RNGs", 2003): a guest that wants secrets must
 * not run with it.
 */
export function randomSource(kind: 'host' | 'instructions', host: HostServices): RandomSource {
  if (kind === 'host') {
    return {
      state: 0,
      next: () => (host.random32?.() ?? Math.floor(Math.random() * 2 ** 32)) | 0,
    };
  }
  const source = {
    state: seed,
    next: (): number => {
      let { state } = source;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      source.state = state;
      return state;
    },
  };
  return source;
}
