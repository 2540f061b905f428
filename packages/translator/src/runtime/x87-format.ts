/**
 * The 80-bit format and the state that the x87 runtime functions share (SDM vol. 1, 4.2.2, 8.1).
 *
 * A number is 16 bytes in memory, in a physical register or in a slot:
 *
 *     +0  significand, 64 bits, the integer bit is bit 63
 *     +8  sign (bit 15) and biased exponent (14..0)
 *
 * Its value is significand * 2^(exponent - 16383 - 63). An operation leaves its result in the
 * result slot and its exceptions, with C1, in the pending word; `x87Settle` makes them the status,
 * and its answer decides whether the result is stored.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';

/** Slot of an operand that came from memory. */
export const memorySlot: number = CpuState.temporary;
/** Slot of the result of an operation. */
export const resultSlot: number = CpuState.temporary + 16;
/** Exceptions (bits 6..0) and C1 (bit 9) of the running instruction. */
export const pendingWord: number = CpuState.temporary + 32;
/** Second result of an integer operation: low half of a product, remainder of a quotient. */
export const secondWord: number = CpuState.temporary + 40;

/** The stack number that stands for the memory slot, where functions take ST(0) to ST(7). */
export const memoryOperand = 8;

/** Exponent of infinities and NaNs, and of 1.0. */
export const maximumExponent = 0x7fff;
/** See {@link maximumExponent}. */
export const bias = 0x3fff;

/** How far an unmasked overflow or underflow moves the exponent (SDM vol. 1, 8.5.4). */
export const wrapAround = 24576;

/** The integer bit and the bit that tells quiet from signaling NaNs. */
export const integerBit: bigint = 1n << 63n;
/** See {@link integerBit}. */
export const quietBit: bigint = 1n << 62n;

/** Bits of the pending word, at their places in the status word (SDM vol. 1, figure 8-4). */
export const X87Flag = {
  invalid: 1,
  denormal: 2,
  zeroDivide: 4,
  overflow: 8,
  underflow: 16,
  precision: 32,
  stackFault: 64,
  c1: 0x200,
} as const;

/** A number in parts. */
export interface X87Parts {
  /** Sign in bit 15. */
  readonly sign: Value;
  /** Biased exponent. */
  readonly exponent: Value;
  readonly significand: Value;
}

/** Builds what several x87 functions have in common. */
export class X87Builder {
  readonly b: IrBuilder;

  constructor(builder: IrBuilder) {
    this.b = builder;
  }

  /** The number at a state address. */
  parts(address: Value | number): X87Parts {
    const b = this.b;
    const [offset, dynamic] = typeof address === 'number' ? [address, undefined] : [0, address];
    const word = b.load('i32.load16_u', offset + 8, dynamic);
    return {
      sign: b.and(word, 0x8000),
      exponent: b.and(word, 0x7fff),
      significand: b.load('i64.load', offset, dynamic),
    };
  }

  /** Writes a number to a slot. */
  setSlot(slot: number, word: Value, significand: Value): void {
    this.b.store('i64.store', slot, significand);
    this.b.store('i32.store', slot + 8, word);
  }

  setResult(word: Value, significand: Value): void {
    this.setSlot(resultSlot, word, significand);
  }

  setIndefinite(): void {
    this.setResult(this.b.i32(0xffff), this.b.i64(integerBit | quietBit));
  }

  setInfinity(sign: Value): void {
    this.setResult(this.b.or(sign, maximumExponent), this.b.i64(integerBit));
  }

  setZero(sign: Value): void {
    this.setResult(sign, this.b.i64(0));
  }

  raise(flags: number): void {
    const b = this.b;
    b.store('i32.store', pendingWord, b.or(b.load('i32.load', pendingWord), flags));
  }

  clearPending(): void {
    this.b.store('i32.store', pendingWord, this.b.i32(0));
  }

  /** The masked response to an invalid operation. */
  invalid(): void {
    this.raise(X87Flag.invalid);
    this.setIndefinite();
  }

  control(): Value {
    return this.b.load('i32.load', CpuState.fpuControl);
  }

  /** Rounding control: 0 nearest, 1 down, 2 up, 3 towards zero (SDM vol. 1, table 4-8). */
  rounding(): Value {
    return this.b.and(this.b.shrU(this.control(), 10), 3);
  }

  /** Bits of the significand that precision control asks for (SDM vol. 1, table 8-2). */
  precision(): Value {
    const b = this.b;
    const field = b.and(this.control(), 0x300);
    const double = b.select(b.eq(field, 0x200), b.i32(53), b.i32(64));
    return b.select(field, double, b.i32(24));
  }

  /** Whether an exception is not masked, as a nonzero value. */
  isUnmasked(flag: number): Value {
    return this.b.and(this.b.not(this.control()), flag);
  }

  /** The 8087's formats with an integer bit of 0, which the 387 refuses (SDM vol. 1, table 8-3). */
  isUnsupported(p: X87Parts): Value {
    return this.b.and(this.b.ne(p.exponent, 0), this.b.geS(p.significand, 0));
  }

  /** NaN, of supported numbers. */
  isNan(p: X87Parts): Value {
    const fraction = this.b.ne(this.b.shl(p.significand, 1), 0);
    return this.b.and(this.b.eq(p.exponent, maximumExponent), fraction);
  }

  isSignaling(p: X87Parts): Value {
    const quiet = this.b.and(p.significand, this.b.i64(quietBit));
    return this.b.and(this.isNan(p), this.b.eqz(quiet));
  }

  isInfinite(p: X87Parts): Value {
    const none = this.b.eqz(this.b.shl(p.significand, 1));
    return this.b.and(this.b.eq(p.exponent, maximumExponent), none);
  }

  /** Zero, of supported numbers. */
  isZero(p: X87Parts): Value {
    return this.b.eqz(p.significand);
  }

  /** Denormals, and pseudo-denormals whose integer bit is 1. */
  isDenormal(p: X87Parts): Value {
    return this.b.and(this.b.eqz(p.exponent), this.b.ne(p.significand, 0));
  }

  /** With the integer bit at 63 and the exponent that belongs to it; not for zeros. */
  normalized(p: X87Parts): X87Parts {
    const b = this.b;
    const lead = b.op('i64.clz', p.significand);
    const exponent = b.select(p.exponent, p.exponent, b.i32(1));
    return {
      sign: p.sign,
      exponent: b.sub(exponent, b.wrap(lead)),
      significand: b.shl(p.significand, lead),
    };
  }

  /** State address of ST(number), or of the memory slot for {@link memoryOperand}. */
  address(number: Value): Value {
    const b = this.b;
    const register = b.add(b.shl(this.physical(number), 4), CpuState.fpu);
    return b.select(b.eq(number, memoryOperand), b.i32(memorySlot), register);
  }

  /** Number of the physical register that is ST(number). */
  physical(number: Value): Value {
    const b = this.b;
    const status = b.load('i32.load', CpuState.fpuStatus);
    return b.and(b.add(b.shrU(status, 11), number), 7);
  }

  /** Whether ST(number) is empty; the memory slot never is. */
  isEmpty(number: Value): Value {
    const b = this.b;
    const tag = b.shrU(b.load('i32.load', CpuState.fpuTags), this.physical(number));
    return b.and(b.xor(b.and(tag, 1), 1), b.ne(number, memoryOperand));
  }

  /** Rounds to the result slot; see `x87Round`. */
  round(sign: Value, exponent: Value, significand: Value, rest: Value, bits: Value): void {
    this.b.call('x87Round', 'void', sign, exponent, significand, rest, bits);
  }
}
