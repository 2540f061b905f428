/** Nanoseconds in a second. */
export const nanosecondsPerSecond = 1e9;

/**
 * The frequency of an oscillator, and the exchange between its ticks and the clock's nanoseconds.
 *
 * Doubles carry both exactly enough: after a hundred days the error is far below one tick. The two
 * directions agree: `ticksAt(timeOf(n))` is `n`, which is what timers need so as not to fire a tick
 * early.
 */
export class TickRate {
  /** Ticks per second. */
  readonly hertz: number;

  /** Makes the rate of an oscillator of `hertz`. */
  constructor(hertz: number) {
    this.hertz = hertz;
  }

  /** Returns the number of whole ticks that passed from clock reading 0 to `ns`. */
  ticksAt(ns: number): number {
    return Math.floor((ns * this.hertz) / nanosecondsPerSecond);
  }

  /** Returns the first clock reading, in whole nanoseconds, at which `ticks` ticks have passed. */
  timeOf(ticks: number): number {
    let ns = Math.ceil((ticks * nanosecondsPerSecond) / this.hertz);
    // Rounding is off by a nanosecond or two at most; past 2^53 there are no single nanoseconds
    // left.
    while (this.ticksAt(ns) < ticks && ns < Number.MAX_SAFE_INTEGER) {
      ns += 1;
    }
    return ns;
  }
}
