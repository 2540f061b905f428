/**
 * Fast and slow paths of scalar floating point, and what chooses between them: what the block knows
 * of its numbers (ordinary-floats.ts), and where that does not serve, a look at each of them.
 */
import type { Value, Variable } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import { beginFloat, finishFloat } from './float-lanes.ts';
import { boundOf, clearBound, holds, isTypical, lookAt } from './ordinary-floats.ts';

/** Bytes of a number. */
export const bytesOf = (f: FloatFormat): 4 | 8 => (f.name === 'f32' ? 4 : 8);

/** A constant number of a format. */
export function constant(c: InstructionContext, f: FloatFormat, value: number): Value {
  return f.name === 'f32' ? c.b.f32(value) : c.b.f64(value);
}

/** The smallest normal number. */
export const smallest = (f: FloatFormat): number => (f.name === 'f32' ? 2 ** -126 : 2 ** -1022);

/** The largest number. */
export const largest = (f: FloatFormat): number =>
  f.name === 'f32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;

/** Operand `index` as a number: memory, or lane 0 of a register. */
export function read(c: InstructionContext, f: FloatFormat, index: number): Value {
  const b = c.b;
  if (!c.isMemory(index)) {
    const { offset, dynamic } = c.register(index);
    const lane = b.load(`${f.name}.load`, offset, dynamic);
    return b.isStraight ? b.floats.first(lane) : lane;
  }
  const linear = c.linear(index, bytesOf(f), false);
  return f.name === 'f32'
    ? b.op('f32.reinterpret_i32', b.guestLoad('i32.load', linear))
    : b.op('f64.reinterpret_i64', b.guestLoad('i64.load', linear));
}

/** Stores lane 0 of the destination. */
export function write(c: InstructionContext, f: FloatFormat, value: Value): void {
  const { offset, dynamic } = c.register(0);
  c.b.store(`${f.name}.store`, offset, value, dynamic);
}

/** A number's bits in an i64. */
export function raw(c: InstructionContext, f: FloatFormat, value: Value): Value {
  return f.name === 'f32'
    ? c.b.extendU(c.b.op('i32.reinterpret_f32', value))
    : c.b.op('i64.reinterpret_f64', value);
}

function fromRaw(c: InstructionContext, f: FloatFormat, bits: Value): Value {
  return f.name === 'f32'
    ? c.b.op('f32.reinterpret_i32', c.b.wrap(bits))
    : c.b.op('f64.reinterpret_i64', bits);
}

/** Whether the magnitude is from `least` up to the largest number. */
export function within(c: InstructionContext, f: FloatFormat, value: Value, least: number): Value {
  const b = c.b;
  const size = b.op(`${f.name}.abs`, value);
  const above = b.op(`${f.name}.ge`, size, constant(c, f, least));
  return b.and(above, b.op(`${f.name}.le`, size, constant(c, f, largest(f))));
}

/** Whether the number is one of the zeros. */
export function isZero(c: InstructionContext, f: FloatFormat, value: Value): Value {
  return c.b.eq(value, constant(c, f, 0));
}

/** Whether the number is a zero or normal. */
export function isOrdinary(c: InstructionContext, f: FloatFormat, value: Value): Value {
  return c.b.or(within(c, f, value, smallest(f)), isZero(c, f, value));
}

/** What of a fast path is known without looking at its operands. */
export interface Usual {
  /** The bound without which it is not known. */
  readonly bound: Variable;
  /** Nonzero where the fast path serves for certain. */
  readonly serves: Value;
}

/** `fast` where it serves as usual or is `allowed`, else the number whose bits `slow` gives. */
export function fastOrSlow(
  c: InstructionContext,
  f: FloatFormat,
  usual: Usual | undefined,
  allowed: () => Value,
  fast: Value,
  slow: () => Value,
): Value {
  const b = c.b;
  const result = b.variable(f.name, fast);
  const otherwise = (): void => {
    b.if(b.eqz(allowed()), () => {
      beginFloat(c);
      b.set(result, fromRaw(c, f, slow()));
      finishFloat(c);
      if (usual !== undefined) clearBound(c, f, usual.bound);
    });
  };
  if (usual === undefined) otherwise();
  else b.if(b.eqz(usual.serves), otherwise);
  const value = b.get(result);
  if (usual !== undefined) b.floats.add(value);
  return value;
}

/** A fast path that serves where the result is typical and the operands are ordinary. */
export function usually(
  c: InstructionContext,
  f: FloatFormat,
  operands: readonly Value[],
  result: Value,
): Usual | undefined {
  const bound = boundOf(c, f);
  if (bound === undefined) return undefined;
  lookAtAll(c, f, operands, bound);
  return { bound, serves: isTypical(c, f, result, bound) };
}

/** A fast path that serves where the operands are ordinary. */
export function alwaysUsual(
  c: InstructionContext,
  f: FloatFormat,
  operands: readonly Value[],
): Usual | undefined {
  const bound = boundOf(c, f);
  if (bound === undefined) return undefined;
  lookAtAll(c, f, operands, bound);
  return { bound, serves: holds(c, bound) };
}

function lookAtAll(
  c: InstructionContext,
  f: FloatFormat,
  operands: readonly Value[],
  bound: Variable,
): void {
  for (const operand of operands) {
    lookAt(c, f, operand, bound, (value) => isOrdinary(c, f, value));
  }
}

/** What `slow` builds, with its exceptions, where one of two operands is not ordinary. */
export function unlessOrdinary(
  c: InstructionContext,
  f: FloatFormat,
  left: Value,
  right: Value,
  slow: () => void,
): void {
  const b = c.b;
  const usual = alwaysUsual(c, f, [left, right]);
  const otherwise = (): void => {
    b.if(b.eqz(b.and(isOrdinary(c, f, left), isOrdinary(c, f, right))), () => {
      beginFloat(c);
      slow();
      finishFloat(c);
    });
  };
  if (usual === undefined) otherwise();
  else b.if(b.eqz(usual.serves), otherwise);
}
