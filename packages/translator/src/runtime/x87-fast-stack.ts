/**
 * What the fast paths of x87 instructions share: numbers that are normal or zero, registers that
 * are as full or empty as they have to be. All else is left to the functions without a fast path,
 * which do the whole instruction.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { bias, integerBit, X87Flag } from './x87-format.ts';

const topField = 0x3800;
const topOne = 0x800;
const doubleBias = 0x3ff;

/** A number: the word of sign and exponent, and the significand. */
export interface Number80 {
  readonly word: Value;
  readonly significand: Value;
}

/** The register stack as one instruction finds it. */
export class FastStack {
  readonly b: IrBuilder;
  readonly #status: Value;
  readonly #tags: Value;

  constructor(b: IrBuilder) {
    this.b = b;
    this.#status = b.load('i32.load', CpuState.fpuStatus);
    this.#tags = b.load('i32.load', CpuState.fpuTags);
  }

  /** Number of the physical register that is ST(number). */
  physical(number: Value | number): Value {
    const b = this.b;
    return b.and(b.add(b.shrU(this.#status, 11), number), 7);
  }

  /** Bit 0: whether a physical register is not empty. */
  isFull(physical: Value): Value {
    return this.b.and(this.b.shrU(this.#tags, physical), 1);
  }

  /** Bit 0: whether a physical register is empty. */
  isEmpty(physical: Value): Value {
    return this.b.xor(this.isFull(physical), 1);
  }

  read(physical: Value): Number80 {
    const b = this.b;
    const at = b.shl(physical, 4);
    return {
      word: b.load('i32.load16_u', CpuState.fpu + 8, at),
      significand: b.load('i64.load', CpuState.fpu, at),
    };
  }

  write(physical: Value, { word, significand }: Number80): void {
    const b = this.b;
    const at = b.shl(physical, 4);
    b.store('i64.store', CpuState.fpu, significand, at);
    b.store('i32.store16', CpuState.fpu + 8, word, at);
  }

  /** A register was filled. */
  fill(physical: Value): void {
    const b = this.b;
    const tags = b.or(this.#tags, b.shl(b.i32(1), physical));
    b.store('i32.store', CpuState.fpuTags, tags);
  }

  /** Clears C1 and sets bits of the status word. */
  setStatus(bits?: Value): void {
    this.#storeStatus(this.b.and(this.#status, ~X87Flag.c1), bits);
  }

  /** The same with TOP moved by -1 or 1. */
  moveTop(by: number, bits?: Value): void {
    const b = this.b;
    const top = b.and(b.add(this.#status, by * topOne), topField);
    this.#storeStatus(b.or(b.and(this.#status, ~(X87Flag.c1 | topField)), top), bits);
  }

  /** The same with ST(0) popped. */
  pop(bits?: Value): void {
    const b = this.b;
    const emptied = b.shl(b.i32(1), this.physical(0));
    b.store('i32.store', CpuState.fpuTags, b.and(this.#tags, b.not(emptied)));
    this.moveTop(1, bits);
  }

  /** Pushes a number to a register that is known to be empty. */
  push(number: Number80): void {
    const to = this.physical(7);
    this.write(to, number);
    this.fill(to);
    this.moveTop(-1);
  }

  #storeStatus(status: Value, bits: Value | undefined): void {
    const b = this.b;
    b.store('i32.store', CpuState.fpuStatus, bits === undefined ? status : b.or(status, bits));
  }
}

/** Biased exponent of a number. */
export function exponentOf(b: IrBuilder, number: Number80): Value {
  return b.and(number.word, 0x7fff);
}

/** Whether a number is normal: no zero, denormal, infinity, NaN or unsupported one. */
export function isNormal(b: IrBuilder, number: Number80): Value {
  const inRange = b.ltU(b.sub(exponentOf(b, number), 1), 0x7ffe);
  return b.and(inRange, b.ltS(number.significand, 0));
}

/** Whether it is a zero. */
export function isZero(b: IrBuilder, number: Number80): Value {
  return b.eqz(b.or(number.significand, b.extendU(exponentOf(b, number))));
}

/** Whether the bits of a double are those of a normal number. */
export function isNormalDouble(b: IrBuilder, bits: Value): Value {
  const exponent = b.and(b.wrap(b.shrU(bits, 52)), 0x7ff);
  return b.ltU(b.sub(exponent, 1), 0x7fe);
}

/** The number that the bits of a normal double stand for. */
export function fromNormalDouble(b: IrBuilder, bits: Value): Number80 {
  const high = b.wrap(b.shrU(bits, 48));
  const exponent = b.add(b.and(b.shrU(high, 4), 0x7ff), bias - doubleBias);
  return {
    word: b.or(b.and(high, 0x8000), exponent),
    significand: b.or(b.shl(bits, 11), b.i64(integerBit)),
  };
}

/**
 * 1 where a fraction of 64 bits below the last place rounds that up, to nearest: above one half,
 * and at it where the last place is odd.
 */
export function roundsUpToNearest(b: IrBuilder, below: Value, odd: Value): Value {
  const sum = b.add(below, b.add(odd, b.i64(integerBit - 1n)));
  return b.ltU(sum, below);
}

/** PE, and C1 for what was rounded up, from a fraction below the last place. */
export function inexactBits(b: IrBuilder, below: Value, up: Value): Value {
  const raised = b.select(up, b.i32(X87Flag.precision | X87Flag.c1), b.i32(X87Flag.precision));
  return b.select(b.op('i64.eqz', below), b.i32(0), raised);
}
