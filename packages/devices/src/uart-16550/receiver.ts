/**
 * The receiving half of a 16550: FIFO, trigger level, timeout, and the queue of what is to come.
 */
import type { Clock, Timer } from '../interfaces.ts';
import { nanosecondsPerSecond } from '../tick-rate.ts';
import * as reg from './registers.ts';
import type { UartState } from './state.ts';

/** Returns whether the FIFOs are on. */
export function fifosOn(state: UartState): boolean {
  return (state.fifoControl & reg.fcr.fifosOn) !== 0;
}

/** Returns how long one character takes on the line, in nanoseconds. */
export function characterNs(state: UartState): number {
  const { lineControl } = state;
  const bits =
    7 +
    (lineControl & reg.lcr.wordLength) +
    ((lineControl & reg.lcr.parity) !== 0 ? 1 : 0) +
    ((lineControl & reg.lcr.twoStopBits) !== 0 ? 1 : 0);
  const divisor = state.divisor === 0 ? 0x1_0000 : state.divisor;
  return (bits * divisor * 16 * nanosecondsPerSecond) / reg.uartHertz;
}

/** Returns whether the received characters reach the level that asks for an interrupt. */
export function reachesTrigger(state: UartState): boolean {
  const level = fifosOn(state) ? (reg.triggerLevels[state.fifoControl >> 6] ?? 1) : 1;
  return state.received.length >= level;
}

/**
 * Puts a character from the line into the FIFO; with no room it is lost, or overwrites the
 * register.
 */
export function pushCharacter(state: UartState, character: number): void {
  const capacity = fifosOn(state) ? reg.fifoSize : 1;
  if (state.received.length >= capacity) {
    state.lineErrors |= reg.lsr.overrun;
    if (capacity === 1) {
      state.received = [character];
    }
  } else {
    state.received.push(character);
  }
  showErrors(state);
}

/** Takes the first character, or 0 when there is none. */
export function takeCharacter(state: UartState): number {
  const character = state.received.shift() ?? 0;
  state.timeoutPending = false;
  showErrors(state);
  return character & 0xff;
}

/**
 * Moves waiting input into the FIFO as far as there is room.
 *
 * @param onlyWhenListening leaves it waiting until the receiver listens: it has its interrupt on,
 * or it polls, which is two reads of LSR with nothing between them.
 */
export function refill(state: UartState, onlyWhenListening: boolean): void {
  const listens =
    !onlyWhenListening ||
    (state.interruptEnable & reg.ier.received) !== 0 ||
    state.statusReads >= 2;
  if (!listens || (state.modemControl & reg.mcr.loop) !== 0) {
    return;
  }
  const room = (fifosOn(state) ? reg.fifoSize : 1) - state.received.length;
  if (room > 0 && state.waiting.length > 0) {
    state.received.push(...state.waiting.splice(0, room));
    showErrors(state);
  }
}

/** Starts the receive timeout anew: four characters' time after the FIFO was last touched. */
export function restartTimeout(state: UartState, clock: Clock, timer: Timer): void {
  if (fifosOn(state) && state.received.length > 0 && !state.timeoutPending) {
    state.timeoutAtNs = Math.ceil(clock.now() + 4 * characterNs(state));
    timer.arm(state.timeoutAtNs);
  } else {
    state.timeoutAtNs = null;
    timer.cancel();
  }
}

/** A character's errors become visible in the LSR when it comes to the top of the FIFO. */
function showErrors(state: UartState): void {
  const [top] = state.received;
  if (top !== undefined) {
    state.lineErrors |= (top >> 8) & reg.characterErrors;
    state.received[0] = top & 0xff;
  }
}
