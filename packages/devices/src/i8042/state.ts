import { finite, flag, integer, list, nullable, record, type Shape } from '../state-shape.ts';
import { commandByteAtReset, controllerQueueSize, deviceQueueSize } from './registers.ts';

/** The state of the keyboard. */
export interface KeyboardState {
  /** Bytes for the controller, in set 1 or 2. */
  queue: number[];
  /** The command whose parameter comes next. */
  command: number | null;
  /** Whether keys are scanned. */
  enabled: boolean;
  /** The scan code set, 1 or 2. */
  scanCodeSet: number;
  /** Lights: 4 caps lock, 2 num lock, 1 scroll lock. */
  leds: number;
  /** Typematic rate and delay. */
  typematic: number;
  /** What is sent again while the key that was pressed last is held, in set 2; else empty. */
  repeats: number[];
  /** When it is sent next, by the clock. */
  repeatAtNs: number;
  /** The byte last sent, for a request to send again. */
  lastSent: number;
}

/** The state of the mouse. */
export interface MouseState {
  /** Bytes for the controller. */
  queue: number[];
  /** The command whose parameter comes next. */
  command: number | null;
  /** Whether movement is reported by itself. */
  enabled: boolean;
  /** Remote mode: movement is reported on request. */
  remote: boolean;
  /** Wrap mode: bytes are echoed. */
  wraps: boolean;
  /** Scaling 2:1. */
  scales: boolean;
  /** Counts per millimetre, as a power of two. */
  resolution: number;
  /** Reports per second. */
  sampleRate: number;
  /** The last three sample rates, by which a driver asks for the wheel. */
  rates: number[];
  /** 0 for three buttons, 3 with a wheel, 4 with five buttons. */
  identity: number;
  /** Buttons held: 1 left, 2 right, 4 middle, 8 and 16 at the side. */
  buttons: number;
  /** Buttons as last reported. */
  reportedButtons: number;
  /** Movement to the right that was not reported yet. */
  dx: number;
  /** Movement away from the user that was not reported yet. */
  dy: number;
  /** Wheel movement towards the user that was not reported yet. */
  dz: number;
  /** The byte last sent, for a request to send again. */
  lastSent: number;
}

/** The state of the controller and of both devices. */
export interface I8042State {
  /** The command byte. */
  commandByte: number;
  /** The controller's other RAM, by address from 1 on. */
  ram: number[];
  /** The controller command whose parameter comes next. */
  command: number | null;
  /** The last write went to the command port. */
  lastWasCommand: boolean;
  /** The output port's A20 bit. */
  a20: boolean;
  /** The output buffer: its last byte, read or not. */
  output: number;
  /** The output buffer is full. */
  outputFull: boolean;
  /** The output buffer's byte is the mouse's. */
  outputIsMouse: boolean;
  /** The controller's own bytes; 0x100 marks one that looks like the mouse's. */
  queue: number[];
  /** The break prefix was taken, and the next keyboard byte gets bit 7. */
  breakPending: boolean;
  /** Before this clock reading no device sends its next byte. */
  nextByteAtNs: number;
  /** The keyboard. */
  keyboard: KeyboardState;
  /** The mouse. */
  mouse: MouseState;
}

/** The largest movement that is kept for later reports. */
export const maximumMovement = 4096;

/** Returns a keyboard after its self-test. */
export function powerOnKeyboard(): KeyboardState {
  return {
    queue: [],
    command: null,
    enabled: true,
    scanCodeSet: 2,
    leds: 0,
    typematic: 0x2b,
    repeats: [],
    repeatAtNs: 0,
    lastSent: 0,
  };
}

/** Returns a mouse after its self-test. */
export function powerOnMouse(): MouseState {
  return {
    queue: [],
    command: null,
    enabled: false,
    remote: false,
    wraps: false,
    scales: false,
    resolution: 2,
    sampleRate: 100,
    rates: [0, 0, 0],
    identity: 0,
    buttons: 0,
    reportedButtons: 0,
    dx: 0,
    dy: 0,
    dz: 0,
    lastSent: 0,
  };
}

/** Returns the controller as firmware leaves it. */
export function powerOnI8042(): I8042State {
  return {
    commandByte: commandByteAtReset,
    ram: Array.from({ length: 31 }, () => 0),
    command: null,
    lastWasCommand: true,
    a20: true,
    output: 0,
    outputFull: false,
    outputIsMouse: false,
    queue: [],
    breakPending: false,
    nextByteAtNs: 0,
    keyboard: powerOnKeyboard(),
    mouse: powerOnMouse(),
  };
}

const byte = integer(0, 0xff);
const movement = integer(-maximumMovement, maximumMovement);

const keyboardShape: Shape<KeyboardState> = record<KeyboardState>({
  queue: list(byte, 0, deviceQueueSize),
  command: nullable(byte),
  enabled: flag(),
  scanCodeSet: integer(1, 2),
  leds: integer(0, 7),
  typematic: byte,
  repeats: list(byte, 0, 2),
  repeatAtNs: finite(),
  lastSent: byte,
});

const mouseShape: Shape<MouseState> = record<MouseState>({
  queue: list(byte, 0, deviceQueueSize),
  command: nullable(byte),
  enabled: flag(),
  remote: flag(),
  wraps: flag(),
  scales: flag(),
  resolution: integer(0, 3),
  sampleRate: byte,
  rates: list(byte, 3),
  identity: integer(0, 4),
  buttons: integer(0, 31),
  reportedButtons: integer(0, 31),
  dx: movement,
  dy: movement,
  dz: movement,
  lastSent: byte,
});

/** The shape of the saved state of controller, keyboard and mouse. */
export const i8042Shape: Shape<I8042State> = record<I8042State>({
  commandByte: byte,
  ram: list(byte, 31),
  command: nullable(byte),
  lastWasCommand: flag(),
  a20: flag(),
  output: byte,
  outputFull: flag(),
  outputIsMouse: flag(),
  queue: list(integer(0, 0x1ff), 0, controllerQueueSize),
  breakPending: flag(),
  nextByteAtNs: finite(),
  keyboard: keyboardShape,
  mouse: mouseShape,
});
