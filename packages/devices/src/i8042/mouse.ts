/**
 * A PS/2 mouse with wheel and five buttons (IBM PS/2 Technical Reference, "Auxiliary Device"; the
 * wheel is Microsoft's IntelliMouse extension: sample rates 200, 100, 80 ask for identity 3; 200,
 * 200, 80 for identity 4).
 *
 *     byte 0  7 y overflow | 6 x overflow | 5 y sign | 4 x sign
 *             3 = 1 | 2 middle | 1 right | 0 left
 *     byte 1  x
 *     byte 2  y (away from the user)
 *     byte 3  identity 3: z (towards the user)   identity 4: 5 button 5 | 4 button 4 | 3..0 z
 */
import { acknowledge, deviceQueueSize, resend, selfTestPassed } from './registers.ts';
import { maximumMovement, powerOnMouse, type MouseState } from './state.ts';

const command = {
  scale1: 0xe6,
  scale2: 0xe7,
  resolution: 0xe8,
  status: 0xe9,
  stream: 0xea,
  readData: 0xeb,
  endWrap: 0xec,
  wrap: 0xee,
  remote: 0xf0,
  identify: 0xf2,
  sampleRate: 0xf3,
  enable: 0xf4,
  disable: 0xf5,
  defaults: 0xf6,
  resend: 0xfe,
  reset: 0xff,
} as const;

/** Reports may fill the queue this far, so that answers always have room. */
const reportLimit = deviceQueueSize - 8;

/** Moves the mouse and its wheel, and sets its buttons. */
export function moveMouse(
  state: MouseState,
  dx: number,
  dy: number,
  dz: number,
  buttons: number,
): void {
  state.dx = limit(state.dx + dx, maximumMovement);
  state.dy = limit(state.dy + dy, maximumMovement);
  state.dz = limit(state.dz + dz, maximumMovement);
  state.buttons = buttons & 31;
  report(state);
}

/** Queues a report if there is something to report, reports are on, and the last were taken. */
export function report(state: MouseState): void {
  const news =
    state.dx !== 0 ||
    state.dy !== 0 ||
    (state.dz !== 0 && state.identity !== 0) ||
    state.buttons !== state.reportedButtons;
  if (news && state.enabled && !state.remote && state.queue.length + 4 <= reportLimit) {
    queueReport(state);
  }
}

/** Gives the mouse a byte from the controller; the answer goes to its queue. */
export function writeMouse(state: MouseState, byte: number): void {
  const pending = state.command;
  state.command = null;
  if (state.wraps && byte !== command.reset && byte !== command.endWrap) {
    state.queue = [byte];
  } else if (pending === command.resolution) {
    state.resolution = byte & 3;
    state.queue = [acknowledge];
  } else if (pending === command.sampleRate) {
    setSampleRate(state, byte);
    state.queue = [acknowledge];
  } else if (byte === command.resend) {
    state.queue = [state.lastSent];
  } else {
    state.queue = [acknowledge];
    runCommand(state, byte);
  }
}

/**
 * Takes the next byte for the controller, or `undefined`; with the queue empty a report may follow.
 */
export function takeMouseByte(state: MouseState): number | undefined {
  const byte = state.queue.shift();
  if (byte !== undefined) {
    state.lastSent = byte;
    if (state.queue.length === 0) {
      report(state);
    }
  }
  return byte;
}

function runCommand(state: MouseState, byte: number): void {
  switch (byte) {
    case command.scale1:
    case command.scale2:
      state.scales = byte === command.scale2;
      break;
    case command.resolution:
    case command.sampleRate:
      state.command = byte;
      break;
    case command.status:
      state.queue.push(statusByte(state), state.resolution, state.sampleRate);
      break;
    case command.stream:
    case command.remote:
      state.remote = byte === command.remote;
      forgetMovement(state);
      break;
    case command.readData:
      queueReport(state);
      break;
    case command.wrap:
    case command.endWrap:
      state.wraps = byte === command.wrap;
      break;
    case command.identify:
      state.queue.push(state.identity);
      break;
    case command.enable:
    case command.disable:
      state.enabled = byte === command.enable;
      forgetMovement(state);
      break;
    case command.defaults:
      setDefaults(state, state.identity);
      break;
    case command.reset:
      setDefaults(state, 0);
      state.queue.push(selfTestPassed, 0);
      break;
    default:
      state.queue = [resend];
  }
}

function statusByte(state: MouseState): number {
  const { buttons } = state;
  return (
    (state.remote ? 0x40 : 0) |
    (state.enabled ? 0x20 : 0) |
    (state.scales ? 0x10 : 0) |
    ((buttons & 1) << 2) |
    ((buttons & 4) >> 1) |
    ((buttons & 2) >> 1)
  );
}

function setSampleRate(state: MouseState, rate: number): void {
  state.sampleRate = rate;
  state.rates = [...state.rates.slice(1), rate];
  const knock = state.rates.join(' ');
  if (knock === '200 100 80') {
    state.identity = 3;
  } else if (knock === '200 200 80' && state.identity === 3) {
    state.identity = 4;
  }
}

function setDefaults(state: MouseState, identity: number): void {
  const { queue, buttons } = state;
  Object.assign(state, powerOnMouse(), { queue, buttons, reportedButtons: buttons, identity });
}

function forgetMovement(state: MouseState): void {
  state.dx = 0;
  state.dy = 0;
  state.dz = 0;
}

function queueReport(state: MouseState): void {
  const dx = limit(state.dx, 255);
  const dy = limit(state.dy, 255);
  const first = 0x08 | (state.buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
  state.queue.push(first, dx & 0xff, dy & 0xff);
  state.dx -= dx;
  state.dy -= dy;
  if (state.identity === 0) {
    state.dz = 0;
  } else {
    const most = state.identity === 4 ? 7 : 127;
    const dz = limit(state.dz, most);
    const sides = ((state.buttons >> 3) & 3) << 4;
    state.queue.push(state.identity === 4 ? sides | (dz & 0x0f) : dz & 0xff);
    state.dz -= dz;
  }
  state.reportedButtons = state.buttons;
}

function limit(value: number, most: number): number {
  // A fraction or NaN from the host must not get into the state.
  return Math.max(-most, Math.min(most, Math.trunc(value) || 0));
}
