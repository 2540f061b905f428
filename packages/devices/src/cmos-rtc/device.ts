/** The real-time clock and CMOS RAM of a PC (Motorola MC146818A data sheet). */
import type {
  AccessSize,
  Clock,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  PortWindow,
  Resettable,
  Saveable,
  Timer,
  Timers,
  WallClock,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { TickRate } from '../tick-rate.ts';
import * as calendar from './calendar.ts';
import * as reg from './registers.ts';
import { powerOnRtc, rtcShape, type RtcState } from './state.ts';

const stateVersion = 1;
const secondMs = 1000;
const { registerB, registerC, rtcRegister } = reg;

/** What the clock is connected to. */
export interface CmosRtcOptions {
  /** The machine's clock. */
  readonly clock: Clock;
  /** The machine's timers. */
  readonly timers: Timers;
  /** The time of day, read once, when the device is made. */
  readonly wallClock: WallClock;
  /** Interrupt request 8. */
  readonly irq: IrqLine;
  /** High while bit 7 of port 0x70 masks NMI. */
  readonly nmiMask?: IrqLine;
  /** Contents of the RAM by index, such as `memorySizeBytes` gives. */
  readonly bytes?: Readonly<Record<number, number>>;
}

/** A battery-backed clock with alarm, and 128 bytes. */
export class CmosRtc implements FixedPortDevice, Saveable, Resettable {
  /** The index and data ports. */
  readonly ports: readonly PortWindow[] = [{ first: reg.rtcPort.index, count: 2 }];
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #nmiMask: IrqLine | undefined;
  readonly #timer: Timer;
  readonly #rate = new TickRate(reg.rtcHertz);
  #state: RtcState;

  /** Makes a clock that runs. */
  constructor(options: CmosRtcOptions) {
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#nmiMask = options.nmiMask;
    this.#timer = options.timers.create(() => {
      this.#update();
    });
    this.#state = powerOnRtc(options.wallClock.unixTimeMs(), options.clock.now());
    for (const [index, value] of Object.entries(options.bytes ?? {})) {
      this.setByte(Number(index), value);
    }
  }

  /**
   * Returns a byte of RAM, as firmware would read it; the clock's registers are read without
   * effects.
   */
  byte(index: number): number {
    return this.#readRegister(index & 0x7f);
  }

  /** Sets a byte of RAM, as firmware would; the clock's own registers 0 to 13 are left alone. */
  setByte(index: number, value: number): void {
    if (index > rtcRegister.d && index < reg.cmosSize && index !== rtcRegister.century) {
      this.#state.bytes[index] = value & 0xff;
    }
  }

  /** Reads the register that the index selects; the index itself reads as ones. */
  readPort(port: number, _size: AccessSize): number {
    if (port === reg.rtcPort.index) {
      return 0xff;
    }
    const { index } = this.#state;
    this.#sync();
    const value = this.#readRegister(index);
    if (index === rtcRegister.c) {
      this.#state.flags = 0;
      // An edge even if the next period ends before the clock is looked at again.
      this.#irq.set(false);
      this.#update();
    }
    return value;
  }

  /** Writes the index, or the register that it selects. */
  writePort(port: number, _size: AccessSize, value: number): void {
    if (port === reg.rtcPort.index) {
      this.#state.index = value & 0x7f;
      this.#state.nmiMask = value & reg.nmiOff;
      this.#nmiMask?.set(this.#state.nmiMask !== 0);
      return;
    }
    this.#sync();
    this.#writeRegister(this.#state.index, value & 0xff);
    this.#update();
  }

  /**
   * Pulls the RESET pin: interrupts off, flags clear; time, modes and RAM stay (data sheet,
   * "RESET").
   */
  reset(): void {
    this.#sync();
    const { bytes } = this.#state;
    bytes[rtcRegister.b] =
      this.#modes() & (registerB.set | registerB.binary | registerB.hours24 | 1);
    this.#state.flags = 0;
    this.#state.nmiMask = 0;
    this.#nmiMask?.set(false);
    this.#update();
  }

  /** Returns a copy of all registers and RAM. */
  save(): DeviceState {
    this.#sync();
    return saveState('cmos-rtc', stateVersion, rtcShape, this.#state);
  }

  /** Takes over a saved state, drives the outputs and arms the timer. */
  restore(state: unknown): void {
    this.#state = openState(state, 'cmos-rtc', stateVersion, rtcShape);
    this.#nmiMask?.set(this.#state.nmiMask !== 0);
    this.#update();
  }

  #modes(): number {
    return this.#state.bytes[rtcRegister.b] ?? 0;
  }

  #registerA(): number {
    return this.#state.bytes[rtcRegister.a] ?? 0;
  }

  /** Returns the Unix time that the clock shows, in milliseconds. */
  #unixMs(): number {
    return this.#state.heldMs ?? this.#state.unixMsAtZero + this.#clock.now() / 1e6;
  }

  #readRegister(index: number): number {
    const modes = this.#modes();
    switch (index) {
      case rtcRegister.a:
        return this.#registerA() | (this.#updateIsNear() ? reg.updateInProgress : 0);
      case rtcRegister.c:
        return this.#state.flags | ((this.#state.flags & modes) !== 0 ? registerC.irq : 0);
      case rtcRegister.d:
        return reg.validRamAndTime;
      default:
        return isTime(index) && this.#state.heldMs === null
          ? this.#timeRegister(index, calendar.fieldsOf(this.#unixMs()), modes)
          : (this.#state.bytes[index] ?? 0);
    }
  }

  #timeRegister(index: number, fields: calendar.CalendarFields, modes: number): number {
    switch (index) {
      case rtcRegister.seconds:
        return calendar.encode(fields.seconds, modes);
      case rtcRegister.minutes:
        return calendar.encode(fields.minutes, modes);
      case rtcRegister.hours:
        return calendar.encodeHours(fields.hours, modes);
      case rtcRegister.weekday:
        return ((fields.weekday - 1 + this.#state.weekdayShift) % 7) + 1;
      case rtcRegister.day:
        return calendar.encode(fields.day, modes);
      case rtcRegister.month:
        return calendar.encode(fields.month, modes);
      case rtcRegister.year:
        return calendar.encode(((fields.year % 100) + 100) % 100, modes);
      default:
        // The century is BCD whatever the mode: it is firmware's byte, not the clock's.
        return calendar.encode(Math.floor(Math.abs(fields.year) / 100) % 100, 0);
    }
  }

  #writeRegister(index: number, value: number): void {
    const { bytes } = this.#state;
    if (index === rtcRegister.a || index === rtcRegister.b) {
      this.#writeControl(index, index === rtcRegister.a ? value & 0x7f : value);
    } else if (index === rtcRegister.c || index === rtcRegister.d) {
      return;
    } else if (isTime(index) && this.#state.heldMs === null) {
      this.#hold();
      bytes[index] = value;
      this.#release();
    } else {
      bytes[index] = value;
    }
  }

  #writeControl(index: number, value: number): void {
    const { bytes } = this.#state;
    const heldBefore = this.#state.heldMs !== null;
    if (!heldBefore) {
      // With the old modes: a change of mode does not convert what the registers hold.
      this.#hold();
    }
    const dividerWasReset = isDividerReset(this.#registerA());
    bytes[index] = value;
    if (index === rtcRegister.b && (value & registerB.set) !== 0) {
      bytes[index] = value & ~registerB.updateInterrupt; // SET clears UIE.
    }
    const holds = (this.#modes() & registerB.set) !== 0 || isDividerReset(this.#registerA());
    if (!holds && heldBefore) {
      // The first update comes half a second after the divider starts.
      this.#release(dividerWasReset ? secondMs / 2 : undefined);
    } else if (!holds) {
      this.#state.heldMs = null;
    }
  }

  /** Lets the time stand still, with its registers in RAM where the guest can set them. */
  #hold(): void {
    const unixMs = this.#unixMs();
    const fields = calendar.fieldsOf(unixMs);
    for (const index of timeRegisters) {
      this.#state.bytes[index] = this.#timeRegister(index, fields, this.#modes());
    }
    this.#state.heldMs = unixMs;
  }

  /** Lets the time go on from what the registers hold. */
  #release(phaseMs?: number): void {
    const { bytes } = this.#state;
    const modes = this.#modes();
    const at = (index: number): number => bytes[index] ?? 0;
    const century = calendar.decode(at(rtcRegister.century), 0);
    const fields = {
      seconds: calendar.decode(at(rtcRegister.seconds), modes),
      minutes: calendar.decode(at(rtcRegister.minutes), modes),
      hours: calendar.decodeHours(at(rtcRegister.hours), modes),
      weekday: at(rtcRegister.weekday),
      day: calendar.decode(at(rtcRegister.day), modes),
      month: calendar.decode(at(rtcRegister.month), modes),
      year: century * 100 + (calendar.decode(at(rtcRegister.year), modes) % 100),
    };
    const runningMs = this.#state.unixMsAtZero + this.#clock.now() / 1e6;
    const phase = phaseMs ?? ((runningMs % secondMs) + secondMs) % secondMs;
    const unixMs = calendar.unixMsOf(fields) + phase;
    this.#state.heldMs = null;
    this.#state.unixMsAtZero = unixMs - this.#clock.now() / 1e6;
    const natural = calendar.fieldsOf(unixMs).weekday;
    this.#state.weekdayShift = (((fields.weekday - natural) % 7) + 7) % 7;
    this.#state.syncNs = this.#clock.now();
  }

  #updateIsNear(): boolean {
    if (this.#state.heldMs !== null) {
      return false;
    }
    const phaseMs = ((this.#unixMs() % secondMs) + secondMs) % secondMs;
    return (secondMs - phaseMs) * 1e6 <= reg.updateWindowNs;
  }

  /** Sets the flags for what has happened since the last time. */
  #sync(): void {
    const state = this.#state;
    const now = this.#clock.now();
    const from = state.syncNs;
    state.syncNs = now;
    const period = this.#periodTicks();
    if (period > 0) {
      const periods = (ns: number): number => Math.floor(this.#rate.ticksAt(ns) / period);
      if (periods(now) > periods(from)) {
        state.flags |= registerC.periodic;
      }
    }
    if (state.heldMs === null) {
      const second = (ns: number): number => Math.floor((state.unixMsAtZero + ns / 1e6) / secondMs);
      if (second(now) > second(from)) {
        state.flags |= registerC.update;
        if (calendar.nextAlarm(this.#alarm(), second(from)) <= second(now)) {
          state.flags |= registerC.alarm;
        }
      }
    }
  }

  /**
   * Returns the ticks of 32,768 Hz between periodic interrupts, 0 for none (data sheet, table 5).
   */
  #periodTicks(): number {
    const rate = this.#registerA() & 0x0f;
    return rate === 0 || isDividerReset(this.#registerA())
      ? 0
      : 1 << ((rate < 3 ? rate + 7 : rate) - 1);
  }

  #alarm(): calendar.Alarm {
    const at = (index: number): number => this.#state.bytes[index] ?? 0;
    return calendar.decodeAlarm(
      at(rtcRegister.hoursAlarm),
      at(rtcRegister.minutesAlarm),
      at(rtcRegister.secondsAlarm),
      this.#modes(),
    );
  }

  /** Drives the interrupt line, and arms the timer for the next flag that would raise it. */
  #update(): void {
    this.#sync();
    const modes = this.#modes();
    const asserted = (this.#state.flags & modes) !== 0;
    this.#irq.set(asserted);
    const deadlineNs = asserted ? Infinity : this.#nextInterruptNs(modes);
    if (deadlineNs === Infinity) {
      this.#timer.cancel();
    } else {
      this.#timer.arm(deadlineNs);
    }
  }

  #nextInterruptNs(modes: number): number {
    const now = this.#clock.now();
    let next = Infinity;
    const period = this.#periodTicks();
    if ((modes & registerB.periodicInterrupt) !== 0 && period > 0) {
      const periods = Math.floor(this.#rate.ticksAt(now) / period) + 1;
      next = this.#rate.timeOf(periods * period);
    }
    if (this.#state.heldMs === null) {
      const zeroMs = this.#state.unixMsAtZero;
      const second = Math.floor((zeroMs + now / 1e6) / secondMs);
      // A nanosecond late rather than early: the flags come from whole seconds passed.
      const nsOf = (at: number): number => Math.ceil((at * secondMs - zeroMs) * 1e6) + 1;
      if ((modes & registerB.updateInterrupt) !== 0) {
        next = Math.min(next, nsOf(second + 1));
      }
      if ((modes & registerB.alarmInterrupt) !== 0) {
        next = Math.min(next, nsOf(calendar.nextAlarm(this.#alarm(), second)));
      }
    }
    return next;
  }
}

const timeRegisters: readonly number[] = [
  rtcRegister.seconds,
  rtcRegister.minutes,
  rtcRegister.hours,
  rtcRegister.weekday,
  rtcRegister.day,
  rtcRegister.month,
  rtcRegister.year,
  rtcRegister.century,
];

function isTime(index: number): boolean {
  return timeRegisters.includes(index);
}

function isDividerReset(registerA: number): boolean {
  return (registerA & reg.dividerReset) === reg.dividerReset;
}
