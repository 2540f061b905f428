import type { Clock } from '@ringfence/devices';

/** The machine's clock, as the run loop drives it. */
export interface MachineClock extends Clock {
  /** Guest time goes on (`true`) or stands still. */
  setRunning(running: boolean): void;
  /** Returns how many instructions bring the clock to `deadlineNs`, at least 1, at most `most`. */
  budgetFor(deadlineNs: number, most: number): number;
  /**
   * Moves the clock to `deadlineNs` while the processor waits, if the clock is one that can be
   * moved.
   *
   * Returns false for a clock that only the host's time moves.
   */
  skipTo(deadlineNs: number): boolean;
  /** Sets the clock to the reading of a snapshot; the CPU must have been restored before. */
  restore(ns: number): void;
  /** Takes note that `instructions` took `ns` of host time, to guess how many fit into a time. */
  learn(instructions: number, ns: number): void;
}

const nsPerMs = 1e6;

/** A clock that follows the host's monotonic clock while the machine runs. */
export class HostClock implements MachineClock {
  readonly #monotonicMs: () => number;
  /** The reading when the clock was last stopped. */
  #baseNs = 0;
  #startedMs: number | undefined;
  #lastNs = 0;
  /** Instructions per nanosecond, from the last slices. */
  #speed = 0.05;

  /** Makes a clock at zero that stands still. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Returns nanoseconds for which the machine has been running. */
  now(): number {
    if (this.#startedMs === undefined) {
      return this.#baseNs;
    }
    const nowNs = this.#baseNs + (this.#monotonicMs() - this.#startedMs) * nsPerMs;
    // A host clock that goes back, or says nothing, must not take the guest with it.
    this.#lastNs = nowNs > this.#lastNs ? nowNs : this.#lastNs;
    return this.#lastNs;
  }

  setRunning(running: boolean): void {
    if (running !== (this.#startedMs !== undefined)) {
      this.#baseNs = this.now();
      this.#lastNs = this.#baseNs;
      this.#startedMs = running ? this.#monotonicMs() : undefined;
    }
  }

  budgetFor(deadlineNs: number, most: number): number {
    const instructions = (deadlineNs - this.now()) * this.#speed;
    return Math.max(1000, Math.min(most, Math.floor(instructions)));
  }

  skipTo(): boolean {
    return false;
  }

  restore(ns: number): void {
    this.#baseNs = ns;
    this.#lastNs = ns;
    this.#startedMs = this.#startedMs === undefined ? undefined : this.#monotonicMs();
  }

  learn(instructions: number, ns: number): void {
    if (instructions > 10_000 && ns > 0) {
      this.#speed = this.#speed * 0.75 + (instructions / ns) * 0.25;
    }
  }
}

/** A clock that counts retired instructions: the same inputs give the same run. */
export class InstructionClock implements MachineClock {
  readonly #retired: () => number;
  readonly #periodNs: number;
  /** Time that passed while no instruction did. */
  #skippedNs = 0;

  /** Makes a clock over a count of instructions; each takes `periodNs`. */
  constructor(retired: () => number, periodNs: number) {
    this.#retired = retired;
    this.#periodNs = periodNs;
  }

  /** Returns the time of the retired instructions and of the waiting between them. */
  now(): number {
    return this.#skippedNs + this.#retired() * this.#periodNs;
  }

  setRunning(): void {
    // Without instructions this clock stands still by itself.
  }

  budgetFor(deadlineNs: number, most: number): number {
    const instructions = Math.ceil((deadlineNs - this.now()) / this.#periodNs);
    return Math.max(1, Math.min(most, instructions));
  }

  skipTo(deadlineNs: number): boolean {
    this.#skippedNs += Math.max(0, deadlineNs - this.now());
    return true;
  }

  restore(ns: number): void {
    this.#skippedNs = ns - this.#retired() * this.#periodNs;
  }

  learn(): void {
    // The relation of instructions and time is fixed.
  }
}
