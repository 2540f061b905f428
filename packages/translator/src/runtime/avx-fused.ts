/** Fused multiplication and addition, rounded once (IEEE 754-2008, 5.4.1; SDM vol. 1, 14.5). */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { normalized } from './sse-float-arithmetic.ts';
import type { FloatFormat } from './sse-float-format.ts';
import { f32, f64, FloatBits, mxcsr } from './sse-float-format.ts';
import type { Wide } from './x87-wide.ts';
import { addWide, mulWide, shiftWideRightSticky, subWide } from './x87-wide.ts';

/** Bits of the last argument: what is negated. */
export const Negate = { product: 1, addend: 2 } as const;

/** A sign and what it is the sign of: significand * 2^(exponent - bias - 126), of 128 bits. */
interface Term {
  readonly sign: Value;
  readonly exponent: Value;
  readonly significand: Wide;
}

/**
 * `fNNFused(left, right, addend, negated)`: left * right + addend. NaNs come before what is
 * negated, the first of the three that is one.
 */
function fused(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}Fused`,
    parameters: ['i64', 'i64', 'i64', 'i32'],
    results: ['i64'],
    build: (b, left, right, addend, negated) => {
      if (left === undefined || right === undefined) return;
      if (addend === undefined || negated === undefined) return;
      const bits = new FloatBits(b, f);
      returnNan(b, bits, [left, right, addend]);
      const signBit = (bit: number): Value => {
        const isSet = b.extendU(b.ne(b.and(negated, bit), 0));
        return b.shl(isSet, f.name === 'f32' ? 31 : 63);
      };
      const [a, z] = [bits.flushed(left), bits.flushed(right)];
      const c = b.xor(bits.flushed(addend), signBit(Negate.addend));
      const sign = b.xor(bits.sign(b.xor(a, z)), signBit(Negate.product));
      const isInfinite = b.or(bits.isInfinite(a), bits.isInfinite(z));
      const isZero = b.or(bits.isZero(a), bits.isZero(z));
      const opposite = b.ne(sign, bits.sign(c));
      bits.returnInvalid(b.and(isInfinite, isZero));
      bits.returnInvalid(b.and(b.and(isInfinite, bits.isInfinite(c)), opposite));
      bits.raiseDenormal(a, z, c);
      b.if(isInfinite, () => b.return(b.or(sign, bits.constant(f.infinity))));
      b.if(bits.isInfinite(c), () => b.return(c));
      b.if(isZero, () => returnAddend(b, bits, sign, c));
      const [x, y] = [normalized(b, bits, a), normalized(b, bits, z)];
      const product: Term = {
        sign,
        exponent: b.sub(b.add(x.exp, y.exp), f.bias - 2),
        significand: mulWide(b, x.sig, y.sig),
      };
      b.if(bits.isZero(c), () => roundSum(b, f, product));
      roundSum(b, f, sumOf(b, bits, product, addendTerm(b, bits, c)));
    },
  };
}

/** Returns the first operand that is a NaN, quiet; infinity times zero is not looked at then. */
function returnNan(b: IrBuilder, bits: FloatBits, operands: readonly [Value, Value, Value]): void {
  const [left, right, addend] = operands;
  const any = b.or(b.or(bits.isNan(left), bits.isNan(right)), bits.isNan(addend));
  b.if(any, () => {
    bits.raiseSignaling(...operands);
    const second = b.select(bits.isNan(right), right, addend);
    b.return(bits.quieted(b.select(bits.isNan(left), left, second)));
  });
}

/** The sum of a zero product and the addend, which rounding may still make a zero. */
function returnAddend(b: IrBuilder, bits: FloatBits, sign: Value, c: Value): void {
  const { f } = bits;
  b.if(bits.isZero(c), () => {
    b.return(b.select(b.eq(sign, bits.sign(c)), sign, zeroOfCancelling(b, bits)));
  });
  const significand = b.shl(bits.significand(c), 62 - f.fraction);
  b.return(b.call(`${f.name}Round`, 'i64', bits.sign(c), bits.exponent(c), significand));
}

/** An exact zero difference is negative only when rounding down (SDM vol. 1, 4.8.3.1). */
function zeroOfCancelling(b: IrBuilder, { f }: FloatBits): Value {
  const down = b.eq(b.and(mxcsr(b), 0x6000), 0x2000);
  return b.select(down, b.i64(f.sign), b.i64(0));
}

/** The addend with its leading bit at 125, where that of the product is at 124 or 125. */
function addendTerm(b: IrBuilder, bits: FloatBits, c: Value): Term {
  const { exp, sig } = normalized(b, bits, c);
  const significand = { high: b.shrU(sig, 1), low: b.shl(sig, 63) };
  return { sign: bits.sign(c), exponent: b.add(exp, 1), significand };
}

/**
 * What is shifted out of the smaller term is seen in the lowest bit: where the difference loses
 * more than one leading bit, nothing was, as products and addends end in zeros.
 */
function sumOf(b: IrBuilder, bits: FloatBits, product: Term, addend: Term): Term {
  const distance = b.sub(product.exponent, addend.exponent);
  const isAbove = b.geS(distance, 0);
  const shifted = (term: Term, count: Value): Wide =>
    shiftWideRightSticky(b, term.significand, b.select(b.gtS(count, 0), count, b.i32(0)));
  const left = shifted(product, b.neg(distance));
  const right = shifted(addend, distance);
  const [sum, first] = [addWide(b, left, right), subWide(b, left, right)];
  const second = subWide(b, right, left);
  const isLess = b.or(
    b.ltU(left.high, right.high),
    b.and(b.eq(left.high, right.high), b.ltU(left.low, right.low)),
  );
  const opposite = b.ne(product.sign, addend.sign);
  const difference = {
    high: b.select(isLess, second.high, first.high),
    low: b.select(isLess, second.low, first.low),
  };
  const isCancelled = b.eqz(b.or(difference.high, difference.low));
  b.if(b.and(opposite, isCancelled), () => b.return(zeroOfCancelling(b, bits)));
  return {
    sign: b.select(b.and(opposite, isLess), addend.sign, product.sign),
    exponent: b.select(isAbove, product.exponent, addend.exponent),
    significand: {
      high: b.select(opposite, difference.high, sum.high),
      low: b.select(opposite, difference.low, sum.low),
    },
  };
}

/** Returns a term that is not zero, with its leading bit brought to 126, rounded. */
function roundSum(b: IrBuilder, f: FloatFormat, { sign, exponent, significand }: Term): void {
  const isLow = b.eqz(significand.high);
  const high = b.select(isLow, b.shrU(significand.low, 1), significand.high);
  const low = b.select(isLow, b.shl(significand.low, 63), significand.low);
  const lead = b.sub(b.op('i64.clz', high), 1);
  const crossing = b.shrU(low, b.and(b.sub(b.i64(64), lead), 63));
  const upper = b.or(b.shl(high, lead), b.select(b.eqz(lead), b.i64(0), crossing));
  const rest = b.extendU(b.ne(b.shl(low, lead), 0));
  const moved = b.add(b.wrap(lead), b.select(isLow, b.i32(63), b.i32(0)));
  b.return(b.call(`${f.name}Round`, 'i64', sign, b.sub(exponent, moved), b.or(upper, rest)));
}

/** Fused operations of both formats. */
export const fusedFunctions: readonly RuntimeFunction[] = [fused(f32), fused(f64)];
