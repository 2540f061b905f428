/** Conversions of half precision: SDM vol. 1, 14.4; vol. 2C, VCVTPH2PS and VCVTPS2PH. */
import { CpuState } from '@ringfence/memory';
import type { RuntimeFunction } from './runtime-function.ts';
import { f32, FloatBits, mxcsr, raise, SseFlag } from './sse-float-format.ts';

/** From an exponent of half precision to one of single precision. */
const biasDistance = 127 - 15;
const fractionDistance = 23 - 10;
const infinity = 0x7c00;
const quietNan = 0x7e00;
const controlBits = 0xe000;

/** `f16ToF32(half)`: exact; denormals are numbers whatever MXCSR.DAZ says, and not reported. */
const widen: RuntimeFunction = {
  name: 'f16ToF32',
  parameters: ['i32'],
  results: ['i64'],
  build: (b, half) => {
    if (half === undefined) return;
    const sign = b.shl(b.and(half, 0x8000), 16);
    const field = b.and(half, infinity);
    const fraction = b.and(half, 0x3ff);
    const wide = b.shl(fraction, fractionDistance);
    b.if(b.eq(field, infinity), () => {
      const isSignaling = b.and(b.ne(fraction, 0), b.eqz(b.and(fraction, 0x200)));
      b.if(isSignaling, () => raise(b, SseFlag.invalid));
      const quiet = b.shl(b.ne(fraction, 0), 22);
      b.return(b.extendU(b.or(b.or(sign, 0x7f80_0000), b.or(wide, quiet))));
    });
    b.if(b.and(b.eqz(field), b.eqz(fraction)), () => b.return(b.extendU(sign)));
    // The leading bit of a denormal becomes the implicit one, bit 10.
    const lead = b.select(field, b.i32(0), b.sub(b.op('i32.clz', fraction), 21));
    const exponent = b.sub(b.select(field, b.shrU(field, 10), b.i32(1)), lead);
    const digits = b.and(b.shl(fraction, lead), 0x3ff);
    const number = b.or(b.shl(b.add(exponent, biasDistance), 23), b.shl(digits, fractionDistance));
    b.return(b.extendU(b.or(sign, number)));
  },
};

/** `f32ToF16(single, rounding)`: MXCSR.FTZ has no effect (SDM vol. 2C, VCVTPS2PH). */
const narrow: RuntimeFunction = {
  name: 'f32ToF16',
  parameters: ['i64', 'i32'],
  results: ['i64'],
  build: (b, single, rounding) => {
    if (single === undefined || rounding === undefined) return;
    const bits = new FloatBits(b, f32);
    const sign = b.shrU(bits.sign(single), 16);
    b.if(bits.isNan(single), () => {
      bits.raiseSignaling(single);
      const digits = b.and(b.shrU(single, fractionDistance), b.i64(0x3ff));
      b.return(b.or(b.or(sign, b.i64(quietNan)), digits));
    });
    b.if(bits.isInfinite(single), () => b.return(b.or(sign, b.i64(infinity))));
    const value = bits.flushed(single);
    bits.raiseDenormal(value);
    // The rounding of all formats looks at MXCSR: it has these controls for the moment.
    const kept = mxcsr(b);
    const control = b.or(b.and(kept, ~controlBits), b.shl(rounding, 13));
    b.store('i32.store', CpuState.mxcsr, control);
    const exponent = b.sub(bits.exponent(value), biasDistance);
    const significand = b.shl(bits.significand(value), 62 - f32.fraction);
    const result = b.call('f16Round', 'i64', sign, exponent, significand);
    b.store('i32.store', CpuState.mxcsr, kept);
    b.return(result);
  },
};

/** Conversions from and to half precision. */
export const halfFunctions: readonly RuntimeFunction[] = [widen, narrow];
