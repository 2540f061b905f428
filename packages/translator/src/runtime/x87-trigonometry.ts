/**
 * FSIN, FCOS, FSINCOS and FPTAN: SDM vol. 1, 8.3.8 to 8.3.10.
 *
 * The argument is reduced exactly by the 66-bit value of pi that processors have, so that results
 * for large arguments are theirs: sin(FLDPI) is -2^-64.
 */
import { CpuState } from '@ringfence/memory';
import type { Value, Variable } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { X87Parts } from './x87-format.ts';
import { bias, memorySlot, pendingWord, resultSlot, X87Builder, X87Flag } from './x87-format.ts';
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
import { pi } from './x87-constants.ts';
import { copyNumber, underflowStack } from './x87-stack.ts';
import { subWide } from './x87-wide.ts';

/** pi with 64 bits below the point: in units of 2^-66 it is pi / 4. */
const pi66 = pi >> 62n;
const c2 = 0x400;

/**
 * Where the reduced argument is: in which eighth of the circle, and how far from its start or end.
 */
interface Reduced {
  /** Low three bits count. */
  readonly octant: Variable;
  readonly high: Variable;
  readonly low: Variable;
  readonly exponent: Variable;
}

/** Reduces |x| < 2^63 to at most pi / 4, from the nearer end of the quarter circle. */
function reduce(x: X87Builder, p: X87Parts): Reduced {
  const b = x.b;
  const n = x.normalized(p);
  const r: Reduced = {
    octant: b.variable('i32', b.i32(0)),
    high: b.variable('i64', n.significand),
    low: b.variable('i64', b.i64(0)),
    exponent: b.variable('i32', n.exponent),
  };
  b.if(b.geS(n.exponent, bias - 3), () => {
    const eighth = wideConstant(b, pi66);
    b.set(r.high, b.i64(0));
    b.set(r.low, n.significand);
    const left = b.variable('i32', b.sub(n.exponent, bias - 3));
    b.loop((loop) => {
      b.if(b.get(left), () => {
        const high = b.or(b.shl(b.get(r.high), 1), b.shrU(b.get(r.low), 63));
        const doubled = { high, low: b.shl(b.get(r.low), 1) };
        const less = subWide(b, doubled, eighth);
        const below = lessWide(b, doubled, eighth);
        b.set(r.high, b.select(below, doubled.high, less.high));
        b.set(r.low, b.select(below, doubled.low, less.low));
        b.set(r.octant, b.or(b.shl(b.get(r.octant), 1), b.eqz(below)));
        b.set(left, b.sub(b.get(left), 1));
        b.continue(loop);
      });
    });
    const inOctant = { high: b.get(r.high), low: b.get(r.low) };
    const fromEnd = subWide(b, eighth, inOctant);
    const odd = b.and(b.get(r.octant), 1);
    const chosen = {
      high: b.select(odd, fromEnd.high, inOctant.high),
      low: b.select(odd, fromEnd.low, inOctant.low),
    };
    const real = normalizeReal(b, b.i32(bias + 127 - 66), chosen);
    b.set(r.high, real.high);
    b.set(r.low, real.low);
    b.set(r.exponent, real.exponent);
  });
  return r;
}

/** The sine of a reduced argument. */
function sineOf(x: X87Builder, r: Real): Real {
  const b = x.b;
  const factor = seriesAt(b, 'x87SineSeries', squareFraction(b, r));
  return normalizeReal(b, b.add(r.exponent, 1), mulHigh(b, r, factor));
}

/** Its cosine. */
function cosineOf(x: X87Builder, r: Real): Real {
  const b = x.b;
  return normalizeReal(b, b.i32(bias), seriesAt(b, 'x87CosineSeries', squareFraction(b, r)));
}

/** Rounds a real that is not exact. */
export function roundReal(x: X87Builder, sign: Value, value: Real): void {
  const b = x.b;
  x.round(sign, value.exponent, value.high, b.or(value.low, b.i64(1)), b.i32(64));
}

/**
 * `x87RoundCircular(sign, octant, exponent, high, low)`: the sine of an argument that was reduced
 * from the octant, in the result slot; that of two octants further is the cosine.
 */
const roundCircularFunction: RuntimeFunction = {
  name: 'x87RoundCircular',
  parameters: ['i32', 'i32', 'i32', 'i64', 'i64'],
  results: [],
  build: (b, sign, octant, exponent, high, low) => {
    if (!sign || !octant || !exponent || !high || !low) return;
    const x = new X87Builder(b);
    const r = { exponent, high, low };
    // Octants 1 and 2 (and 5, 6) of the sine are cosines of what is left.
    const useCosine = b.and(b.add(octant, 1), 2);
    const total = b.xor(b.shl(b.and(octant, 4), 13), sign);
    b.if(
      useCosine,
      () => roundReal(x, total, cosineOf(x, r)),
      () => roundReal(x, total, sineOf(x, r)),
    );
  },
};

function roundCircular(x: X87Builder, sign: Value, octant: Value, r: Real, shift: 0 | 2): void {
  const shifted = x.b.add(octant, shift);
  x.b.call('x87RoundCircular', 'void', sign, shifted, r.exponent, r.high, r.low);
}

/** What an instruction computes of a nonzero argument below 2^63, and of zero. */
interface Circular {
  readonly compute: (x: X87Builder, p: X87Parts) => void;
  readonly ofZero: (x: X87Builder, p: X87Parts) => void;
  /**
   * There is a second result, which is pushed from the result slot; the first is in the memory
   * slot.
   */
  readonly pushes: boolean;
}

function asReal(x: X87Builder, r: Reduced): Real {
  const b = x.b;
  return { high: b.get(r.high), low: b.get(r.low), exponent: b.get(r.exponent) };
}

const sine: Circular = {
  compute: (x, p) => {
    const r = reduce(x, p);
    roundCircular(x, p.sign, x.b.get(r.octant), asReal(x, r), 0);
  },
  ofZero: (x, p) => x.setZero(p.sign),
  pushes: false,
};

const cosine: Circular = {
  compute: (x, p) => {
    const r = reduce(x, p);
    roundCircular(x, x.b.i32(0), x.b.get(r.octant), asReal(x, r), 2);
  },
  ofZero: (x) => setOne(x),
  pushes: false,
};

function setOne(x: X87Builder): void {
  x.setResult(x.b.i32(bias), x.b.i64(1n << 63n));
}

const sineAndCosine: Circular = {
  compute: (x, p) => {
    const r = reduce(x, p);
    roundCircular(x, p.sign, x.b.get(r.octant), asReal(x, r), 0);
    copyNumber(x.b, memorySlot, resultSlot);
    const b = x.b;
    // C1 is that of the sine.
    const c1 = b.and(b.load('i32.load', pendingWord), X87Flag.c1);
    roundCircular(x, b.i32(0), b.get(r.octant), asReal(x, r), 2);
    const pending = b.and(b.load('i32.load', pendingWord), ~X87Flag.c1);
    b.store('i32.store', pendingWord, b.or(pending, c1));
  },
  ofZero: (x, p) => {
    x.setSlot(memorySlot, p.sign, p.significand);
    setOne(x);
  },
  pushes: true,
};

const tangent: Circular = {
  compute: (x, p) => {
    const b = x.b;
    const r = reduce(x, p);
    const real = asReal(x, r);
    const [s, c] = [sineOf(x, real), cosineOf(x, real)];
    const octant = b.get(r.octant);
    const inverted = b.and(b.add(octant, 1), 2);
    const quotient = (): Real => divideReal(b, choose(c, s), choose(s, c));
    const choose = (yes: Real, no: Real): Real => ({
      high: b.select(inverted, yes.high, no.high),
      low: b.select(inverted, yes.low, no.low),
      exponent: b.select(inverted, yes.exponent, no.exponent),
    });
    const sign = b.xor(p.sign, b.shl(b.and(octant, 2), 14));
    b.if(
      b.ltS(real.exponent, bias - 62),
      // So near to the argument that a quotient of 128 bits cannot tell on which side.
      () =>
        b.if(
          inverted,
          () => roundReal(x, sign, quotient()),
          () => roundReal(x, sign, real),
        ),
      () => roundReal(x, sign, quotient()),
    );
    copyNumber(b, memorySlot, resultSlot);
    setOne(x);
  },
  ofZero: (x, p) => {
    x.setSlot(memorySlot, p.sign, p.significand);
    setOne(x);
  },
  pushes: true,
};

/** Computes both slots; the argument is neither empty nor out of range. */
function computeCircular(x: X87Builder, address: Value, p: X87Parts, what: Circular): void {
  const b = x.b;
  const both = (): void => copyNumber(b, memorySlot, resultSlot);
  b.if(b.call('x87Special', 'i32', address, address, b.i32(0)), both, () =>
    b.if(
      x.isInfinite(p),
      () => {
        x.invalid();
        both();
      },
      () =>
        b.if(
          x.isZero(p),
          () => what.ofZero(x, p),
          () => what.compute(x, p),
        ),
    ),
  );
}

function circular(name: string, what: Circular): RuntimeFunction {
  return {
    name,
    parameters: [],
    results: [],
    build: (b) => {
      const x = new X87Builder(b);
      const zero = b.i32(0);
      x.clearPending();
      const status = b.load('i32.load', CpuState.fpuStatus);
      b.store('i32.store', CpuState.fpuStatus, b.and(status, ~c2));
      const empty = x.isEmpty(zero);
      const overflow = what.pushes ? b.eqz(x.isEmpty(b.i32(7))) : zero;
      const address = x.address(zero);
      const p = x.parts(address);
      const far = b.and(b.geU(p.exponent, bias + 63), b.ne(p.exponent, 0x7fff));
      const outOfRange = b.and(far, b.ltS(p.significand, 0));
      b.if(
        b.or(empty, overflow),
        () => {
          underflowStack(x);
          copyNumber(b, memorySlot, resultSlot);
          b.if(b.eqz(empty), () => x.raise(X87Flag.c1));
        },
        () => {
          b.if(outOfRange, () => {
            b.call('x87Settle', 'i32');
            const now = b.load('i32.load', CpuState.fpuStatus);
            b.store('i32.store', CpuState.fpuStatus, b.or(now, c2));
            b.return();
          });
          computeCircular(x, address, p, what);
        },
      );
      b.if(b.call('x87Settle', 'i32'), () => {
        if (what.pushes) b.call('x87ReplaceAndPush', 'void');
        else b.call('x87Put', 'void', zero);
      });
    },
  };
}

/** The runtime functions of FSIN, FCOS, FSINCOS and FPTAN (SDM 1, 8.3.7). */
export const x87Trigonometry: readonly RuntimeFunction[] = [
  roundCircularFunction,
  circular('x87Sine', sine),
  circular('x87Cosine', cosine),
  circular('x87SineCosine', sineAndCosine),
  circular('x87Tangent', tangent),
];
