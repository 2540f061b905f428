/**
 * Arithmetic flags as two state words (ARCHITECTURE.md, "Flags"): how operations produce them and
 * how conditions read them.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { FlagWriter } from '../ir/deferred-state.ts';
import { LazyAmendment, LazyFlags, lazyKind } from '../ir/lazy-flags.ts';
import type { FlagsOrigin } from '../ir/promotion.ts';
import { conditionFrom, isDifference, isSum } from './fused-condition.ts';

/** Bits of `flagsCarries` that mean something. */
const carriesMask = 0xc000_0008 | 0;

/** CF, OF and, where it is defined, AF: each 0 or 1. */
export interface ExplicitFlags {
  readonly carry: Value;
  readonly overflow: Value;
  readonly adjust?: Value | undefined;
}

/** Builds the flag words of arithmetic, and conditions from them. */
export class FlagsBuilder {
  readonly #b: IrBuilder;

  constructor(builder: IrBuilder) {
    this.#b = builder;
  }

  /** Flags of a + b + carry = result: the carry out of each bit. */
  add(left: Value, right: Value, result: Value, bytes: number): void {
    const b = this.#b;
    const words = (): void => {
      const carries = b.or(b.and(left, right), b.and(b.or(left, right), b.not(result)));
      this.#set(result, carries, bytes);
    };
    const kind = lazyKind(LazyFlags.add8, 1, bytes);
    const isLazy = bytes <= 4 && isSum(result, left, right);
    this.#assign({
      words,
      lazy: isLazy ? () => b.flagWords.leave(kind, left, right) : undefined,
    });
    if (bytes === 4 && isSum(result, left, right)) {
      this.#remember('add', left, right, result, bytes);
    } else this.#rememberResult(result, bytes);
  }

  /** Flags of a - b - borrow = result: the borrow into each next bit. */
  sub(left: Value, right: Value, result: Value, bytes: number): void {
    const b = this.#b;
    if (right.isConst && right.imm === 0 && bytes <= 4 && isDifference(result, left, right)) {
      // Nothing is borrowed for zero: CMP with 0 is TEST.
      this.logic(result, bytes);
      return;
    }
    const words = (): void => {
      const notLeft = b.not(left);
      const borrows = b.or(b.and(notLeft, right), b.and(b.or(notLeft, right), result));
      this.#set(result, borrows, bytes);
    };
    const kind = lazyKind(LazyFlags.subtract8, 1, bytes);
    const isLazy = bytes <= 4 && isDifference(result, left, right);
    this.#assign({
      words,
      lazy: isLazy ? () => b.flagWords.leave(kind, left, right) : undefined,
    });
    if (isDifference(result, left, right)) this.#remember('sub', left, right, result, bytes);
    else this.#rememberResult(result, bytes);
  }

  /** Flags of AND, OR, XOR, TEST: CF, OF and (undefined, here 0) AF are clear. */
  logic(result: Value, bytes: number): void {
    const b = this.#b;
    const extended = this.#extendResult(result, bytes);
    this.#assign({ words: () => b.flagWords.set(extended, b.i32(0)) });
    // As after a comparison with zero.
    if (bytes <= 4) this.#remember('sub', extended, b.i32(0), extended, 4);
  }

  /** As `add`, CF kept: INC. */
  increment(left: Value, right: Value, result: Value, bytes: number): void {
    const b = this.#b;
    const words = (): void => {
      const carries = b.or(b.and(left, right), b.and(b.or(left, right), b.not(result)));
      this.#keepCarry(result, carries, bytes);
    };
    const kind = lazyKind(LazyAmendment.increment8, 0x100, bytes);
    this.#amend({ words, lazy: bytes <= 4 ? () => b.flagWords.amend(kind, result) : undefined });
    this.#rememberResult(result, bytes);
  }

  /** As `sub`, CF kept: DEC. */
  decrement(left: Value, right: Value, result: Value, bytes: number): void {
    const b = this.#b;
    const words = (): void => {
      const notLeft = b.not(left);
      const borrows = b.or(b.and(notLeft, right), b.and(b.or(notLeft, right), result));
      this.#keepCarry(result, borrows, bytes);
    };
    const kind = lazyKind(LazyAmendment.decrement8, 0x100, bytes);
    this.#amend({ words, lazy: bytes <= 4 ? () => b.flagWords.amend(kind, result) : undefined });
    this.#rememberResult(result, bytes);
  }

  /**
   * Sets ZF, SF, PF from a result, and CF, OF, AF from what `others` builds: values of 0 or 1.
   */
  setExplicit(result: Value, bytes: number, others: () => ExplicitFlags): void {
    const words = (): void => {
      const { carry, overflow, adjust } = others();
      const carries = this.#compose(carry, overflow, adjust);
      this.#b.flagWords.set(this.#extendResult(result, bytes), carries);
    };
    this.#assign({ words });
    this.#rememberResult(result, bytes);
  }

  /** Replaces CF and OF by what `build` builds (each 0 or 1) and keeps the others: rotates. */
  setCarryOverflow(build: () => Pick<ExplicitFlags, 'carry' | 'overflow'>): void {
    const b = this.#b;
    const words = (): void => {
      const { carry, overflow } = build();
      const kept = b.and(b.flagWords.get(CpuState.flagsCarries), 0x3fff_ffff);
      const word = b.or(kept, this.#compose(carry, overflow, undefined));
      b.store('i32.store', CpuState.flagsCarries, word);
    };
    this.#amend({ words });
  }

  /** Sets AF, clears SF, ZF and PF, and keeps CF and OF: what an AMD EPYC does in a division. */
  divided(): void {
    const b = this.#b;
    const words = (): void => {
      const kept = b.and(b.flagWords.get(CpuState.flagsCarries), 0xc000_0000 | 0);
      b.flagWords.set(b.i32(1), b.or(kept, 8));
    };
    this.#amend({ words });
  }

  /** Replaces CF (0 or 1) and keeps the others: CLC, STC, CMC, BT. */
  setCarry(carry: Value): void {
    const overflow = this.overflow();
    this.setCarryOverflow(() => ({ carry, overflow }));
  }

  /** Replaces ZF (0 or 1) and keeps the others: LAR, CMPXCHG8B, ARPL. */
  setZero(zero: Value): void {
    const b = this.#b;
    const word = b.or(b.and(this.toEflags(), ~0x40), b.shl(zero, 6));
    this.fromEflags(word);
  }

  /** Sets all six flags from a word in EFLAGS layout; other bits are ignored. */
  fromEflags(word: Value): void {
    const b = this.#b;
    // Result 0 when ZF, else 1 (odd parity, positive); sign and parity by their deltas.
    const zero = b.and(b.shrU(word, 6), 1);
    const result = b.xor(zero, 1);
    const sign = b.and(b.shrU(word, 7), 1);
    const parity = b.and(b.shrU(word, 2), 1);
    // parity of result: 0 is even, 1 is odd; the delta makes the total parity even iff PF.
    const delta = b.xor(b.xor(parity, 1), result);
    const carry = b.and(word, 1);
    const overflow = b.and(b.shrU(word, 11), 1);
    const adjust = b.and(b.shrU(word, 4), 1);
    const carries = b.or(this.#compose(carry, overflow, adjust), b.or(sign, b.shl(delta, 8)));
    this.#assign({ words: () => b.flagWords.set(result, carries) });
  }

  /**
   * Flags of a comparison of floating-point numbers, each 0 or 1: CF less, ZF equal, PF unordered,
   * for which the other two are 1 too; all others are clear (SDM vol. 2A, COMISD).
   */
  compared(less: Value, equal: Value, unordered: Value): void {
    const b = this.#b;
    const words = (): void => {
      // The result is 0 or 1, of which 0 has even parity.
      const parity = b.shl(b.xor(equal, unordered), 8);
      b.flagWords.set(b.xor(equal, 1), b.or(b.shl(b.neg(less), 30), parity));
    };
    this.#assign({ words });
    this.#remember('compared', less, unordered, equal, 4);
  }

  /** The six flags in EFLAGS layout, other bits 0. */
  toEflags(): Value {
    const b = this.#b;
    let word = this.carry();
    word = b.or(word, b.shl(this.parity(), 2));
    word = b.or(word, b.shl(this.adjust(), 4));
    word = b.or(word, b.shl(this.zero(), 6));
    word = b.or(word, b.shl(this.sign(), 7));
    return b.or(word, b.shl(this.overflow(), 11));
  }

  /** CF, 0 or 1. */
  carry(): Value {
    const b = this.#b;
    return conditionFrom(b, b.flagsOrigin, 1) ?? b.shrU(this.#carries(), 31);
  }

  /** ZF, 0 or 1. */
  zero(): Value {
    return this.#b.eqz(this.#result());
  }

  /** SF, 0 or 1. */
  sign(): Value {
    const b = this.#b;
    return b.xor(b.shrU(this.#result(), 31), b.and(this.#carries(), 1));
  }

  /** OF, 0 or 1. */
  overflow(): Value {
    const b = this.#b;
    const carries = this.#carries();
    return b.shrU(b.xor(carries, b.shl(carries, 1)), 31);
  }

  /** AF, 0 or 1. */
  adjust(): Value {
    const b = this.#b;
    return b.and(b.shrU(this.#carries(), 3), 1);
  }

  /** PF, 0 or 1. */
  parity(): Value {
    const b = this.#b;
    const low = b.and(b.xor(this.#result(), b.shrU(this.#carries(), 8)), 0xff);
    return b.xor(b.and(b.op('i32.popcnt', low), 1), 1);
  }

  /** Condition code 0..15 as nonzero or zero (SDM vol. 1, appendix B). */
  condition(code: number): Value {
    const b = this.#b;
    const base = conditionFrom(b, b.flagsOrigin, code >> 1) ?? this.#baseCondition(code >> 1);
    return (code & 1) === 0 ? base : b.eqz(base);
  }

  #baseCondition(kind: number): Value {
    const b = this.#b;
    switch (kind) {
      case 0:
        return this.overflow();
      case 1:
        return this.carry();
      case 2:
        return this.zero();
      case 3:
        return b.or(this.carry(), this.zero());
      case 4:
        return this.sign();
      case 5:
        return this.parity();
      case 6:
        return b.xor(this.sign(), this.overflow());
      default:
        return b.or(this.zero(), b.xor(this.sign(), this.overflow()));
    }
  }

  #result(): Value {
    this.#b.settleFlags();
    return this.#b.flagWords.get(CpuState.flagsResult);
  }

  #carries(): Value {
    this.#b.settleFlags();
    return this.#b.flagWords.get(CpuState.flagsCarries);
  }

  /** All flags are what the writer writes: now, or when something wants to see them. */
  #assign(writer: FlagWriter): void {
    const b = this.#b;
    b.flagsOrigin = undefined;
    if (b.deferred === undefined || !b.isStraight) writer.words();
    else b.deferred.assignFlags(writer);
  }

  /** Some flags are changed by the writer, which may read them. */
  #amend(writer: FlagWriter): void {
    const b = this.#b;
    b.flagsOrigin = undefined;
    if (b.deferred === undefined || !b.isStraight) writer.words();
    else b.deferred.amendFlags(writer);
  }

  /** Notes, where facts are kept, what the flags are from. */
  #remember(
    kind: FlagsOrigin['kind'],
    left: Value,
    right: Value,
    result: Value,
    bytes: number,
  ): void {
    if (this.#b.isStraight && bytes <= 4) {
      this.#b.flagsOrigin = { kind, left, right, result, bytes };
    }
  }

  #rememberResult(result: Value, bytes: number): void {
    if (!this.#b.isStraight || bytes > 4) return;
    const extended = this.#extendResult(result, bytes);
    this.#remember('result', extended, extended, extended, 4);
  }

  #set(result: Value, carries: Value, bytes: number): void {
    this.#b.flagWords.set(this.#extendResult(result, bytes), this.#normalize(carries, bytes));
  }

  #compose(carry: Value, overflow: Value, adjust: Value | undefined): Value {
    const b = this.#b;
    const word = b.or(b.shl(carry, 31), b.shl(b.xor(carry, overflow), 30));
    return adjust === undefined ? word : b.or(word, b.shl(adjust, 3));
  }

  #keepCarry(result: Value, carries: Value, bytes: number): void {
    const b = this.#b;
    const fresh = this.#normalize(carries, bytes);
    const carry = b.shrU(b.flagWords.get(CpuState.flagsCarries), 31);
    const overflow = b.shrU(b.xor(fresh, b.shl(fresh, 1)), 31);
    const word = b.or(this.#compose(carry, overflow, undefined), b.and(fresh, 8));
    b.flagWords.set(this.#extendResult(result, bytes), word);
  }

  /** Moves the carries out of the top two bits of an operand to bits 31 and 30, and keeps bit 3. */
  #normalize(carries: Value, bytes: number): Value {
    const b = this.#b;
    if (bytes === 4) return b.and(carries, carriesMask);
    if (bytes === 8) {
      const high = b.and(b.wrap(b.shrU(carries, 32)), 0xc000_0000 | 0);
      return b.or(high, b.and(b.wrap(carries), 8));
    }
    const shift = 32 - bytes * 8;
    return b.and(b.or(b.shl(carries, shift), b.and(carries, 8)), carriesMask);
  }

  /** Sign-extends a result to 32 bits; of 64 bits, keeps the sign, the low byte and zeroness. */
  #extendResult(result: Value, bytes: number): Value {
    const b = this.#b;
    if (bytes === 1) return b.op('i32.extend8_s', result);
    if (bytes === 2) return b.op('i32.extend16_s', result);
    if (bytes === 4) return result;
    const low = b.wrap(result);
    const high = b.wrap(b.shrU(result, 32));
    const rest = b.or(b.shrU(low, 8), b.and(high, 0x7fff_ffff));
    const other = b.shl(b.ne(rest, 0), 8);
    return b.or(b.or(b.and(high, 0x8000_0000 | 0), other), b.and(low, 0xff));
  }
}
