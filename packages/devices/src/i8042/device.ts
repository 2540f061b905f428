/**
 * The keyboard controller with a keyboard and a mouse (IBM PS/2 Hardware Interface Technical
 * Reference).
 */
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
import { openState, saveState } from '../state-shape.ts';
import { pressKey, repeatKey, takeKeyboardByte, writeKeyboard } from './keyboard.ts';
import { moveMouse, report, takeMouseByte, writeMouse } from './mouse.ts';
import * as reg from './registers.ts';
import { breakPrefix, translateToSet1 } from './scan-codes.ts';
import { i8042Shape, powerOnI8042, type I8042State } from './state.ts';

const stateVersion = 2;
const { commandByte, controllerCommand } = reg;
/** Marks a byte of the controller's queue as the mouse's. */
const asMouse = 0x100;

/** What the controller is connected to. */
export interface I8042Options {
  /** The machine's clock. */
  readonly clock: Clock;
  /** The machine's timers. */
  readonly timers: Timers;
  /** Interrupt request 1. */
  readonly keyboardIrq: IrqLine;
  /** Interrupt request 12. */
  readonly mouseIrq: IrqLine;
  /** One of the sources of address line 20, high at first; the other is port 0x92. */
  readonly a20: IrqLine;
  /** Resets the CPU; called within the access, so the host acts when the instruction is done. */
  readonly requestReset: () => void;
  /** Told of the lights: 4 caps lock, 2 num lock, 1 scroll lock. */
  readonly ledsChanged?: (leds: number) => void;
}

/** An 8042 with a keyboard and a wheel mouse. */
export class I8042 implements FixedPortDevice, Saveable, Resettable {
  /** The data port and the command port. */
  readonly ports: readonly PortWindow[] = [
    { first: reg.i8042Port.data, count: 1 },
    { first: reg.i8042Port.command, count: 1 },
  ];
  readonly #options: I8042Options;
  readonly #timer: Timer;
  readonly #repeatTimer: Timer;
  #state: I8042State = powerOnI8042();

  /** Connects the controller and opens address line 20, as firmware does. */
  constructor(options: I8042Options) {
    this.#options = options;
    this.#timer = options.timers.create(() => {
      this.#fill();
    });
    this.#repeatTimer = options.timers.create(() => {
      repeatKey(this.#state.keyboard, options.clock.now());
      this.#armRepeat();
      this.#fill();
    });
    options.a20.set(true);
  }

  /**
   * Presses or releases a key. While it is held it repeats, as the guest has set it.
   *
   * @param code a name of the W3C's "UI Events KeyboardEvent code Values", such as `KeyA`; a key
   * that the keyboard does not have is ignored
   * @returns false if the keyboard's queue was full and the key is lost; wait and try again
   */
  key(code: string, pressed: boolean): boolean {
    const taken = pressKey(this.#state.keyboard, code, pressed, this.#options.clock.now());
    this.#armRepeat();
    this.#fill();
    return taken;
  }

  /** Returns how many bytes of keys the guest has not taken yet. */
  get waitingKeys(): number {
    return this.#state.keyboard.queue.length;
  }

  /**
   * Moves the mouse: `dx` to the right, `dy` down the screen, `dz` the wheel towards the user.
   *
   * @param buttons those held from now on: 1 left, 2 right, 4 middle, 8 and 16 at the side
   */
  mouseMove(dx: number, dy: number, dz: number, buttons: number): void {
    moveMouse(this.#state.mouse, dx, -dy, dz, buttons);
    this.#fill();
  }

  /** Reads the output buffer or the status. */
  readPort(port: number, _size: AccessSize): number {
    const state = this.#state;
    if (port === reg.i8042Port.command) {
      return this.#status();
    }
    const byte = state.output;
    if (state.outputFull) {
      state.outputFull = false;
      state.nextByteAtNs = this.#options.clock.now() + reg.byteGapNs;
      this.#drive();
      this.#fill();
    }
    return byte;
  }

  /** Writes a command, a parameter, or a byte for a device. */
  writePort(port: number, _size: AccessSize, value: number): void {
    const state = this.#state;
    state.lastWasCommand = port === reg.i8042Port.command;
    if (state.lastWasCommand) {
      state.command = null;
      this.#runCommand(value & 0xff);
    } else {
      this.#writeData(value & 0xff);
    }
    this.#drive();
    this.#armRepeat();
    this.#fill();
  }

  /** Puts controller, keyboard and mouse into the state in which firmware leaves them. */
  reset(): void {
    this.#state = powerOnI8042();
    this.#timer.cancel();
    this.#repeatTimer.cancel();
    this.#options.a20.set(true);
    this.#options.ledsChanged?.(0);
    this.#drive();
  }

  /** Returns a copy of the state of all three. */
  save(): DeviceState {
    return saveState('i8042', stateVersion, i8042Shape, this.#state);
  }

  /** Takes over a saved state, drives all lines and arms the timers. */
  restore(state: unknown): void {
    this.#state = openState(state, 'i8042', stateVersion, i8042Shape);
    this.#options.a20.set(this.#state.a20);
    this.#options.ledsChanged?.(this.#state.keyboard.leds);
    this.#drive();
    this.#armRepeat();
    this.#fill();
  }

  #status(): number {
    const state = this.#state;
    return (
      (state.outputFull ? reg.status.outputFull : 0) |
      (state.outputFull && state.outputIsMouse ? reg.status.mouseData : 0) |
      (state.commandByte & commandByte.system) |
      (state.lastWasCommand ? reg.status.command : 0) |
      reg.status.notLocked
    );
  }

  #runCommand(command: number): void {
    const state = this.#state;
    if (command >= 0x20 && command <= 0x3f) {
      this.#answer(command === 0x20 ? state.commandByte : (state.ram[command - 0x21] ?? 0));
    } else if (command >= 0x60 && command <= 0x7f) {
      state.command = command;
    } else if (command >= 0xf0) {
      this.#pulse(command);
    } else {
      this.#runNamedCommand(command);
    }
  }

  #runNamedCommand(command: number): void {
    const state = this.#state;
    switch (command) {
      case controllerCommand.testPassword:
        this.#answer(0xf1); // There is none.
        break;
      case controllerCommand.mouseOff:
        state.commandByte |= commandByte.mouseOff;
        break;
      case controllerCommand.mouseOn:
        state.commandByte &= ~commandByte.mouseOff;
        break;
      case controllerCommand.testMouse:
      case controllerCommand.testKeyboard:
      case controllerCommand.readTestInputs:
        this.#answer(0x00);
        break;
      case controllerCommand.selfTest:
        state.commandByte |= commandByte.system;
        this.#answer(0x55);
        break;
      case controllerCommand.keyboardOff:
        state.commandByte |= commandByte.keyboardOff;
        break;
      case controllerCommand.keyboardOn:
        state.commandByte &= ~commandByte.keyboardOff;
        break;
      case controllerCommand.readInputPort:
        this.#answer(0x80); // The keyboard is not locked.
        break;
      case controllerCommand.readOutputPort:
        this.#answer(this.#outputPort());
        break;
      case controllerCommand.writeOutputPort:
      case controllerCommand.writeKeyboardBuffer:
      case controllerCommand.writeMouseBuffer:
      case controllerCommand.writeMouse:
        state.command = command;
        break;
      case controllerCommand.a20Off:
      case controllerCommand.a20On:
        this.#setA20(command === controllerCommand.a20On);
        break;
      default:
        break;
    }
  }

  #writeData(byte: number): void {
    const state = this.#state;
    const { command } = state;
    state.command = null;
    if (command === null) {
      // A byte for the keyboard switches its line on.
      state.commandByte &= ~commandByte.keyboardOff;
      const { leds } = state.keyboard;
      writeKeyboard(state.keyboard, byte);
      if (state.keyboard.leds !== leds) {
        this.#options.ledsChanged?.(state.keyboard.leds);
      }
    } else if (command === 0x60) {
      state.commandByte = byte & 0x7f;
    } else if (command > 0x60 && command <= 0x7f) {
      state.ram[command - 0x61] = byte;
    } else if (command === controllerCommand.writeOutputPort) {
      this.#setA20((byte & reg.outputPort.a20) !== 0);
      if ((byte & reg.outputPort.notReset) === 0) {
        this.#options.requestReset();
      }
    } else if (command === controllerCommand.writeMouse) {
      state.commandByte &= ~commandByte.mouseOff;
      writeMouse(state.mouse, byte);
    } else {
      this.#answer(byte | (command === controllerCommand.writeMouseBuffer ? asMouse : 0));
    }
  }

  /** Pulses those lines of the output port whose bits are clear; only the reset line is wired. */
  #pulse(command: number): void {
    if ((command & reg.outputPort.notReset) === 0) {
      this.#options.requestReset();
    }
  }

  #setA20(level: boolean): void {
    this.#state.a20 = level;
    this.#options.a20.set(level);
  }

  #outputPort(): number {
    const { a20, outputFull, outputIsMouse } = this.#state;
    const data = outputIsMouse ? reg.outputPort.mouseData : reg.outputPort.keyboardData;
    return reg.outputPort.notReset | (a20 ? reg.outputPort.a20 : 0) | (outputFull ? data : 0);
  }

  #armRepeat(): void {
    const { repeats, repeatAtNs } = this.#state.keyboard;
    if (repeats.length > 0) {
      this.#repeatTimer.arm(repeatAtNs);
    } else {
      this.#repeatTimer.cancel();
    }
  }

  /** Queues a byte of the controller's own; more than its RAM holds are lost. */
  #answer(byte: number): void {
    if (this.#state.queue.length < reg.controllerQueueSize) {
      this.#state.queue.push(byte);
    }
  }

  /** Fills an empty output buffer: the controller's bytes at once, those of devices with a gap. */
  #fill(): void {
    const state = this.#state;
    if (state.outputFull) {
      return;
    }
    const own = state.queue.shift();
    if (own !== undefined) {
      this.#put(own & 0xff, (own & asMouse) !== 0);
      return;
    }
    report(state.mouse);
    const keyboardOn = (state.commandByte & commandByte.keyboardOff) === 0;
    const mouseOn = (state.commandByte & commandByte.mouseOff) === 0;
    const keyboardWaits = keyboardOn && state.keyboard.queue.length > 0;
    if (!keyboardWaits && !(mouseOn && state.mouse.queue.length > 0)) {
      return;
    }
    if (this.#options.clock.now() < state.nextByteAtNs) {
      this.#timer.arm(state.nextByteAtNs);
      return;
    }
    if (keyboardWaits) {
      this.#takeFromKeyboard();
    } else {
      this.#put(takeMouseByte(state.mouse) ?? 0, true);
    }
  }

  #takeFromKeyboard(): void {
    const state = this.#state;
    const translates = (state.commandByte & commandByte.translate) !== 0;
    let byte = takeKeyboardByte(state.keyboard);
    while (translates && byte === breakPrefix) {
      state.breakPending = true;
      byte = takeKeyboardByte(state.keyboard);
    }
    if (byte === undefined) {
      return; // The rest of the code has not come yet.
    }
    if (translates) {
      byte = translateToSet1(byte) | (state.breakPending ? 0x80 : 0);
    }
    state.breakPending = false;
    this.#put(byte, false);
  }

  #put(byte: number, isMouse: boolean): void {
    const state = this.#state;
    state.output = byte;
    state.outputIsMouse = isMouse;
    state.outputFull = true;
    this.#drive();
  }

  #drive(): void {
    const { outputFull, outputIsMouse, commandByte: enables } = this.#state;
    const keyboard = outputFull && !outputIsMouse;
    this.#options.keyboardIrq.set(keyboard && (enables & commandByte.keyboardInterrupt) !== 0);
    const mouse = outputFull && outputIsMouse;
    this.#options.mouseIrq.set(mouse && (enables & commandByte.mouseInterrupt) !== 0);
  }
}
