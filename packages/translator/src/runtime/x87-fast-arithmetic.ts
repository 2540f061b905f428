/**
 * Fast paths of FADD, FSUB, FMUL and FDIV: normal operands and results, all exceptions masked,
 * rounding to nearest, 53 or 64 bits of precision.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { remainderFraction } from './x87-arithmetic.ts';
import {
  exponentOf,
  FastStack,
  fromNormalDouble,
  inexactBits,
  isNormal,
  isNormalDouble,
  type Number80,
  roundsUpToNearest,
} from './x87-fast-stack.ts';
import { bias, integerBit, memoryOperand, secondWord } from './x87-format.ts';
import { BinaryOption } from './x87-stack.ts';
import { mulWide } from './x87-wide.ts';

/** Masks, the upper bit of precision control, rounding control; and how they have to be. */
const controlBits = 0xe3f;
const controlWanted = 0x23f;
/** The lower bit of precision control: 64 and not 53 bits. */
const extendedPrecision = 0x100;

/** Where a result goes. */
interface Target {
  readonly stack: FastStack;
  readonly control: Value;
  /** Physical register. */
  readonly to: Value;
  /** Whether ST(0) is popped. */
  readonly pop: Value;
}

type Core = (target: Target, left: Number80, right: Number80) => void;

/** Rounds a significand with its highest bit set, stores the result and returns, or goes on. */
function finish(t: Target, sign: Value, exponent: Value, significand: Value, rest: Value): void {
  const b = t.stack.b;
  const kept = b.variable('i64', significand);
  const below = b.variable('i64', rest);
  const place = b.variable('i64', b.i64(1));
  b.if(b.eqz(b.and(t.control, extendedPrecision)), () => {
    const lower = b.extendU(b.ne(rest, 0));
    b.set(below, b.or(b.shl(significand, 53), lower));
    b.set(kept, b.and(significand, b.i64(-0x800)));
    b.set(place, b.i64(0x800));
  });
  const odd = b.extendU(b.ne(b.and(b.get(kept), b.get(place)), 0));
  const up = roundsUpToNearest(b, b.get(below), odd);
  const sum = b.add(b.get(kept), b.select(up, b.get(place), b.i64(0)));
  const wrapped = b.eqz(sum);
  b.if(b.ltU(b.sub(exponent, 1), 0x7ffd), () => {
    const significand = b.or(sum, b.shl(b.extendU(wrapped), 63));
    t.stack.write(t.to, { word: b.or(sign, b.add(exponent, wrapped)), significand });
    leave(t, inexactBits(b, b.get(below), up));
  });
}

/** Sets the status, pops and returns. */
function leave(t: Target, bits: Value): void {
  const b = t.stack.b;
  b.if(
    t.pop,
    () => t.stack.pop(bits),
    () => t.stack.setStatus(bits),
  );
  b.return();
}

const multiply: Core = (t, left, right) => {
  const b = t.stack.b;
  const { high, low } = mulWide(b, left.significand, right.significand);
  const lead = b.op('i64.clz', high);
  const significand = b.or(b.shl(high, lead), b.and(b.shrU(low, 63), lead));
  const exponents = b.add(exponentOf(b, left), exponentOf(b, right));
  const exponent = b.sub(b.sub(exponents, bias - 1), b.wrap(lead));
  const sign = b.and(b.xor(left.word, right.word), 0x8000);
  finish(t, sign, exponent, significand, b.shl(low, lead));
};

const divide: Core = (t, left, right) => {
  const b = t.stack.b;
  const [n, d] = [left.significand, right.significand];
  // The dividend below the divisor, so that the quotient has 64 bits, the highest of them set.
  const halve = b.geU(n, d);
  const low = b.select(halve, b.shl(n, 63), b.i64(0));
  const quotient = b.call('x87Divide', 'i64', b.shrU(n, b.extendU(halve)), low, d);
  const rest = remainderFraction(b, b.load('i64.load', secondWord), d);
  const distance = b.sub(exponentOf(b, left), exponentOf(b, right));
  const exponent = b.add(b.add(distance, bias - 1), halve);
  finish(t, b.and(b.xor(left.word, right.word), 0x8000), exponent, quotient, rest);
};

/** A significand moved right by a distance: what is left, and 64 bits below with a sticky bit. */
function align(b: IrBuilder, significand: Value, distance: Value): [high: Value, low: Value] {
  const high = b.variable('i64', b.i64(0));
  const low = b.variable('i64', b.i64(1));
  const by = b.extendU(distance);
  const back = b.xor(b.and(by, b.i64(63)), b.i64(63));
  // What a distance of 64 and more moves out of the lower word, of less, out of the upper.
  const crossed = b.shl(b.shl(significand, 1), back);
  b.if(
    b.ltU(distance, 64),
    () => {
      b.set(high, b.shrU(significand, by));
      b.set(low, crossed);
    },
    () => {
      b.if(b.ltU(distance, 128), () => {
        b.set(low, b.or(b.shrU(significand, by), b.extendU(b.ne(crossed, 0))));
      });
    },
  );
  return [b.get(high), b.get(low)];
}

const add: Core = (t, left, right) => {
  const b = t.stack.b;
  const [le, re] = [exponentOf(b, left), exponentOf(b, right)];
  const [ls, rs] = [left.significand, right.significand];
  const swap = b.or(b.ltU(le, re), b.and(b.eq(le, re), b.ltU(ls, rs)));
  const large = b.select(swap, rs, ls);
  const word = b.select(swap, right.word, left.word);
  const sign = b.and(word, 0x8000);
  const exponent = b.variable('i32', b.and(word, 0x7fff));
  const distance = b.sub(b.get(exponent), b.select(swap, le, re));
  const [high, low] = align(b, b.select(swap, ls, rs), distance);
  const sum = b.variable('i64');
  const rest = b.variable('i64');
  b.if(
    b.and(b.xor(left.word, right.word), 0x8000),
    () => {
      b.set(rest, b.sub(b.i64(0), low));
      b.set(sum, b.sub(b.sub(large, high), b.extendU(b.ne(low, 0))));
      normalize(t, exponent, sum, rest);
    },
    () => {
      const whole = b.add(large, high);
      b.set(sum, whole);
      b.set(rest, low);
      b.if(b.ltU(whole, large), () => {
        const below = b.or(b.shrU(low, 1), b.and(low, b.i64(1)));
        b.set(rest, b.or(b.shl(whole, 63), below));
        b.set(sum, b.or(b.shrU(whole, 1), b.i64(integerBit)));
        b.set(exponent, b.add(b.get(exponent), 1));
      });
    },
  );
  finish(t, sign, b.get(exponent), b.get(sum), b.get(rest));
};

type IrVariable = ReturnType<IrBuilder['variable']>;

/** Puts the highest bit of a difference at its place; a difference of nothing is +0. */
function normalize(t: Target, exponent: IrVariable, sum: IrVariable, rest: IrVariable): void {
  const b = t.stack.b;
  b.if(b.geS(b.get(sum), 0), () => {
    b.if(b.eqz(b.get(sum)), () => {
      b.if(b.eqz(b.get(rest)), () => {
        t.stack.write(t.to, { word: b.i32(0), significand: b.i64(0) });
        leave(t, b.i32(0));
      });
      b.set(sum, b.get(rest));
      b.set(rest, b.i64(0));
      b.set(exponent, b.sub(b.get(exponent), 64));
    });
    const lead = b.op('i64.clz', b.get(sum));
    const crossed = b.shrU(b.shrU(b.get(rest), 1), b.sub(b.i64(63), lead));
    b.set(sum, b.or(b.shl(b.get(sum), lead), crossed));
    b.set(rest, b.shl(b.get(rest), lead));
    b.set(exponent, b.sub(b.get(exponent), b.wrap(lead)));
  });
}

const subtract: Core = (t, left, right) => {
  add(t, left, { ...right, word: t.stack.b.xor(right.word, 0x8000) });
};

function controlServes(b: IrBuilder, control: Value): Value {
  return b.eq(b.and(control, controlBits), controlWanted);
}

/** `x87AddStack(to, left, right, pop)` and its like: ST(to) = ST(left) op ST(right). */
function ofStack(kind: number, name: string, core: Core): RuntimeFunction {
  return {
    name: `x87${name}Stack`,
    parameters: ['i32', 'i32', 'i32', 'i32'],
    results: [],
    build: (b, to, left, right, pop) => {
      if (!to || !left || !right || !pop) return;
      const control = b.load('i32.load', CpuState.fpuControl);
      const stack = new FastStack(b);
      const [pl, pr] = [stack.physical(left), stack.physical(right)];
      const [l, r] = [stack.read(pl), stack.read(pr)];
      const full = b.and(stack.isFull(pl), stack.isFull(pr));
      const normal = b.and(isNormal(b, l), isNormal(b, r));
      b.if(b.and(b.and(full, normal), controlServes(b, control)), () => {
        core({ stack, control, to: stack.physical(to), pop }, l, r);
      });
      b.call('x87Binary', 'void', b.i32(kind), to, left, right, pop);
    },
  };
}

/** `x87AddF64(bits, reverse)` and its like: ST(0) = ST(0) op a double, or the other way round. */
function ofDouble(kind: number, name: string, core: Core): RuntimeFunction {
  return {
    name: `x87${name}F64`,
    parameters: ['i64', 'i32'],
    results: [],
    build: (b, bits, reverse) => {
      if (!bits || !reverse) return;
      const control = b.load('i32.load', CpuState.fpuControl);
      const stack = new FastStack(b);
      const to = stack.physical(0);
      const top = stack.read(to);
      const normal = b.and(isNormal(b, top), isNormalDouble(b, bits));
      b.if(b.and(b.and(stack.isFull(to), normal), controlServes(b, control)), () => {
        const other = fromNormalDouble(b, bits);
        const choose = (x: Number80, y: Number80): Number80 => ({
          word: b.select(reverse, x.word, y.word),
          significand: b.select(reverse, x.significand, y.significand),
        });
        const target = { stack, control, to, pop: b.i32(0) };
        core(target, choose(other, top), choose(top, other));
      });
      b.call(`x87OperateMemory`, 'void', b.i32(kind), reverse, b.call('x87FromF64', 'i32', bits));
    },
  };
}

/** `x87AddF32(bits, reverse)` and its like. */
function ofSingle(kind: number, name: string): RuntimeFunction {
  return {
    name: `x87${name}F32`,
    parameters: ['i32', 'i32'],
    results: [],
    build: (b, bits, reverse) => {
      if (!bits || !reverse) return;
      const exponent = b.and(b.shrU(bits, 23), 0xff);
      b.if(b.ltU(b.sub(exponent, 1), 0xfe), () => {
        const wide = b.op('f64.promote_f32', b.op('f32.reinterpret_i32', bits));
        b.call(`x87${name}F64`, 'void', b.op('i64.reinterpret_f64', wide), reverse);
        b.return();
      });
      const denormal = b.call('x87FromF32', 'i32', b.extendU(bits));
      b.call(`x87OperateMemory`, 'void', b.i32(kind), reverse, denormal);
    },
  };
}

/** `x87OperateMemory(kind, reverse, denormal)`: ST(0) and the memory slot. */
const operateMemory: RuntimeFunction = {
  name: 'x87OperateMemory',
  parameters: ['i32', 'i32', 'i32'],
  results: [],
  build: (b, kind, reverse, denormal) => {
    if (!kind || !reverse || !denormal) return;
    const [top, memory] = [b.i32(0), b.i32(memoryOperand)];
    const [left, right] = [b.select(reverse, memory, top), b.select(reverse, top, memory)];
    b.call('x87Binary', 'void', kind, top, left, right, b.and(denormal, BinaryOption.denormal));
  },
};

const cores: readonly [name: string, core: Core][] = [
  ['Add', add],
  ['Sub', subtract],
  ['Mul', multiply],
  ['Div', divide],
];

/** The runtime functions of arithmetic with a fast path. */
export const x87FastArithmetic: readonly RuntimeFunction[] = [
  operateMemory,
  ...cores.flatMap(([name, core], kind) => [
    ofStack(kind, name, core),
    ofDouble(kind, name, core),
    ofSingle(kind, name),
  ]),
];
