/**
 * FADD, FSUB, FMUL, FDIV and FSQRT: SDM vol. 1, 8.3.5, special operands from the tables of vol. 2A.
 */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { X87Parts } from './x87-format.ts';
import {
  bias,
  integerBit,
  maximumExponent,
  quietBit,
  secondWord,
  X87Builder,
  X87Flag,
} from './x87-format.ts';
import type { Wide } from './x87-wide.ts';
import { addWide, mulWide, shiftWideRightSticky, subWide } from './x87-wide.ts';

/**
 * NaN that a pair gives: quiet before signaling, then the larger significand, then the positive.
 */
function chosenNan(x: X87Builder, left: X87Parts, right: X87Parts): Value {
  const b = x.b;
  const [l, r] = [left.significand, right.significand];
  const larger = b.or(b.gtU(l, r), b.and(b.eq(l, r), b.eqz(left.sign)));
  const quietLeft = b.eqz(x.isSignaling(left));
  const differ = b.ne(x.isSignaling(left), x.isSignaling(right));
  const both = b.select(differ, quietLeft, larger);
  const useLeft = b.select(b.and(x.isNan(left), x.isNan(right)), both, x.isNan(left));
  return useLeft;
}

/**
 * `x87Special(left, right, denormal)`: whether two numbers at state addresses decide the result of
 * any operation: unsupported ones and NaNs (SDM vol. 1, table 4-7), and unmasked denormals.
 * `denormal` says that an operand was one before it was widened.
 */
const special: RuntimeFunction = {
  name: 'x87Special',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, leftAddress, rightAddress, denormal) => {
    if (!leftAddress || !rightAddress || !denormal) return;
    const x = new X87Builder(b);
    const [left, right] = [x.parts(leftAddress), x.parts(rightAddress)];
    b.if(b.or(x.isUnsupported(left), x.isUnsupported(right)), () => {
      x.invalid();
      b.return(b.i32(1));
    });
    b.if(b.or(x.isNan(left), x.isNan(right)), () => {
      b.if(b.or(x.isSignaling(left), x.isSignaling(right)), () => x.raise(X87Flag.invalid));
      const useLeft = chosenNan(x, left, right);
      const nan = b.select(useLeft, left.significand, right.significand);
      const sign = b.select(useLeft, left.sign, right.sign);
      x.setResult(b.or(sign, 0x7fff), b.or(nan, b.i64(quietBit)));
      b.return(b.i32(1));
    });
    const any = b.or(b.or(x.isDenormal(left), x.isDenormal(right)), denormal);
    b.if(any, () => {
      x.raise(X87Flag.denormal);
      b.if(x.isUnmasked(X87Flag.denormal), () => b.return(b.i32(1)));
    });
    b.return(b.i32(0));
  },
};

/** The sum of two numbers that are neither infinite nor zero; see `add`. */
function addFinite(x: X87Builder, left: X87Parts, right: X87Parts, opposite: Value): void {
  const b = x.b;
  const [a, z] = [x.normalized(left), x.normalized(right)];
  const below = b.ltS(a.exponent, z.exponent);
  const less = b.and(b.eq(a.exponent, z.exponent), b.ltU(a.significand, z.significand));
  const swap = b.or(below, less);
  const exponent = b.select(swap, z.exponent, a.exponent);
  const sign = b.select(swap, z.sign, a.sign);
  const distance = b.sub(exponent, b.select(swap, a.exponent, z.exponent));
  const zero = b.i64(0);
  const large = { high: b.select(swap, z.significand, a.significand), low: zero };
  const unaligned = { high: b.select(swap, a.significand, z.significand), low: zero };
  const small = shiftWideRightSticky(b, unaligned, distance);
  b.if(
    opposite,
    () => {
      const { high, low } = subWide(b, large, small);
      const exact = b.eqz(b.or(high, low));
      const down = b.select(b.eq(x.rounding(), 1), b.i32(0x8000), b.i32(0));
      x.round(b.select(exact, down, sign), exponent, high, low, x.precision());
    },
    () => {
      const { high, low } = addWide(b, large, small);
      const carry = b.ltU(high, large.high);
      const one = b.extendU(carry);
      const shifted = b.or(b.shrU(low, one), b.and(low, b.i64(1)));
      const crossed = b.select(carry, b.shl(high, 63), zero);
      const top = b.or(b.shrU(high, one), b.shl(one, 63));
      x.round(sign, b.add(exponent, carry), top, b.or(shifted, crossed), x.precision());
    },
  );
}

type Build = (x: X87Builder, left: X87Parts, right: X87Parts) => void;

const add: Build = (x, left, right) => {
  const b = x.b;
  const opposite = b.ne(left.sign, right.sign);
  const [leftInfinite, rightInfinite] = [x.isInfinite(left), x.isInfinite(right)];
  b.if(b.or(leftInfinite, rightInfinite), () => {
    b.if(b.and(b.and(leftInfinite, rightInfinite), opposite), () => {
      x.invalid();
      b.return();
    });
    x.setInfinity(b.select(leftInfinite, left.sign, right.sign));
    b.return();
  });
  b.if(b.or(x.isZero(left), x.isZero(right)), () => {
    b.if(b.and(x.isZero(left), x.isZero(right)), () => {
      const down = b.select(b.eq(x.rounding(), 1), b.i32(0x8000), b.i32(0));
      x.setZero(b.select(opposite, down, left.sign));
      b.return();
    });
    const useRight = x.isZero(left);
    const sign = b.select(useRight, right.sign, left.sign);
    const field = b.select(useRight, right.exponent, left.exponent);
    const significand = b.select(useRight, right.significand, left.significand);
    const exponent = b.select(field, field, b.i32(1));
    x.round(sign, exponent, significand, b.i64(0), x.precision());
    b.return();
  });
  addFinite(x, left, right, opposite);
};

const subtract: Build = (x, left, right) => {
  add(x, left, { ...right, sign: x.b.xor(right.sign, 0x8000) });
};

const multiply: Build = (x, left, right) => {
  const b = x.b;
  const sign = b.xor(left.sign, right.sign);
  const infinite = b.or(x.isInfinite(left), x.isInfinite(right));
  const zero = b.or(x.isZero(left), x.isZero(right));
  b.if(infinite, () => {
    b.if(zero, () => {
      x.invalid();
      b.return();
    });
    x.setInfinity(sign);
    b.return();
  });
  b.if(zero, () => {
    x.setZero(sign);
    b.return();
  });
  const [a, z] = [x.normalized(left), x.normalized(right)];
  const { high, low } = mulWide(b, a.significand, z.significand);
  const exponent = b.sub(b.add(a.exponent, z.exponent), bias - 1);
  x.round(sign, exponent, high, low, x.precision());
};

/** What is left of a division, as a fraction of 64 bits that rounds the same way. */
export function remainderFraction(b: IrBuilder, rest: Value, divisor: Value): Value {
  const other = b.sub(divisor, rest);
  const half = b.select(b.ltU(rest, other), b.i64(0), b.i64(integerBit));
  const exact = b.or(b.eqz(rest), b.eq(rest, other));
  return b.or(half, b.extendU(b.eqz(exact)));
}

/** Division of a number by zero, which a denormal dividend does not change. */
function divideByZero(x: X87Builder, left: X87Parts, right: X87Parts): void {
  const b = x.b;
  const dividend = b.and(b.ne(left.significand, 0), b.ne(left.exponent, maximumExponent));
  const divisor = b.eqz(b.or(right.significand, b.extendU(right.exponent)));
  const supported = b.eqz(x.isUnsupported(left));
  b.if(b.and(b.and(dividend, divisor), supported), () => {
    x.raise(X87Flag.zeroDivide);
    x.setInfinity(b.xor(left.sign, right.sign));
    b.return();
  });
}

const divide: Build = (x, left, right) => {
  const b = x.b;
  const sign = b.xor(left.sign, right.sign);
  const bothInfinite = b.and(x.isInfinite(left), x.isInfinite(right));
  b.if(b.or(bothInfinite, b.and(x.isZero(left), x.isZero(right))), () => {
    x.invalid();
    b.return();
  });
  b.if(x.isInfinite(left), () => {
    x.setInfinity(sign);
    b.return();
  });
  b.if(b.or(x.isInfinite(right), x.isZero(left)), () => {
    x.setZero(sign);
    b.return();
  });
  const [a, z] = [x.normalized(left), x.normalized(right)];
  // The dividend below the divisor, so that the quotient has 64 bits, the highest of them set.
  const halve = b.geU(a.significand, z.significand);
  const by = b.extendU(halve);
  const high = b.shrU(a.significand, by);
  const low = b.select(halve, b.shl(a.significand, 63), b.i64(0));
  const quotient = b.call('x87Divide', 'i64', high, low, z.significand);
  const rest = remainderFraction(b, b.load('i64.load', secondWord), z.significand);
  const distance = b.sub(a.exponent, z.exponent);
  const exponent = b.add(b.add(distance, bias - 1), halve);
  x.round(sign, exponent, quotient, rest, x.precision());
};

function binary(name: string, build: Build, first?: Build): RuntimeFunction {
  return {
    name,
    parameters: ['i32', 'i32', 'i32'],
    results: [],
    build: (b, left, right, denormal) => {
      if (!left || !right || !denormal) return;
      const x = new X87Builder(b);
      const [a, z] = [x.parts(left), x.parts(right)];
      first?.(x, a, z);
      b.if(b.call('x87Special', 'i32', left, right, denormal), () => b.return());
      build(x, a, z);
    },
  };
}

/** The root of a number of 2^126 or more, rounded down, and the fraction that is left. */
function root(b: IrBuilder, { high, low }: Wide): { whole: Value; rest: Value } {
  // An estimate from above by the host's square root; one step of Newton's leaves an error of 1.
  const estimate = b.op(
    'i64.trunc_sat_f64_u',
    b.mul(b.op('f64.sqrt', b.op('f64.convert_i64_u', high)), b.f64(2 ** 32)),
  );
  const raised = b.add(estimate, b.i64(4096));
  const guess = b.select(b.ltU(raised, estimate), b.i64(-1), raised);
  const value = b.variable('i64', guess);
  b.if(b.ltU(high, guess), () => {
    const quotient = b.call('x87Divide', 'i64', high, low, guess);
    const odd = b.and(b.and(guess, quotient), b.i64(1));
    b.set(value, b.add(b.add(b.shrU(guess, 1), b.shrU(quotient, 1)), odd));
  });
  const first = subWide(b, { high, low }, mulWide(b, b.get(value), b.get(value)));
  const tooLarge = b.ltS(first.high, 0);
  const whole = b.sub(b.get(value), b.extendU(tooLarge));
  const back = { high: b.shrU(whole, 63), low: b.or(b.shl(whole, 1), b.i64(1)) };
  const corrected = addWide(b, first, back);
  const left = {
    high: b.select(tooLarge, corrected.high, first.high),
    low: b.select(tooLarge, corrected.low, first.low),
  };
  const more = b.or(b.ne(left.high, 0), b.gtU(left.low, whole));
  const half = b.select(more, b.i64(integerBit), b.i64(0));
  return { whole, rest: b.or(half, b.extendU(b.ne(b.or(left.high, left.low), 0))) };
}

const squareRoot: RuntimeFunction = {
  name: 'x87Sqrt',
  parameters: ['i32'],
  results: [],
  build: (b, address) => {
    if (!address) return;
    const x = new X87Builder(b);
    const operand = x.parts(address);
    const negative = b.and(b.ne(operand.sign, 0), b.ne(operand.significand, 0));
    const ordinary = b.eqz(b.or(x.isUnsupported(operand), x.isNan(operand)));
    b.if(b.and(negative, ordinary), () => {
      x.invalid();
      b.return();
    });
    b.if(b.call('x87Special', 'i32', address, address, b.i32(0)), () => b.return());
    b.if(b.or(x.isZero(operand), x.isInfinite(operand)), () => {
      x.setResult(b.or(operand.sign, operand.exponent), operand.significand);
      b.return();
    });
    const n = x.normalized(operand);
    const unbiased = b.sub(n.exponent, bias);
    // An even exponent leaves one bit of room: the radicand is half of the significand then.
    const even = b.xor(b.and(unbiased, 1), 1);
    const high = b.shrU(n.significand, b.extendU(even));
    const low = b.select(even, b.shl(n.significand, 63), b.i64(0));
    const { whole, rest } = root(b, { high, low });
    x.round(b.i32(0), b.add(b.shrS(unbiased, 1), bias), whole, rest, x.precision());
  },
};

/** Arithmetic on numbers at state addresses, results in the result slot. */
export const x87Arithmetic: readonly RuntimeFunction[] = [
  special,
  binary('x87Add', add),
  binary('x87Sub', subtract),
  binary('x87Mul', multiply),
  binary('x87Div', divide, divideByZero),
  squareRoot,
];
