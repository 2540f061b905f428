/** The summary bit of the x87 status word: an unmasked exception is pending (SDM 1 8.1.3.3). */
import { CpuState } from '@ringfence/memory';

const status = CpuState.fpuStatus >> 2;
const control = CpuState.fpuControl >> 2;
/** ES and B. */
const summary = 0x8080;
const exceptions = 0x3f;

/** Whether a waiting instruction would report an error. */
export function hasPendingError(state: Int32Array): boolean {
  return ((state[status] ?? 0) & 0x80) !== 0;
}

/** Lets the next instruction go on in spite of a pending error. */
export function hidePendingError(state: Int32Array): void {
  state[status] = (state[status] ?? 0) & ~summary;
}

/** Sets the summary bits by the exceptions and their masks. */
export function showPendingError(state: Int32Array): void {
  const word = state[status] ?? 0;
  const pending = word & ~(state[control] ?? 0) & exceptions;
  state[status] = pending === 0 ? word & ~summary : word | summary;
}
