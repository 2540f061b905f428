/**
 * How SSE floating point is computed: by WebAssembly's vector operations where that is certainly
 * what the processor does, else lane by lane by the functions of runtime/sse-float-*.ts.
 *
 * WebAssembly rounds to nearest and reports nothing. That is enough when MXCSR has its default
 * controls, the inexact flag is set already (it is sticky, and programs set it early), and operands
 * and results are zeros or normal numbers far enough from both ends of the range that no other
 * exception is possible.
 */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { pendingFlags } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import { enterMmx, laneBytes, shuffle, usesMm } from './vector.ts';

const simdException = 19;
const invalidOpcode = 6;
const osXmmExceptions = 0x400;

/** MXCSR controls, and the inexact flag: all exceptions masked, nearest, neither DAZ nor FTZ. */
const controlMask = 0xffc0;
const defaultControl = 0x1f80;
const inexactFlag = 0x20;
const inexactMask = 0x1000;

/** Lanes of a vector: `i32x4` or `i64x2`. */
export const integerLanes = (f: FloatFormat): 'i32x4' | 'i64x2' =>
  f.name === 'f32' ? 'i32x4' : 'i64x2';

/** Lanes of a vector: `f32x4` or `f64x2`. */
export const floatLanes = (f: FloatFormat): 'f32x4' | 'f64x2' =>
  f.name === 'f32' ? 'f32x4' : 'f64x2';

/** How many lanes a vector has. */
export const laneCount = (f: FloatFormat): 2 | 4 => (f.name === 'f32' ? 4 : 2);

/** All lanes with the same bits. */
export function splatBits(c: InstructionContext, f: FloatFormat, bits: bigint): Value {
  const bytes: number[] = [];
  for (let at = 0; at < 16; at++) {
    const shift = BigInt(8 * (at % (16 / laneCount(f))));
    bytes.push(Number((bits >> shift) & 0xffn));
  }
  return c.b.v128(bytes);
}

/** Lane `index` as raw bits in an i64. */
export function rawLane(c: InstructionContext, f: FloatFormat, value: Value, index: number): Value {
  const lane = c.b.opLanes(`${integerLanes(f)}.extract_lane`, [index], value);
  return f.name === 'f32' ? c.b.extendU(lane) : lane;
}

/** A vector with raw bits put into lane `index`. */
export function withRawLane(
  c: InstructionContext,
  f: FloatFormat,
  value: Value,
  index: number,
  raw: Value,
): Value {
  const lane = f.name === 'f32' ? c.b.wrap(raw) : raw;
  return c.b.opLanes(`${integerLanes(f)}.replace_lane`, [index], value, lane);
}

/** Lane 0 of `value`, the rest of `rest`. */
export function mergeLow(c: InstructionContext, f: FloatFormat, value: Value, rest: Value): Value {
  const count = laneCount(f);
  const lanes = Array.from({ length: count }, (_, at) => (at === 0 ? 0 : count + at));
  return shuffle(c, value, rest, laneBytes(lanes, 16 / count));
}

/** Nonzero with default controls; `sticky` with the inexact flag set too. */
export function isDefaultControl(c: InstructionContext, sticky: boolean): Value {
  const b = c.b;
  const mask = controlMask | (sticky ? inexactFlag : 0);
  const wanted = defaultControl | (sticky ? inexactFlag : 0);
  return b.eq(b.and(b.load('i32.load', CpuState.mxcsr), mask), wanted);
}

/** Nonzero with the inexact flag set and masked: another inexact result changes nothing. */
export function isInexactSet(c: InstructionContext): Value {
  const both = inexactFlag | inexactMask;
  return c.b.eq(c.b.and(c.b.load('i32.load', CpuState.mxcsr), both), both);
}

/** Lanes whose exponent field is above `least` and below that of infinities. */
export function normalLanes(
  c: InstructionContext,
  f: FloatFormat,
  value: Value,
  least = 0n,
): Value {
  const b = c.b;
  const lanes = integerLanes(f);
  const field = b.op('v128.and', value, splatBits(c, f, f.infinity));
  const above = b.op(`${lanes}.gt_s`, field, splatBits(c, f, least << BigInt(f.fraction)));
  const below = b.op(`${lanes}.lt_s`, field, splatBits(c, f, f.infinity));
  return b.op('v128.and', above, below);
}

/** Lanes that are a zero. */
export function zeroLanes(c: InstructionContext, f: FloatFormat, value: Value): Value {
  const size = c.b.op('v128.and', value, splatBits(c, f, f.sign - 1n));
  return c.b.op(`${integerLanes(f)}.eq`, size, splatBits(c, f, 0n));
}

/** Lanes that are a zero or a normal number. */
export function ordinaryLanes(c: InstructionContext, f: FloatFormat, value: Value): Value {
  return c.b.op('v128.or', normalLanes(c, f, value), zeroLanes(c, f, value));
}

/** Nonzero when all lanes of all masks are set. */
export function allLanes(c: InstructionContext, ...masks: readonly Value[]): Value {
  const all = masks.reduce((left, right) => c.b.op('v128.and', left, right));
  return c.b.op('i32x4.all_true', all);
}

/**
 * Merges collected exceptions into MXCSR; #XM (or #UD) if one is not masked. A conversion to an MMX
 * register has changed the x87 state by then.
 */
export function finishFloat(c: InstructionContext): void {
  const b = c.b;
  if (c.leavesExceptions) return;
  b.if(b.call('sseFinish', 'i32'), () => {
    if (usesMm(c)) enterMmx(c);
    b.if(b.and(b.load('i32.load', CpuState.cr + 32), osXmmExceptions), () =>
      b.fault(simdException),
    );
    b.fault(invalidOpcode);
  });
}

/** Begins to collect exceptions, unless those of other lanes are among them. */
export function beginFloat(c: InstructionContext): void {
  if (!c.leavesExceptions) c.b.store('i32.store', pendingFlags, c.b.i32(0));
}

/**
 * `fast` if `allowed`, else what `slow` builds between collecting exceptions and reporting them.
 */
export function fastOrSlow(
  c: InstructionContext,
  allowed: Value,
  fast: Value,
  slow: () => Value,
): Value {
  const b = c.b;
  const result = b.variable('v128', fast);
  b.if(b.eqz(allowed), () => {
    beginFloat(c);
    b.set(result, slow());
    finishFloat(c);
  });
  return b.get(result);
}

/** Lane by lane: `compute` gives the raw bits of a lane. Only the first `count` lanes are done. */
export function eachLane(
  c: InstructionContext,
  f: FloatFormat,
  start: Value,
  count: number,
  compute: (index: number) => Value,
): Value {
  let result = start;
  for (let index = 0; index < count; index++) {
    result = withRawLane(c, f, result, index, compute(index));
  }
  return result;
}
