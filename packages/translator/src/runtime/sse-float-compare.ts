/** Comparison, minimum and maximum of SSE: SDM vol. 2A, CMPPS, COMISS, MINPS, MAXPS. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { FloatFormat } from './sse-float-format.ts';
import { f32, f64, FloatBits, raise, SseFlag } from './sse-float-format.ts';

/** Bits that `fNNCompare` answers. */
export const Relation = { less: 1, equal: 2, greater: 4, unordered: 8 } as const;

/** A number that orders as an integer does; both zeros are 0. */
function ordered(b: IrBuilder, bits: FloatBits, value: Value): Value {
  const size = bits.absolute(value);
  return b.select(b.wrap(b.shrU(value, bits.f.name === 'f32' ? 31 : 63)), b.neg(size), size);
}

/** `fNNCompare(left, right, quiet)`: a `Relation`; a quiet comparison accepts quiet NaNs. */
function compare(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}Compare`,
    parameters: ['i64', 'i64', 'i32'],
    results: ['i32'],
    build: (b, left, right, quiet) => {
      if (left === undefined || right === undefined || quiet === undefined) return;
      const bits = new FloatBits(b, f);
      b.if(b.or(bits.isNan(left), bits.isNan(right)), () => {
        bits.raiseSignaling(left, right);
        b.if(b.eqz(quiet), () => raise(b, SseFlag.invalid));
        b.return(b.i32(Relation.unordered));
      });
      const [a, z] = [bits.flushed(left), bits.flushed(right)];
      bits.raiseDenormal(a, z);
      const [first, second] = [ordered(b, bits, a), ordered(b, bits, z)];
      const less = b.ltS(first, second);
      const other = b.select(b.eq(first, second), b.i32(Relation.equal), b.i32(Relation.greater));
      b.return(b.select(less, b.i32(Relation.less), other));
    },
  };
}

/**
 * The second operand, unless the first is smaller (larger); any NaN is invalid and gives the
 * second.
 */
function extreme(f: FloatFormat, maximum: boolean): RuntimeFunction {
  return {
    name: `${f.name}${maximum ? 'Max' : 'Min'}`,
    parameters: ['i64', 'i64'],
    results: ['i64'],
    build: (b, left, right) => {
      if (left === undefined || right === undefined) return;
      const bits = new FloatBits(b, f);
      b.if(b.or(bits.isNan(left), bits.isNan(right)), () => {
        raise(b, SseFlag.invalid);
        b.return(bits.flushed(right));
      });
      const [a, z] = [bits.flushed(left), bits.flushed(right)];
      bits.raiseDenormal(a, z);
      const [first, second] = [ordered(b, bits, a), ordered(b, bits, z)];
      b.return(b.select(maximum ? b.gtS(first, second) : b.ltS(first, second), a, z));
    },
  };
}

/** Comparisons of both formats. */
export const floatComparisons: readonly RuntimeFunction[] = [f32, f64].flatMap((f) => [
  compare(f),
  extreme(f, false),
  extreme(f, true),
]);
