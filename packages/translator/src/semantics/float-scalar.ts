/**
 * Scalar floating point of SSE (ADDSS, ADDSD ...): lane 0 alone, as a WebAssembly number.
 *
 * The division into a fast and a slow path is that of float-lanes.ts. Only the lane is loaded and
 * stored: the rest of the destination stays as it is. Blocks of regions remember what numbers are
 * known to be ordinary (scalar-paths.ts): `allowed` is looked at where that does not say so.
 */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Relation } from '../runtime/sse-float-compare.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { f32, f64 } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import { beginFloat, finishFloat, isDefaultControl, isInexactSet } from './float-lanes.ts';
import { predicateOf } from './float-predicates.ts';
import { resize } from './integer.ts';
import { boundOf } from './ordinary-floats.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import {
  alwaysUsual,
  bytesOf,
  constant,
  fastOrSlow,
  isOrdinary,
  isZero,
  largest,
  raw,
  read,
  smallest,
  unlessOrdinary,
  usually,
  within,
  write,
} from './scalar-paths.ts';
import { vectors } from './vector.ts';

type Name = 'Add' | 'Sub' | 'Mul' | 'Div';

/** Whether a result shows that no exception but inexact happened. */
function isSafe(
  c: InstructionContext,
  f: FloatFormat,
  name: Name,
  left: Value,
  right: Value,
  result: Value,
): Value {
  const b = c.b;
  if (name === 'Add' || name === 'Sub') return isOrdinary(c, f, result);
  const normal = within(c, f, result, 2 * smallest(f));
  const [zero, other] = [isZero(c, f, left), isZero(c, f, right)];
  const exact = name === 'Mul' ? b.or(zero, other) : b.and(zero, b.eqz(other));
  return b.or(normal, exact);
}

function arithmetic(f: FloatFormat, name: Name): Semantics {
  return (c) => {
    const b = c.b;
    const right = read(c, f, 1);
    const left = read(c, f, 0);
    const fast = b.op(`${f.name}.${name.toLowerCase()}`, left, right);
    const usual = usually(c, f, [left, right], fast);
    const allowed = (): Value => {
      const ordinary = b.and(isOrdinary(c, f, left), isOrdinary(c, f, right));
      const safe = b.and(ordinary, isSafe(c, f, name, left, right, fast));
      return b.and(safe, isDefaultControl(c, true));
    };
    const slow = (): Value => b.call(`${f.name}${name}`, 'i64', raw(c, f, left), raw(c, f, right));
    write(c, f, fastOrSlow(c, f, usual, allowed, fast, slow));
  };
}

function squareRoot(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const value = read(c, f, 1);
    const root = b.op(`${f.name}.sqrt`, value);
    const usual = usually(c, f, [value], root);
    const allowed = (): Value => {
      const positive = b.op(`${f.name}.ge`, value, constant(c, f, smallest(f)));
      const finite = b.op(`${f.name}.le`, value, constant(c, f, largest(f)));
      const ordinary = b.or(b.and(positive, finite), isZero(c, f, value));
      return b.and(ordinary, isDefaultControl(c, true));
    };
    const slow = (): Value => b.call(`${f.name}Sqrt`, 'i64', raw(c, f, value));
    write(c, f, fastOrSlow(c, f, usual, allowed, root, slow));
  };
}

/** The second operand unless the first is smaller (larger): no exceptions for ordinary numbers. */
function extreme(f: FloatFormat, name: 'Min' | 'Max'): Semantics {
  return (c) => {
    const b = c.b;
    const right = read(c, f, 1);
    const left = read(c, f, 0);
    const chosen = b.op(`${f.name}.${name === 'Min' ? 'lt' : 'gt'}`, left, right);
    const fast = b.select(chosen, left, right);
    const usual = alwaysUsual(c, f, [left, right]);
    const allowed = (): Value => b.and(isOrdinary(c, f, left), isOrdinary(c, f, right));
    const slow = (): Value => b.call(`${f.name}${name}`, 'i64', raw(c, f, left), raw(c, f, right));
    write(c, f, fastOrSlow(c, f, usual, allowed, fast, slow));
  };
}

/** The `Relation` of two numbers. */
function relate(
  c: InstructionContext,
  f: FloatFormat,
  left: Value,
  right: Value,
  quiet: Value,
): Value {
  const b = c.b;
  const less = b.op(`${f.name}.lt`, left, right);
  const other = b.select(b.eq(left, right), b.i32(Relation.equal), b.i32(Relation.greater));
  const relation = b.variable('i32', b.select(less, b.i32(Relation.less), other));
  unlessOrdinary(c, f, left, right, () => {
    const [first, second] = [raw(c, f, left), raw(c, f, right)];
    b.set(relation, b.call(`${f.name}Compare`, 'i32', first, second, quiet));
  });
  return b.get(relation);
}

function compareMask(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const right = read(c, f, 1);
    const left = read(c, f, 0);
    const { accepted, quiet } = predicateOf(c);
    const relation = relate(c, f, left, right, quiet);
    const mask = b.neg(b.ne(b.and(relation, accepted), 0));
    c.storeState(c.register(0), resize(b, mask, 4, bytesOf(f), true), bytesOf(f));
  };
}

/** CF, ZF and PF: less, equal, unordered, which sets all three. */
function compareFlags(f: FloatFormat, quiet: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const right = read(c, f, 1);
    const left = read(c, f, 0);
    const less = b.variable('i32', b.op(`${f.name}.lt`, left, right));
    const equal = b.variable('i32', b.eq(left, right));
    const unordered = b.variable('i32', b.i32(0));
    unlessOrdinary(c, f, left, right, () => {
      const [first, second] = [raw(c, f, left), raw(c, f, right)];
      const relation = b.call(`${f.name}Compare`, 'i32', first, second, b.i32(quiet ? 1 : 0));
      const none = b.shrU(relation, 3);
      b.set(unordered, none);
      b.set(less, b.and(b.or(relation, none), 1));
      b.set(equal, b.and(b.or(b.shrU(relation, 1), none), 1));
    });
    c.flags.compared(b.get(less), b.get(equal), b.get(unordered));
  };
}

/** CVTSS2SD: exact. */
function widen(c: InstructionContext): void {
  const b = c.b;
  const value = read(c, f32, 1);
  const slow = (): Value => b.call('f32ToF64', 'i64', raw(c, f32, value));
  const wide = b.op('f64.promote_f32', value);
  const from = alwaysUsual(c, f32, [value]);
  const bound = boundOf(c, f64);
  const usual = from && bound && { bound, serves: from.serves };
  write(
    c,
    f64,
    fastOrSlow(c, f64, usual, () => isOrdinary(c, f32, value), wide, slow),
  );
}

/** CVTSD2SS: between the normal singles and clear of both ends, or zero. */
function narrow(c: InstructionContext): void {
  const b = c.b;
  const value = read(c, f64, 1);
  const single = b.op('f32.demote_f64', value);
  // Only numbers in the midst of the singles' range become typical.
  const usual = usually(c, f32, [], single);
  const allowed = (): Value => {
    const size = b.op('f64.abs', value);
    const above = b.op('f64.ge', size, b.f64(2 ** -125));
    const inside = b.and(above, b.op('f64.lt', size, b.f64(2 ** 127)));
    const safe = b.or(inside, isZero(c, f64, value));
    return b.and(safe, isDefaultControl(c, true));
  };
  const slow = (): Value => b.call('f64ToF32', 'i64', raw(c, f64, value));
  write(c, f32, fastOrSlow(c, f32, usual, allowed, single, slow));
}

/** CVTSI2SS, CVTSI2SD: an integer of 4 or 8 bytes; 4 bytes are exact in double precision. */
function fromInteger(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const value = c.read(1);
    const fast = b.op(`${f.name}.convert_${value.type}_s`, value);
    if (value.type === 'i32' && f.name === 'f64') {
      b.floats.add(fast);
      write(c, f, fast);
      return;
    }
    const wide = value.type === 'i64' ? value : b.extendS(value);
    const slow = (): Value => b.call(`${f.name}FromI64`, 'i64', wide);
    const usual = alwaysUsual(c, f, []);
    write(
      c,
      f,
      fastOrSlow(c, f, usual, () => isDefaultControl(c, true), fast, slow),
    );
  };
}

/** MXCSR.RC. */
function roundingMode(c: InstructionContext): Value {
  return c.b.and(c.b.shrU(c.b.load('i32.load', CpuState.mxcsr), 13), 3);
}

const towardsZero = 3;

/** CVTSS2SI, CVTSD2SI and their truncating forms, to 4 or 8 bytes. */
function toInteger(f: FloatFormat, truncate: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0) === 8 ? 8 : 4;
    const type = bytes === 8 ? 'i64' : 'i32';
    const value = read(c, f, 1);
    const whole = b.op(`${f.name}.${truncate ? 'trunc' : 'nearest'}`, value);
    // Whatever the rounding, smaller numbers fit; NaNs are not smaller.
    const limit = constant(c, f, f.name === 'f32' || bytes === 8 ? 2 ** 30 : 2 ** 31 - 1);
    const fits = b.op(`${f.name}.lt`, b.op(`${f.name}.abs`, value), limit);
    const silent = b.or(isInexactSet(c), b.eq(whole, value));
    const mode = truncate ? b.i32(towardsZero) : roundingMode(c);
    const nearest = truncate ? fits : b.and(fits, b.eqz(mode));
    const result = b.variable(type, b.op(`${type}.trunc_sat_${f.name}_s`, whole));
    b.if(b.eqz(b.and(nearest, silent)), () => {
      beginFloat(c);
      const bits = raw(c, f, value);
      const wide = b.call(`${f.name}ToI64`, 'i64', bits, mode, b.i32(8 * bytes));
      b.set(result, resize(b, wide, 8, bytes, true));
      finishFloat(c);
    });
    c.write(0, b.get(result), bytes);
  };
}

/** ROUNDSS, ROUNDSD: bits 1:0 are the mode unless bit 2 takes MXCSR's; bit 3: never inexact. */
function roundToInteger(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const value = read(c, f, 1);
    const immediate = c.immediate(1);
    const mode = b.select(b.and(immediate, 4), roundingMode(c), b.and(immediate, 3));
    const quiet = b.and(b.shrU(immediate, 3), 1);
    const rounded = (op: string): Value => b.op(`${f.name}.${op}`, value);
    const odd = b.and(mode, 1);
    const upOrZero = b.select(odd, rounded('trunc'), rounded('ceil'));
    const nearestOrDown = b.select(odd, rounded('floor'), rounded('nearest'));
    const whole = b.select(b.and(mode, 2), upOrZero, nearestOrDown);
    const usual = alwaysUsual(c, f, [value]);
    const allowed = (): Value => b.and(b.or(quiet, isInexactSet(c)), isOrdinary(c, f, value));
    const slow = (): Value =>
      b.call(`${f.name}RoundToInteger`, 'i64', raw(c, f, value), mode, quiet);
    write(c, f, fastOrSlow(c, f, usual, allowed, whole, slow));
  };
}

function formatted(): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [letter, f] of [
    ['S', f32],
    ['D', f64],
  ] as const) {
    for (const name of ['Add', 'Sub', 'Mul', 'Div'] as const) {
      table[`${name.toUpperCase()}S${letter}`] = arithmetic(f, name);
    }
    table[`SQRTS${letter}`] = squareRoot(f);
    table[`MINS${letter}`] = extreme(f, 'Min');
    table[`MAXS${letter}`] = extreme(f, 'Max');
    table[`CMPS${letter}`] = compareMask(f);
    table[`COMIS${letter}`] = compareFlags(f, false);
    table[`UCOMIS${letter}`] = compareFlags(f, true);
    table[`CVTSI2S${letter}`] = fromInteger(f);
    table[`CVTS${letter}2SI`] = toInteger(f, false);
    table[`CVTTS${letter}2SI`] = toInteger(f, true);
    table[`ROUNDS${letter}`] = roundToInteger(f);
  }
  return table;
}

/** Scalar arithmetic, comparison and conversion. */
export const floatScalars: SemanticsTable = vectors({
  ...formatted(),
  CVTSS2SD: widen,
  CVTSD2SS: narrow,
});
