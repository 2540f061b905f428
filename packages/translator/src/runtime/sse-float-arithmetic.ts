/** Addition, multiplication, division and square root, correctly rounded (IEEE 754-2008, 5.4.1). */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { FloatFormat } from './sse-float-format.ts';
import {
  f32,
  f64,
  FloatBits,
  mxcsr,
  raise,
  shiftRightSticky,
  SseFlag,
} from './sse-float-format.ts';

type Build = (b: IrBuilder, bits: FloatBits, left: Value, right: Value) => void;

/** A binary operation: NaNs first, then denormals, then `build` with neither NaN. */
function binary(f: FloatFormat, name: string, build: Build): RuntimeFunction {
  return {
    name: `${f.name}${name}`,
    parameters: ['i64', 'i64'],
    results: ['i64'],
    build: (b, left, right) => {
      if (left === undefined || right === undefined) return;
      const bits = new FloatBits(b, f);
      bits.returnNan(left, right);
      const [a, z] = [bits.flushed(left), bits.flushed(right)];
      build(b, bits, a, z);
    },
  };
}

function round(b: IrBuilder, f: FloatFormat, sign: Value, exponent: Value, sig: Value): void {
  b.return(b.call(`${f.name}Round`, 'i64', sign, exponent, sig));
}

/** Exponent and significand with its leading bit at 62, of a number that is not zero. */
export function normalized(
  b: IrBuilder,
  bits: FloatBits,
  value: Value,
): { exp: Value; sig: Value } {
  const raw = bits.significand(value);
  const lead = b.sub(b.op('i64.clz', raw), 1);
  const shift = b.sub(lead, 62 - bits.f.fraction);
  return { exp: b.sub(bits.exponent(value), b.wrap(shift)), sig: b.shl(raw, lead) };
}

const add: Build = (b, bits, left, right) => {
  const { f } = bits;
  const opposite = b.ne(bits.sign(b.xor(left, right)), 0);
  bits.returnInvalid(b.and(b.and(bits.isInfinite(left), bits.isInfinite(right)), opposite));
  bits.raiseDenormal(left, right);
  b.if(bits.isInfinite(left), () => b.return(left));
  b.if(bits.isInfinite(right), () => b.return(right));
  // The larger magnitude first.
  const swap = b.ltU(bits.absolute(left), bits.absolute(right));
  const large = b.select(swap, right, left);
  const small = b.select(swap, left, right);
  const exponent = bits.exponent(large);
  const distance = b.sub(exponent, bits.exponent(small));
  const place = 61 - f.fraction;
  const first = b.shl(bits.significand(large), place);
  const unaligned = b.shl(bits.significand(small), place);
  const second = b.select(distance, shiftRightSticky(b, unaligned, distance), unaligned);
  const sum = b.select(opposite, b.sub(first, second), b.add(first, second));
  // An exact zero difference is negative only when rounding down (SDM vol. 1, 4.8.3.1).
  const down = b.eq(b.and(mxcsr(b), 0x6000), 0x2000);
  const zeroSign = b.select(down, bits.constant(f.sign), bits.constant(0n));
  const cancelled = b.and(opposite, b.eqz(sum));
  const sign = b.select(cancelled, zeroSign, bits.sign(large));
  round(b, f, sign, b.add(exponent, 1), sum);
};

/** Upper 64 bits of a product, with whether the lower are not zero in bit 0. */
function stickyProduct(b: IrBuilder, left: Value, right: Value): Value {
  const low32 = b.i64(0xffff_ffffn);
  const [a0, a1] = [b.and(left, low32), b.shrU(left, 32)];
  const [b0, b1] = [b.and(right, low32), b.shrU(right, 32)];
  const middle = b.add(b.mul(a1, b0), b.shrU(b.mul(a0, b0), 32));
  const other = b.add(b.mul(a0, b1), b.and(middle, low32));
  const high = b.add(b.add(b.mul(a1, b1), b.shrU(middle, 32)), b.shrU(other, 32));
  return b.or(high, b.extendU(b.ne(b.mul(left, right), 0)));
}

const multiply: Build = (b, bits, left, right) => {
  const { f } = bits;
  const sign = bits.sign(b.xor(left, right));
  const infinite = b.or(bits.isInfinite(left), bits.isInfinite(right));
  const zero = b.or(bits.isZero(left), bits.isZero(right));
  bits.returnInvalid(b.and(infinite, zero));
  bits.raiseDenormal(left, right);
  b.if(infinite, () => b.return(b.or(sign, bits.constant(f.infinity))));
  b.if(zero, () => b.return(sign));
  const [a, z] = [normalized(b, bits, left), normalized(b, bits, right)];
  const exponent = b.sub(b.add(a.exp, z.exp), f.bias - 2);
  round(b, f, sign, exponent, stickyProduct(b, a.sig, z.sig));
};

const divide: Build = (b, bits, left, right) => {
  const { f } = bits;
  const sign = bits.sign(b.xor(left, right));
  const bothZero = b.and(bits.isZero(left), bits.isZero(right));
  const bothInfinite = b.and(bits.isInfinite(left), bits.isInfinite(right));
  bits.returnInvalid(b.or(bothZero, bothInfinite));
  const infinity = b.or(sign, bits.constant(f.infinity));
  // A division of a denormal by zero is a division by zero only.
  b.if(b.and(bits.isZero(right), b.eqz(bits.isInfinite(left))), () => {
    raise(b, SseFlag.zeroDivide);
    b.return(infinity);
  });
  bits.raiseDenormal(left, right);
  b.if(bits.isInfinite(left), () => b.return(infinity));
  b.if(b.or(bits.isInfinite(right), bits.isZero(left)), () => b.return(sign));
  const [a, z] = [normalized(b, bits, left), normalized(b, bits, right)];
  const rest = b.variable('i64', a.sig);
  const quotient = b.variable('i64', b.i64(0));
  const left63 = b.variable('i32', b.i32(63));
  b.loop((loop) => {
    const fits = b.geU(b.get(rest), z.sig);
    const reduced = b.select(fits, b.sub(b.get(rest), z.sig), b.get(rest));
    b.set(rest, b.shl(reduced, 1));
    b.set(quotient, b.or(b.shl(b.get(quotient), 1), b.extendU(fits)));
    b.set(left63, b.sub(b.get(left63), 1));
    b.if(b.get(left63), () => b.continue(loop));
  });
  const sticky = b.extendU(b.ne(b.get(rest), 0));
  const exponent = b.add(b.sub(a.exp, z.exp), f.bias);
  round(b, f, sign, exponent, b.or(b.get(quotient), sticky));
};

/** Bits of the root that are computed: enough for double precision and rounding. */
const rootBits = 57;

function squareRoot(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}Sqrt`,
    parameters: ['i64'],
    results: ['i64'],
    build: (b, operand) => {
      if (operand === undefined) return;
      const bits = new FloatBits(b, f);
      bits.returnNan(operand, operand);
      const value = bits.flushed(operand);
      b.if(bits.isZero(value), () => b.return(value));
      bits.returnInvalid(b.ne(bits.sign(value), 0));
      bits.raiseDenormal(value);
      b.if(bits.isInfinite(value), () => b.return(value));
      const { exp, sig } = normalized(b, bits, value);
      const unbiased = b.sub(exp, f.bias);
      const word = b.variable('i64', b.shl(sig, b.extendU(b.and(unbiased, 1))));
      const root = b.variable('i64', b.i64(0));
      const rest = b.variable('i64', b.i64(0));
      const steps = b.variable('i32', b.i32(rootBits));
      b.loop((loop) => {
        const next = b.or(b.shl(b.get(rest), 2), b.shrU(b.get(word), 62));
        const trial = b.or(b.shl(b.get(root), 2), 1);
        const fits = b.geU(next, trial);
        b.set(rest, b.select(fits, b.sub(next, trial), next));
        b.set(root, b.or(b.shl(b.get(root), 1), b.extendU(fits)));
        b.set(word, b.shl(b.get(word), 2));
        b.set(steps, b.sub(b.get(steps), 1));
        b.if(b.get(steps), () => b.continue(loop));
      });
      const sticky = b.extendU(b.ne(b.get(rest), 0));
      const result = b.or(b.shl(b.get(root), 63 - rootBits), sticky);
      round(b, f, b.i64(0), b.add(b.shrS(unbiased, 1), f.bias), result);
    },
  };
}

function negated(bits: FloatBits, b: IrBuilder, value: Value): Value {
  return b.xor(value, bits.constant(bits.f.sign));
}

/** Arithmetic of both formats: `f64Add(left, right)` and so on. */
export const floatArithmetic: readonly RuntimeFunction[] = [f32, f64].flatMap((f) => [
  binary(f, 'Add', add),
  binary(f, 'Sub', (b, bits, left, right) => add(b, bits, left, negated(bits, b, right))),
  binary(f, 'Mul', multiply),
  binary(f, 'Div', divide),
  squareRoot(f),
]);
