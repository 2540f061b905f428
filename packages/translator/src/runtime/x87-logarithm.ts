/** FYL2X, FYL2XP1 and F2XM1: SDM vol. 1, 8.3.9; special operands from the tables of vol. 2A. */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { ln2, log2e } from './x87-constants.ts';
import type { X87Parts } from './x87-format.ts';
import { bias, X87Builder, X87Flag } from './x87-format.ts';
import type { Real } from './x87-fraction.ts';
import {
  divideReal,
  mulHigh,
  normalizeReal,
  seriesAt,
  squareFraction,
  wideConstant,
} from './x87-fraction.ts';
import { underflowStack, unary } from './x87-stack.ts';
import type { Wide } from './x87-wide.ts';
import { addWide, shiftWideRightSticky, subWide } from './x87-wide.ts';

/**
 * Where `x87LogarithmRatio` and `x87Logarithm` leave exponent and sign (bit 15) of their result.
 */
const exponentWord: number = CpuState.temporary + 48;
/** See {@link exponentWord}. */
const signWord: number = CpuState.temporary + 52;

/** The square root of 2 as a significand: above it numbers are halved to be near 1. */
const rootOfTwo = 0xb504_f333_f9de_6484n;

function negateWide(b: IrBuilder, value: Wide): Wide {
  return subWide(b, { high: b.i64(0), low: b.i64(0) }, value);
}

function selectWide(b: IrBuilder, condition: Value, yes: Wide, no: Wide): Wide {
  return {
    high: b.select(condition, yes.high, no.high),
    low: b.select(condition, yes.low, no.low),
  };
}

/** 2 / ln 2 * artanh(n / d): the logarithm to base 2 of (d + n) / (d - n). */
function logarithmOfRatio(b: IrBuilder, n: Real, d: Real): Real {
  const t = divideReal(b, n, d);
  const series = seriesAt(b, 'x87LogarithmSeries', squareFraction(b, t));
  const product = mulHigh(b, mulHigh(b, t, series), wideConstant(b, log2e));
  return normalizeReal(b, b.add(t.exponent, 3), product);
}

function storeReal(b: IrBuilder, sign: Value, value: Real): void {
  b.store('i32.store', signWord, sign);
  b.store('i32.store', exponentWord, value.exponent);
  b.store('i64.store', CpuState.temporary, value.high);
  b.store('i64.store', CpuState.temporary + 8, value.low);
}

/** ST(1) times the logarithm that was stored; `sticky` says that it is not exact. */
function multiplyStored(x: X87Builder, factor: X87Parts, sticky: Value): void {
  const b = x.b;
  const value = {
    high: b.load('i64.load', CpuState.temporary),
    low: b.load('i64.load', CpuState.temporary + 8),
  };
  const n = x.normalized(factor);
  const product = mulHigh(b, value, { high: n.significand, low: b.i64(0) });
  const sum = b.add(b.load('i32.load', exponentWord), n.exponent);
  const sign = b.xor(n.sign, b.load('i32.load', signWord));
  const low = b.or(product.low, b.extendU(sticky));
  x.round(sign, b.sub(sum, bias - 1), product.high, low, b.i32(64));
}

/**
 * `x87Logarithm(exponent, high, low)`: stores the logarithm to base 2 of a real that is not 1;
 * whether it is inexact.
 */
const logarithm: RuntimeFunction = {
  name: 'x87Logarithm',
  parameters: ['i32', 'i64', 'i64'],
  results: ['i32'],
  build: (b, exponent, high, low) => {
    if (!exponent || !high || !low) return;
    const halve = b.gtU(high, b.i64(rootOfTwo));
    const whole = b.add(b.sub(exponent, bias), halve);
    const half = { high: b.shrU(high, 1), low: b.or(b.shrU(low, 1), b.shl(high, 63)) };
    const mantissa = selectWide(b, halve, half, { high, low });
    const size = b.select(b.ltS(whole, 0), b.neg(whole), whole);
    const wholeSign = b.and(whole, 0x8000);
    const difference = subWide(b, mantissa, wideConstant(b, 1n << 127n));
    // Above 1 the mantissa has bit 127, and is not halved; below, it has not.
    const below = b.geS(mantissa.high, 0);
    const n = selectWide(b, below, negateWide(b, difference), difference);
    const exactWhole = normalizeReal(b, b.i32(bias + 63), { high: b.extendU(size), low: b.i64(0) });
    b.if(b.eqz(b.or(n.high, n.low)), () => {
      storeReal(b, wholeSign, exactWhole);
      b.return(b.i32(0));
    });
    const quarter = {
      high: b.shrU(mantissa.high, 1),
      low: b.or(b.shrU(mantissa.low, 1), b.shl(mantissa.high, 63)),
    };
    const sum = addWide(b, quarter, wideConstant(b, 1n << 126n));
    const d = normalizeReal(b, b.i32(bias + 1), sum);
    const part = logarithmOfRatio(b, normalizeReal(b, b.i32(bias), n), d);
    const partSign = b.shl(below, 15);
    b.if(b.eqz(whole), () => {
      storeReal(b, partSign, part);
      b.return(b.i32(1));
    });
    // Both with 112 bits below the point.
    const fixed = shiftWideRightSticky(b, part, b.sub(b.i32(bias + 15), part.exponent));
    const integer = { high: b.shl(b.extendU(size), 48), low: b.i64(0) };
    const same = b.eq(partSign, wholeSign);
    const total = selectWide(b, same, addWide(b, integer, fixed), subWide(b, integer, fixed));
    storeReal(b, wholeSign, normalizeReal(b, b.i32(bias + 15), total));
    b.return(b.i32(1));
  },
};

/** The start of FYL2X and FYL2XP1: `compute` is for two numbers that are no NaNs. */
function twoOperands(
  name: string,
  compute: (x: X87Builder, number: X87Parts, factor: X87Parts, special: () => Value) => void,
): RuntimeFunction {
  return {
    name,
    parameters: [],
    results: [],
    build: (b) => {
      const x = new X87Builder(b);
      const [zero, one] = [b.i32(0), b.i32(1)];
      x.clearPending();
      b.if(
        b.or(x.isEmpty(zero), x.isEmpty(one)),
        () => underflowStack(x),
        () => {
          const [first, second] = [x.address(zero), x.address(one)];
          const special = (): Value => b.call('x87Special', 'i32', first, second, zero);
          compute(x, x.parts(first), x.parts(second), special);
        },
      );
      b.if(b.call('x87Settle', 'i32'), () => {
        b.call('x87Put', 'void', one);
        b.call('x87Pop', 'void');
      });
    },
  };
}

/** Whether both are numbers: neither NaN nor unsupported. */
function areNumbers(x: X87Builder, left: X87Parts, right: X87Parts): Value {
  const b = x.b;
  const nan = b.or(x.isNan(left), x.isNan(right));
  return b.eqz(b.or(nan, b.or(x.isUnsupported(left), x.isUnsupported(right))));
}

/** A case: its condition is built only where the cases before it do not hold. */
export type Case = readonly [condition: () => Value, then: () => void];

/** The first case whose condition holds, or `otherwise`. */
export function firstOf(b: IrBuilder, cases: readonly Case[], otherwise: () => void): void {
  const [first, ...rest] = cases;
  if (first === undefined) otherwise();
  else b.if(first[0](), first[1], () => firstOf(b, rest, otherwise));
}

function yLog2X(x: X87Builder, p: X87Parts, y: X87Parts, special: () => Value): void {
  const b = x.b;
  const numbers = areNumbers(x, p, y);
  const zero = b.and(x.isZero(p), b.eqz(p.exponent));
  const [yZero, yInfinite] = [b.and(x.isZero(y), b.eqz(y.exponent)), x.isInfinite(y)];
  const infinite = x.isInfinite(p);
  const isOne = b.and(b.eq(p.exponent, bias), b.eq(p.significand, b.i64(1n << 63n)));
  const negative = b.and(b.ne(p.sign, 0), b.eqz(zero));
  const invalid = b.or(
    b.or(negative, b.and(zero, yZero)),
    b.or(b.and(infinite, yZero), b.and(isOne, yInfinite)),
  );
  const below = b.shl(b.ltU(p.exponent, bias), 15);
  const sign = b.xor(y.sign, below);
  const divides = b.and(b.and(zero, b.eqz(b.or(yZero, yInfinite))), numbers);
  firstOf(
    b,
    [
      [() => b.and(numbers, invalid), () => x.invalid()],
      [
        () => divides,
        () => {
          x.raise(X87Flag.zeroDivide);
          x.setInfinity(b.xor(y.sign, 0x8000));
        },
      ],
      [special, () => undefined],
      [() => b.or(b.or(zero, infinite), yInfinite), () => x.setInfinity(sign)],
      [() => b.or(isOne, yZero), () => x.setZero(sign)],
    ],
    () => {
      const n = x.normalized(p);
      const zeroWord = b.i64(0);
      const inexact = b.call('x87Logarithm', 'i32', n.exponent, n.significand, zeroWord);
      multiplyStored(x, y, inexact);
    },
  );
}

/** 1 + x for x > -1, as a real; exact while it has 128 bits. */
function onePlus(x: X87Builder, p: X87Parts): Real {
  const b = x.b;
  const unit = wideConstant(b, 1n << 126n);
  const distance = b.sub(p.exponent, bias);
  const large = b.gtS(distance, 0);
  const size = { high: b.shrU(p.significand, 1), low: b.shl(p.significand, 63) };
  const back = b.select(large, b.i32(0), b.neg(distance));
  const number = shiftWideRightSticky(b, size, back);
  const added = shiftWideRightSticky(b, unit, b.select(large, distance, b.i32(0)));
  const [sum, difference] = [addWide(b, number, added), subWide(b, added, number)];
  const total = selectWide(b, p.sign, difference, sum);
  return normalizeReal(b, b.add(b.select(large, p.exponent, b.i32(bias)), 1), total);
}

function yLog2XPlus1(x: X87Builder, p: X87Parts, y: X87Parts, special: () => Value): void {
  const b = x.b;
  const numbers = areNumbers(x, p, y);
  const [zero, yZero, yInfinite] = [x.isZero(p), x.isZero(y), x.isInfinite(y)];
  const infinite = x.isInfinite(p);
  const negativeInfinite = b.and(infinite, b.ne(p.sign, 0));
  const products = b.or(b.and(zero, yInfinite), b.and(infinite, yZero));
  const invalid = b.or(negativeInfinite, products);
  const sign = b.xor(p.sign, y.sign);
  const tooLow = b.and(b.ne(p.sign, 0), b.geU(p.exponent, bias));
  firstOf(
    b,
    [
      [() => b.and(numbers, invalid), () => x.invalid()],
      [special, () => undefined],
      [() => b.or(infinite, yInfinite), () => x.setInfinity(sign)],
      [() => b.or(zero, yZero), () => x.setZero(sign)],
      // Not defined by the manuals; processors give back the operand.
      [
        () => tooLow,
        () => {
          x.raise(X87Flag.precision);
          x.setResult(b.or(p.sign, p.exponent), p.significand);
        },
      ],
    ],
    () => {
      // Processors call even those results inexact that are not.
      x.raise(X87Flag.precision);
      const n = x.normalized(p);
      b.if(
        b.ltS(n.exponent, bias - 2),
        () => {
          // n / (2 + n), where n is exact however small.
          const lost = b.sub(b.i32(bias + 1), n.exponent);
          const size = { high: b.shrU(n.significand, 1), low: b.shl(n.significand, 63) };
          const fixed = shiftWideRightSticky(b, size, b.sub(lost, 1));
          const two = wideConstant(b, 1n << 127n);
          const sum = selectWide(b, n.sign, subWide(b, two, fixed), addWide(b, two, fixed));
          const number = { high: n.significand, low: b.i64(0), exponent: n.exponent };
          const d = normalizeReal(b, b.i32(bias + 1), sum);
          storeReal(b, n.sign, logarithmOfRatio(b, number, d));
          multiplyStored(x, y, b.i32(1));
        },
        () => {
          const sum = onePlus(x, n);
          const inexact = b.call('x87Logarithm', 'i32', sum.exponent, sum.high, sum.low);
          multiplyStored(x, y, inexact);
        },
      );
    },
  );
}

/** 2^x - 1 for x between -1 and 1, not 0. */
function exponential(x: X87Builder, p: X87Parts): void {
  const b = x.b;
  const n = x.normalized(p);
  const scaled = mulHigh(b, { high: n.significand, low: b.i64(0) }, wideConstant(b, ln2));
  const shift = b.sub(b.i32(bias - 1), n.exponent);
  const fixed = shiftWideRightSticky(b, scaled, shift);
  const factor = seriesAt(b, 'x87ExponentialSeries', fixed, b.shrU(n.sign, 15));
  const product = mulHigh(b, scaled, factor);
  const low = b.or(product.low, b.i64(1));
  x.round(n.sign, b.add(n.exponent, 1), product.high, low, b.i32(64));
}

/** F2XM1 of the number at a state address. */
function exponentialMinusOne(x: X87Builder, address: Value): void {
  const b = x.b;
  const p = x.parts(address);
  const same = (): void => x.setResult(b.or(p.sign, p.exponent), p.significand);
  const lowestInfinite = b.and(x.isInfinite(p), b.ne(p.sign, 0));
  const isOne = b.and(b.eq(p.exponent, bias), b.eq(p.significand, b.i64(1n << 63n)));
  const isMinusOne = b.and(isOne, b.ne(p.sign, 0));
  const constant = (word: number): void => x.setResult(b.i32(word), b.i64(1n << 63n));
  firstOf(
    b,
    [
      [() => b.call('x87Special', 'i32', address, address, b.i32(0)), () => undefined],
      [() => lowestInfinite, () => constant(0x8000 | bias)],
      [
        () => isMinusOne,
        () => {
          x.raise(X87Flag.precision);
          constant(0x8000 | (bias - 1));
        },
      ],
      // From 1 on processors give back the operand, and call it inexact.
      [() => b.or(x.isInfinite(p), x.isZero(p)), same],
      [
        () => b.geU(p.exponent, bias),
        () => {
          x.raise(X87Flag.precision);
          same();
        },
      ],
    ],
    () => exponential(x, p),
  );
}

/** Logarithms and exponentials. */
export const x87Logarithms: readonly RuntimeFunction[] = [
  logarithm,
  twoOperands('x87YLog2X', yLog2X),
  twoOperands('x87YLog2XPlus1', yLog2XPlus1),
  unary('x87Exponential', exponentialMinusOne),
];
