/** A PS/2 keyboard: its commands and what it sends (IBM PS/2 Technical Reference, "Keyboards"). */
import { acknowledge, deviceQueueSize, resend, selfTestPassed } from './registers.ts';
import { breakPrefix, set2Bytes, translateToSet1 } from './scan-codes.ts';
import { powerOnKeyboard, type KeyboardState } from './state.ts';

const command = {
  setLeds: 0xed,
  echo: 0xee,
  scanCodeSet: 0xf0,
  identify: 0xf2,
  typematic: 0xf3,
  enable: 0xf4,
  disable: 0xf5,
  defaults: 0xf6,
  allTypematic: 0xf7,
  allTypematicMakeBreak: 0xfa,
  keyTypematic: 0xfb,
  keyMake: 0xfd,
  resend: 0xfe,
  reset: 0xff,
} as const;

/** What the keyboard sends when its queue is full (set 2 and set 1). */
const overrun = { set2: 0x00, set1: 0xff } as const;

/**
 * Presses or releases a key; returns whether there was room for its codes. The key that is pressed
 * last repeats while it is held, and pressing it once more changes nothing.
 */
export function pressKey(
  state: KeyboardState,
  code: string,
  pressed: boolean,
  nowNs: number,
): boolean {
  const bytes = set2Bytes(code, pressed);
  if (bytes === undefined || !state.enabled) {
    return true;
  }
  const repeated = repeatedBytes(code);
  const isHeld = repeated.length > 0 && String(state.repeats) === String(repeated);
  if (pressed && isHeld) {
    return true;
  }
  if (!send(state, bytes)) {
    return false;
  }
  if (pressed) {
    state.repeats = repeated;
    state.repeatAtNs = nowNs + delayNs(state.typematic);
  } else if (isHeld) {
    state.repeats = [];
  }
  return true;
}

/** Sends the held key again if it is time to; what the guest has not taken yet comes first. */
export function repeatKey(state: KeyboardState, nowNs: number): void {
  if (state.repeats.length === 0 || nowNs < state.repeatAtNs) {
    return;
  }
  if (state.queue.length === 0) {
    send(state, state.repeats);
  }
  // A host that was late does not make up for it: a key would act long after it was let go.
  state.repeatAtNs = Math.max(state.repeatAtNs + periodNs(state.typematic), nowNs);
}

/** Puts the codes of a key into the queue; returns whether there was room. */
function send(state: KeyboardState, bytes: readonly number[]): boolean {
  const coded = state.scanCodeSet === 1 ? toSet1(bytes) : bytes;
  // One place is kept for the overrun code, one for an answer.
  if (state.queue.length + coded.length > deviceQueueSize - 2) {
    const code0 = state.scanCodeSet === 1 ? overrun.set1 : overrun.set2;
    if (state.queue.length < deviceQueueSize - 1 && state.queue.at(-1) !== code0) {
      state.queue.push(code0);
    }
    return false;
  }
  state.queue.push(...coded);
  return true;
}

/** Gives the keyboard a byte from the controller; the answer goes to its queue. */
export function writeKeyboard(state: KeyboardState, byte: number): void {
  const pending = state.command;
  state.command = null;
  if (pending !== null && byte < command.setLeds) {
    state.queue = [];
    takeParameter(state, pending, byte);
    return;
  }
  if (byte === command.resend) {
    state.queue.unshift(state.lastSent);
    state.queue.length = Math.min(state.queue.length, deviceQueueSize);
    return;
  }
  state.queue = [];
  switch (byte) {
    case command.setLeds:
    case command.scanCodeSet:
    case command.typematic:
      state.command = byte;
      state.queue.push(acknowledge);
      break;
    case command.echo:
      state.queue.push(command.echo);
      break;
    case command.identify:
      state.queue.push(acknowledge, 0xab, 0x83);
      break;
    case command.enable:
      state.enabled = true;
      state.repeats = [];
      state.queue.push(acknowledge);
      break;
    case command.disable:
    case command.defaults:
      setDefaults(state, byte === command.defaults);
      state.queue.push(acknowledge);
      break;
    case command.reset:
      setDefaults(state, true);
      state.leds = 0;
      state.queue.push(acknowledge, selfTestPassed);
      break;
    default:
      writeOtherCommand(state, byte);
  }
}

/** Takes the next byte for the controller, or `undefined`. */
export function takeKeyboardByte(state: KeyboardState): number | undefined {
  const byte = state.queue.shift();
  if (byte !== undefined) {
    state.lastSent = byte;
  }
  return byte;
}

/** Commands of scan code set 3 are taken and have no effect; anything else is no command. */
function writeOtherCommand(state: KeyboardState, byte: number): void {
  if (byte >= command.keyTypematic && byte <= command.keyMake) {
    state.command = byte;
    state.queue.push(acknowledge);
  } else if (byte >= command.allTypematic && byte <= command.allTypematicMakeBreak) {
    state.queue.push(acknowledge);
  } else {
    state.queue.push(resend);
  }
}

function takeParameter(state: KeyboardState, pending: number, byte: number): void {
  if (pending === command.setLeds) {
    state.leds = byte & 7;
  } else if (pending === command.typematic) {
    state.typematic = byte & 0x7f;
  } else if (pending === command.scanCodeSet) {
    if (byte === 0) {
      state.queue.push(acknowledge, state.scanCodeSet);
      return;
    }
    if (byte > 2) {
      state.queue.push(resend);
      return;
    }
    state.scanCodeSet = byte;
  }
  state.queue.push(acknowledge);
}

function setDefaults(state: KeyboardState, enabled: boolean): void {
  const { scanCodeSet, typematic } = powerOnKeyboard();
  state.scanCodeSet = scanCodeSet;
  state.typematic = typematic;
  state.repeats = [];
  state.enabled = enabled;
}

/** Bits 6 and 5 of the typematic byte: quarters of a second until a held key repeats, less one. */
function delayNs(typematic: number): number {
  return (((typematic >> 5) & 3) + 1) * 250_000_000;
}

/** Bits 4 to 0 of the typematic byte: the period, (8 + bits 2..0) * 2 ** bits 4..3 * 4.17 ms. */
function periodNs(typematic: number): number {
  return (8 + (typematic & 7)) * 2 ** ((typematic >> 3) & 3) * 4_170_000;
}

/** What a key sends while it is held: its make code, of Print Screen its last; Pause nothing. */
function repeatedBytes(code: string): number[] {
  return code === 'Pause' ? [] : (set2Bytes(code, true) ?? []).slice(-2);
}

function toSet1(bytes: readonly number[]): readonly number[] {
  return bytes.flatMap((byte, index) => {
    if (byte === breakPrefix) {
      return [];
    }
    return [translateToSet1(byte) | (bytes[index - 1] === breakPrefix ? 0x80 : 0)];
  });
}
