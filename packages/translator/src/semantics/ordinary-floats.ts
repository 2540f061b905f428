/**
 * What blocks of regions know of scalar floating-point numbers.
 *
 * A fast path of float-scalar.ts serves where operands and result are ordinary (a zero or normal)
 * and MXCSR has its usual controls. To look at each of them at each instruction takes several
 * times as long as to compute. So a block has a _bound_ for each format: an unsigned integer, and
 * 0 once anything was found that is not as usual. What was looked at once is known to be ordinary
 * unless the bound is 0, and so are results.
 *
 * A _typical_ number, one from twice the smallest normal number up to the largest, is told by one
 * comparison with the bound: without its sign and less the exponent 2, its bits are below it. None
 * is below 0. What is not typical is looked at in all detail, beside the usual way.
 */
import type { Value, Variable } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import { isDefaultControl } from './float-lanes.ts';

/** What is below the bound for typical numbers: exponents from 2, the sign shifted out. */
const formats = {
  f32: { type: 'i32', least: 2n << 24n, bound: 0xfd00_0000n },
  f64: { type: 'i64', least: 2n << 53n, bound: 0xffa0_0000_0000_0000n },
} as const;

/**
 * The bound of a format in this block, undefined where nothing is remembered from instruction to
 * instruction. Reads MXCSR where it is new.
 */
export function boundOf(c: InstructionContext, f: FloatFormat): Variable | undefined {
  const b = c.b;
  if (c.isLane || !b.isRegion || !b.isStraight) return undefined;
  const known = b.floats.bound(f.name);
  if (known !== undefined) return known;
  const usual = integer(c, f, formats[f.name].bound);
  const bound = b.variable(
    formats[f.name].type,
    b.select(isDefaultControl(c, true), usual, integer(c, f, 0n)),
  );
  b.floats.setBound(f.name, bound);
  return bound;
}

/** Whether a number is typical and the bound not 0. */
export function isTypical(
  c: InstructionContext,
  f: FloatFormat,
  value: Value,
  bound: Variable,
): Value {
  const b = c.b;
  const size = b.shl(bitsOf(c, f, value), 1);
  const above = b.sub(size, integer(c, f, formats[f.name].least));
  return b.ltU(above, b.get(bound));
}

/** Whether the bound is not 0. */
export function holds(c: InstructionContext, bound: Variable): Value {
  const b = c.b;
  return b.eqz(b.eqz(b.get(bound)));
}

/** From now on nothing is known of numbers of the format. */
export function clearBound(c: InstructionContext, f: FloatFormat, bound: Variable): void {
  c.b.set(bound, integer(c, f, 0n));
}

/** Looks at an operand, if nobody did: from then on it is ordinary, or the bound is 0. */
export function lookAt(
  c: InstructionContext,
  f: FloatFormat,
  value: Value,
  bound: Variable,
  isOrdinary: (value: Value) => Value,
): void {
  const b = c.b;
  if (!b.floats.add(value)) return;
  b.if(b.eqz(isTypical(c, f, value, bound)), () => {
    b.if(b.eqz(isOrdinary(value)), () => {
      clearBound(c, f, bound);
    });
  });
}

/** The bits of a number as they are, from where it comes if that is an integer. */
function bitsOf(c: InstructionContext, f: FloatFormat, value: Value): Value {
  const [from] = value.args;
  const { type } = formats[f.name];
  if (value.op === `${f.name}.reinterpret_${type}` && from !== undefined) return from;
  if (value.op === `${f.name}x${f.name === 'f32' ? 4 : 2}.extract_lane` && from !== undefined) {
    const [, content] = from.args;
    const isLane = from.lanes?.[0] === value.lanes?.[0];
    if (from.op === `${f.name === 'f32' ? 'i32x4' : 'i64x2'}.replace_lane` && isLane) {
      if (content !== undefined) return content;
    }
  }
  return c.b.op(`${type}.reinterpret_${f.name}`, value);
}

function integer(c: InstructionContext, f: FloatFormat, value: bigint): Value {
  return f.name === 'f32' ? c.b.i32(Number(BigInt.asIntN(32, value))) : c.b.i64(value);
}
