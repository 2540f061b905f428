/**
 * FXTRACT, FSCALE, FPREM and FPREM1: SDM vol. 1, 8.3.5; special operands from the tables of vol.
 * 2A.
 */
import { CpuState } from '@ringfence/memory';
import type { Value, Variable } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { X87Parts } from './x87-format.ts';
import {
  bias,
  maximumExponent,
  memorySlot,
  resultSlot,
  X87Builder,
  X87Flag,
} from './x87-format.ts';
import { copyNumber, underflowStack } from './x87-stack.ts';

/** Above any exponent: scaling by it always overflows or underflows. */
const farScale = 0x10000;

/** The scale as an integer rounded towards zero, limited to what makes a difference. */
function scaleOf(x: X87Builder, p: X87Parts): Value {
  const b = x.b;
  const shift = b.sub(b.i32(bias + 63), p.exponent);
  const small = b.ltU(p.exponent, bias);
  const large = b.geU(p.exponent, bias + 16);
  const whole = b.wrap(b.shrU(p.significand, b.extendU(shift)));
  const size = b.select(small, b.i32(0), b.select(large, b.i32(farScale), whole));
  return b.select(p.sign, b.neg(size), size);
}

/** ST(0) * 2^ST(1) from their parts, neither a NaN, in the result slot. */
function scaled(x: X87Builder, number: X87Parts, scale: X87Parts): void {
  const b = x.b;
  const same = (): void => x.setResult(b.or(number.sign, number.exponent), number.significand);
  const [zero, infinite] = [x.isZero(number), x.isInfinite(number)];
  b.if(
    x.isInfinite(scale),
    () => {
      const wrong = b.select(scale.sign, infinite, zero);
      b.if(
        wrong,
        () => x.invalid(),
        () =>
          b.if(
            scale.sign,
            () => x.setZero(number.sign),
            () => x.setInfinity(number.sign),
          ),
      );
    },
    () =>
      b.if(b.or(zero, infinite), same, () => {
        const n = x.normalized(number);
        const exponent = b.add(n.exponent, scaleOf(x, scale));
        x.round(n.sign, exponent, n.significand, b.i64(0), b.i32(64));
      }),
  );
}

const scale: RuntimeFunction = {
  name: 'x87Scale',
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
        const [number, by] = [x.parts(first), x.parts(second)];
        const done = b.call('x87Special', 'i32', first, second, zero);
        b.if(b.eqz(done), () => scaled(x, number, by));
      },
    );
    b.if(b.call('x87Settle', 'i32'), () => b.call('x87Put', 'void', zero));
  },
};

/** The exponent in the memory slot, the significand in the result slot. */
function extractParts(x: X87Builder, p: X87Parts): void {
  const b = x.b;
  const word = b.or(p.sign, p.exponent);
  b.if(
    x.isZero(p),
    () => {
      x.raise(X87Flag.zeroDivide);
      x.setSlot(memorySlot, b.i32(0x8000 | maximumExponent), b.i64(1n << 63n));
      x.setResult(word, p.significand);
    },
    () =>
      b.if(
        x.isInfinite(p),
        () => {
          x.setSlot(memorySlot, b.i32(maximumExponent), p.significand);
          x.setResult(word, p.significand);
        },
        () => {
          const n = x.normalized(p);
          b.call('x87FromInteger', 'void', b.extendS(b.sub(n.exponent, bias)));
          x.setResult(b.or(n.sign, bias), n.significand);
        },
      ),
  );
}

/** `x87Extract()`: FXTRACT. */
const extract: RuntimeFunction = {
  name: 'x87Extract',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    const zero = b.i32(0);
    x.clearPending();
    const [empty, full] = [x.isEmpty(zero), b.eqz(x.isEmpty(b.i32(7)))];
    const indefinite = (): void => {
      underflowStack(x);
      copyNumber(b, memorySlot, resultSlot);
    };
    b.if(
      b.or(empty, full),
      () => {
        indefinite();
        b.if(b.eqz(empty), () => x.raise(X87Flag.c1));
      },
      () => {
        const address = x.address(zero);
        const p = x.parts(address);
        const done = b.call('x87Special', 'i32', address, address, zero);
        b.if(
          done,
          () => copyNumber(b, memorySlot, resultSlot),
          () => extractParts(x, p),
        );
      },
    );
    b.if(b.call('x87Settle', 'i32'), () => b.call('x87ReplaceAndPush', 'void'));
  },
};

/** `x87ReplaceAndPush()`: ST(0) becomes the memory slot, then the result slot is pushed. */
const replaceAndPush: RuntimeFunction = {
  name: 'x87ReplaceAndPush',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    const zero = b.i32(0);
    copyNumber(b, x.address(zero), memorySlot);
    const tags = b.load('i32.load', CpuState.fpuTags);
    b.store('i32.store', CpuState.fpuTags, b.or(tags, b.shl(b.i32(1), x.physical(zero))));
    const status = b.load('i32.load', CpuState.fpuStatus);
    const moved = b.and(b.sub(status, 0x800), 0x3800);
    b.store('i32.store', CpuState.fpuStatus, b.or(b.and(status, ~0x3800), moved));
    b.call('x87Put', 'void', zero);
  },
};

/** What a remainder is computed in. */
interface Division {
  readonly rest: Variable;
  readonly quotient: Variable;
  readonly sign: Variable;
  readonly exponent: Variable;
}

/** `count` + 1 quotient bits; `rest` is below the divisor then, at its place. */
function divideBits(x: X87Builder, d: Division, divisor: Value, count: Value): void {
  const b = x.b;
  const left = b.variable('i32', count);
  const carry = b.variable('i32', b.i32(0));
  b.loop((loop) => {
    const fits = b.or(b.get(carry), b.geU(b.get(d.rest), divisor));
    b.set(d.rest, b.select(fits, b.sub(b.get(d.rest), divisor), b.get(d.rest)));
    b.set(d.quotient, b.or(b.shl(b.get(d.quotient), 1), fits));
    b.if(b.get(left), () => {
      b.set(carry, b.ltS(b.get(d.rest), 0));
      b.set(d.rest, b.shl(b.get(d.rest), 1));
      b.set(left, b.sub(b.get(left), 1));
      b.continue(loop);
    });
  });
}

/** FPREM1: the nearer multiple, of two equally near ones the even. */
function toNearest(x: X87Builder, d: Division, divisor: Value, distance: Value): void {
  const b = x.b;
  const below = b.eq(distance, -1);
  // Below the divisor by one place, the rest is compared with half of it, which has its bits.
  const rest = b.get(d.rest);
  const other = b.sub(b.select(below, b.shl(divisor, 1), divisor), rest);
  const odd = b.and(b.get(d.quotient), 1);
  const tie = b.and(b.eq(rest, other), odd);
  const nearer = b.select(below, b.gtU(rest, divisor), b.or(b.gtU(rest, other), tie));
  b.if(nearer, () => {
    b.set(d.rest, other);
    b.set(d.quotient, b.add(b.get(d.quotient), 1));
    b.set(d.sign, b.xor(b.get(d.sign), 0x8000));
  });
}

/** C3, C1 and C0 from the lowest bits of the quotient. */
function quotientConditions(x: X87Builder, quotient: Value): Value {
  const b = x.b;
  const c1 = b.shl(b.and(quotient, 1), 9);
  const c3 = b.shl(b.and(quotient, 2), 13);
  const c0 = b.shl(b.and(quotient, 4), 6);
  return b.or(c0, b.or(c1, c3));
}

function remainderOf(x: X87Builder, left: X87Parts, right: X87Parts, nearest: Value): Value {
  const b = x.b;
  const [a, z] = [x.normalized(left), x.normalized(right)];
  const conditions = b.variable('i32', b.i32(0));
  const d: Division = {
    rest: b.variable('i64', a.significand),
    quotient: b.variable('i32', b.i32(0)),
    sign: b.variable('i32', a.sign),
    exponent: b.variable('i32', a.exponent),
  };
  const distance = b.sub(a.exponent, z.exponent);
  b.if(
    b.ltS(distance, 64),
    () => {
      b.if(b.geS(distance, 0), () => {
        divideBits(x, d, z.significand, distance);
        b.set(d.exponent, z.exponent);
      });
      const mayRound = b.and(b.ne(nearest, 0), b.geS(distance, -1));
      b.if(mayRound, () => toNearest(x, d, z.significand, distance));
      b.set(conditions, quotientConditions(x, b.get(d.quotient)));
    },
    () => {
      // A part of the reduction only; C2 says so.
      const step = b.or(b.and(distance, 31), 32);
      divideBits(x, d, z.significand, step);
      b.set(d.exponent, b.sub(a.exponent, step));
      b.set(conditions, b.i32(0x400));
    },
  );
  x.round(b.get(d.sign), b.get(d.exponent), b.get(d.rest), b.i64(0), b.i32(64));
  return b.get(conditions);
}

/** Of an infinity, or by zero, and neither a NaN; denormals do not count then. */
function divisionIsInvalid(x: X87Builder, left: X87Parts, right: X87Parts): Value {
  const b = x.b;
  const nan = b.or(x.isNan(left), x.isNan(right));
  const unsupported = b.or(x.isUnsupported(left), x.isUnsupported(right));
  const invalid = b.or(x.isInfinite(left), x.isZero(right));
  return b.and(invalid, b.eqz(b.or(nan, unsupported)));
}

/** The number itself, which may be a denormal that is reported when underflow is not masked. */
function setSame(x: X87Builder, p: X87Parts): void {
  const b = x.b;
  const exponent = b.select(p.exponent, p.exponent, b.i32(1));
  x.round(p.sign, exponent, p.significand, b.i64(0), b.i32(64));
}

/** `x87Remainder(nearest)`: FPREM, or FPREM1 with 1. */
const remainder: RuntimeFunction = {
  name: 'x87Remainder',
  parameters: ['i32'],
  results: [],
  build: (b, nearest) => {
    if (!nearest) return;
    const x = new X87Builder(b);
    const [zero, one] = [b.i32(0), b.i32(1)];
    x.clearPending();
    const old = b.load('i32.load', CpuState.fpuStatus);
    // Without a quotient C3 and C0 stay, and C2 is cleared.
    const conditions = b.variable('i32', b.and(old, 0x4100));
    const compute = (): void => {
      const [first, second] = [x.address(zero), x.address(one)];
      const [left, right] = [x.parts(first), x.parts(second)];
      const special = (): Value => b.call('x87Special', 'i32', first, second, zero);
      b.if(
        divisionIsInvalid(x, left, right),
        () => x.invalid(),
        () =>
          b.if(b.eqz(special()), () => {
            b.if(
              b.or(x.isZero(left), x.isInfinite(right)),
              () => {
                b.set(conditions, zero);
                setSame(x, left);
              },
              () => b.set(conditions, remainderOf(x, left, right, nearest)),
            );
          }),
      );
    };
    b.if(b.or(x.isEmpty(zero), x.isEmpty(one)), () => underflowStack(x), compute);
    b.if(b.call('x87Settle', 'i32'), () => b.call('x87Put', 'void', zero));
    const status = b.and(b.load('i32.load', CpuState.fpuStatus), ~0x4700);
    b.store('i32.store', CpuState.fpuStatus, b.or(status, b.get(conditions)));
  },
};

/** Functions on exponents. */
export const x87Scaling: readonly RuntimeFunction[] = [scale, extract, replaceAndPush, remainder];
