import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from './builder.ts';
import { LazyFlags } from './lazy-flags.ts';
import type { Value } from './value.ts';

/**
 * The flag words of a body that is being built, and in a region what stands for them (`LazyFlags`).
 *
 * At the start of a region's block nobody knows whether there are flag words: where one is wanted
 * then, `isNeeded` says so, and the blocks before it are built to end with words.
 */
export class FlagWords {
  /** Whether flag words were wanted that came from outside of the body. */
  isNeeded = false;
  /** Whether the words hold the flags. */
  #isThere: boolean;
  #hasSetAll = false;
  readonly #b: IrBuilder;
  readonly #isRegion: boolean;

  constructor(builder: IrBuilder, isRegion: boolean) {
    this.#b = builder;
    this.#isRegion = isRegion;
    this.#isThere = !isRegion;
  }

  /** Whether what came before the body is of no matter to the flags behind it. */
  get hasSetAll(): boolean {
    return this.#hasSetAll || this.#b.deferred?.hasAllFlags === true;
  }

  /** One of the two words; deferred flags are not in it (`IrBuilder.settleFlags`). */
  get(address: number): Value {
    if (!this.#isThere) this.isNeeded = true;
    return this.#b.load('i32.load', address);
  }

  /** Sets all flags by words. */
  set(result: Value, carries: Value): void {
    this.#store(result, carries);
    if (this.#isRegion) this.#storeKind(this.#b.i32(LazyFlags.words));
    this.#isThere = true;
  }

  /** Leaves all flags as those of an operation (`LazyFlags`). */
  leave(kind: number, left: Value, right: Value): void {
    this.#store(left, right);
    this.#storeKind(this.#b.i32(kind));
    this.#isThere = false;
  }

  /** Leaves the flags as they are, then amended (`LazyAmendment`). */
  amend(kind: number, result: Value): void {
    const b = this.#b;
    this.#storeKind(b.or(b.and(b.load('i32.load', CpuState.flagsKind), 0xff), kind));
    b.store('i32.store', CpuState.flagsAmended, result);
    this.#isThere = false;
  }

  /** Code follows that reads or sets the words in the CPU state. */
  expose(): void {
    if (!this.#isThere && this.#b.deferred?.hasAllFlags !== true) this.isNeeded = true;
  }

  /** Such code was built. */
  exposed(): void {
    this.#isThere = true;
    this.#hasSetAll = true;
  }

  /** Builds code that may not run. */
  nested(build: () => void): void {
    const before = this.#isThere;
    build();
    this.#isThere = before;
  }

  #store(result: Value, carries: Value): void {
    const b = this.#b;
    b.store('i32.store', CpuState.flagsResult, result);
    b.store('i32.store', CpuState.flagsCarries, carries);
    if (b.isStraight) this.#hasSetAll = true;
  }

  #storeKind(kind: Value): void {
    this.#b.store('i32.store', CpuState.flagsKind, kind);
  }
}
