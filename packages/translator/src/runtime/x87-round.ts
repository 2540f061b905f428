/** Rounding, overflow and underflow of x87 results: SDM vol. 1, 4.8.4, 4.9.1 and 8.5. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { integerBit, maximumExponent, wrapAround, X87Builder, X87Flag } from './x87-format.ts';
import { shiftWideRightSticky } from './x87-wide.ts';

interface Rounded {
  /** What is kept, without the bits that are rounded away. */
  readonly kept: Value;
  /** What is rounded away, as a fraction of the last place. */
  readonly below: Value;
  /** Whether the magnitude grows. */
  readonly up: Value;
  readonly sum: Value;
  /** Whether the sum went past 64 bits. */
  readonly carry: Value;
}

/** Whether to add one in the last place: `below` is a fraction of 64 bits, `odd` the last bit. */
export function roundsUp(x: X87Builder, mode: Value, sign: Value, below: Value, odd: Value): Value {
  const b = x.b;
  const half = b.i64(integerBit);
  const nearest = b.or(b.gtU(below, half), b.and(b.eq(below, half), odd));
  const any = b.ne(below, 0);
  const negative = b.ne(sign, 0);
  const down = b.and(b.and(b.eq(mode, 1), negative), any);
  const upwards = b.and(b.and(b.eq(mode, 2), b.eqz(negative)), any);
  return b.select(mode, b.or(down, upwards), nearest);
}

function rounded(x: X87Builder, sign: Value, sig: Value, rest: Value, bits: Value): Rounded {
  const b = x.b;
  const all = b.eq(bits, 64);
  const dropped = b.extendU(b.sub(b.i32(64), bits));
  const high = b.or(b.shl(sig, b.extendU(bits)), b.extendU(b.ne(rest, 0)));
  const below = b.select(all, rest, high);
  const place = b.shl(b.i64(1), dropped);
  const kept = b.and(sig, b.neg(place));
  const odd = b.ne(b.and(sig, place), 0);
  const up = roundsUp(x, x.rounding(), sign, below, odd);
  const sum = b.add(kept, b.select(up, place, b.i64(0)));
  return { kept, below, up, sum, carry: b.ltU(sum, kept) };
}

/** Puts the leading one at bit 63 of `sig`; one of the words is not zero. */
function normalize(b: IrBuilder, exp: Variable, sig: Variable, rest: Variable): void {
  b.if(b.eqz(b.get(sig)), () => {
    b.set(sig, b.get(rest));
    b.set(rest, b.i64(0));
    b.set(exp, b.sub(b.get(exp), 64));
  });
  const lead = b.op('i64.clz', b.get(sig));
  b.if(b.ne(lead, 0), () => {
    const moved = b.shrU(b.get(rest), b.sub(b.i64(64), lead));
    b.set(sig, b.or(b.shl(b.get(sig), lead), moved));
    b.set(rest, b.shl(b.get(rest), lead));
    b.set(exp, b.sub(b.get(exp), b.wrap(lead)));
  });
}

function overflow(x: X87Builder, sign: Value, bits: Value, most: Value): void {
  const b = x.b;
  x.raise(X87Flag.overflow | X87Flag.precision);
  const mode = x.rounding();
  const away = b.select(sign, b.eq(mode, 1), b.eq(mode, 2));
  b.if(b.or(b.eqz(mode), away), () => {
    x.raise(X87Flag.c1);
    x.setInfinity(sign);
    b.return();
  });
  const largest = b.shl(b.i64(-1), b.extendU(b.sub(b.i32(64), bits)));
  x.setResult(b.or(sign, most), largest);
  b.return();
}

/**
 * `x87RoundTo(sign, exponent, significand, rest, bits, least, most)`: the number (significand +
 * rest / 2^64) * 2^(exponent - 16383 - 63), rounded to `bits` and to exponents of `least` to
 * `most`, in the result slot. Tininess is detected after rounding, as SDM vol. 1, 4.9.1.5 says.
 */
const roundTo: RuntimeFunction = {
  name: 'x87RoundTo',
  parameters: ['i32', 'i32', 'i64', 'i64', 'i32', 'i32', 'i32'],
  results: [],
  build: (b, sign, exponent, significand, low, bits, least, most) => {
    if (!sign || !exponent || !significand || !low || !bits || !least || !most) return;
    const x = new X87Builder(b);
    // Nothing is stored then, and nothing else reported.
    const forMemory = b.ne(least, 1);
    b.if(b.eqz(b.or(significand, low)), () => {
      x.setZero(sign);
      b.return();
    });
    const exp = b.variable('i32', exponent);
    const sig = b.variable('i64', significand);
    const rest = b.variable('i64', low);
    const tiny = b.variable('i32', b.i32(0));
    normalize(b, exp, sig, rest);
    b.if(b.ltS(b.get(exp), least), () => {
      const { carry } = rounded(x, sign, b.get(sig), b.get(rest), bits);
      const farBelow = b.ltS(b.get(exp), b.sub(least, 1));
      b.set(tiny, b.or(farBelow, b.eqz(carry)));
      const wraps = b.and(b.ne(x.isUnmasked(X87Flag.underflow), 0), b.get(tiny));
      b.if(
        wraps,
        () => {
          x.raise(X87Flag.underflow);
          b.if(forMemory, () => b.return());
          b.set(exp, b.add(b.get(exp), wrapAround));
          b.if(b.ltS(b.get(exp), 1), () => {
            // Too far even for that, as only FSCALE comes.
            x.raise(X87Flag.precision);
            x.setZero(sign);
            b.return();
          });
        },
        () => {
          const number = { high: b.get(sig), low: b.get(rest) };
          const { high, low: below } = shiftWideRightSticky(b, number, b.sub(least, b.get(exp)));
          b.set(sig, high);
          b.set(rest, below);
          b.set(exp, least);
        },
      );
    });
    const r = rounded(x, sign, b.get(sig), b.get(rest), bits);
    b.set(sig, b.select(r.carry, b.i64(integerBit), r.sum));
    b.set(exp, b.add(b.get(exp), r.carry));
    b.if(b.gtS(b.get(exp), most), () => {
      b.if(
        x.isUnmasked(X87Flag.overflow),
        () => {
          x.raise(X87Flag.overflow);
          b.if(forMemory, () => b.return());
          b.set(exp, b.sub(b.get(exp), wrapAround));
          b.if(b.gtS(b.get(exp), most), () => {
            x.raise(X87Flag.precision | X87Flag.c1);
            x.setInfinity(sign);
            b.return();
          });
        },
        () => overflow(x, sign, bits, most),
      );
    });
    b.if(b.ne(r.below, 0), () => {
      x.raise(X87Flag.precision);
      b.if(b.get(tiny), () => x.raise(X87Flag.underflow));
      b.if(r.up, () => x.raise(X87Flag.c1));
    });
    // A denormal has no integer bit and the exponent 0.
    const field = b.select(b.ltS(b.get(sig), 0), b.get(exp), b.i32(0));
    x.setResult(b.or(sign, field), b.get(sig));
  },
};

/** `x87Round(sign, exponent, significand, rest, bits)`: as `x87RoundTo`, in the 80-bit format. */
const round: RuntimeFunction = {
  name: 'x87Round',
  parameters: ['i32', 'i32', 'i64', 'i64', 'i32'],
  results: [],
  build: (b, ...values) => {
    const limits = [b.i32(1), b.i32(maximumExponent - 1)];
    b.call('x87RoundTo', 'void', ...values, ...limits);
  },
};

/** The runtime functions of rounding to the precision and range of a format (SDM 1, 4.8.4). */
export const x87Rounding: readonly RuntimeFunction[] = [roundTo, round];
