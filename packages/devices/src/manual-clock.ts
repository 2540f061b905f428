import type { Clock, Timer, Timers } from './interfaces.ts';

/**
 * How many timers may fire within one `advance`: a timer that arms itself for now is a bug of its
 * owner.
 */
export const maximumFirings = 10_000_000;

/**
 * A clock that moves when it is told to, with the timers that hang on it.
 *
 * It drives devices without a machine: in tests, and in programs that use one device alone.
 * Timers fire in the order of their deadlines, and those of one deadline in the order of creation.
 */
export class ManualClock implements Clock, Timers {
  #nowNs = 0;
  readonly #timers: ManualTimer[] = [];

  /** Returns nanoseconds since the clock was made. */
  now(): number {
    return this.#nowNs;
  }

  /** Creates a timer, not armed. */
  create(callback: () => void): Timer {
    const timer = new ManualTimer(callback);
    this.#timers.push(timer);
    return timer;
  }

  /** Returns the earliest deadline of all armed timers, or `Infinity`. */
  nextDeadlineNs(): number {
    return this.#timers.reduce((least, timer) => Math.min(least, timer.deadlineNs), Infinity);
  }

  /** Moves on by `byNs` nanoseconds; each timer on the way fires at its own deadline. */
  advance(byNs: number): void {
    const targetNs = this.#nowNs + byNs;
    for (let firings = 0; firings < maximumFirings; firings += 1) {
      const deadlineNs = this.nextDeadlineNs();
      const due = this.#timers.find((timer) => timer.deadlineNs === deadlineNs);
      if (due === undefined || deadlineNs > targetNs) {
        this.#nowNs = targetNs;
        return;
      }
      this.#nowNs = Math.max(this.#nowNs, deadlineNs);
      due.deadlineNs = Infinity;
      due.callback();
    }
    throw new Error(`more than ${String(maximumFirings)} timers fired within one advance`);
  }
}

class ManualTimer implements Timer {
  readonly callback: () => void;
  deadlineNs = Infinity;

  constructor(callback: () => void) {
    this.callback = callback;
  }

  arm(deadlineNs: number): void {
    this.deadlineNs = deadlineNs;
  }

  cancel(): void {
    this.deadlineNs = Infinity;
  }
}
