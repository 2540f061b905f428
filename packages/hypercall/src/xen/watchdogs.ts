/** Watchdogs of a guest: one that is not set again in time stops it (public/sched.h). */
import { XenError } from './constants.ts';
import type { XenTimers } from './interfaces.ts';

/** Watchdogs that a guest can have (NR_DOMAIN_WATCHDOG_TIMERS). */
export const watchdogCount = 2;
const nsPerSecond = 1e9;

/** The watchdogs of one guest. */
export class Watchdogs {
  readonly #timers: readonly ReturnType<XenTimers['create']>[];
  /** Times of the machine's clock at which each runs out; 0 for one that is not in use. */
  readonly #deadlines: number[] = [];

  /** Calls `expired` when one runs out. */
  constructor(timers: XenTimers, expired: () => void) {
    this.#timers = Array.from({ length: watchdogCount }, (_nothing, index) => {
      return timers.create(() => {
        this.#deadlines[index] = 0;
        expired();
      });
    });
    this.reset();
  }

  /** Stops all. */
  reset(): void {
    this.restore([]);
  }

  /** Makes one for `id` 0 and returns its number, sets one again, or stops it with `seconds` 0. */
  set(id: number, seconds: number, nowNs: number): number {
    if (id > watchdogCount || (id === 0 && seconds === 0)) {
      return -XenError.invalid;
    }
    const index = id === 0 ? this.#deadlines.indexOf(0) : id - 1;
    if (index < 0) {
      return -XenError.noSpace;
    }
    if (id !== 0 && this.#deadlines[index] === 0) {
      return -XenError.invalid;
    }
    this.#put(index, seconds === 0 ? 0 : nowNs + seconds * nsPerSecond);
    return id === 0 ? index + 1 : 0;
  }

  /** The deadlines, for savers. */
  save(): readonly number[] {
    return [...this.#deadlines];
  }

  /** Takes over what `save` returned. */
  restore(deadlines: readonly number[]): void {
    for (let index = 0; index < watchdogCount; index += 1) {
      this.#put(index, deadlines[index] ?? 0);
    }
  }

  #put(index: number, deadlineNs: number): void {
    this.#deadlines[index] = deadlineNs;
    if (deadlineNs === 0) {
      this.#timers[index]?.cancel();
    } else {
      this.#timers[index]?.arm(deadlineNs);
    }
  }
}
