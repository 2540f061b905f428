/** A 16550 UART, register by register (National Semiconductor PC16550D data sheet). */
import type {
  AccessSize,
  ByteSink,
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
import { openState, saveState } from '../state-shape.ts';
import * as receiver from './receiver.ts';
import * as reg from './registers.ts';
import { maximumInputCapacity, powerOnUart, uartShape, type UartState } from './state.ts';

const stateVersion = 1;

/** What a UART is connected to. */
export interface Uart16550Options {
  /** The first of its eight ports: 0x3f8, 0x2f8, 0x3e8 or 0x2e8 in a PC. */
  readonly base: number;
  /** The machine's clock. */
  readonly clock: Clock;
  /** The machine's timers. */
  readonly timers: Timers;
  /** Its interrupt request, which OUT2 gates as in a PC. */
  readonly irq: IrqLine;
  /** Where transmitted bytes go, at once: no baud rate slows the guest down. */
  readonly output: ByteSink;
  /**
   * When input reaches the receiver: as soon as there is room (`immediate`, the default, as a line
   * that cannot wait), or only while the receiver listens (`when-listening`), so that what is typed
   * ahead survives the guest's probing and clearing of FIFOs.
   */
  readonly input?: 'immediate' | 'when-listening';
  /** The most bytes that wait for the receiver, at most and by default 65,536. */
  readonly inputCapacity?: number;
}

/** A 16550 at eight consecutive ports. */
export class Uart16550 implements FixedPortDevice, Saveable, Resettable {
  /** The eight ports from `base` on. */
  readonly ports: readonly PortWindow[];
  readonly #clock: Clock;
  readonly #timeout: Timer;
  readonly #irq: IrqLine;
  readonly #output: ByteSink;
  readonly #waits: boolean;
  readonly #inputCapacity: number;
  #state: UartState = powerOnUart();

  /** Connects the UART. */
  constructor(options: Uart16550Options) {
    this.ports = [{ first: options.base, count: 8 }];
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#output = options.output;
    this.#waits = options.input === 'when-listening';
    this.#inputCapacity = Math.min(options.inputCapacity ?? Infinity, maximumInputCapacity);
    this.#timeout = options.timers.create(() => {
      this.#state.timeoutAtNs = null;
      this.#state.timeoutPending = this.#state.received.length > 0;
      this.#update();
    });
  }

  /**
   * Sends bytes to the guest and returns how many were taken; the rest does not fit and is left.
   */
  receive(bytes: ArrayLike<number>): number {
    const room = this.#inputCapacity - this.#state.waiting.length;
    const taken = Math.min(room, bytes.length);
    for (let index = 0; index < taken; index += 1) {
      this.#state.waiting.push((bytes[index] ?? 0) & 0xff);
    }
    this.#refill();
    return taken;
  }

  /** Returns how many bytes of input the guest's receiver has not taken yet. */
  get waitingInput(): number {
    return this.#state.waiting.length;
  }

  /** Sends a break: a character of zeros with the break bit; returns whether there was room. */
  receiveBreak(): boolean {
    if (this.#state.waiting.length >= this.#inputCapacity) {
      return false;
    }
    this.#state.waiting.push(reg.lsr.breakInterrupt << 8);
    this.#refill();
    return true;
  }

  /** Sets the modem lines that the other side drives: a mask of `msr` bits 7..4. */
  setModemInputs(levels: number): void {
    this.#state.modemInputs = levels & 0xf0;
    this.#modemChanged();
    this.#update();
  }

  /** Reads a register; data and status reads have the effects that the data sheet gives them. */
  readPort(port: number, _size: AccessSize): number {
    const offset = port & 7;
    const state = this.#state;
    const divisorLatch = (state.lineControl & reg.lcr.divisorLatch) !== 0;
    state.statusReads =
      offset === reg.uartRegister.lineStatus ? Math.min(2, state.statusReads + 1) : 0;
    switch (offset) {
      case reg.uartRegister.data:
        return divisorLatch ? state.divisor & 0xff : this.#readData();
      case reg.uartRegister.interruptEnable:
        return divisorLatch ? state.divisor >> 8 : state.interruptEnable;
      case reg.uartRegister.interruptIdentity:
        return this.#readIdentity();
      case reg.uartRegister.lineControl:
        return state.lineControl;
      case reg.uartRegister.modemControl:
        return state.modemControl;
      case reg.uartRegister.lineStatus:
        return this.#readLineStatus();
      case reg.uartRegister.modemStatus:
        return this.#readModemStatus();
      default:
        return state.scratch;
    }
  }

  /** Writes a register. */
  writePort(port: number, _size: AccessSize, value: number): void {
    const offset = port & 7;
    const byte = value & 0xff;
    const state = this.#state;
    const divisorLatch = (state.lineControl & reg.lcr.divisorLatch) !== 0;
    state.statusReads = 0;
    switch (offset) {
      case reg.uartRegister.data:
        if (divisorLatch) {
          state.divisor = (state.divisor & 0xff00) | byte;
        } else {
          this.#transmit(byte);
        }
        break;
      case reg.uartRegister.interruptEnable:
        if (divisorLatch) {
          state.divisor = (state.divisor & 0x00ff) | (byte << 8);
        } else {
          this.#writeInterruptEnable(byte);
        }
        break;
      case reg.uartRegister.fifoControl:
        this.#writeFifoControl(byte);
        break;
      case reg.uartRegister.lineControl:
        state.lineControl = byte;
        break;
      case reg.uartRegister.modemControl:
        state.modemControl = byte & 0x1f;
        this.#modemChanged();
        this.#refill();
        break;
      case reg.uartRegister.scratch:
        state.scratch = byte;
        break;
      default:
        break;
    }
    this.#update();
  }

  /**
   * Pulses master reset; divisor, scratch and what the other side drives or still has to send
   * remain.
   */
  reset(): void {
    if (this.#waits) {
      this.#clearReceived();
    }
    const { modemInputs, divisor, scratch, waiting } = this.#state;
    this.#state = { ...powerOnUart(), modemInputs, divisor, scratch, waiting };
    this.#state.modemShown = modemInputs;
    this.#timeout.cancel();
    this.#refill();
  }

  /** Returns a copy of all registers, the FIFO and the waiting input. */
  save(): DeviceState {
    return saveState('uart-16550', stateVersion, uartShape, this.#state);
  }

  /** Takes over a saved state, drives the interrupt line and arms the receive timeout. */
  restore(state: unknown): void {
    this.#state = openState(state, 'uart-16550', stateVersion, uartShape);
    if (this.#state.timeoutAtNs === null) {
      this.#timeout.cancel();
    } else {
      this.#timeout.arm(this.#state.timeoutAtNs);
    }
    this.#update();
  }

  #readData(): number {
    const byte = receiver.takeCharacter(this.#state);
    // The request falls before the next character is let in, so that an edge can follow.
    this.#update();
    this.#refill();
    return byte;
  }

  #readIdentity(): number {
    const cause = this.#cause();
    if (cause === reg.iir.transmitterEmpty) {
      this.#state.transmitterEmptyPending = false;
      this.#update();
    }
    return cause | (receiver.fifosOn(this.#state) ? reg.iir.fifosOn : 0);
  }

  #readLineStatus(): number {
    this.#refill();
    const state = this.#state;
    const fifoErrors = receiver.fifosOn(state) && state.received.some((entry) => entry > 0xff);
    const value =
      (state.received.length > 0 ? reg.lsr.dataReady : 0) |
      state.lineErrors |
      reg.lsr.transmitterHoldingEmpty |
      reg.lsr.transmitterEmpty |
      (fifoErrors || (receiver.fifosOn(state) && (state.lineErrors & reg.characterErrors) !== 0)
        ? reg.lsr.errorInFifo
        : 0);
    state.lineErrors = 0;
    this.#update();
    return value;
  }

  #readModemStatus(): number {
    const state = this.#state;
    const value = state.modemShown | state.modemChanges;
    state.modemChanges = 0;
    this.#update();
    return value;
  }

  #writeInterruptEnable(byte: number): void {
    const state = this.#state;
    const before = state.interruptEnable;
    state.interruptEnable = byte & 0x0f;
    // The transmitter is always empty here, so switching its interrupt on raises it.
    if ((before & reg.ier.transmitterEmpty) === 0 && (byte & reg.ier.transmitterEmpty) !== 0) {
      state.transmitterEmptyPending = true;
    }
    this.#refill();
  }

  #writeFifoControl(byte: number): void {
    const state = this.#state;
    const toggles = ((byte ^ state.fifoControl) & reg.fcr.fifosOn) !== 0;
    const turnsOn = (byte & reg.fcr.fifosOn) !== 0;
    if (toggles || (turnsOn && (byte & reg.fcr.clearReceive) !== 0)) {
      this.#clearReceived();
    }
    // With bit 0 clear the other bits are not programmed.
    state.fifoControl = turnsOn ? byte & 0xc1 : 0;
    this.#refill();
    receiver.restartTimeout(state, this.#clock, this.#timeout);
  }

  #clearReceived(): void {
    const state = this.#state;
    if (this.#waits) {
      // To a receiver that was not listening these had not been sent yet.
      state.waiting.unshift(...state.received);
    }
    state.received = [];
    state.timeoutPending = false;
  }

  #transmit(byte: number): void {
    const state = this.#state;
    state.transmitterEmptyPending = false;
    this.#update();
    if ((state.modemControl & reg.mcr.loop) !== 0) {
      receiver.pushCharacter(state, byte);
      receiver.restartTimeout(state, this.#clock, this.#timeout);
    } else {
      this.#output.write(byte);
    }
    state.transmitterEmptyPending = true;
  }

  #refill(): void {
    const state = this.#state;
    const before = state.received.length;
    receiver.refill(state, this.#waits);
    if (state.received.length !== before || state.timeoutAtNs === null) {
      receiver.restartTimeout(state, this.#clock, this.#timeout);
    }
    this.#update();
  }

  #modemChanged(): void {
    const state = this.#state;
    const shown =
      (state.modemControl & reg.mcr.loop) !== 0
        ? loopedModemLines(state.modemControl)
        : state.modemInputs;
    const changed = (shown ^ state.modemShown) >> 4;
    const ringEnded = (state.modemShown & ~shown & reg.msr.ri) !== 0;
    state.modemChanges |= changed & ~reg.msr.ringTrailingEdge;
    state.modemChanges |= ringEnded ? reg.msr.ringTrailingEdge : 0;
    state.modemShown = shown;
  }

  #cause(): number {
    const state = this.#state;
    const enabled = state.interruptEnable;
    if ((enabled & reg.ier.lineStatus) !== 0 && state.lineErrors !== 0) {
      return reg.iir.lineStatus;
    }
    if ((enabled & reg.ier.received) !== 0 && receiver.reachesTrigger(state)) {
      return reg.iir.received;
    }
    if ((enabled & reg.ier.received) !== 0 && state.timeoutPending) {
      return reg.iir.timeout;
    }
    if ((enabled & reg.ier.transmitterEmpty) !== 0 && state.transmitterEmptyPending) {
      return reg.iir.transmitterEmpty;
    }
    if ((enabled & reg.ier.modemStatus) !== 0 && state.modemChanges !== 0) {
      return reg.iir.modemStatus;
    }
    return reg.iir.nothing;
  }

  /** Drives the interrupt line: a PC's OUT2 gates it, and loopback takes OUT2 away from the pin. */
  #update(): void {
    const gate = this.#state.modemControl & (reg.mcr.out2 | reg.mcr.loop);
    this.#irq.set(gate === reg.mcr.out2 && this.#cause() !== reg.iir.nothing);
  }
}

/**
 * Returns MSR bits 7..4 as loopback wires them: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
 */
function loopedModemLines(modemControl: number): number {
  return (
    ((modemControl & reg.mcr.rts) !== 0 ? reg.msr.cts : 0) |
    ((modemControl & reg.mcr.dtr) !== 0 ? reg.msr.dsr : 0) |
    ((modemControl & reg.mcr.out1) !== 0 ? reg.msr.ri : 0) |
    ((modemControl & reg.mcr.out2) !== 0 ? reg.msr.dcd : 0)
  );
}
