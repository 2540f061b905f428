/** Fast paths of x87 loads, stores, moves and comparisons: no exception, or no more than PE. */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { CompareOption, conditionBits, ordered } from './x87-compare.ts';
import {
  exponentOf,
  FastStack,
  fromNormalDouble,
  inexactBits,
  isNormal,
  isNormalDouble,
  isZero,
  type Number80,
  roundsUpToNearest,
} from './x87-fast-stack.ts';
import { bias, memoryOperand, pendingWord, X87Builder, X87Flag } from './x87-format.ts';
import { roundsUp } from './x87-round.ts';

const doubleBias = 0x3ff;

/** Exception masks and rounding control, and how stores to narrower formats want them. */
const storeBits = 0xc3f;
const storeWanted = 0x3f;

/** A double that is zero, with its sign. */
function isZeroDouble(b: IrBuilder, bits: Value): Value {
  return b.eqz(b.shl(bits, 1));
}

/** The number that a normal double or a zero stands for. */
function fromDouble(b: IrBuilder, bits: Value): Number80 {
  const number = fromNormalDouble(b, bits);
  const zero = isZeroDouble(b, bits);
  return {
    word: b.select(zero, b.and(number.word, 0x8000), number.word),
    significand: b.select(zero, b.i64(0), number.significand),
  };
}

function servesDouble(b: IrBuilder, bits: Value): Value {
  return b.or(isNormalDouble(b, bits), isZeroDouble(b, bits));
}

/** `x87LoadF64(bits)`: pushes a double. */
const loadDouble: RuntimeFunction = {
  name: 'x87LoadF64',
  parameters: ['i64'],
  results: [],
  build: (b, bits) => {
    if (!bits) return;
    const stack = new FastStack(b);
    b.if(b.and(stack.isEmpty(stack.physical(7)), servesDouble(b, bits)), () => {
      stack.push(fromDouble(b, bits));
      b.return();
    });
    b.call('x87Load', 'void', b.call('x87FromF64', 'i32', bits));
  },
};

/** `x87LoadF32(bits)`: pushes a single. */
const loadSingle: RuntimeFunction = {
  name: 'x87LoadF32',
  parameters: ['i32'],
  results: [],
  build: (b, bits) => {
    if (!bits) return;
    b.if(servesSingle(b, bits), () => {
      b.call('x87LoadF64', 'void', promoted(b, bits));
      b.return();
    });
    b.call('x87Load', 'void', b.call('x87FromF32', 'i32', b.extendU(bits)));
  },
};

function servesSingle(b: IrBuilder, bits: Value): Value {
  const exponent = b.and(b.shrU(bits, 23), 0xff);
  return b.or(b.ltU(b.sub(exponent, 1), 0xfe), b.eqz(b.shl(bits, 1)));
}

function promoted(b: IrBuilder, bits: Value): Value {
  return b.op('i64.reinterpret_f64', b.op('f64.promote_f32', b.op('f32.reinterpret_i32', bits)));
}

/** `x87LoadStack(number)`: pushes a copy of ST(number). */
const loadStack: RuntimeFunction = {
  name: 'x87LoadStack',
  parameters: ['i32'],
  results: [],
  build: (b, number) => {
    if (!number) return;
    const stack = new FastStack(b);
    const from = stack.physical(number);
    b.if(b.and(stack.isEmpty(stack.physical(7)), stack.isFull(from)), () => {
      stack.push(stack.read(from));
      b.return();
    });
    b.call('x87LoadRegister', 'void', number);
  },
};

/** `x87PushNumber(word, significand)`: pushes what can be no operand of an exception. */
const pushNumber: RuntimeFunction = {
  name: 'x87PushNumber',
  parameters: ['i32', 'i64'],
  results: [],
  build: (b, word, significand) => {
    if (!word || !significand) return;
    const stack = new FastStack(b);
    b.if(stack.isEmpty(stack.physical(7)), () => {
      stack.push({ word, significand });
      b.return();
    });
    b.call('x87PushConstant', 'void', word, significand);
  },
};

/** `x87Swap(number)`: FXCH. */
const swap: RuntimeFunction = {
  name: 'x87Swap',
  parameters: ['i32'],
  results: [],
  build: (b, number) => {
    if (!number) return;
    const stack = new FastStack(b);
    const [top, other] = [stack.physical(0), stack.physical(number)];
    b.if(b.and(stack.isFull(top), stack.isFull(other)), () => {
      const [first, second] = [stack.read(top), stack.read(other)];
      stack.write(top, second);
      stack.write(other, first);
      stack.setStatus();
      b.return();
    });
    b.call('x87Exchange', 'void', number);
  },
};

/** `x87CopyTop(to, pop)`: FST and FSTP to a register. */
const copyTop: RuntimeFunction = {
  name: 'x87CopyTop',
  parameters: ['i32', 'i32'],
  results: [],
  build: (b, to, pop) => {
    if (!to || !pop) return;
    const stack = new FastStack(b);
    const [from, target] = [stack.physical(0), stack.physical(to)];
    // The target is filled by a copy of its own, where it is not the one that is popped.
    b.if(b.and(stack.isFull(from), stack.isFull(target)), () => {
      stack.write(target, stack.read(from));
      b.if(
        pop,
        () => stack.pop(),
        () => stack.setStatus(),
      );
      b.return();
    });
    b.call('x87Copy', 'void', to, b.i32(0), pop);
  },
};

/** FCHS and FABS. */
function sign(
  name: string,
  other: string,
  change: (b: IrBuilder, word: Value) => Value,
): RuntimeFunction {
  return {
    name,
    parameters: [],
    results: [],
    build: (b) => {
      const stack = new FastStack(b);
      const top = stack.physical(0);
      b.if(stack.isFull(top), () => {
        const { word, significand } = stack.read(top);
        stack.write(top, { word: change(b, word), significand });
        stack.setStatus();
        b.return();
      });
      b.call(other, 'void');
    },
  };
}

/** A narrower format: see `x87NarrowF64`. */
interface Narrow {
  readonly name: string;
  readonly bias: number;
  readonly fraction: number;
}

/** `x87NarrowF64()`, `x87NarrowF32()`: as `x87ToF64` and `x87ToF32`. */
function narrow(f: Narrow): RuntimeFunction {
  return {
    name: `x87Narrow${f.name}`,
    parameters: [],
    results: ['i64'],
    build: (b) => {
      const control = b.load('i32.load', CpuState.fpuControl);
      const stack = new FastStack(b);
      const top = stack.physical(0);
      const number = stack.read(top);
      const signBit = b.shl(b.extendU(b.shrU(number.word, 15)), f.name === 'F32' ? 31 : 63);
      b.if(b.and(stack.isFull(top), isZero(b, number)), () => {
        b.store('i32.store', pendingWord, b.i32(0));
        b.return(signBit);
      });
      const exponent = b.sub(exponentOf(b, number), bias - f.bias);
      // One below the largest exponent, which rounding up may reach.
      const inRange = b.ltU(b.sub(exponent, 1), 2 * f.bias - 1);
      const ordinary = b.and(b.and(inRange, isNormal(b, number)), stack.isFull(top));
      b.if(b.and(ordinary, b.eq(b.and(control, storeBits), storeWanted)), () => {
        const kept = b.shrU(number.significand, 63 - f.fraction);
        const below = b.shl(number.significand, f.fraction + 1);
        const up = roundsUpToNearest(b, below, b.and(kept, b.i64(1)));
        b.store('i32.store', pendingWord, inexactBits(b, below, up));
        // The integer bit adds one to the exponent, and so does what it is carried to.
        const base = b.shl(b.extendU(b.sub(exponent, 1)), f.fraction);
        b.return(b.or(signBit, b.add(b.add(base, kept), b.extendU(up))));
      });
      b.return(b.call(`x87To${f.name}`, 'i64'));
    },
  };
}

/** `x87RoundTop(width, truncate)`: as `x87ToInteger`. */
const roundTop: RuntimeFunction = {
  name: 'x87RoundTop',
  parameters: ['i32', 'i32'],
  results: ['i64'],
  build: (b, width, truncate) => {
    if (!width || !truncate) return;
    const x = new X87Builder(b);
    const stack = new FastStack(b);
    const top = stack.physical(0);
    const number = stack.read(top);
    const full = stack.isFull(top);
    b.if(b.and(full, isZero(b, number)), () => {
      b.store('i32.store', pendingWord, b.i32(0));
      b.return(b.i64(0));
    });
    // From one half to below 2^63.
    const scale = b.sub(b.i32(bias + 62), exponentOf(b, number));
    b.if(b.and(b.and(full, isNormal(b, number)), b.ltU(scale, 64)), () => {
      const by = b.extendU(scale);
      const whole = b.shrU(b.shrU(number.significand, 1), by);
      const below = b.shl(number.significand, b.sub(b.i64(63), by));
      const mode = b.select(truncate, b.i32(3), x.rounding());
      const negative = b.and(number.word, 0x8000);
      const up = roundsUp(x, mode, negative, below, b.wrap(b.and(whole, b.i64(1))));
      const size = b.add(whole, b.extendU(up));
      b.if(b.eqz(b.shrU(size, b.extendU(b.sub(width, 1)))), () => {
        b.store('i32.store', pendingWord, inexactBits(b, below, up));
        b.return(b.select(negative, b.neg(size), size));
      });
    });
    b.return(b.call('x87ToInteger', 'i64', width, truncate));
  },
};

/** `x87FinishStore(pop)`: as `x87Stored`. */
const finishStore: RuntimeFunction = {
  name: 'x87FinishStore',
  parameters: ['i32'],
  results: [],
  build: (b, pop) => {
    if (!pop) return;
    const pending = b.load('i32.load', pendingWord);
    const unmasked = b.not(b.load('i32.load', CpuState.fpuControl));
    b.if(b.eqz(b.and(b.and(pending, unmasked), 0x3f)), () => {
      const stack = new FastStack(b);
      b.if(
        pop,
        () => stack.pop(pending),
        () => stack.setStatus(pending),
      );
      b.return();
    });
    b.call('x87Stored', 'void', pop);
  },
};

/** The status word after a comparison, and what is popped; FCOMI leaves the conditions alone. */
function finishComparison(stack: FastStack, found: Value, options: Value): void {
  const b = stack.b;
  const old = b.load('i32.load', CpuState.fpuStatus);
  const conditions = b.or(b.and(old, ~(conditionBits | X87Flag.c1)), b.shl(found, 8));
  const status = b.select(b.and(options, CompareOption.eflags), old, conditions);
  b.store('i32.store', CpuState.fpuStatus, status);
  b.if(b.and(options, CompareOption.popOne | CompareOption.popTwo), () => {
    b.call('x87Pop', 'void');
    b.if(b.and(options, CompareOption.popTwo), () => b.call('x87Pop', 'void'));
  });
}

/** Compares normal numbers and zeros, and returns. */
function compareOrdinary(stack: FastStack, left: Number80, right: Number80, options: Value): void {
  const b = stack.b;
  const parts = (number: Number80): Parameters<typeof ordered>[1] => ({
    sign: b.and(number.word, 0x8000),
    exponent: exponentOf(b, number),
    significand: number.significand,
  });
  const found = ordered(new X87Builder(b), parts(left), parts(right));
  finishComparison(stack, found, options);
  b.return(found);
}

/** Whether a number is normal or zero. */
function isOrdinary(b: IrBuilder, number: Number80): Value {
  return b.or(isNormal(b, number), isZero(b, number));
}

/** `x87CompareStack(left, right, options)`: as `x87Compare`. */
const compareStack: RuntimeFunction = {
  name: 'x87CompareStack',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, left, right, options) => {
    if (!left || !right || !options) return;
    const stack = new FastStack(b);
    const [pl, pr] = [stack.physical(left), stack.physical(right)];
    const [l, r] = [stack.read(pl), stack.read(pr)];
    const full = b.and(stack.isFull(pl), stack.isFull(pr));
    b.if(b.and(full, b.and(isOrdinary(b, l), isOrdinary(b, r))), () => {
      compareOrdinary(stack, l, r, options);
    });
    b.return(b.call('x87Compare', 'i32', left, right, options));
  },
};

/** `x87CompareF64(bits, options)`: ST(0) with a double. */
const compareDouble: RuntimeFunction = {
  name: 'x87CompareF64',
  parameters: ['i64', 'i32'],
  results: ['i32'],
  build: (b, bits, options) => {
    if (!bits || !options) return;
    const stack = new FastStack(b);
    const top = stack.physical(0);
    const number = stack.read(top);
    const serves = b.and(isOrdinary(b, number), servesDouble(b, bits));
    b.if(b.and(serves, stack.isFull(top)), () => {
      compareOrdinary(stack, number, fromDouble(b, bits), options);
    });
    const all = b.or(options, b.call('x87FromF64', 'i32', bits));
    b.return(b.call('x87Compare', 'i32', b.i32(0), b.i32(memoryOperand), all));
  },
};

/** `x87CompareF32(bits, options)`: ST(0) with a single. */
const compareSingle: RuntimeFunction = {
  name: 'x87CompareF32',
  parameters: ['i32', 'i32'],
  results: ['i32'],
  build: (b, bits, options) => {
    if (!bits || !options) return;
    b.if(servesSingle(b, bits), () => {
      b.return(b.call('x87CompareF64', 'i32', promoted(b, bits), options));
    });
    const all = b.or(options, b.call('x87FromF32', 'i32', b.extendU(bits)));
    b.return(b.call('x87Compare', 'i32', b.i32(0), b.i32(memoryOperand), all));
  },
};

/** The runtime functions of moves and comparisons with a fast path. */
export const x87FastMoves: readonly RuntimeFunction[] = [
  loadDouble,
  loadSingle,
  loadStack,
  pushNumber,
  swap,
  copyTop,
  sign('x87Negate', 'x87ChangeSign', (b, word) => b.xor(word, 0x8000)),
  sign('x87Magnitude', 'x87Absolute', (b, word) => b.and(word, 0x7fff)),
  narrow({ name: 'F64', bias: doubleBias, fraction: 52 }),
  narrow({ name: 'F32', bias: 0x7f, fraction: 23 }),
  roundTop,
  finishStore,
  compareStack,
  compareDouble,
  compareSingle,
];
