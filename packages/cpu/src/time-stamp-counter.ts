/**
 * The time-stamp counter: 64 bits that count with the machine's clock, from wherever the guest's
 * writes to IA32_TIME_STAMP_COUNTER and IA32_TSC_ADJUST have moved them (SDM 3B 18.17).
 *
 * The clock is a number below 2^53; what the guest added is kept as two words, modulo 2^64, so that
 * no reading loses its low bits and a counter moved below zero goes on from the top.
 *
 * Hot: `read`, for each RDTSC.
 */
const wordSize = 2 ** 32;

/** A 64-bit quantity as two int32. */
export interface Words {
  readonly low: number;
  readonly high: number;
}

/** The machine's side of the counter. */
export interface TickSource {
  /** Returns the ticks of the machine's clock, whole and not negative. */
  tsc(): number;
  /** Tells that the guest has moved the counter. */
  tscWritten?(): void;
}

/** The counter of one virtual CPU. */
export class TimeStampCounter {
  /** The low and the high word that `read` has read. */
  low: number = 0;
  high: number = 0;
  readonly #host: TickSource;
  /** What the guest added, unsigned words. */
  #offsetLow = 0;
  #offsetHigh = 0;

  constructor(host: TickSource) {
    this.#host = host;
  }

  /** Reads the counter into `low` and `high`. */
  read(): void {
    const ticks = this.#host.tsc();
    const high = Math.floor(ticks / wordSize);
    const low = ticks - high * wordSize + this.#offsetLow;
    this.low = low | 0;
    this.high = (high + this.#offsetHigh + (low >= wordSize ? 1 : 0)) | 0;
  }

  /** The counter as a number; from 2^53 on the low bits are lost. */
  value(): number {
    this.read();
    return (this.high >>> 0) * wordSize + (this.low >>> 0);
  }

  /** Sets the counter as of the last `read`; returns by how much that moves it. */
  write(low: number, high: number): Words {
    const difference = subtract({ low, high }, this);
    this.move(difference);
    return difference;
  }

  /** Moves the counter. */
  move(difference: Words): void {
    const { low, high } = add(difference, { low: this.#offsetLow, high: this.#offsetHigh });
    this.offset = [low, high];
    this.#host.tscWritten?.();
  }

  /** What the guest added: the low and the high word. */
  get offset(): readonly [low: number, high: number] {
    return [this.#offsetLow | 0, this.#offsetHigh | 0];
  }

  set offset([low, high]: readonly [low: number, high: number]) {
    this.#offsetLow = low >>> 0;
    this.#offsetHigh = high >>> 0;
  }
}

/** The sum of two quantities, modulo 2^64. */
export function add(one: Words, other: Words): Words {
  const low = (one.low >>> 0) + (other.low >>> 0);
  return { low: low | 0, high: (one.high + other.high + (low >= wordSize ? 1 : 0)) | 0 };
}

/** The difference of two quantities, modulo 2^64. */
export function subtract(one: Words, other: Words): Words {
  const borrow = one.low >>> 0 < other.low >>> 0 ? 1 : 0;
  return { low: (one.low - other.low) | 0, high: (one.high - other.high - borrow) | 0 };
}
