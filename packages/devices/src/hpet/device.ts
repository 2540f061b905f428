/** A high precision event timer: a counter, three comparators (IA-PC HPET Specification 1.0a). */
import type {
  AccessSize,
  Clock,
  DeviceState,
  IrqLine,
  MmioDevice,
  Resettable,
  Saveable,
  Timer,
  Timers,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { TickRate } from '../tick-rate.ts';
import * as reg from './registers.ts';
import { hpetShape, powerOnHpet, type HpetState, type HpetTimerState } from './state.ts';

const stateVersion = 1;
const word = 2 ** 32;
const { hpetConfiguration, hpetOffset, hpetTimer } = reg;

/**
 * The shortest time between two interrupts of a periodic timer: 20 microseconds.
 *
 * A guest that asks for a period of a few ticks gets 50,000 interrupts a second.
 */
const leastPeriodNs = 20_000;

/** Past this, a hundred days, clock readings are no whole nanoseconds, and nothing is armed. */
const farthestNs = 2 ** 53;

/** What an HPET is connected to. */
export interface HpetOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Input `index` of the I/O APIC. */
  readonly input: (index: number) => IrqLine;
  /** Interrupt request 0, in legacy replacement mode. */
  readonly timerIrq: IrqLine;
  /** Interrupt request 8, in legacy replacement mode. */
  readonly clockIrq: IrqLine;
  /** Whether requests 0 and 8 are this device's now, and no longer the 8254's and the RTC's. */
  readonly replaced: (on: boolean) => void;
}

/** One HPET, as an MMIO device of 1024 bytes. */
export class Hpet implements MmioDevice, Saveable, Resettable {
  readonly #options: HpetOptions;
  readonly #rate = new TickRate(reg.hpetHertz);
  readonly #timers: readonly Timer[];
  readonly #inputs: readonly IrqLine[];
  #state: HpetState = powerOnHpet();
  /**
   * The clock reading of the current access: with two readings, the counter could pass a comparator
   * between what fires and what is armed.
   */
  #nowNs = 0;
  /** The wire that each timer drives now. */
  readonly #wires: (IrqLine | undefined)[] = [];

  /** Connects an HPET whose counter stands. */
  constructor(options: HpetOptions) {
    this.#options = options;
    this.#inputs = Array.from({ length: 32 }, (_nothing, index) => {
      const exists = ((reg.hpetInputs >>> index) & 1) !== 0;
      return exists ? options.input(index) : { set: () => undefined };
    });
    this.#timers = this.#state.timers.map((_timer, index) =>
      options.timers.create(() => {
        this.#lookAtClock();
        this.#settle();
        this.#arm(index);
      }),
    );
  }

  /** Reads a register, or a part of one. */
  readMmio(address: number, size: AccessSize): number {
    this.#lookAtClock();
    // The counter is read often, and what is due does not show in it.
    if ((address & 0x3f8) !== hpetOffset.counter) {
      this.#settle();
    }
    const whole = address < reg.hpetBytes ? this.#read(address & 0x3fc) : 0;
    return size === 4 ? whole : (whole >>> (8 * (address & 3))) & (2 ** (8 * size) - 1);
  }

  /** Writes half a register; narrower writes do nothing (section 2.3.2). */
  writeMmio(address: number, size: AccessSize, value: number): void {
    if (size !== 4 || address >= reg.hpetBytes) {
      return;
    }
    this.#lookAtClock();
    this.#settle();
    this.#write(address & 0x3f8, (address & 4) >> 2, value >>> 0);
    this.#connect();
    this.#schedule();
  }

  /** Stops the counter and the timers. */
  reset(): void {
    this.#lookAtClock();
    this.#state = powerOnHpet();
    this.#connect();
    this.#schedule();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('hpet', stateVersion, hpetShape, this.#state);
  }

  /** Takes over saved registers, drives the wires and arms the timers. */
  restore(state: unknown): void {
    this.#lookAtClock();
    this.#state = openState(state, 'hpet', stateVersion, hpetShape);
    this.#connect();
    for (const [index, timer] of this.#state.timers.entries()) {
      this.#wires[index]?.set(timer.high);
      this.#arm(index);
    }
  }

  #lookAtClock(): void {
    this.#nowNs = this.#options.clock.now();
  }

  get #runs(): boolean {
    return (this.#state.config & hpetConfiguration.enabled) !== 0;
  }

  /** Ticks since the counter was set. */
  #ticks(): number {
    const { sinceNs } = this.#state;
    const now = this.#rate.ticksAt(this.#nowNs);
    return this.#runs ? Math.max(0, now - this.#rate.ticksAt(sinceNs)) : 0;
  }

  #counter(): [low: number, high: number] {
    const [low = 0, high = 0] = this.#state.counter;
    return add(low, high, this.#ticks());
  }

  #read(offset: number): number {
    const { config, status, timers } = this.#state;
    const half = (offset & 4) >> 2;
    switch (offset & 0x3f8) {
      case hpetOffset.capabilities:
        return half === 0 ? reg.hpetCapabilities : reg.hpetPeriodFs;
      case hpetOffset.configuration:
        return half === 0 ? config : 0;
      case hpetOffset.status:
        this.#settle();
        return half === 0 ? status : 0;
      case hpetOffset.counter:
        return this.#counter()[half] ?? 0;
      default:
        break;
    }
    const timer = timers[(offset - hpetOffset.timers) >> 5];
    if (offset < hpetOffset.timers || timer === undefined) {
      return 0;
    }
    this.#settle();
    switch (offset & 0x18) {
      case 0x00:
        return half === 0
          ? timer.config | hpetTimer.canBePeriodic | hpetTimer.is64Bit
          : reg.hpetInputs;
      case 0x08:
        return timer.comparator[half] ?? 0;
      default:
        return 0;
    }
  }

  #write(offset: number, half: number, value: number): void {
    const state = this.#state;
    switch (offset) {
      case hpetOffset.configuration:
        if (half === 0) {
          this.#writeConfiguration(value & 3);
        }
        return;
      case hpetOffset.status:
        state.status &= half === 0 ? ~value : -1;
        return;
      case hpetOffset.counter:
        // Hardware wants the counter stopped for this; while it runs the other half goes on.
        state.counter = this.#counter();
        state.counter[half] = value;
        state.sinceNs = this.#nowNs;
        return;
      default:
        break;
    }
    const timer = state.timers[(offset - hpetOffset.timers) >> 5];
    if (offset < hpetOffset.timers || timer === undefined) {
      return;
    }
    if ((offset & 0x18) === 0 && half === 0) {
      timer.config = value & hpetTimer.writable;
      if ((timer.config & hpetTimer.mode32) !== 0) {
        timer.comparator[1] = 0;
        timer.period[1] = 0;
      }
    } else if ((offset & 0x18) === 0x08) {
      this.#writeComparator(timer, half, value);
    }
  }

  #writeConfiguration(value: number): void {
    const state = this.#state;
    state.counter = this.#counter();
    state.sinceNs = this.#nowNs;
    state.config = value;
  }

  #writeComparator(timer: HpetTimerState, half: number, value: number): void {
    const is32 = (timer.config & hpetTimer.mode32) !== 0;
    if (is32 && half === 1) {
      return;
    }
    const periodic = (timer.config & hpetTimer.periodic) !== 0;
    if (!periodic || (timer.config & hpetTimer.setValue) !== 0) {
      timer.comparator[half] = value;
    }
    if (periodic) {
      timer.period[half] = value;
    }
    // A 64-bit write comes as two halves, and the bit stands for both.
    if (is32 || half === 1) {
      timer.config &= ~hpetTimer.setValue;
    }
  }

  /** Fires what is due, before anything is read or changed. */
  #settle(): void {
    for (const [index, timer] of this.#state.timers.entries()) {
      if (timer.deadlineNs >= 0 && timer.deadlineNs <= this.#nowNs) {
        this.#fire(index, timer);
      }
    }
  }

  #fire(index: number, timer: HpetTimerState): void {
    const is32 = (timer.config & hpetTimer.mode32) !== 0;
    if ((timer.config & hpetTimer.periodic) !== 0) {
      const [low, high] = this.#counter();
      const [periodLow = 0, periodHigh = 0] = timer.period;
      const [oldLow = 0, oldHigh = 0] = timer.comparator;
      const period = periodHigh * word + periodLow;
      const late = difference(low, high, oldLow, oldHigh, is32);
      const steps = period === 0 ? 0 : Math.floor(late / period) + 1;
      const next = add(oldLow, oldHigh, Math.min(steps * period, farthestNs));
      timer.comparator = [next[0], is32 ? 0 : next[1]];
    }
    const level = (timer.config & hpetTimer.level) !== 0;
    const wire = this.#wires[index];
    if (level) {
      this.#state.status |= 1 << index;
    } else {
      // A pulse: it lasts until the next one, so that an 8259 finds it when it is asked.
      wire?.set(false);
    }
    timer.high = true;
    wire?.set(true);
    timer.deadlineNs = this.#deadline(timer);
  }

  /** Connects each timer to its wire. */
  #connect(): void {
    const { config, status, timers } = this.#state;
    const legacy = (config & hpetConfiguration.legacy) !== 0;
    this.#options.replaced(legacy);
    for (const [index, timer] of timers.entries()) {
      const enabled = (timer.config & hpetTimer.enabled) !== 0 && this.#runs;
      const wire = enabled ? this.#wireOf(index, timer, legacy) : undefined;
      const isLevel = (timer.config & hpetTimer.level) !== 0;
      timer.high = enabled && (isLevel ? (status & (1 << index)) !== 0 : timer.high);
      if (wire !== this.#wires[index]) {
        this.#wires[index]?.set(false);
        this.#wires[index] = wire;
      }
      wire?.set(timer.high);
    }
  }

  /** Arms the timers from their comparators. */
  #schedule(): void {
    for (const [index, timer] of this.#state.timers.entries()) {
      const enabled = (timer.config & hpetTimer.enabled) !== 0 && this.#runs;
      timer.deadlineNs = enabled ? this.#deadline(timer) : -1;
      this.#arm(index);
    }
  }

  #wireOf(index: number, timer: HpetTimerState, legacy: boolean): IrqLine | undefined {
    if (legacy && index < 2) {
      return index === 0 ? this.#options.timerIrq : this.#options.clockIrq;
    }
    return this.#inputs[(timer.config >> 9) & 31];
  }

  /**
   * Returns the clock reading at which the counter comes to the comparator, or -1 for never.
   *
   * Where it stands there already, it comes back after a whole turn.
   */
  #deadline(timer: HpetTimerState): number {
    const [low, high] = this.#counter();
    const [atLow = 0, atHigh = 0] = timer.comparator;
    const [periodLow = 0, periodHigh = 0] = timer.period;
    const is32 = (timer.config & hpetTimer.mode32) !== 0;
    const ahead = difference(atLow, atHigh, low, high, is32);
    const ticks = ahead === 0 ? (is32 ? word : word * word) : ahead;
    if (ticks * (1e9 / reg.hpetHertz) + this.#nowNs > farthestNs) {
      return -1;
    }
    const at = this.#rate.timeOf(this.#rate.ticksAt(this.#nowNs) + ticks);
    const periodNs = (periodHigh * word + periodLow) * (1e9 / reg.hpetHertz);
    const isFast = (timer.config & hpetTimer.periodic) !== 0 && periodNs < leastPeriodNs;
    return isFast ? Math.max(at, this.#nowNs + leastPeriodNs) : at;
  }

  #arm(index: number): void {
    const deadlineNs = this.#state.timers[index]?.deadlineNs ?? -1;
    if (deadlineNs < 0) {
      this.#timers[index]?.cancel();
    } else {
      this.#timers[index]?.arm(deadlineNs);
    }
  }
}

/** Adds a whole number below 2^53 to a 64-bit value in halves. */
function add(low: number, high: number, amount: number): [low: number, high: number] {
  const sum = low + (amount % word);
  const carry = Math.floor(amount / word) + Math.floor(sum / word);
  return [sum % word, (high + carry) % word];
}

/** Returns how far `a` is ahead of `b`, modulo 2^32 or 2^64. */
function difference(
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
  is32: boolean,
): number {
  const low = aLow - bLow;
  if (is32) {
    return low >>> 0;
  }
  const high = (aHigh - bHigh - (low < 0 ? 1 : 0)) >>> 0;
  return high * word + (low >>> 0);
}
