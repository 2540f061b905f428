import type { Value } from './value.ts';

/** Registers that a case of the interpreter loop keeps in locals. */
export interface DeferredRegisters {
  /** What stands at a state address, if it is in one of them. */
  load(name: string, address: number): Value | undefined;
  /** Changes what stands there; false if it is in none of them. */
  store(name: string, address: number, content: Value): boolean;
  readonly isPending: boolean;
  settle(): void;
  writeAside(): void;
}

/** How flags that were not written yet are written. */
export interface FlagWriter {
  /** As flag words; a change of some flags reads the others from the flag words. */
  readonly words: () => void;
  /** As what they come from (`LazyFlags`), where that is possible. */
  readonly lazy?: (() => void) | undefined;
}

/**
 * State that is not written yet: in a case of the interpreter loop that stands for several
 * instructions, flags of one that the next may set anyway and registers that the next may use; in a
 * region, flags.
 *
 * It is written where something may see it: where the code is left in the middle, and at its end.
 */
export class DeferredState {
  registers: DeferredRegisters | undefined = undefined;
  /** What sets all flags. */
  #assigned: FlagWriter | undefined;
  /** What then changes some of them, in order. */
  #amended: FlagWriter[] = [];

  /** The flags are what `writer` writes, whatever they were. */
  assignFlags(writer: FlagWriter): void {
    this.#assigned = writer;
    this.#amended = [];
  }

  /** The flags are what they were, then changed by `writer`. */
  amendFlags(writer: FlagWriter): void {
    // INC and DEC keep the carry: of several, the last is all there is to see.
    if (writer.lazy !== undefined && this.#isLazy) this.#amended = [];
    this.#amended.push(writer);
  }

  /** Nothing will see these flags. */
  dropFlags(): void {
    this.#assigned = undefined;
    this.#amended = [];
  }

  /** Whether there are flags to write. */
  get hasFlags(): boolean {
    return this.#assigned !== undefined || this.#amended.length > 0;
  }

  /** Whether all flags were set since the last were written. */
  get hasAllFlags(): boolean {
    return this.#assigned !== undefined;
  }

  /** Whether there is something to write. */
  get isPending(): boolean {
    return this.hasFlags || this.registers?.isPending === true;
  }

  /** Writes the flags, here and nowhere else. */
  settleFlags(lazily: boolean): void {
    const assigned = this.#assigned;
    const amended = this.#amended;
    const asWords = !lazily || !this.#isLazy;
    this.dropFlags();
    for (const writer of assigned === undefined ? amended : [assigned, ...amended]) {
      (asWords ? writer.words : (writer.lazy ?? writer.words))();
    }
  }

  /** Writes everything, here and nowhere else. */
  settle(lazily: boolean): void {
    this.settleFlags(lazily);
    this.registers?.settle();
  }

  /** Writes everything for those who come this way; it stays deferred for others. */
  writeAside(lazily: boolean): void {
    const assigned = this.#assigned;
    const amended = this.#amended;
    this.settleFlags(lazily);
    this.#assigned = assigned;
    this.#amended = amended;
    this.registers?.writeAside();
  }

  /** Whether no change of some flags needs the others as words. */
  get #isLazy(): boolean {
    return this.#amended.every((writer) => writer.lazy !== undefined);
  }
}
