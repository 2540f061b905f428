/**
 * ACPI fixed hardware: events, the SCI, sleep control and the timer (82371AB data sheet, section
 * 7.2).
 */
import type {
  AccessSize,
  Clock,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  PortDevice,
  PortWindow,
  Resettable,
  Saveable,
  Timer,
  Timers,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { TickRate } from '../tick-rate.ts';
import * as reg from './registers.ts';
import { acpiShape, powerOnAcpi, type AcpiState } from './state.ts';

const stateVersion = 2;

/** What power management is connected to. */
export interface AcpiPowerManagementOptions {
  /** The machine's clock. */
  readonly clock: Clock;
  /** The machine's timers. */
  readonly timers: Timers;
  /** The system control interrupt: request 9, level-triggered. */
  readonly sci: IrqLine;
  /**
   * Switches the machine off; called within the access, so the host acts when the instruction is
   * done.
   */
  readonly requestPowerOff: () => void;
  /**
   * Lets the machine sleep with its memory kept (S3), and wakes it; `isAsleep` has changed before.
   * Without it the guest stays awake.
   */
  readonly requestSleep?: (state: 'sleep' | 'wake') => void;
  /** How many bits the timer has: 24 by default, or 32. The FADT must say the same. */
  readonly timerBits?: 24 | 32;
  /**
   * Whether the operating system owns the registers after reset, as when no firmware runs before
   * it.
   */
  readonly sciEnabled?: boolean;
}

/**
 * The power management registers.
 *
 * `ports` are those of APM, at fixed places; the 64 ports of ACPI are `registers`, which take
 * offsets and which a `PowerManagementFunction` maps where the guest asks for them.
 */
export class AcpiPowerManagement implements FixedPortDevice, Saveable, Resettable {
  /** The ports of APM. */
  readonly ports: readonly PortWindow[] = [{ first: reg.apmPort.command, count: 2 }];
  /** The 64 ports at PMBASE, numbered from 0. */
  readonly registers: PortDevice = {
    readPort: (offset, size) => this.#read(offset, size),
    writePort: (offset, size, value) => {
      this.#write(offset, size, value);
    },
  };
  readonly #rate = new TickRate(reg.pmTimerHertz);
  readonly #clock: Clock;
  readonly #sci: IrqLine;
  readonly #requestPowerOff: () => void;
  readonly #requestSleep: ((state: 'sleep' | 'wake') => void) | undefined;
  readonly #timer: Timer;
  readonly #timerSpan: number;
  readonly #sciEnabled: boolean;
  #state: AcpiState;
  #clockLevel = false;

  /** Connects power management. */
  constructor(options: AcpiPowerManagementOptions) {
    this.#clock = options.clock;
    this.#sci = options.sci;
    this.#requestPowerOff = options.requestPowerOff;
    this.#requestSleep = options.requestSleep;
    this.#timerSpan = 2 ** (options.timerBits ?? 24);
    this.#sciEnabled = options.sciEnabled ?? false;
    this.#timer = options.timers.create(() => {
      this.#update();
    });
    this.#state = powerOnAcpi(this.#sciEnabled, this.#halves());
  }

  /** Presses the power button for a moment: an event for the guest, which may switch itself off. */
  pressPowerButton(): void {
    this.#state.status |= reg.pm1.powerButton;
    this.#wake();
    this.#update();
  }

  /** Whether the machine sleeps in S3. */
  get isAsleep(): boolean {
    return this.#state.asleep;
  }

  /** Sets the level of the clock's interrupt request 8, which is an event too, and may wake. */
  setClockInterrupt(level: boolean): void {
    const rises = level && !this.#clockLevel;
    this.#clockLevel = level;
    if (!rises) return;
    this.#state.status |= reg.pm1.rtc;
    if (this.#state.clockWakes) this.#wake();
    this.#update();
  }

  /** Raises the general-purpose event `index`, 0 to 15. */
  raiseEvent(index: number): void {
    this.#state.gpeStatus |= (1 << (index & 15)) & 0xffff;
    this.#update();
  }

  /** Reads an APM port. */
  readPort(port: number, _size: AccessSize): number {
    return port === reg.apmPort.command ? this.#state.apmCommand : this.#state.apmStatus;
  }

  /** Writes an APM port; two commands hand the ACPI registers over, others only stay to be read. */
  writePort(port: number, _size: AccessSize, value: number): void {
    if (port !== reg.apmPort.command) {
      this.#state.apmStatus = value & 0xff;
      return;
    }
    this.#state.apmCommand = value & 0xff;
    if (this.#state.apmCommand === reg.acpiEnable) {
      this.#state.control |= reg.pm1Control.sciEnable;
    } else if (this.#state.apmCommand === reg.acpiDisable) {
      this.#state.control &= ~reg.pm1Control.sciEnable;
    }
    this.#update();
  }

  /** Clears events and enables; the timer runs on. */
  reset(): void {
    this.#state = powerOnAcpi(this.#sciEnabled, this.#halves());
    this.#update();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('acpi', stateVersion, acpiShape, this.#state);
  }

  /** Takes over saved registers and drives the SCI accordingly. */
  restore(state: unknown): void {
    this.#state = openState(state, 'acpi', stateVersion, acpiShape);
    this.#update();
  }

  #ticks(): number {
    return this.#rate.ticksAt(this.#clock.now());
  }

  /** Returns how often the top bit of the timer has changed. */
  #halves(): number {
    return Math.floor(this.#ticks() / (this.#timerSpan / 2));
  }

  #status(): number {
    return this.#state.status | (this.#halves() > this.#state.clearedHalves ? reg.pm1.timer : 0);
  }

  #read(offset: number, size: AccessSize): number {
    // All bytes of one access are of one moment: a timer that carries in between would go back.
    const ticks = this.#ticks() % this.#timerSpan;
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) {
      value = value * 256 + this.#readByte(offset + index, ticks);
    }
    return value;
  }

  #readByte(offset: number, ticks: number): number {
    const word = (value: number): number => ((offset & 1) !== 0 ? value >> 8 : value & 0xff);
    switch (offset & 0x3e) {
      case reg.pmRegister.status:
        return word(this.#status());
      case reg.pmRegister.enable:
        return word(this.#state.enable);
      case reg.pmRegister.control:
        return word(this.#state.control);
      case reg.pmRegister.timer:
      case reg.pmRegister.timer + 2:
        return Math.floor(ticks / 2 ** (8 * (offset & 3))) & 0xff;
      case reg.pmRegister.gpeStatus:
        return word(this.#state.gpeStatus);
      case reg.pmRegister.gpeEnable:
        return word(this.#state.gpeEnable);
      default:
        return 0;
    }
  }

  #write(offset: number, size: AccessSize, value: number): void {
    for (let index = 0; index < size; index += 1) {
      this.#writeByte(offset + index, (value >>> (8 * index)) & 0xff);
    }
    this.#update();
  }

  #writeByte(offset: number, value: number): void {
    const state = this.#state;
    const shift = (offset & 1) * 8;
    const bits = value << shift;
    const replace = (before: number): number => (before & ~(0xff << shift)) | bits;
    switch (offset & 0x3e) {
      case reg.pmRegister.status:
        state.status &= ~bits;
        if ((bits & reg.pm1.timer) !== 0) {
          state.clearedHalves = this.#halves();
        }
        break;
      case reg.pmRegister.enable:
        state.enable = replace(state.enable) & reg.pm1EnableMask;
        state.clockWakes = (state.enable & reg.pm1.rtc) !== 0;
        break;
      case reg.pmRegister.control:
        this.#writeControl(replace(state.control));
        break;
      case reg.pmRegister.gpeStatus:
        state.gpeStatus &= ~bits;
        break;
      case reg.pmRegister.gpeEnable:
        state.gpeEnable = replace(state.gpeEnable);
        break;
      default:
        break;
    }
  }

  #writeControl(value: number): void {
    this.#state.control = value & reg.pm1ControlMask;
    if ((value & reg.pm1Control.sleepEnable) === 0) return;
    const type = (value >> 10) & 7;
    if (type === reg.sleepTypeSoftOff) {
      this.#requestPowerOff();
    } else if (type === reg.sleepTypeToRam && this.#requestSleep !== undefined) {
      this.#state.asleep = true;
      this.#requestSleep('sleep');
    }
  }

  #wake(): void {
    if (!this.#state.asleep) return;
    this.#state.asleep = false;
    this.#state.status |= reg.pm1.wake;
    this.#requestSleep?.('wake');
  }

  /**
   * Drives the SCI, and arms the timer for the next change of the timer's top bit if that would
   * raise it.
   */
  #update(): void {
    const { enable, control, gpeStatus, gpeEnable } = this.#state;
    const event = (this.#status() & enable) !== 0 || (gpeStatus & gpeEnable) !== 0;
    this.#sci.set((control & reg.pm1Control.sciEnable) !== 0 && event);
    if ((enable & reg.pm1.timer) !== 0 && !event) {
      this.#timer.arm(this.#rate.timeOf((this.#halves() + 1) * (this.#timerSpan / 2)));
    } else {
      this.#timer.cancel();
    }
  }
}
