/**
 * Fractions of 128 bits, in which the transcendental instructions are computed.
 *
 * Results are good to about 2^-120 of themselves, far below the last of 64 bits, so that they are
 * those of exact computation and correct rounding but for about one case in 2^50. A *real* here is
 * a fraction F with its highest bit set and a biased exponent e: F / 2^127 * 2^(e - 16383).
 */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import {
  cosineCoefficients,
  exponentialCoefficients,
  oddReciprocals,
  sineCoefficients,
} from './x87-constants.ts';
import { bias, secondWord } from './x87-format.ts';
import type { Wide } from './x87-wide.ts';
import { addWide, mulWide, shiftWideRightSticky, subWide } from './x87-wide.ts';

/** A positive number of 128 bits; see above. */
export interface Real extends Wide {
  readonly exponent: Value;
}

/** A constant of 128 bits. */
export function wideConstant(b: IrBuilder, value: bigint): Wide {
  return { high: b.i64(value >> 64n), low: b.i64(value & 0xffff_ffff_ffff_ffffn) };
}

/** The wide result of a runtime function that returns the high word, and leaves the low one. */
function wideCall(b: IrBuilder, name: string, ...args: Value[]): Wide {
  const high = b.call(name, 'i64', ...args);
  return { high, low: b.load('i64.load', secondWord) };
}

function returnWide(b: IrBuilder, value: Wide): void {
  b.store('i64.store', secondWord, value.low);
  b.return(value.high);
}

/** The upper 128 bits of a product. */
export function mulHigh(b: IrBuilder, left: Wide, right: Wide): Wide {
  return wideCall(b, 'x87MulHigh', left.high, left.low, right.high, right.low);
}

const mulHighFunction: RuntimeFunction = {
  name: 'x87MulHigh',
  parameters: ['i64', 'i64', 'i64', 'i64'],
  results: ['i64'],
  build: (b, leftHigh, leftLow, rightHigh, rightLow) => {
    if (!leftHigh || !leftLow || !rightHigh || !rightLow) return;
    const zero = b.i64(0);
    const product = mulWide(b, leftHigh, rightHigh);
    const crossed = mulWide(b, leftHigh, rightLow);
    const other = mulWide(b, leftLow, rightHigh);
    const lowest = mulWide(b, leftLow, rightLow);
    const first = addWide(b, { high: zero, low: crossed.low }, { high: zero, low: other.low });
    const second = addWide(b, first, { high: zero, low: lowest.high });
    const third = addWide(b, { high: zero, low: crossed.high }, { high: zero, low: other.high });
    const sum = addWide(b, addWide(b, product, third), { high: zero, low: second.high });
    returnWide(b, sum);
  },
};

/** Whether left < right, unsigned. */
export function lessWide(b: IrBuilder, left: Wide, right: Wide): Value {
  const low = b.and(b.eq(left.high, right.high), b.ltU(left.low, right.low));
  return b.or(b.ltU(left.high, right.high), low);
}

/** One word of a long quotient: `high` below or at the divisor's high word. */
function quotientWord(b: IrBuilder, high: Value, low: Value, divisor: Value): Value {
  const word = b.variable('i64', b.i64(-1));
  b.if(b.ltU(high, divisor), () => {
    b.set(word, b.call('x87Divide', 'i64', high, low, divisor));
  });
  return b.get(word);
}

/** `x87Quotient(n, d)`: 2^128 * n / d for n < d, d with its highest bit set, to a few units. */
const quotientFunction: RuntimeFunction = {
  name: 'x87Quotient',
  parameters: ['i64', 'i64', 'i64', 'i64'],
  results: ['i64'],
  build: (b, high, low, divisorHigh, divisorLow) => {
    if (!high || !low || !divisorHigh || !divisorLow) return;
    const divisor = { high: divisorHigh, low: divisorLow };
    const first = b.variable('i64', quotientWord(b, high, low, divisorHigh));
    // n * 2^64 - first * d, which is between -2d and d: modulo 2^128 the middle words tell.
    const takenHigh = mulWide(b, b.get(first), divisorHigh);
    const takenLow = mulWide(b, b.get(first), divisorLow);
    const zero = b.i64(0);
    const taken = addWide(b, { high: takenHigh.low, low: zero }, takenLow);
    const difference = subWide(b, { high: low, low: zero }, taken);
    const carried = b.extendU(b.ltU(taken.high, takenHigh.low));
    const borrowed = b.extendU(lessWide(b, { high: low, low: zero }, taken));
    const top = b.sub(b.sub(b.sub(high, takenHigh.high), carried), borrowed);
    const restTop = b.variable('i64', top);
    const restHigh = b.variable('i64', difference.high);
    const restLow = b.variable('i64', difference.low);
    b.loop((loop) => {
      b.if(b.ltS(b.get(restTop), 0), () => {
        b.set(first, b.sub(b.get(first), b.i64(1)));
        const old = { high: b.get(restHigh), low: b.get(restLow) };
        const sum = addWide(b, old, divisor);
        b.set(restTop, b.add(b.get(restTop), b.extendU(lessWide(b, sum, old))));
        b.set(restHigh, sum.high);
        b.set(restLow, sum.low);
        b.continue(loop);
      });
    });
    const second = quotientWord(b, b.get(restHigh), b.get(restLow), divisorHigh);
    returnWide(b, { high: b.get(first), low: second });
  },
};

/** With the highest bit set; not for zero. `exponent` is that of the highest bit before. */
export function normalizeReal(b: IrBuilder, exponent: Value, value: Wide): Real {
  const empty = b.eqz(value.high);
  const high = b.select(empty, value.low, value.high);
  const low = b.select(empty, b.i64(0), value.low);
  const lead = b.op('i64.clz', high);
  const crossed = b.select(b.eqz(lead), b.i64(0), b.shrU(low, b.sub(b.i64(64), lead)));
  const moved = b.add(b.wrap(lead), b.shl(empty, 6));
  return {
    exponent: b.sub(exponent, moved),
    high: b.or(b.shl(high, lead), crossed),
    low: b.shl(low, lead),
  };
}

/** The quotient of two reals. */
export function divideReal(b: IrBuilder, n: Real, d: Real): Real {
  const halve = b.eqz(lessWide(b, n, d));
  const half = { high: b.shrU(n.high, 1), low: b.or(b.shrU(n.low, 1), b.shl(n.high, 63)) };
  const high = b.select(halve, half.high, n.high);
  const low = b.select(halve, half.low, n.low);
  const quotient = wideCall(b, 'x87Quotient', high, low, d.high, d.low);
  const distance = b.sub(n.exponent, d.exponent);
  return { ...quotient, exponent: b.add(b.add(distance, bias - 1), halve) };
}

/** The square of a real below 1, with 128 bits below the point. */
export function squareFraction(b: IrBuilder, value: Real): Wide {
  const square = mulHigh(b, value, value);
  const shift = b.sub(b.shl(b.sub(b.i32(bias), value.exponent), 1), 2);
  return shiftWideRightSticky(b, square, shift);
}

/** A series: its terms have the coefficients given, with 127 bits below the point. */
function series(name: string, coefficients: readonly bigint[], minus: boolean): RuntimeFunction {
  return {
    name,
    parameters: ['i64', 'i64'],
    results: ['i64'],
    build: (b, high, low) => {
      if (!high || !low) return;
      const argument = { high, low };
      let sum = wideConstant(b, coefficients.at(-1) ?? 0n);
      for (const coefficient of coefficients.slice(0, -1).reverse()) {
        const term = mulHigh(b, argument, sum);
        const constant = wideConstant(b, coefficient);
        sum = minus ? subWide(b, constant, term) : addWide(b, constant, term);
      }
      // Never quite the first term: a result that is inexact must look so, on the right side.
      const bit = wideConstant(b, 1n);
      returnWide(b, minus ? subWide(b, sum, bit) : addWide(b, sum, bit));
    },
  };
}

/** `x87ExponentialSeries(x, negative)`: (e^x - 1) / x. */
const exponentialSeries: RuntimeFunction = {
  name: 'x87ExponentialSeries',
  parameters: ['i64', 'i64', 'i32'],
  results: ['i64'],
  build: (b, high, low, negative) => {
    if (!high || !low || !negative) return;
    const argument = { high, low };
    let sum = wideConstant(b, exponentialCoefficients.at(-1) ?? 0n);
    for (const coefficient of exponentialCoefficients.slice(0, -1).reverse()) {
      const term = mulHigh(b, argument, sum);
      const constant = wideConstant(b, coefficient);
      const [less, more] = [subWide(b, constant, term), addWide(b, constant, term)];
      sum = {
        high: b.select(negative, less.high, more.high),
        low: b.select(negative, less.low, more.low),
      };
    }
    returnWide(b, sum);
  },
};

/** A named series at an argument below 1. */
export function seriesAt(b: IrBuilder, name: string, argument: Wide, ...more: Value[]): Wide {
  return wideCall(b, name, argument.high, argument.low, ...more);
}

/** Arithmetic and series of fractions. */
export const x87Fractions: readonly RuntimeFunction[] = [
  mulHighFunction,
  quotientFunction,
  series('x87SineSeries', sineCoefficients, true),
  series('x87CosineSeries', cosineCoefficients, true),
  series('x87ArctangentSeries', oddReciprocals, true),
  series('x87LogarithmSeries', oddReciprocals, false),
  exponentialSeries,
];
