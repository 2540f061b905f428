import type { Clock } from '@ringfence/devices';

/** The timers that a clock has to do with. */
export interface Deadlines {
  /** Returns the earliest deadline, or `Infinity`. */
  nextDeadlineNs(): number;
}

/**
 * Returns a clock for devices and for the guest, whose readings never run ahead of what is due:
 * once one shows that a deadline has passed, `due` is called.
 *
 * How many instructions fit into a time is a guess, and on a busy host a wrong one. A guest that
 * reads a counter until a time is over then finds the interrupt of that time delivered.
 *
 * Hot: once for each reading of a counter.
 */
export function punctualClock(clock: Clock, deadlines: Deadlines, due: () => void): Clock {
  return {
    now: () => {
      const nowNs = clock.now();
      if (nowNs >= deadlines.nextDeadlineNs()) due();
      return nowNs;
    },
  };
}
