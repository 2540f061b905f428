/**
 * What MMX and SSE instructions share: whether they are available, and their operands as v128.
 *
 * An MMX operand is the low half of a v128, so that one builder serves `PADDB mm` and `PADDB xmm`.
 * MMX registers are the significands of the x87 registers R0 to R7 (SDM vol. 1, 9.2.1).
 */
import { Location } from '@ringfence/isa';
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, storeOf } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const generalProtection = 13;
const invalidOpcode = 6;
const deviceNotAvailable = 7;
/** CR0.EM and CR0.TS. */
const emulation = 4;
const taskSwitched = 8;
const osFxsr = 0x200;
const errorSummary = 0x80;
const topOfStack = 0x3800;

const cr4 = CpuState.cr + 32;

/** Whether an operand is an MMX register here. */
export function isMm(c: InstructionContext, index: number): boolean {
  const { location } = c.operand(index);
  if (location === Location.regMm || location === Location.rmMmOnly) return true;
  return location === Location.rmMm && !c.isMemory(index);
}

function isXmm(c: InstructionContext, index: number): boolean {
  const { location } = c.operand(index);
  return (
    location === Location.regXmm ||
    location === Location.rmXmmOnly ||
    location === Location.rmXmm ||
    location === Location.xmm0
  );
}

/** Whether any operand is an MMX register. */
export function usesMm(c: InstructionContext): boolean {
  return c.form.operands.some((_, index) => isMm(c, index));
}

/** #UD or #NM where CR0.EM, CR0.TS or CR4.OSFXSR say so (SDM vol. 2, table 2-21). */
export function requireSse(c: InstructionContext): void {
  const b = c.b;
  if (c.isLane || !b.isFirst('SSE is on')) return;
  const cr0 = b.load('i32.load', CpuState.cr);
  const off = b.and(b.xor(b.load('i32.load', cr4), osFxsr), osFxsr);
  const stops = b.or(b.and(cr0, emulation | taskSwitched), off);
  const isUndefined = b.or(b.and(b.load('i32.load', CpuState.cr), emulation), off);
  b.faultIf(stops, b.select(isUndefined, b.i32(invalidOpcode), b.i32(deviceNotAvailable)));
}

const floatingPointError = 16;

/** #UD, #NM, or #MF for a pending x87 exception (see `requireNoPending` of the x87). */
export function requireMmx(c: InstructionContext): void {
  const b = c.b;
  const cr0 = b.load('i32.load', CpuState.cr);
  const busy = b.and(cr0, emulation | taskSwitched);
  const pending = b.and(b.load('i32.load', CpuState.fpuStatus), errorSummary);
  const reason = b.load('i32.load', CpuState.cr);
  const available = b.i32(floatingPointError);
  const isSwitched = b.and(reason, taskSwitched);
  const vector = b.select(isSwitched, b.i32(deviceNotAvailable), available);
  const isEmulated = b.and(reason, emulation);
  b.faultIf(b.or(busy, pending), b.select(isEmulated, b.i32(invalidOpcode), vector));
}

/** TOP becomes 0 and all registers valid (SDM vol. 1, 9.2.2). */
export function enterMmx(c: InstructionContext): void {
  const b = c.b;
  const status = b.and(b.load('i32.load', CpuState.fpuStatus), ~topOfStack);
  b.store('i32.store', CpuState.fpuStatus, status);
  b.store('i32.store', CpuState.fpuTags, b.i32(0xff));
}

/** Wraps the semantics of one MMX or SSE instruction in its availability checks. */
export function vector(build: Semantics): Semantics {
  return (c) => {
    const mmx = usesMm(c);
    const sse = c.form.operands.some((_, index) => isXmm(c, index));
    if (sse || !mmx) requireSse(c);
    if (mmx) requireMmx(c);
    build(c);
    if (mmx) enterMmx(c);
  };
}

/** Wraps each entry of a table. */
export function vectors(table: SemanticsTable): SemanticsTable {
  return Object.fromEntries(Object.entries(table).map(([name, build]) => [name, vector(build)]));
}

/** A table with the same semantics under several names. */
export function named(names: string, semantics: Semantics): SemanticsTable {
  return Object.fromEntries(names.split(' ').map((name) => [name, semantics]));
}

const zeroBytes: readonly number[] = new Array<number>(16).fill(0);

/** A v128 of zeros. */
export function zeroVector(c: InstructionContext): Value {
  return c.b.v128(zeroBytes);
}

/** A v128 constant of lanes of 1, 2, 4 bytes. */
export function lanesOf(c: InstructionContext, bytes: 1 | 2 | 4, values: readonly number[]): Value {
  const all: number[] = [];
  for (const value of values) {
    for (let index = 0; index < bytes; index++) all.push((value >> (8 * index)) & 0xff);
  }
  return c.b.v128(all);
}

/** A vector whose low bytes are an integer of 2, 4 or 8 bytes, the others zero. */
export function fromInteger(c: InstructionContext, value: Value, bytes: number): Value {
  const lane = bytes === 8 ? 'i64x2' : bytes === 4 ? 'i32x4' : 'i16x8';
  return c.b.opLanes(`${lane}.replace_lane`, [0], zeroVector(c), value);
}

/** The low 8 bytes as i64, or 4 as i32. */
export function low(c: InstructionContext, value: Value, bytes: number): Value {
  return c.b.opLanes(bytes === 8 ? 'i64x2.extract_lane' : 'i32x4.extract_lane', [0], value);
}

/**
 * Operand `index` as v128. Memory of 16 bytes must be aligned unless `aligned` is false; less
 * memory is zero-extended, a register is read whole.
 */
export function readVector(c: InstructionContext, index: number, aligned = true): Value {
  const b = c.b;
  const known = c.vectorOperand(index);
  if (known !== undefined) return known;
  if (!c.isMemory(index)) {
    const { offset, dynamic } = c.register(index);
    return b.load(isMm(c, index) ? 'v128.load64_zero' : 'v128.load', offset, dynamic);
  }
  const bytes = c.bytes(index);
  const linear = c.linear(index, bytes, false);
  if (bytes === 16) {
    if (aligned) requireAligned(c, linear);
    return b.guestLoad('v128.load', linear);
  }
  return fromInteger(c, b.guestLoad(loadOf[bytes] ?? '', linear), bytes);
}

/** #GP(0) for an operand that is not on a 16-byte border. */
export function requireAligned(c: InstructionContext, linear: Value): void {
  c.b.faultIf(c.b.and(linear, 15), generalProtection, 0);
}

/** Writes a register whole, or as many bytes of memory as the operand has. */
export function writeVector(
  c: InstructionContext,
  index: number,
  value: Value,
  aligned = true,
): void {
  const b = c.b;
  if (c.takeVector(index, value)) return;
  if (!c.isMemory(index)) {
    const { offset, dynamic } = c.register(index);
    if (isMm(c, index)) {
      b.store('i64.store', offset, low(c, value, 8), dynamic);
      b.store('i32.store16', offset + 8, b.i32(0xffff), dynamic);
    } else b.store('v128.store', offset, value, dynamic);
    return;
  }
  const bytes = c.bytes(index);
  const linear = c.linear(index, bytes, true);
  if (bytes === 16 && aligned) requireAligned(c, linear);
  const content = bytes === 16 ? value : low(c, value, bytes);
  b.guestStore(storeOf[bytes] ?? '', linear, content);
}

/** The bytes `from` to `from + 15` of two vectors laid end to end, by constant indices. */
export function shuffle(
  c: InstructionContext,
  left: Value,
  right: Value,
  bytes: readonly number[],
): Value {
  return c.b.opLanes('i8x16.shuffle', bytes, left, right);
}

/** Byte indices of a shuffle from indices of lanes of `bytes`. */
export function laneBytes(lanes: readonly number[], bytes: number): number[] {
  return lanes.flatMap((lane) => Array.from({ length: bytes }, (_, at) => lane * bytes + at));
}
