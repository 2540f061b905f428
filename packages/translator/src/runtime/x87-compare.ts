/** Comparisons and classification: SDM vol. 1, 8.3.6, tables 8-6 and 8-7; vol. 2A, FXAM. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import type { X87Parts } from './x87-format.ts';
import { pendingWord, X87Builder, X87Flag } from './x87-format.ts';

/** What a comparison finds, in the bits of EFLAGS; C3, C2, C0 are 8 places higher. */
const Relation = { greater: 0, less: 0x01, equal: 0x40, unordered: 0x45 } as const;

/** C3, C2, C0 of the status word. */
export const conditionBits = 0x4500;

/** Options of `x87Compare`. */
export const CompareOption = {
  /** FUCOM: quiet NaNs are not invalid. */
  quiet: 1,
  /** The memory operand was a denormal before it was widened. */
  denormal: 2,
  /** FCOMI: the status word's conditions stay. */
  eflags: 4,
  popOne: 16,
  popTwo: 32,
} as const;

/** Order of two numbers that are not NaNs. */
export function ordered(x: X87Builder, left: X87Parts, right: X87Parts): Value {
  const b = x.b;
  const zeros = b.eqz(b.or(left.significand, right.significand));
  const signsDiffer = b.ne(left.sign, right.sign);
  // Pseudo-denormals have the value of exponent 1.
  const exponent = (p: X87Parts): Value => b.select(p.exponent, p.exponent, b.i32(1));
  const [el, er] = [exponent(left), exponent(right)];
  const tie = b.eq(el, er);
  const below = b.or(b.ltU(el, er), b.and(tie, b.ltU(left.significand, right.significand)));
  const same = b.and(tie, b.eq(left.significand, right.significand));
  const less = b.select(signsDiffer, left.sign, b.xor(below, b.ne(left.sign, 0)));
  const order = b.select(less, b.i32(Relation.less), b.i32(Relation.greater));
  const equal = b.or(zeros, b.and(same, b.eqz(signsDiffer)));
  return b.select(equal, b.i32(Relation.equal), order);
}

/**
 * `x87Compare(left, right, options)`: the relation as EFLAGS bits. An unmasked exception keeps the
 * registers on the stack, and not the relation from being reported.
 */
const compare: RuntimeFunction = {
  name: 'x87Compare',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, left, right, options) => {
    if (!left || !right || !options) return;
    const x = new X87Builder(b);
    x.clearPending();
    const found = b.variable('i32', b.i32(Relation.unordered));
    b.if(
      b.or(x.isEmpty(left), x.isEmpty(right)),
      () => x.raise(X87Flag.stackFault | X87Flag.invalid),
      () => {
        const [l, r] = [x.parts(x.address(left)), x.parts(x.address(right))];
        const unsupported = b.or(x.isUnsupported(l), x.isUnsupported(r));
        const signaling = b.or(x.isSignaling(l), x.isSignaling(r));
        const nan = b.or(x.isNan(l), x.isNan(r));
        const loud = b.and(nan, b.eqz(b.and(options, CompareOption.quiet)));
        const invalid = b.or(b.or(unsupported, signaling), loud);
        b.if(invalid, () => x.raise(X87Flag.invalid));
        b.if(b.eqz(b.or(unsupported, nan)), () => {
          const wasDenormal = b.and(options, CompareOption.denormal);
          const denormal = b.or(b.or(x.isDenormal(l), x.isDenormal(r)), wasDenormal);
          b.if(denormal, () => x.raise(X87Flag.denormal));
          b.set(found, ordered(x, l, r));
        });
      },
    );
    const kept = b.and(b.load('i32.load', CpuState.fpuStatus), X87Flag.c1);
    const counts = b.call('x87Settle', 'i32');
    const status = b.load('i32.load', CpuState.fpuStatus);
    const relation = b.or(b.and(status, ~conditionBits), b.shl(b.get(found), 8));
    // FCOMI leaves C1 alone, but for the stack fault that clears it.
    const fault = b.and(b.load('i32.load', pendingWord), X87Flag.stackFault);
    const toFlags = b.or(status, b.select(fault, b.i32(0), kept));
    const inFlags = b.and(options, CompareOption.eflags);
    b.store('i32.store', CpuState.fpuStatus, b.select(inFlags, toFlags, relation));
    const pops = CompareOption.popOne | CompareOption.popTwo;
    b.if(b.and(b.ne(b.and(options, pops), 0), counts), () => b.call('x87Pop', 'void'));
    b.if(b.and(b.ne(b.and(options, CompareOption.popTwo), 0), counts), () => {
      b.call('x87Pop', 'void');
    });
    b.return(b.get(found));
  },
};

/**
 * C3, C2, C0 by class: unsupported 000, NaN 001, normal 010, infinity 011, zero 100, empty 101 ...
 */
const Class = {
  unsupported: 0,
  nan: 0x100,
  normal: 0x400,
  infinity: 0x500,
  zero: 0x4000,
  empty: 0x4100,
  denormal: 0x4400,
} as const;

/** `x87Examine()`: FXAM; C1 is the sign even of an empty register. */
const examine: RuntimeFunction = {
  name: 'x87Examine',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    const zero = b.i32(0);
    const p = x.parts(x.address(zero));
    const choose = (condition: Value, value: number, otherwise: Value): Value =>
      b.select(condition, b.i32(value), otherwise);
    let found: Value = b.i32(Class.normal);
    found = choose(x.isDenormal(p), Class.denormal, found);
    found = choose(x.isInfinite(p), Class.infinity, found);
    found = choose(x.isNan(p), Class.nan, found);
    found = choose(x.isUnsupported(p), Class.unsupported, found);
    const nothing = b.and(b.eqz(p.exponent), b.eqz(p.significand));
    found = choose(nothing, Class.zero, found);
    found = choose(x.isEmpty(zero), Class.empty, found);
    const sign = b.shrU(p.sign, 6);
    const status = b.and(b.load('i32.load', CpuState.fpuStatus), ~(conditionBits | X87Flag.c1));
    b.store('i32.store', CpuState.fpuStatus, b.or(status, b.or(found, sign)));
  },
};

/** The runtime functions of comparisons and of FXAM (SDM 1, 8.3.6). */
export const x87Comparisons: readonly RuntimeFunction[] = [compare, examine];
