import { finite, flag, integer, list, record, type Shape } from '../state-shape.ts';
import { hpetTimer, hpetTimers } from './registers.ts';

/** One timer of an HPET; 64-bit values are two halves, low first. */
export interface HpetTimerState {
  /** The bits of the configuration that can be written. */
  config: number;
  /** The value at which the timer fires next. */
  comparator: number[];
  /** The period in periodic mode. */
  period: number[];
  /** Clock reading at which it fires, or -1. */
  deadlineNs: number;
  /** The level of its wire. */
  high: boolean;
}

/** The registers of an HPET. */
export interface HpetState {
  config: number;
  status: number;
  /** The main counter at `sinceNs`, two halves. */
  counter: number[];
  /** Clock reading at which the counter was `counter`, if it counts. */
  sinceNs: number;
  timers: HpetTimerState[];
}

const halves = list(integer(0, 0xffff_ffff), 2);

/** The shape of the saved registers. */
export const hpetShape: Shape<HpetState> = record<HpetState>({
  config: integer(0, 3),
  status: integer(0, 2 ** hpetTimers - 1),
  counter: halves,
  sinceNs: finite(),
  timers: list(
    record<HpetTimerState>({
      config: integer(0, hpetTimer.writable),
      comparator: halves,
      period: halves,
      deadlineNs: finite(),
      high: flag(),
    }),
    hpetTimers,
  ),
});

/** Returns the registers after reset. */
export function powerOnHpet(): HpetState {
  return {
    config: 0,
    status: 0,
    counter: [0, 0],
    sinceNs: 0,
    timers: Array.from({ length: hpetTimers }, () => ({
      config: 0,
      comparator: [0xffff_ffff, 0xffff_ffff],
      period: [0, 0],
      deadlineNs: -1,
      high: false,
    })),
  };
}
