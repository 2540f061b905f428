/** One counter of the 8254 (Intel data sheet 231164): what its port and its gate do to it. */
import { access, pitHertz, statusNullCount, statusOut } from './registers.ts';
import { powerOnPitCounter, type PitCounterState } from './state.ts';
import * as wave from './waveform.ts';

/**
 * Events of a period shorter than this (10 microseconds) are joined.
 *
 * No guest takes interrupts that fast, and one that asks for 600,000 a second gets 100,000.
 */
export const leastEventTicks = 12;

/**
 * A counter without a clock of its own: each method is told the current tick.
 *
 * A count that is written, or triggered, at tick t is loaded by the pulse t + 1.
 */
export class PitCounter {
  /** The counter's state, replaced as a whole by a restore. */
  state: PitCounterState;

  /** Makes an unprogrammed counter whose GATE pin has the level `gate`. */
  constructor(gate: boolean) {
    this.state = powerOnPitCounter(gate);
  }

  /** Takes a control word for this counter that is neither a latch nor a read-back command. */
  program(control: number, tick: number): void {
    const { gate } = this.state;
    const mode = (control >> 1) & 7;
    this.state = {
      ...powerOnPitCounter(gate),
      frozen: this.#count(tick),
      mode: mode > 5 ? mode - 4 : mode, // Bit 3 is ignored for modes 2 and 3.
      access: (control >> 4) & 3,
      bcd: (control & 1) !== 0,
      // The count registers are cleared, and a count of zero is the largest.
      reload: wave.modulus((control & 1) !== 0),
    };
  }

  /** Drives the GATE pin. */
  setGate(level: boolean, tick: number): void {
    const { state } = this;
    if (level === state.gate) {
      return;
    }
    this.settle(tick);
    state.gate = level;
    if (wave.isTriggered(state.mode) || wave.isPeriodic(state.mode)) {
      if (level && state.mode === 1 && state.loaded) {
        state.reloadTick = tick + 1; // A pulse that is started over stays low.
      } else if (level) {
        this.#load(tick + 1);
      } else if (wave.isPeriodic(state.mode)) {
        this.#stop(tick);
      }
    } else if (state.loaded) {
      if (level) {
        state.loadTick = tick - (state.pausedElapsed ?? 0);
        state.pausedElapsed = null;
      } else {
        state.pausedElapsed = Math.max(0, tick - state.loadTick);
      }
    }
  }

  /** Writes a byte to the counter's port. */
  write(value: number, tick: number): void {
    const { state } = this;
    if (state.access === access.low) {
      this.#writeCount(value, tick);
    } else if (state.access === access.high) {
      this.#writeCount(value << 8, tick);
    } else if (state.writtenLow === null) {
      state.writtenLow = value;
      if (state.mode === 0) {
        this.#stop(tick); // The first byte stops the count and takes OUT low.
      }
    } else {
      const count = state.writtenLow | (value << 8);
      state.writtenLow = null;
      this.#writeCount(count, tick);
    }
  }

  /** Reads the counter's port: a latched status, a latched count, or the count as it is. */
  read(tick: number): number {
    const { state } = this;
    if (state.statusLatch !== null) {
      const status = state.statusLatch;
      state.statusLatch = null;
      return status;
    }
    const count = state.countLatch ?? this.#encoded(tick);
    const high = state.access === access.high || (state.access === access.both && state.readsHigh);
    if (state.access === access.both) {
      state.readsHigh = !state.readsHigh;
    }
    if (high || state.access !== access.both) {
      state.countLatch = null;
    }
    return high ? count >> 8 : count & 0xff;
  }

  /** Latches the count, unless an earlier one still waits to be read. */
  latchCount(tick: number): void {
    this.state.countLatch ??= this.#encoded(tick);
  }

  /** Latches the status, unless an earlier one still waits to be read. */
  latchStatus(tick: number): void {
    const { state } = this;
    const nullCount = !state.loaded || state.reloadTick !== null || tick < state.loadTick;
    state.statusLatch ??=
      (this.out(tick) ? statusOut : 0) |
      (nullCount ? statusNullCount : 0) |
      (state.access << 4) |
      (state.mode << 1) |
      (state.bcd ? 1 : 0);
  }

  /** Returns the frequency of OUT where it is a wave that goes on by itself, else 0. */
  hertz(tick: number): number {
    this.settle(tick);
    const { loaded, mode, reload } = this.state;
    return loaded && wave.isPeriodic(mode) && reload > 1 ? pitHertz / reload : 0;
  }

  /** Returns the level of OUT. */
  out(tick: number): boolean {
    this.settle(tick);
    const { state } = this;
    return state.loaded
      ? wave.outAt(state.mode, state.initial, this.#elapsed(tick))
      : state.mode !== 0;
  }

  /**
   * Returns how many rising edges OUT has made between two ticks within which nobody touched the
   * counter.
   */
  risesBetween(from: number, to: number): number {
    let rises = 0;
    let start = from;
    const { state } = this;
    if (state.reloadTick !== null && state.reloadTick <= to) {
      start = Math.max(from, state.reloadTick);
      rises = this.#rises(start) - this.#rises(from);
      this.settle(to);
    }
    return rises + this.#rises(to) - this.#rises(start);
  }

  /**
   * Returns the tick after `tick` at which OUT next changes, or in mode 2 next rises, or
   * `Infinity`.
   */
  nextEvent(tick: number): number {
    this.settle(tick);
    const { state } = this;
    if (!state.loaded || state.pausedElapsed !== null) {
      return Infinity;
    }
    const elapsed = this.#elapsed(tick);
    const change = wave.nextChange(state.mode, state.initial, elapsed);
    // The low pulse of mode 2 is one tick long: its end alone is worth an event.
    const falls = state.mode === 2 && (change + 1) % state.initial === 0;
    const next = state.loadTick + change + (falls ? 1 : 0);
    const isFast = wave.isPeriodic(state.mode) && state.initial < leastEventTicks;
    return isFast ? Math.max(next, tick + leastEventTicks) : next;
  }

  /** Lets a count that waited for its clock pulse take effect, once that has come. */
  settle(tick: number): void {
    const { state } = this;
    if (state.reloadTick !== null && tick >= state.reloadTick) {
      const startsHigh =
        state.mode !== 3 ||
        wave.outAt(state.mode, state.initial, state.reloadTick - state.loadTick);
      state.loadTick = state.reloadTick - (startsHigh ? 0 : wave.highTicks(state.reload));
      state.initial = state.reload;
      state.reloadTick = null;
    }
  }

  #writeCount(value: number, tick: number): void {
    const { state } = this;
    this.settle(tick);
    const size = wave.modulus(state.bcd);
    const count = (state.bcd ? fromBcd(value) : value) % size;
    state.reload = count === 0 ? size : count;
    if (wave.isTriggered(state.mode)) {
      return; // It waits for the gate.
    }
    if (!wave.isPeriodic(state.mode)) {
      this.#load(tick + 1);
      state.pausedElapsed = state.gate ? null : 0;
    } else if (!state.loaded || tick < state.loadTick) {
      if (state.gate) {
        this.#load(tick + 1);
      }
    } else {
      const elapsed = tick - state.loadTick;
      const phase = elapsed % state.initial;
      const half = wave.highTicks(state.initial);
      const end = state.mode === 3 && phase < half ? half : state.initial;
      state.reloadTick = tick + end - phase;
    }
  }

  #load(tick: number): void {
    const { state } = this;
    state.loaded = true;
    state.loadTick = tick;
    state.initial = state.reload;
    state.reloadTick = null;
  }

  #stop(tick: number): void {
    const { state } = this;
    state.frozen = this.#count(tick);
    state.loaded = false;
    state.reloadTick = null;
    state.pausedElapsed = null;
  }

  #elapsed(tick: number): number {
    return this.state.pausedElapsed ?? tick - this.state.loadTick;
  }

  #rises(tick: number): number {
    const { state } = this;
    return state.loaded ? wave.risesUntil(state.mode, state.initial, this.#elapsed(tick)) : 0;
  }

  #count(tick: number): number {
    this.settle(tick);
    const { state } = this;
    if (!state.loaded) {
      return state.frozen;
    }
    const elapsed = Math.max(0, this.#elapsed(tick));
    return wave.countAt(state.mode, state.initial, elapsed, state.bcd);
  }

  #encoded(tick: number): number {
    const count = this.#count(tick);
    return this.state.bcd ? toBcd(count) : count;
  }
}

/** Returns the number that four decimal digits stand for; digits above 9 count as what they are. */
export function fromBcd(digits: number): number {
  return (
    (digits >> 12) * 1000 + ((digits >> 8) & 15) * 100 + ((digits >> 4) & 15) * 10 + (digits & 15)
  );
}

/** Returns the lowest four decimal digits of a number, four bits each. */
export function toBcd(value: number): number {
  const digit = (place: number): number => Math.floor(value / place) % 10;
  return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
}
