/** FPATAN: SDM vol. 1, 8.3.8; special operands from vol. 2A, FPATAN, table 3-28. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { arctangents, pi } from './x87-constants.ts';
import type { X87Parts } from './x87-format.ts';
import { bias, X87Builder } from './x87-format.ts';
import type { Real } from './x87-fraction.ts';
import {
  divideReal,
  lessWide,
  mulHigh,
  normalizeReal,
  seriesAt,
  squareFraction,
  wideConstant,
} from './x87-fraction.ts';
import { firstOf } from './x87-logarithm.ts';
import { underflowStack } from './x87-stack.ts';
import { roundReal } from './x87-trigonometry.ts';
import type { Wide } from './x87-wide.ts';
import { addWide, shiftWideRightSticky, subWide } from './x87-wide.ts';

/** The nearest eighth of a quotient n / d of at most 1, from words with 31 bits. */
function nearestEighth(b: IrBuilder, n: Value, d: Value): Value {
  const [upper, lower] = [b.shrU(n, 33), b.shrU(d, 33)];
  const twice = b.add(b.shl(upper, 4), lower);
  const eighth = b.wrap(b.op('i64.div_u', twice, b.shl(lower, 1)));
  return b.select(b.gtU(eighth, 8), b.i32(8), eighth);
}

/** One of the arctangents of 0, 1/8 .. 1, with 126 bits below the point. */
function arctangentOfEighth(b: IrBuilder, eighth: Value): Wide {
  let found = wideConstant(b, 0n);
  arctangents.forEach((value, k) => {
    const is = b.eq(eighth, k);
    const constant = wideConstant(b, value);
    found = {
      high: b.select(is, constant.high, found.high),
      low: b.select(is, constant.low, found.low),
    };
  });
  return found;
}

/** A real below 2 with 126 bits below the point. */
function fixedReal(b: IrBuilder, value: Real): Wide {
  return shiftWideRightSticky(b, value, b.sub(b.i32(bias + 1), value.exponent));
}

/** The arctangent of a quotient of reals that is at most 1/16. */
function smallArctangent(b: IrBuilder, n: Real, d: Real): Real {
  const t = divideReal(b, n, d);
  const series = seriesAt(b, 'x87ArctangentSeries', squareFraction(b, t));
  return normalizeReal(b, b.add(t.exponent, 1), mulHigh(b, t, series));
}

/** k * value / 32, which is exact: the low bits of `value` are zero. */
function thirtySeconds(b: IrBuilder, value: Wide, k: Value): Wide {
  const part = shiftWideRightSticky(b, value, b.i32(5));
  // A factor of at most 8 on a number below 2^123.
  const factor = b.extendU(k);
  const low32 = b.i64(0xffff_ffffn);
  const lower = b.mul(b.and(part.low, low32), factor);
  const upper = b.add(b.mul(b.shrU(part.low, 32), factor), b.shrU(lower, 32));
  const low = b.or(b.shl(upper, 32), b.and(lower, low32));
  return { high: b.add(b.mul(part.high, factor), b.shrU(upper, 32)), low };
}

/** The arctangent of n / d <= 1, by the difference to that of an eighth. */
function reducedArctangent(b: IrBuilder, n: Real, d: Real, eighth: Value): Wide {
  const aligned = shiftWideRightSticky(b, n, b.sub(d.exponent, n.exponent));
  const eight = b.i32(8);
  const [up, down] = [thirtySeconds(b, aligned, eight), thirtySeconds(b, d, eighth)];
  const below = lessWide(b, up, down);
  const [more, less] = [subWide(b, up, down), subWide(b, down, up)];
  const numerator = {
    high: b.select(below, less.high, more.high),
    low: b.select(below, less.low, more.low),
  };
  const denominator = addWide(b, thirtySeconds(b, d, eight), thirtySeconds(b, aligned, eighth));
  const base = arctangentOfEighth(b, eighth);
  const high = b.variable('i64', base.high);
  const low = b.variable('i64', base.low);
  b.if(b.or(b.ne(numerator.high, 0), b.ne(numerator.low, 0)), () => {
    const exponent = b.i32(bias);
    const over = normalizeReal(b, exponent, numerator);
    const under = normalizeReal(b, exponent, denominator);
    const rest = fixedReal(b, smallArctangent(b, over, under));
    const [sum, difference] = [addWide(b, base, rest), subWide(b, base, rest)];
    b.set(high, b.select(below, difference.high, sum.high));
    b.set(low, b.select(below, difference.low, sum.low));
  });
  return { high: b.get(high), low: b.get(low) };
}

/** Rounds an angle that has 126 bits below the point. */
function roundFixed(x: X87Builder, sign: Value, angle: Wide): void {
  roundReal(x, sign, normalizeReal(x.b, x.b.i32(bias + 1), angle));
}

/** From the first eighth of the circle to the half that the point is in. */
function placed(x: X87Builder, angle: Wide, steep: Value, left: Value): Wide {
  const b = x.b;
  const high = b.variable('i64', angle.high);
  const low = b.variable('i64', angle.low);
  const mirror = (at: bigint): void => {
    const from = subWide(b, wideConstant(b, at), { high: b.get(high), low: b.get(low) });
    b.set(high, from.high);
    b.set(low, from.low);
  };
  b.if(steep, () => mirror(pi / 2n));
  b.if(left, () => mirror(pi));
  return { high: b.get(high), low: b.get(low) };
}

/** The angle of a point whose coordinates are neither zero nor infinite. */
function angleOf(x: X87Builder, horizontal: X87Parts, vertical: X87Parts): void {
  const b = x.b;
  const [h, v] = [x.normalized(horizontal), x.normalized(vertical)];
  const same = b.eq(h.exponent, v.exponent);
  const further = b.or(
    b.ltS(h.exponent, v.exponent),
    b.and(same, b.ltU(h.significand, v.significand)),
  );
  const real = (one: X87Parts, other: X87Parts): Real => ({
    high: b.select(further, one.significand, other.significand),
    low: b.i64(0),
    exponent: b.select(further, one.exponent, other.exponent),
  });
  const [n, d] = [real(h, v), real(v, h)];
  const distance = b.sub(d.exponent, n.exponent);
  const eighth: Variable = b.variable('i32', b.i32(0));
  b.if(b.ltS(distance, 5), () => {
    const aligned = b.shrU(n.high, b.extendU(distance));
    b.set(eighth, nearestEighth(b, aligned, d.high));
  });
  const left = b.ne(h.sign, 0);
  b.if(
    b.get(eighth),
    () => {
      const angle = reducedArctangent(b, n, d, b.get(eighth));
      roundFixed(x, v.sign, placed(x, angle, further, left));
    },
    () => {
      const small = smallArctangent(b, n, d);
      b.if(
        b.or(further, left),
        () => roundFixed(x, v.sign, placed(x, fixedReal(b, small), further, left)),
        () => roundReal(x, v.sign, small),
      );
    },
  );
}

/** The angles of points on the axes and at infinity. */
function arctangentOf(x: X87Builder, h: X87Parts, v: X87Parts): void {
  const b = x.b;
  const angle = (value: bigint) => (): void => roundFixed(x, v.sign, wideConstant(b, value));
  const [hInfinite, vInfinite] = [x.isInfinite(h), x.isInfinite(v)];
  const both = b.and(hInfinite, vInfinite);
  const flat = b.or(x.isZero(v), hInfinite);
  firstOf(
    b,
    [
      [() => both, () => b.if(h.sign, angle((3n * pi) / 4n), angle(pi / 4n))],
      [() => b.and(flat, b.eqz(vInfinite)), () => b.if(h.sign, angle(pi), () => x.setZero(v.sign))],
      [() => b.or(x.isZero(h), vInfinite), angle(pi / 2n)],
    ],
    () => angleOf(x, h, v),
  );
}

/** `x87Arctangent()`: FPATAN, the angle of the point (ST(0), ST(1)). */
const arctangent: RuntimeFunction = {
  name: 'x87Arctangent',
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
        const [h, v] = [x.parts(first), x.parts(second)];
        const done = b.call('x87Special', 'i32', first, second, zero);
        b.if(b.eqz(done), () => arctangentOf(x, h, v));
      },
    );
    b.if(b.call('x87Settle', 'i32'), () => {
      b.call('x87Put', 'void', one);
      b.call('x87Pop', 'void');
    });
  },
};

/** The runtime function of FPATAN (SDM 2A). */
export const x87Arctangents: readonly RuntimeFunction[] = [arctangent];
