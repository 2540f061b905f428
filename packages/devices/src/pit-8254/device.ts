/** The interval timer of a PC: three counters, IRQ 0, the speaker gate, and port 0x61. */
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
} from '../interfaces.ts';
import type { SpeakerDrive } from '../pc-speaker/index.ts';
import { openState, saveState } from '../state-shape.ts';
import { TickRate } from '../tick-rate.ts';
import { PitCounter } from './counter.ts';
import * as reg from './registers.ts';
import { pitShape, powerOnPitCounter } from './state.ts';

const stateVersion = 3;

/** What the timer is connected to. */
export interface Pit8254Options {
  /** The machine's clock. */
  readonly clock: Clock;
  /** The machine's timers. */
  readonly timers: Timers;
  /** OUT 0: interrupt request 0. */
  readonly irq: IrqLine;
  /** The speaker, a `PcSpeaker`; without one no time is spent on it. */
  readonly speaker?: { drive(drive: SpeakerDrive): void };
  /** High while an error of the board, shown in port 0x61, asks for an NMI. */
  readonly nmi?: IrqLine;
}

/** An 8254 wired as in a PC, with the port 0x61 of the 82371AB. */
export class Pit8254 implements FixedPortDevice, Saveable, Resettable {
  /** The ports of the counters, the control word and the system control register. */
  readonly ports: readonly PortWindow[] = [
    { first: reg.pitPort.counter0, count: 4 },
    { first: reg.pitPort.systemControl, count: 1 },
  ];
  readonly #rate = new TickRate(reg.pitHertz);
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #speaker: Pit8254Options['speaker'];
  readonly #nmi: IrqLine | undefined;
  readonly #irqTimer: Timer;
  readonly #speakerTimer: Timer;
  readonly #counters: readonly [PitCounter, PitCounter, PitCounter] = [
    new PitCounter(true),
    new PitCounter(true),
    new PitCounter(false),
  ];
  #systemControl = 0;
  #errors = 0;
  #syncTick = 0;
  #heldUntilTick = 0;
  /** Edges of OUT 0 that came while the host was late and are still to be passed on. */
  #owed = 0;
  #owedTick = 0;

  /** Connects the timer; its counters wait to be programmed. */
  constructor(options: Pit8254Options) {
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#speaker = options.speaker;
    this.#nmi = options.nmi;
    this.#irqTimer = options.timers.create(() => {
      this.#drive();
    });
    this.#speakerTimer = options.timers.create(() => {
      this.#drive();
    });
    this.reset();
  }

  /** Reads a counter, or port 0x61; the control port reads as ones. */
  readPort(port: number, _size: AccessSize): number {
    const tick = this.#tick();
    this.#sync(tick);
    if (port === reg.pitPort.systemControl) {
      const refresh = Math.floor(tick / reg.refreshTicks) % 2 === 1;
      return (
        this.#systemControl |
        this.#errors |
        (refresh ? reg.systemRefresh : 0) |
        (this.#counters[2].out(tick) ? reg.systemOut2 : 0)
      );
    }
    return this.#counters[port & 3]?.read(tick) ?? 0xff;
  }

  /** Writes a counter, the control word, or port 0x61. */
  writePort(port: number, _size: AccessSize, value: number): void {
    const tick = this.#tick();
    this.#sync(tick);
    if (port === reg.pitPort.systemControl) {
      this.#systemControl = value & reg.systemWritable;
      this.#errors &= ~reg.clearedErrors(value);
      this.#counters[2].setGate((value & reg.systemGate2) !== 0, tick);
    } else if (port === reg.pitPort.control) {
      this.#heldUntilTick = 0;
      this.#control(value & 0xff, tick);
    } else {
      this.#heldUntilTick = 0;
      if (port === reg.pitPort.counter0) this.#owed = 0;
      this.#counters[port & 3]?.write(value & 0xff, tick);
    }
    this.#drive();
  }

  /**
   * Reports an error of the board, `systemErrors.channel` (IOCHK#) or `systemErrors.system`
   * (SERR#); it is forgotten where port 0x61 has switched its report off.
   */
  reportError(error: number): void {
    this.#errors |= error & ~reg.clearedErrors(this.#systemControl);
    this.#drive();
  }

  /** Returns the counters to the unprogrammed state. */
  reset(): void {
    for (const [index, counter] of this.#counters.entries()) {
      counter.state = powerOnPitCounter(index !== 2);
    }
    this.#systemControl = 0;
    this.#errors = 0;
    this.#heldUntilTick = 0;
    this.#owed = 0;
    this.#syncTick = this.#tick();
    this.#drive();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    this.#sync(this.#tick());
    return saveState('pit-8254', stateVersion, pitShape, {
      counters: this.#counters.map((counter) => counter.state),
      systemControl: this.#systemControl,
      errors: this.#errors,
      syncTick: this.#syncTick,
      heldUntilTick: this.#heldUntilTick,
      owed: this.#owed,
      owedTick: this.#owedTick,
    });
  }

  /** Takes over saved registers, drives the outputs and arms the timers. */
  restore(state: unknown): void {
    const saved = openState(state, 'pit-8254', stateVersion, pitShape);
    for (const [index, counter] of this.#counters.entries()) {
      counter.state = saved.counters[index] ?? counter.state;
    }
    this.#systemControl = saved.systemControl;
    this.#errors = saved.errors;
    this.#syncTick = saved.syncTick;
    this.#heldUntilTick = saved.heldUntilTick;
    this.#owed = saved.owed;
    this.#owedTick = saved.owedTick;
    this.#drive();
  }

  #tick(): number {
    return this.#rate.ticksAt(this.#clock.now());
  }

  #control(value: number, tick: number): void {
    const select = value >> 6;
    if (select === reg.readBack) {
      for (const [index, counter] of this.#counters.entries()) {
        if ((value & (2 << index)) !== 0) {
          this.#readBack(counter, value, tick);
        }
      }
      return;
    }
    const counter = this.#counters[select];
    if (((value >> 4) & 3) === reg.access.latch) {
      counter?.latchCount(tick);
    } else {
      if (select === 0) this.#owed = 0; // It is a request of another rate from here on.
      counter?.program(value, tick);
    }
  }

  #readBack(counter: PitCounter, value: number, tick: number): void {
    if ((value & reg.readBackNoCount) === 0) {
      counter.latchCount(tick);
    }
    if ((value & reg.readBackNoStatus) === 0) {
      counter.latchStatus(tick);
    }
  }

  /**
   * Passes on the edges of OUT 0 since the last time. Of several at once, after a delay of the
   * host, one is passed on now and the others shortly one after the other.
   */
  #sync(tick: number): void {
    const counter = this.#counters[0];
    const rises = counter.risesBetween(this.#syncTick, tick);
    this.#syncTick = tick;
    const out = counter.out(tick);
    const pays = rises === 0 && this.#owed > 0 && tick >= this.#owedTick;
    if (rises > 0 || pays) {
      this.#irq.set(false);
      this.#irq.set(true);
      // An edge that is passed on after OUT has fallen again must stay up to be seen.
      this.#heldUntilTick = out ? 0 : counter.nextEvent(tick);
      const most = reg.mostOwedTicks / counter.state.initial;
      const isTooFast = counter.state.initial < 2 * reg.owedTicks;
      this.#owed = isTooFast ? 0 : Math.min(this.#owed + rises - 1, Math.floor(most));
      this.#owedTick = tick + reg.owedTicks;
    }
    this.#irq.set(out || tick < this.#heldUntilTick);
  }

  /** Drives the outputs after a change and arms the timers for the next. */
  #drive(): void {
    const tick = this.#tick();
    const [counter0, , counter2] = this.#counters;
    this.#sync(tick);
    const owedTick = this.#owed > 0 ? this.#owedTick : Infinity;
    this.#arm(this.#irqTimer, Math.min(counter0.nextEvent(tick), owedTick));
    this.#nmi?.set(this.#errors !== 0);
    if (this.#speaker !== undefined) {
      const on = (this.#systemControl & reg.systemSpeaker) !== 0;
      const hertz = counter2.hertz(tick);
      this.#speaker.drive({ on, hertz, high: counter2.out(tick) });
      // A wave needs no timer: the speaker knows its frequency.
      this.#arm(this.#speakerTimer, on && hertz === 0 ? counter2.nextEvent(tick) : Infinity);
    }
  }

  #arm(timer: Timer, tick: number): void {
    if (tick === Infinity) {
      timer.cancel();
    } else {
      timer.arm(this.#rate.timeOf(tick));
    }
  }
}
