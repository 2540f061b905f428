import type { Clock } from '@ringfence/devices';

const wordSize = 2 ** 32;
const wide = 0xffff_ffff_ffff_ffffn;

/**
 * Ticks of the time-stamp counter per second.
 *
 * One tick is one nanosecond and, with the instruction clock, one instruction: guests that compare
 * time and counter see the same machine in both modes, and no rounding stands between the two.
 */
export const tscHertz = 1_000_000_000;

/** Nanoseconds of one instruction with the instruction clock. */
export const instructionPeriodNs = 1;

/**
 * The time-stamp counter (SDM 3B 17.17): the machine's clock and what the guest added to it.
 *
 * `read` leaves the value in `low` and `high`, so that RDTSC allocates nothing.
 */
export class TimeStampCounter {
  /** The low half of what was read, as int32. */
  low: number = 0;
  /** The high half of what was read, as int32. */
  high: number = 0;
  /** Ticks per second. */
  readonly tscHertz: number = tscHertz;
  readonly #clock: Clock;
  #offsetLow = 0;
  #offsetHigh = 0;

  /** Makes a counter that reads as the clock does. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads the counter into `low` and `high`. */
  read(): void {
    const ns = Math.floor(this.#clock.now());
    const nsHigh = Math.floor(ns / wordSize);
    const low = ns - nsHigh * wordSize + this.#offsetLow;
    this.low = low | 0;
    this.high = (nsHigh + this.#offsetHigh + (low >= wordSize ? 1 : 0)) | 0;
  }

  /** Sets the counter, as a WRMSR to IA32_TIME_STAMP_COUNTER does. */
  write(low: number, high: number): void {
    const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const offset = (value - BigInt(Math.floor(this.#clock.now()))) & wide;
    this.#offsetLow = Number(offset & 0xffff_ffffn);
    this.#offsetHigh = Number(offset >> 32n);
  }

  /** Returns what the counter reads at the clock reading `ns`. */
  tscAt(ns: number): bigint {
    const offset = (BigInt(this.#offsetHigh) << 32n) | BigInt(this.#offsetLow);
    return (BigInt(Math.floor(ns)) + offset) & wide;
  }

  /** Takes the guest's changes back: RESET clears the counter's adjustment. */
  reset(): void {
    this.#offsetLow = 0;
    this.#offsetHigh = 0;
  }
}
