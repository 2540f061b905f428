import type { IrBuilder } from './builder.ts';
import type { Value, Variable } from './value.ts';
import { loadLane, storeLane } from './vector-lanes.ts';

/** Words and vectors of the CPU state that a region keeps in locals. */
export interface PromotedState {
  /** The local that holds the byte at a state address, of type i32 or v128, if there is one. */
  find(address: number): Variable | undefined;
}

/** The operation that the flag words come from, where it is known: conditions read it directly. */
export interface FlagsOrigin {
  /** Of `compared` the others are flags: CF, PF and, as the result, ZF. */
  readonly kind: 'sub' | 'add' | 'result' | 'compared';
  readonly left: Value;
  readonly right: Value;
  readonly result: Value;
  readonly bytes: number;
}

/** Loads and stores of promoted state, and what is known of it while a body is built. */
export class Promotion {
  readonly #builder: IrBuilder;
  readonly #state: PromotedState | undefined;
  readonly #keepsFacts: boolean;
  /** Values that promoted locals are known to hold, in straight-line code. */
  readonly #known = new Map<Variable, Value>();
  #depth = 0;
  #isActive = true;

  constructor(builder: IrBuilder, state: PromotedState | undefined, keepsFacts: boolean) {
    this.#builder = builder;
    this.#state = state;
    this.#keepsFacts = keepsFacts || state !== undefined;
  }

  /** Whether this is code outside of any condition, of which facts hold until changed. */
  get isStraight(): boolean {
    return this.#keepsFacts && this.#isActive && this.#depth === 0;
  }

  /** Whether there is promoted state. */
  get isRegion(): boolean {
    return this.#state !== undefined;
  }

  /** Builds with promoted state in its locals, wherever this is. */
  active(build: () => void): void {
    const wasActive = this.#isActive;
    this.#isActive = true;
    build();
    this.#isActive = wasActive;
  }

  /** Builds with nothing promoted; afterwards nothing is known. */
  without(build: () => void): void {
    this.#isActive = false;
    build();
    this.#isActive = true;
    this.forget();
  }

  /** Builds a block that may not run, or not once. */
  nested(build: () => void): void {
    const before = new Map(this.#known);
    this.#depth += 1;
    build();
    this.#depth -= 1;
    // What the branch changed is unknown after it; what it knows holds only inside.
    for (const [variable, value] of before) {
      if (this.#known.get(variable) !== value) before.delete(variable);
    }
    this.#known.clear();
    for (const [variable, value] of before) this.#known.set(variable, value);
  }

  /** Knows nothing of the contents of locals any more. */
  forget(): void {
    this.#known.clear();
  }

  /** The local that holds the byte at a state address, if it is promoted here. */
  find(address: number): Variable | undefined {
    return this.#isActive ? this.#state?.find(address) : undefined;
  }

  /** Loads from a state address that is promoted by load instruction `name`. */
  load(slot: Variable, name: string, address: number): Value {
    const b = this.#builder;
    let word = this.#known.get(slot);
    if (word === undefined) {
      word = b.get(slot);
      if (this.#depth === 0) this.#known.set(slot, word);
    }
    if (slot.type === 'v128') return loadLane(b, word, name, address);
    const part = b.shrU(word, 8 * (address & 3));
    switch (name) {
      case 'i32.load':
        return part;
      case 'i32.load8_u':
        return b.and(part, 0xff);
      case 'i32.load16_u':
        return b.and(part, 0xffff);
      case 'i32.load8_s':
        return b.op('i32.extend8_s', part);
      case 'i32.load16_s':
        return b.op('i32.extend16_s', part);
      default:
        throw new Error(`ir: no ${name} of a promoted word`);
    }
  }

  /** Stores at a state address that is promoted by store instruction `name`. */
  store(slot: Variable, name: string, address: number, content: Value): void {
    const b = this.#builder;
    const byte = address & 3;
    let word = content;
    if (slot.type === 'v128') {
      if (name !== 'v128.store') {
        word = storeLane(b, this.load(slot, 'v128.load', address), name, address, content);
      }
    } else if (name !== 'i32.store') {
      const mask = (name === 'i32.store8' ? 0xff : 0xffff) << (8 * byte);
      const kept = b.and(this.load(slot, 'i32.load', 0), ~mask);
      word = b.or(kept, b.and(b.shl(content, 8 * byte), mask));
    }
    b.set(slot, word);
    this.#known.set(slot, word);
  }
}
