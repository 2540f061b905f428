/**
 * What x87 instructions share: availability, the register stack, and the words of its state
 * (SDM vol. 1, 8.1).
 */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';

const deviceNotAvailable = 7;
const floatingPointError = 16;

/** CR0.EM and CR0.TS. */
const unavailable = 0b1100;

/** Position of TOP in the status word. */
export const topShift = 11;

/** Bits of the status word. */
export const Status = {
  invalid: 0x01,
  denormal: 0x02,
  zeroDivide: 0x04,
  overflow: 0x08,
  underflow: 0x10,
  precision: 0x20,
  stackFault: 0x40,
  summary: 0x80,
  c0: 0x100,
  c1: 0x200,
  c2: 0x400,
  c3: 0x4000,
  busy: 0x8000,
} as const;

/** #NM when CR0.EM or CR0.TS is set (SDM vol. 3A, 2.5). */
export function requireFpu(c: InstructionContext): void {
  if (c.b.isFirst('x87 is on')) c.b.faultIf(isUnavailable(c), deviceNotAvailable);
}

function isUnavailable(c: InstructionContext): Value {
  return c.b.and(c.b.load('i32.load', CpuState.cr), unavailable);
}

/**
 * Vector 16 for an exception that an earlier instruction left pending, as every waiting instruction
 * has it (SDM vol. 1, 8.7): the summary bit is set exactly while an unmasked flag is.
 *
 * With CR0.NE this is #MF. Without it the error goes out on FERR# and comes back as IRQ 13 (SDM
 * vol. 1, 8.7.2), and who delivers faults has to do that: raise the interrupt, and run this
 * instruction again; if IGNNE# is active, with the summary bit cleared. It is no callout, because
 * instructions with one cannot be part of a region.
 */
export function requireNoPending(c: InstructionContext): void {
  c.b.faultIf(c.b.and(statusWord(c), Status.summary), floatingPointError);
}

/** Both, #NM first, by one branch. */
export function requireReady(c: InstructionContext): void {
  const b = c.b;
  if (!b.isFirst('x87 is on')) {
    requireNoPending(c);
    return;
  }
  const stops = b.or(isUnavailable(c), b.and(statusWord(c), Status.summary));
  const vector = b.select(isUnavailable(c), b.i32(deviceNotAvailable), b.i32(floatingPointError));
  b.faultIf(stops, vector);
}

/** The status word, TOP included. */
export function statusWord(c: InstructionContext): Value {
  return c.b.load('i32.load', CpuState.fpuStatus);
}

/** Sets the status word as it is. */
export function setStatusWord(c: InstructionContext, value: Value): void {
  c.b.store('i32.store', CpuState.fpuStatus, value);
}

/** TOP, 0..7. */
export function top(c: InstructionContext): Value {
  return c.b.and(c.b.shrU(statusWord(c), topShift), 7);
}

/** Adds to TOP, modulo 8. */
export function moveTop(c: InstructionContext, by: number): void {
  const b = c.b;
  const status = statusWord(c);
  const field = 7 << topShift;
  const moved = b.and(b.add(status, by << topShift), field);
  setStatusWord(c, b.or(b.and(status, ~field), moved));
}

/** Number of the physical register that is ST(i). */
export function physicalRegister(c: InstructionContext, stNumber: Value): Value {
  return c.b.and(c.b.add(top(c), stNumber), 7);
}

/** Sets the summary and busy bits by the exception flags and masks. */
export function updateSummary(c: InstructionContext): void {
  const b = c.b;
  const status = b.and(statusWord(c), ~(Status.summary | Status.busy));
  const control = b.load('i32.load', CpuState.fpuControl);
  const pending = b.and(b.and(status, b.not(control)), 0x3f);
  const bits = b.select(pending, b.i32(Status.summary | Status.busy), b.i32(0));
  setStatusWord(c, b.or(status, bits));
}
