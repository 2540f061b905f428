/**
 * Binary floating point in integer operations: what add, multiply, divide and the others share.
 *
 * Numbers are raw bits in an i64. MXCSR decides about rounding, DAZ, FTZ and masks (SDM vol. 1,
 * 10.2.3, 11.5); exceptions are collected in `pendingFlags` and merged into MXCSR by `sseFinish`,
 * because an instruction reports those of all its lanes together.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** A binary interchange format (IEEE 754-2008, 3.4). */
export interface FloatFormat {
  readonly name: 'f32' | 'f64';
  /** Bits of the fraction. */
  readonly fraction: number;
  /** The exponent of infinities and NaNs. */
  readonly maximum: number;
  readonly bias: number;
  readonly sign: bigint;
  readonly infinity: bigint;
  /** The bit that tells quiet from signaling NaNs. */
  readonly quiet: bigint;
  /** The smallest normal number. */
  readonly normal: bigint;
}

function format(name: 'f32' | 'f64', fraction: number, exponent: number): FloatFormat {
  const maximum = (1 << exponent) - 1;
  return {
    name,
    fraction,
    maximum,
    bias: maximum >> 1,
    sign: 1n << BigInt(fraction + exponent),
    infinity: BigInt(maximum) << BigInt(fraction),
    quiet: 1n << BigInt(fraction - 1),
    normal: 1n << BigInt(fraction),
  };
}

/** What rounding to a format looks at. */
type Rounded = Pick<FloatFormat, 'fraction' | 'maximum' | 'infinity'> & { readonly name: string };

/** Half precision: 5 bits of exponent, 10 of fraction (IEEE 754-2008, table 3.5). */
const f16: Rounded = { name: 'f16', fraction: 10, maximum: 31, infinity: 0x7c00n };

/** Single precision: 8 bits of exponent, 23 of fraction (IEEE 754-2008, table 3.5). */
export const f32: FloatFormat = format('f32', 23, 8);
/** Double precision: 11 bits of exponent, 52 of fraction (IEEE 754-2008, table 3.5). */
export const f64: FloatFormat = format('f64', 52, 11);

/** Exception flags of MXCSR (SDM vol. 1, figure 10-3). */
export const SseFlag = {
  invalid: 1,
  denormal: 2,
  zeroDivide: 4,
  overflow: 8,
  underflow: 16,
  inexact: 32,
} as const;

/** Control bits of MXCSR. */
export const Mxcsr = {
  daz: 0x40,
  overflowMask: 0x400,
  underflowMask: 0x800,
  rounding: 0x6000,
  ftz: 0x8000,
} as const;

/** Where the exceptions of the current instruction are collected. */
export const pendingFlags: number = CpuState.temporary + 56;

/** Sets exception flags. */
export function raise(b: IrBuilder, flags: number): void {
  b.store('i32.store', pendingFlags, b.or(b.load('i32.load', pendingFlags), flags));
}

/** The control and status register MXCSR (SDM vol. 1, 10.2.3). */
export function mxcsr(b: IrBuilder): Value {
  return b.load('i32.load', CpuState.mxcsr);
}

/** Operations on raw numbers of one format. */
export class FloatBits {
  readonly #b: IrBuilder;
  readonly f: FloatFormat;

  constructor(builder: IrBuilder, of: FloatFormat) {
    this.#b = builder;
    this.f = of;
  }

  constant(bits: bigint): Value {
    return this.#b.i64(bits);
  }

  /** Without the sign. */
  absolute(value: Value): Value {
    return this.#b.and(value, this.constant(this.f.sign - 1n));
  }

  sign(value: Value): Value {
    return this.#b.and(value, this.constant(this.f.sign));
  }

  isNan(value: Value): Value {
    return this.#b.gtU(this.absolute(value), this.constant(this.f.infinity));
  }

  isSignaling(value: Value): Value {
    const quiet = this.#b.and(value, this.constant(this.f.quiet));
    return this.#b.and(this.isNan(value), this.#b.eqz(quiet));
  }

  isInfinite(value: Value): Value {
    return this.#b.eq(this.absolute(value), this.constant(this.f.infinity));
  }

  isZero(value: Value): Value {
    return this.#b.eqz(this.absolute(value));
  }

  isDenormal(value: Value): Value {
    const below = this.#b.sub(this.absolute(value), this.constant(1n));
    return this.#b.ltU(below, this.constant(this.f.normal - 1n));
  }

  quieted(value: Value): Value {
    return this.#b.or(value, this.constant(this.f.quiet));
  }

  /** The NaN of invalid operations (SDM vol. 1, table 4-3, "QNaN floating-point indefinite"). */
  indefinite(): Value {
    return this.constant(this.f.sign | this.f.infinity | this.f.quiet);
  }

  /** Biased exponent as i32; of denormals and zeros 1, as their fraction has no implicit bit. */
  exponent(value: Value): Value {
    const b = this.#b;
    const field = b.wrap(b.shrU(this.absolute(value), this.f.fraction));
    return b.select(field, field, b.i32(1));
  }

  /** Fraction with the implicit bit of normal numbers. */
  significand(value: Value): Value {
    const b = this.#b;
    const fraction = b.and(value, this.constant(this.f.normal - 1n));
    const normal = b.geU(this.absolute(value), this.constant(this.f.normal));
    return b.or(fraction, b.shl(b.extendU(normal), this.f.fraction));
  }

  /** Denormals as zeros of their sign where MXCSR.DAZ is set. */
  flushed(value: Value): Value {
    const b = this.#b;
    const flush = b.and(b.and(mxcsr(b), Mxcsr.daz), b.shl(this.isDenormal(value), 6));
    return b.select(flush, this.sign(value), value);
  }

  raiseDenormal(...values: Value[]): void {
    const b = this.#b;
    const any = values.map((value) => this.isDenormal(value)).reduce((a, c) => b.or(a, c));
    b.if(any, () => raise(b, SseFlag.denormal));
  }

  raiseSignaling(...values: Value[]): void {
    const b = this.#b;
    const any = values.map((value) => this.isSignaling(value)).reduce((a, c) => b.or(a, c));
    b.if(any, () => raise(b, SseFlag.invalid));
  }

  /**
   * Returns the NaN of a binary operation, if there is one: the first operand's, else the second's.
   */
  returnNan(left: Value, right: Value): void {
    const b = this.#b;
    b.if(b.or(this.isNan(left), this.isNan(right)), () => {
      this.raiseSignaling(left, right);
      b.return(this.quieted(b.select(this.isNan(left), left, right)));
    });
  }

  /** Returns the default NaN and signals an invalid operation. */
  returnInvalid(condition: Value): void {
    const b = this.#b;
    b.if(condition, () => {
      raise(b, SseFlag.invalid);
      b.return(this.indefinite());
    });
  }
}

/** The increment that rounding adds below the last place: 0 rounds towards zero. */
function roundingIncrement(b: IrBuilder, sign: Value, bits: number): Value {
  const rounding = b.and(b.shrU(mxcsr(b), 13), 3);
  const negative = b.ne(sign, 0);
  const down = b.and(b.eq(rounding, 1), negative);
  const up = b.and(b.eq(rounding, 2), b.eqz(negative));
  const away = b.select(b.or(down, up), b.i64((1n << BigInt(bits)) - 1n), b.i64(0));
  return b.select(rounding, away, b.i64(1n << BigInt(bits - 1)));
}

/** Shifts right by 1 or more; what falls out stays visible in the lowest bit. */
export function shiftRightSticky(b: IrBuilder, value: Value, count: Value): Value {
  const by = b.extendU(count);
  const lost = b.extendU(b.ne(b.shl(value, b.sub(b.i64(64), by)), 0));
  const shifted = b.or(b.shrU(value, by), lost);
  return b.select(b.gtU(count, 63), b.extendU(b.ne(value, 0)), shifted);
}

/**
 * Where overflow or underflow is not masked the result is never seen, and inexact is of its digits.
 */
function returnUnmasked(
  b: IrBuilder,
  mask: number,
  flag: number,
  inexact: Value,
  result: Value,
): void {
  b.if(b.eqz(b.and(mxcsr(b), mask)), () => {
    raise(b, flag);
    b.if(inexact, () => raise(b, SseFlag.inexact));
    b.return(result);
  });
}

/**
 * `fNNRound(sign, exponent, significand)`: the number significand * 2^(exponent - bias - 62),
 * rounded. The significand is below 2^63, with what was lost in its lowest bit; the sign is in
 * place.
 */
function rounder(f: Rounded): RuntimeFunction {
  const bits = 62 - f.fraction;
  const below = (1n << BigInt(bits)) - 1n;
  return {
    name: `${f.name}Round`,
    parameters: ['i64', 'i32', 'i64'],
    results: ['i64'],
    build: (b, sign, exponent, significand) => {
      if (sign === undefined || exponent === undefined || significand === undefined) return;
      b.if(b.eqz(significand), () => b.return(sign));
      const lead = b.sub(b.op('i64.clz', significand), 1);
      const sig = b.variable('i64', b.shl(significand, lead));
      const exp = b.variable('i32', b.sub(exponent, b.wrap(lead)));
      const increment = roundingIncrement(b, sign, bits);
      b.if(b.leS(b.get(exp), 0), () => {
        const carries = b.shrU(b.add(b.get(sig), increment), 63);
        const tiny = b.or(b.ltS(b.get(exp), 0), b.eqz(carries));
        b.if(tiny, () => {
          const inexact = b.ne(b.and(b.get(sig), b.i64(below)), 0);
          returnUnmasked(b, Mxcsr.underflowMask, SseFlag.underflow, inexact, sign);
          b.if(b.and(mxcsr(b), Mxcsr.ftz), () => {
            raise(b, SseFlag.underflow | SseFlag.inexact);
            b.return(sign);
          });
        });
        b.set(sig, shiftRightSticky(b, b.get(sig), b.sub(b.i32(1), b.get(exp))));
        b.set(exp, b.i32(1));
        const inexact = b.ne(b.and(b.get(sig), b.i64(below)), 0);
        b.if(b.and(tiny, inexact), () => raise(b, SseFlag.underflow));
      });
      const sum = b.add(b.get(sig), increment);
      const edge = b.eq(b.get(exp), f.maximum - 1);
      const beyond = b.and(edge, b.wrap(b.shrU(sum, 63)));
      b.if(b.or(b.geS(b.get(exp), f.maximum), beyond), () => {
        const inexact = b.ne(b.and(b.get(sig), b.i64(below)), 0);
        returnUnmasked(b, Mxcsr.overflowMask, SseFlag.overflow, inexact, sign);
        raise(b, SseFlag.overflow | SseFlag.inexact);
        const limit = b.sub(b.i64(f.infinity), b.extendU(b.eqz(increment)));
        b.return(b.or(limit, sign));
      });
      const rest = b.and(b.get(sig), b.i64(below));
      b.if(b.ne(rest, 0), () => raise(b, SseFlag.inexact));
      // A tie in round-to-nearest clears the last bit.
      const nearest = b.eqz(b.and(mxcsr(b), Mxcsr.rounding));
      const tie = b.and(b.eq(rest, b.i64(1n << BigInt(bits - 1))), nearest);
      const rounded = b.and(b.shrU(sum, bits), b.not(b.extendU(tie)));
      const field = b.shl(b.extendU(b.sub(b.get(exp), 1)), f.fraction);
      b.return(b.or(b.add(field, rounded), sign));
    },
  };
}

/**
 * Merges the collected exceptions into MXCSR; 1 if one of them is not masked. Exceptions that are
 * found before the operation keep those from being reported that it would have (SDM vol. 1,
 * 11.5.3).
 */
const finish: RuntimeFunction = {
  name: 'sseFinish',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    const before = SseFlag.invalid | SseFlag.denormal | SseFlag.zeroDivide;
    const flags = b.load('i32.load', pendingFlags);
    const control = mxcsr(b);
    const unmasked = b.and(flags, b.not(b.and(b.shrU(control, 7), 0x3f)));
    const early = b.and(unmasked, before);
    const reported = b.select(early, b.and(flags, before), flags);
    b.store('i32.store', CpuState.mxcsr, b.or(control, reported));
    b.return(b.ne(unmasked, 0));
  },
};

/** Rounding and the end of instructions. */
export const floatFunctions: readonly RuntimeFunction[] = [
  rounder(f32),
  rounder(f64),
  rounder(f16),
  finish,
];
