/** A small seeded generator (Marsaglia's xorshift32), so that a failure comes back. */
export class TestRandom {
  #word: number;

  constructor(seed: number) {
    this.#word = (seed * 0x9e37_79b1) | 1;
  }

  below(limit: number): number {
    this.#word ^= this.#word << 13;
    this.#word ^= this.#word >>> 17;
    this.#word ^= this.#word << 5;
    return (this.#word >>> 0) % Math.max(1, Math.floor(limit));
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (const index of words.keys()) words[index] = this.below(2 ** 32);
    return new Uint8Array(words.buffer, 0, length);
  }
}
