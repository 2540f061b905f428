/** Conversions between the 80-bit format and those in memory: SDM vol. 1, 4.2, 8.3.3 and 8.3.4. */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { X87Parts } from './x87-format.ts';
import {
  bias,
  integerBit,
  maximumExponent,
  memorySlot,
  pendingWord,
  quietBit,
  resultSlot,
  X87Builder,
  X87Flag,
} from './x87-format.ts';
import { roundsUp } from './x87-round.ts';
import { unary, underflowStack } from './x87-stack.ts';
import { shiftWideRightSticky } from './x87-wide.ts';

/** A format in memory that is narrower: bits of fraction, exponent of infinities, bias. */
interface Narrow {
  readonly name: string;
  readonly fraction: number;
  readonly maximum: number;
  readonly bias: number;
}

const single: Narrow = { name: 'F32', fraction: 23, maximum: 0xff, bias: 0x7f };
const double: Narrow = { name: 'F64', fraction: 52, maximum: 0x7ff, bias: 0x3ff };

/**
 * `x87FromF32(bits)`, `x87FromF64(bits)`: exactly, to the memory slot; whether it was a denormal.
 */
function widen(f: Narrow): RuntimeFunction {
  return {
    name: `x87From${f.name}`,
    parameters: ['i64'],
    results: ['i32'],
    build: (b, bits) => {
      if (!bits) return;
      const x = new X87Builder(b);
      const size = f.name === 'F32' ? 32 : 64;
      const sign = b.and(b.wrap(b.shrU(bits, size - 16)), 0x8000);
      const exponent = b.and(b.wrap(b.shrU(bits, f.fraction)), f.maximum);
      const fraction = b.shl(bits, 64 - f.fraction);
      const tail = b.shrU(fraction, 1);
      b.if(b.eqz(exponent), () => {
        const lead = b.op('i64.clz', fraction);
        // The leading bit of a denormal becomes the integer bit.
        const narrowed = b.sub(b.i32(bias - f.bias), b.wrap(lead));
        const word = b.or(sign, b.select(b.eqz(fraction), b.i32(0), narrowed));
        x.setSlot(memorySlot, word, b.shl(fraction, lead));
        b.return(b.shl(b.op('i64.ne', fraction, b.i64(0)), 1));
      });
      const finite = b.add(exponent, bias - f.bias);
      const field = b.select(b.eq(exponent, f.maximum), b.i32(maximumExponent), finite);
      x.setSlot(memorySlot, b.or(sign, field), b.or(tail, b.i64(integerBit)));
      b.return(b.i32(0));
    },
  };
}

/** The bits of the narrower format from the result slot, which is rounded to it. */
function packed(x: X87Builder, f: Narrow): Value {
  const b = x.b;
  const p = x.parts(resultSlot);
  const size = f.name === 'F32' ? 32 : 64;
  const fraction = b.shrU(b.shl(p.significand, 1), 64 - f.fraction);
  const denormal = b.shrU(p.significand, 63 - f.fraction);
  const rebased = b.sub(p.exponent, bias - f.bias);
  const exponent = b.select(b.eq(p.exponent, maximumExponent), b.i32(f.maximum), rebased);
  const normal = b.or(b.shl(b.extendU(exponent), f.fraction), fraction);
  const value = b.select(b.ltS(p.significand, 0), normal, denormal);
  return b.or(b.shl(b.extendU(p.sign), size - 16), value);
}

/** `x87ToF32()`, `x87ToF64()`: ST(0) in a narrower format; its exceptions are pending. */
function narrow(f: Narrow): RuntimeFunction {
  return {
    name: `x87To${f.name}`,
    parameters: [],
    results: ['i64'],
    build: (b) => {
      const x = new X87Builder(b);
      x.clearPending();
      const zero = b.i32(0);
      const p = x.parts(x.address(zero));
      b.if(
        x.isEmpty(zero),
        () => underflowStack(x),
        () =>
          b.if(
            x.isUnsupported(p),
            () => x.invalid(),
            () => narrowSupported(x, f, p),
          ),
      );
      b.return(packed(x, f));
    },
  };
}

function narrowSupported(x: X87Builder, f: Narrow, p: X87Parts): void {
  const b = x.b;
  const word = b.or(p.sign, p.exponent);
  b.if(
    b.or(b.eq(p.exponent, maximumExponent), x.isZero(p)),
    () => {
      b.if(x.isSignaling(p), () => x.raise(X87Flag.invalid));
      const quiet = b.select(x.isNan(p), b.i64(quietBit), b.i64(0));
      x.setResult(word, b.or(p.significand, quiet));
    },
    () => {
      const n = x.normalized(p);
      const least = b.i32(bias - f.bias + 1);
      const most = b.i32(bias + f.bias);
      const bits = b.i32(f.fraction + 1);
      const number = [n.sign, n.exponent, n.significand, b.i64(0), bits];
      b.call('x87RoundTo', 'void', ...number, least, most);
    },
  );
}

/** `x87FromInteger(value)`: exactly, to the memory slot. */
const fromInteger: RuntimeFunction = {
  name: 'x87FromInteger',
  parameters: ['i64'],
  results: [],
  build: (b, value) => {
    if (!value) return;
    const mask = b.shrS(value, 63);
    const size = b.sub(b.xor(value, mask), mask);
    b.call('x87FromSize', 'void', b.and(b.wrap(mask), 0x8000), size);
  },
};

/** `x87FromSize(sign, size)`: an unsigned integer with a sign, exactly, to the memory slot. */
const fromSize: RuntimeFunction = {
  name: 'x87FromSize',
  parameters: ['i32', 'i64'],
  results: [],
  build: (b, sign, size) => {
    if (!sign || !size) return;
    const lead = b.op('i64.clz', size);
    const exponent = b.sub(b.i32(bias + 63), b.wrap(lead));
    const field = b.select(b.eqz(size), b.i32(0), exponent);
    new X87Builder(b).setSlot(memorySlot, b.or(sign, field), b.shl(size, lead));
  },
};

/** A finite number below 2^64 as a whole part and 64 bits below the point. */
function split(b: IrBuilder, p: X87Parts): { whole: Value; below: Value } {
  const shift = b.sub(b.i32(bias + 63), p.exponent);
  const { high, low } = shiftWideRightSticky(b, { high: p.significand, low: b.i64(0) }, shift);
  return { whole: high, below: low };
}

/** Reports what rounding to an integer lost. */
function raiseInexact(x: X87Builder, below: Value, up: Value): void {
  x.b.if(x.b.ne(below, 0), () => {
    x.raise(X87Flag.precision);
    x.b.if(up, () => x.raise(X87Flag.c1));
  });
}

/**
 * `x87ToInteger(width, truncate)`: ST(0) as an integer of 16, 32 or 64 bits; what does not fit is
 * the integer indefinite (SDM vol. 1, 4.8.3.7). Its exceptions are pending.
 */
const toInteger: RuntimeFunction = {
  name: 'x87ToInteger',
  parameters: ['i32', 'i32'],
  results: ['i64'],
  build: (b, width, truncate) => {
    if (!width || !truncate) return;
    const x = new X87Builder(b);
    x.clearPending();
    const zero = b.i32(0);
    const least = b.shl(b.i64(1), b.extendU(b.sub(width, 1)));
    b.if(x.isEmpty(zero), () => {
      x.raise(X87Flag.invalid | X87Flag.stackFault);
      b.return(b.neg(least));
    });
    const p = x.parts(x.address(zero));
    const invalid = (): void => {
      x.raise(X87Flag.invalid);
      b.return(b.neg(least));
    };
    b.if(b.or(x.isUnsupported(p), b.gtU(p.exponent, bias + 63)), invalid);
    const { whole, below } = split(b, p);
    const mode = b.select(truncate, b.i32(3), x.rounding());
    const up = roundsUp(x, mode, p.sign, below, b.wrap(b.and(whole, b.i64(1))));
    const size = b.add(whole, b.extendU(up));
    const most = b.sub(least, b.extendU(b.eqz(p.sign)));
    b.if(b.gtU(size, most), invalid);
    raiseInexact(x, below, up);
    b.return(b.select(p.sign, b.neg(size), size));
  },
};

/** FRNDINT's result. */
function roundToInteger(x: X87Builder, address: Value): void {
  const b = x.b;
  const p = x.parts(address);
  const done = b.call('x87Special', 'i32', address, address, b.i32(0));
  b.if(b.eqz(done), () => {
    const whole = b.or(b.geU(p.exponent, bias + 63), x.isZero(p));
    b.if(
      whole,
      () => x.setResult(b.or(p.sign, p.exponent), p.significand),
      () => {
        const parts = split(b, p);
        const odd = b.wrap(b.and(parts.whole, b.i64(1)));
        const up = roundsUp(x, x.rounding(), p.sign, parts.below, odd);
        const size = b.add(parts.whole, b.extendU(up));
        raiseInexact(x, parts.below, up);
        const lead = b.op('i64.clz', size);
        const exponent = b.sub(b.i32(bias + 63), b.wrap(lead));
        const field = b.select(b.eqz(size), b.i32(0), exponent);
        x.setResult(b.or(p.sign, field), b.shl(size, lead));
      },
    );
  });
}

/** Exceptions that keep a result from being stored in memory when they are not masked. */
export const preventStore: number = X87Flag.invalid | X87Flag.overflow | X87Flag.underflow;

/** `x87MayStore()`: whether the pending exceptions let a result be stored in memory. */
const mayStore: RuntimeFunction = {
  name: 'x87MayStore',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    const unmasked = b.not(b.load('i32.load', CpuState.fpuControl));
    const pending = b.load('i32.load', pendingWord);
    b.return(b.eqz(b.and(b.and(pending, unmasked), preventStore)));
  },
};

/** `x87Stored(pop)`: settles after a store to memory, and pops if the store was allowed. */
const stored: RuntimeFunction = {
  name: 'x87Stored',
  parameters: ['i32'],
  results: [],
  build: (b, popping) => {
    if (!popping) return;
    const allowed = b.call('x87MayStore', 'i32');
    b.call('x87Settle', 'i32');
    b.if(b.and(allowed, popping), () => b.call('x87Pop', 'void'));
  },
};

/** `x87FromExtended()`: ST(0) to the result slot as it is, for FSTP m80. */
const toExtended: RuntimeFunction = {
  name: 'x87ToExtended',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    x.clearPending();
    const zero = b.i32(0);
    const p = x.parts(x.address(zero));
    x.setResult(b.or(p.sign, p.exponent), p.significand);
    b.if(x.isEmpty(zero), () => underflowStack(x));
  },
};

/** The runtime functions of conversions from and to memory formats (SDM 1, 4.2 and 8.3.3). */
export const x87Conversions: readonly RuntimeFunction[] = [
  widen(single),
  widen(double),
  narrow(single),
  narrow(double),
  fromInteger,
  fromSize,
  toInteger,
  mayStore,
  stored,
  toExtended,
  unary('x87RoundInteger', roundToInteger),
];
