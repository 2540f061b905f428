/** Pseudo-random numbers (xorshift32, Marsaglia 2003), the same on any machine. */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Spread neighbouring seeds apart; zero would stay zero.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0 || 0x6d2b79f5;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** 32 random bits as an unsigned number. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** A number from 0 up to, not including, `bound`. */
  below(bound: number): number {
    return this.next() % bound;
  }

  /** A number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** One of the values. */
  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0];
  }

  /** 64 random bits. */
  next64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}
