/** Conversions between single, double and integers: SDM vol. 1, 4.8.4, 11.4.1.6, tables E-1 ff. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { FloatFormat } from './sse-float-format.ts';
import { f32, f64, FloatBits, raise, shiftRightSticky, SseFlag } from './sse-float-format.ts';

/** Fraction bits that single precision has less. */
const fewer = 29;

const widen: RuntimeFunction = {
  name: 'f32ToF64',
  parameters: ['i64'],
  results: ['i64'],
  build: (b, operand) => {
    if (operand === undefined) return;
    const bits = new FloatBits(b, f32);
    const signOf = (value: Value): Value => b.shl(bits.sign(value), 32);
    b.if(bits.isNan(operand), () => {
      bits.raiseSignaling(operand);
      const fraction = b.shl(b.and(operand, b.i64(f32.normal - 1n)), fewer);
      b.return(b.or(b.or(signOf(operand), fraction), b.i64(f64.infinity | f64.quiet)));
    });
    const value = bits.flushed(operand);
    bits.raiseDenormal(value);
    b.if(bits.isInfinite(value), () => b.return(b.or(signOf(value), b.i64(f64.infinity))));
    const exponent = b.add(bits.exponent(value), f64.bias - f32.bias);
    const significand = b.shl(bits.significand(value), 62 - f32.fraction);
    b.return(b.call('f64Round', 'i64', signOf(value), exponent, significand));
  },
};

const narrow: RuntimeFunction = {
  name: 'f64ToF32',
  parameters: ['i64'],
  results: ['i64'],
  build: (b, operand) => {
    if (operand === undefined) return;
    const bits = new FloatBits(b, f64);
    const signOf = (value: Value): Value => b.shrU(bits.sign(value), 32);
    b.if(bits.isNan(operand), () => {
      bits.raiseSignaling(operand);
      const fraction = b.shrU(b.and(operand, b.i64(f64.normal - 1n)), fewer);
      b.return(b.or(b.or(signOf(operand), fraction), b.i64(f32.infinity | f32.quiet)));
    });
    const value = bits.flushed(operand);
    bits.raiseDenormal(value);
    b.if(bits.isInfinite(value), () => b.return(b.or(signOf(value), b.i64(f32.infinity))));
    const exponent = b.sub(bits.exponent(value), f64.bias - f32.bias);
    const significand = b.shl(bits.significand(value), 62 - f64.fraction);
    b.return(b.call('f32Round', 'i64', signOf(value), exponent, significand));
  },
};

/** A signed integer as a number of the format. */
function fromInteger(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}FromI64`,
    parameters: ['i64'],
    results: ['i64'],
    build: (b, value) => {
      if (value === undefined) return;
      const mask = b.shrS(value, 63);
      const sign = b.and(mask, b.i64(f.sign));
      const size = b.sub(b.xor(value, mask), mask);
      // The lowest bit of 2^63 is kept by the shift, which is exact or sticky.
      const half = shiftRightSticky(b, size, b.i32(1));
      const big = b.ltS(size, 0);
      const exponent = b.add(b.i32(f.bias + 62), big);
      const significand = b.select(big, half, size);
      b.return(b.call(`${f.name}Round`, 'i64', sign, exponent, significand));
    },
  };
}

/** A significand with `rest` below the point, rounded by mode (0 nearest .. 3 towards zero). */
function roundedUp(b: IrBuilder, whole: Value, rest: Value, negative: Value, mode: Value): Value {
  const half = b.i64(1n << 62n);
  const odd = b.wrap(b.and(whole, 1));
  const nearest = b.or(b.gtU(rest, half), b.and(b.eq(rest, half), odd));
  const any = b.ne(rest, 0);
  const down = b.and(b.and(b.eq(mode, 1), negative), any);
  const up = b.and(b.and(b.eq(mode, 2), b.eqz(negative)), any);
  return b.select(mode, b.or(down, up), nearest);
}

/** Whole part and, as 63 bits below the point, the rest of a finite number below 2^63. */
function split(b: IrBuilder, bits: FloatBits, value: Value): { whole: Value; rest: Value } {
  const { f } = bits;
  const sig = bits.significand(value);
  const shift = b.sub(b.i32(f.bias + f.fraction), bits.exponent(value));
  const wide = b.extendS(shift);
  const right = b.gtS(shift, 0);
  const inRange = b.ltS(shift, 64);
  const kept = b.select(inRange, b.shrU(sig, wide), b.i64(0));
  const whole = b.select(right, kept, b.shl(sig, b.neg(wide)));
  // The bits shifted out, moved to just below bit 63.
  const high = b.shl(sig, b.sub(b.i64(63), wide));
  const below = b.and(high, b.i64((1n << 63n) - 1n));
  const beyond = b.sub(shift, 63);
  const tiny = b.select(b.gtS(beyond, 0), shiftRightSticky(b, sig, beyond), sig);
  const rest = b.select(b.geS(shift, 63), tiny, below);
  return { whole, rest: b.select(right, rest, b.i64(0)) };
}

/** `fNNToI64(value, mode, bits)`: an integer of 32 or 64 bits; what does not fit is 2^(bits-1). */
function toInteger(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}ToI64`,
    parameters: ['i64', 'i32', 'i32'],
    results: ['i64'],
    build: (b, operand, mode, width) => {
      if (operand === undefined || mode === undefined || width === undefined) return;
      const bits = new FloatBits(b, f);
      const invalid = (): void => {
        raise(b, SseFlag.invalid);
        b.return(b.shl(b.i64(-1), b.extendU(b.sub(width, 1))));
      };
      const value = bits.flushed(operand);
      // NaNs, infinities and everything from 2^63 on.
      const limit = b.i32(f.bias + 63);
      const negative = b.ne(bits.sign(value), 0);
      b.if(b.geS(bits.exponent(value), limit), () => {
        const least = bits.constant(f.sign | (BigInt(f.bias + 63) << BigInt(f.fraction)));
        const exact = b.and(b.eq(value, least), b.eq(width, 64));
        b.if(exact, () => b.return(b.i64(-(1n << 63n))));
        invalid();
      });
      const { whole, rest } = split(b, bits, value);
      const size = b.add(whole, b.extendU(roundedUp(b, whole, rest, negative, mode)));
      const most = b.shl(b.i64(1), b.extendU(b.sub(width, 1)));
      const allowed = b.sub(most, b.extendU(b.eqz(negative)));
      b.if(b.gtU(size, allowed), invalid);
      b.if(b.ne(rest, 0), () => raise(b, SseFlag.inexact));
      b.return(b.select(negative, b.neg(size), size));
    },
  };
}

/** `fNNRoundToInteger(value, mode, quiet)`: a whole number; a quiet one is never inexact. */
function roundToInteger(f: FloatFormat): RuntimeFunction {
  return {
    name: `${f.name}RoundToInteger`,
    parameters: ['i64', 'i32', 'i32'],
    results: ['i64'],
    build: (b, operand, mode, quiet) => {
      if (operand === undefined || mode === undefined || quiet === undefined) return;
      const bits = new FloatBits(b, f);
      bits.returnNan(operand, operand);
      const value = bits.flushed(operand);
      // From here on there is no fraction; infinities too.
      const limit = b.i32(f.bias + f.fraction);
      b.if(b.geS(bits.exponent(value), limit), () => b.return(value));
      const sign = bits.sign(value);
      const { whole, rest } = split(b, bits, value);
      const up = roundedUp(b, whole, rest, b.ne(sign, 0), mode);
      const size = b.add(whole, b.extendU(up));
      const reported = b.and(b.ne(rest, 0), b.eqz(quiet));
      b.if(reported, () => raise(b, SseFlag.inexact));
      b.if(b.eqz(size), () => b.return(sign));
      // Exact: the size has at most the format's bits.
      const lead = b.op('i64.clz', size);
      const shift = b.sub(lead, 63 - f.fraction);
      const fraction = b.and(b.shl(size, shift), b.i64(f.normal - 1n));
      const exponent = b.sub(b.i64(f.bias + 63), lead);
      b.return(b.or(b.or(sign, b.shl(exponent, f.fraction)), fraction));
    },
  };
}

/** Conversions of both formats. */
export const floatConversions: readonly RuntimeFunction[] = [
  widen,
  narrow,
  ...[f32, f64].flatMap((f) => [fromInteger(f), toInteger(f), roundToInteger(f)]),
];
