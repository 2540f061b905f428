/** The timer of a local APIC: one-shot, periodic, or at a reading of the TSC (SDM 3A, 10.5.4). */
import type { Clock, Timer, Timers } from '../interfaces.ts';
import { nanosecondsPerSecond } from '../tick-rate.ts';
import { timerMode } from './registers.ts';
import { powerOnApicTimer, type ApicTimerState } from './state.ts';

/** The processor's time-stamp counter, as the TSC-deadline mode compares it. */
export interface TscSource {
  /** Ticks per second. */
  readonly hertz: number;
  /** Returns the counter as the guest reads it. */
  now(): number;
}

/** What a timer is connected to. */
export interface ApicTimerOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The frequency that the divide register divides. */
  readonly hertz: number;
  readonly tsc?: TscSource;
  /** The timer has expired. */
  readonly expire: () => void;
}

/**
 * The shortest time between two expiries of a periodic timer: 20 microseconds.
 *
 * A guest that asks for a period of a few nanoseconds gets 50,000 interrupts a second.
 */
export const leastPeriodNs = 20_000;

/** The timer of one local APIC. */
export class ApicTimer {
  /** The timer's registers; replaced as a whole by a restore, after which `arm` is due. */
  state: ApicTimerState = powerOnApicTimer();
  readonly #options: ApicTimerOptions;
  readonly #timer: Timer;
  /** The clock reading for which the timer is armed. */
  #deadlineNs = Infinity;

  /** Makes a timer that stands. */
  constructor(options: ApicTimerOptions) {
    this.#options = options;
    this.#timer = options.timers.create(() => {
      this.#due();
    });
  }

  /** Sets the mode of the timer's LVT entry; entering or leaving TSC-deadline mode disarms it. */
  setMode(mode: number): void {
    const { state } = this;
    if (mode === state.mode) {
      return;
    }
    const isDeadline = mode === timerMode.tscDeadline;
    if (isDeadline || state.mode === timerMode.tscDeadline) {
      this.state = { ...powerOnApicTimer(), divide: state.divide };
    } else {
      // The count goes on from where it is, in its last period (10.5.4).
      state.startNs += state.delivered * state.initialCount * this.#tickNs();
      state.delivered = 0;
    }
    this.state.mode = mode;
    this.arm();
  }

  /** Writes the initial count, which starts the timer; 0 stops it. */
  writeInitialCount(count: number): void {
    const { state } = this;
    if (state.mode === timerMode.tscDeadline) {
      return;
    }
    state.initialCount = count >>> 0;
    state.startNs = this.#options.clock.now();
    state.running = state.initialCount !== 0;
    state.delivered = 0;
    this.arm();
  }

  /** Writes the divide register; the count that is left stays. */
  writeDivide(value: number): void {
    const { state } = this;
    const left = this.currentCount();
    state.divide = value & 0x0b;
    if (state.running) {
      const gone = (state.initialCount - left) * this.#tickNs();
      state.startNs = this.#options.clock.now() - gone;
      state.delivered = 0;
    }
    this.arm();
  }

  /** Returns the current count. */
  currentCount(): number {
    const { state } = this;
    if (!state.running) {
      return 0;
    }
    const ticks = Math.floor((this.#options.clock.now() - state.startNs) / this.#tickNs());
    if (state.mode === timerMode.periodic) {
      return state.initialCount - (ticks % state.initialCount);
    }
    return Math.max(0, state.initialCount - ticks);
  }

  /** Returns IA32_TSC_DEADLINE, its two halves. */
  get deadline(): readonly number[] {
    return this.state.deadline;
  }

  /** Writes IA32_TSC_DEADLINE; in another mode that does nothing. */
  writeDeadline(low: number, high: number): void {
    if (this.state.mode === timerMode.tscDeadline) {
      this.state.deadline = [low >>> 0, high >>> 0];
      this.arm();
    }
  }

  /** Arms the timer for its next expiry, after the TSC or the state have changed. */
  arm(): void {
    const { state } = this;
    const { clock, tsc } = this.#options;
    const deadline = this.#deadlineTicks();
    let next = Infinity;
    if (state.mode === timerMode.tscDeadline) {
      if (deadline !== 0 && tsc !== undefined) {
        next = clock.now() + ((deadline - tsc.now()) * nanosecondsPerSecond) / tsc.hertz;
      }
    } else if (state.running) {
      const periodNs = state.initialCount * this.#tickNs();
      next = state.startNs + (state.delivered + 1) * periodNs;
      if (state.mode === timerMode.periodic && periodNs < leastPeriodNs && state.delivered > 0) {
        next = Math.max(next, clock.now() + leastPeriodNs);
      }
    }
    this.#deadlineNs = next;
    if (next === Infinity) {
      this.#timer.cancel();
    } else {
      this.#timer.arm(next);
    }
  }

  #due(): void {
    const { state } = this;
    const { clock, tsc } = this.#options;
    const nowNs = clock.now();
    if (nowNs < this.#deadlineNs) {
      this.#timer.arm(this.#deadlineNs);
      return;
    }
    if (state.mode === timerMode.tscDeadline) {
      if (tsc === undefined || tsc.now() < this.#deadlineTicks()) {
        this.#deadlineNs = nowNs + 1;
        this.#timer.arm(this.#deadlineNs);
        return;
      }
      state.deadline = [0, 0];
    } else if (state.mode === timerMode.periodic && state.running) {
      const periodNs = state.initialCount * this.#tickNs();
      const periods = Math.floor((nowNs - state.startNs) / periodNs);
      state.delivered = Math.max(state.delivered + 1, periods);
    } else {
      state.running = false;
    }
    this.arm();
    this.#options.expire();
  }

  #deadlineTicks(): number {
    const [low = 0, high = 0] = this.state.deadline;
    return high * 2 ** 32 + low;
  }

  /** Nanoseconds of one count: the divide register is 2, 4 ... 128, and 1 for the last value. */
  #tickNs(): number {
    const { divide } = this.state;
    const code = (divide & 3) | ((divide >> 1) & 4);
    return (2 ** ((code + 1) & 7) * nanosecondsPerSecond) / this.#options.hertz;
  }
}
