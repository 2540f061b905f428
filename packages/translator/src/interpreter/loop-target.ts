import type { FunctionBody, Label } from '@ringfence/wasm';
import type { EmitTarget } from '../backend/emit-target.ts';
import { recordBytes } from './record.ts';

/** Locals of the interpreter loop that live across instructions. */
export interface LoopLocals {
  /** Address of the current record. */
  readonly record: number;
  /** Instructions left. */
  readonly budget: number;
  /** `CpuState.dirData`. */
  readonly directory: number;
  /** EIP that a lookup is for. */
  readonly target: number;
  /** Record of an in-page branch whose link the lookup fills, or 0. */
  readonly branch: number;
}

/** Labels of the interpreter loop that cases branch to. */
export interface LoopLabels {
  /** Dispatches `record`. */
  readonly dispatch: Label;
  /** Looks `target` up. */
  readonly lookup: Label;
  /** Takes the relative branch of `record`. */
  readonly taken: Label;
  /** Runs the handler function of `record` instead. */
  readonly other: Label;
}

/** A place behind a case's code where the case is given up in the middle. */
interface Aside {
  readonly label: Label;
  readonly position: number;
  readonly prepare: (() => void) | undefined;
}

/**
 * One or several instructions as a case of the loop's `br_table`.
 *
 * Where the fast path of an access does not serve, the case is left: what is done of it retires,
 * and the handler function of the record that it came to does the rest. The code for that stands
 * behind the case, so that the usual way through has no jumps.
 */
export class LoopTarget implements EmitTarget {
  readonly body: FunctionBody;
  readonly #locals: LoopLocals;
  readonly #labels: LoopLabels;
  readonly #functions: (name: string) => number;
  readonly #unused: Label[];
  readonly #asides: Aside[] = [];
  /** Which instruction of the case is being written. */
  #position = 0;

  /** `accesses`: how many guest accesses the case has. */
  constructor(
    body: FunctionBody,
    locals: LoopLocals,
    labels: LoopLabels,
    functions: (name: string) => number,
    accesses: number,
  ) {
    this.body = body;
    this.#locals = locals;
    this.#labels = labels;
    this.#functions = functions;
    this.#unused = Array.from({ length: accesses }, () => body.block());
  }

  /** Ends the case's code and writes what stands behind it. */
  finish(): void {
    this.next();
    for (const aside of this.#asides) {
      this.body.end(aside.label);
      aside.prepare?.();
      this.#position = aside.position;
      this.bail();
    }
    while (true) {
      const label = this.#unused.pop();
      if (label === undefined) break;
      this.body.end(label);
    }
  }

  parameter(): number {
    return this.#locals.record;
  }

  functionIndex(name: string): number {
    return this.#functions(name);
  }

  pushDirectory(): void {
    this.body.get(this.#locals.directory);
  }

  mark(position: number): void {
    this.#position = position;
  }

  bailIf(prepare: (() => void) | undefined): void {
    const { body } = this;
    if (prepare === undefined && this.#position === 0) {
      body.brIf(this.#labels.other);
      return;
    }
    const label = this.#unused.pop();
    if (label === undefined) throw new Error('translator: a case has more accesses than it said');
    body.brIf(label);
    this.#asides.push({ label, position: this.#position, prepare });
  }

  bail(): void {
    this.#retire(this.#position, this.#position);
    this.body.br(this.#labels.other);
  }

  beforeSlow(): never {
    return this.#refuse('a slow access');
  }

  afterSlow(): never {
    return this.#refuse('a slow access');
  }

  next(): void {
    this.#retire(this.#position + 1, this.#position + 1);
    this.body.br(this.#labels.dispatch);
  }

  repeat(): void {
    this.#retire(this.#position, this.#position + 1);
    this.body.br(this.#labels.dispatch);
  }

  jump(): void {
    this.#retire(this.#position, this.#position);
    this.body.br(this.#labels.taken);
  }

  jumpTo(): void {
    this.body.set(this.#locals.target);
    this.#retire(0, this.#position + 1);
    this.body.br(this.#labels.lookup);
  }

  leave(): void {
    this.bail();
  }

  callout(): never {
    return this.#refuse('a callout');
  }

  /** Moves `record` on by `records`, and takes `instructions` from the budget. */
  #retire(records: number, instructions: number): void {
    const { body } = this;
    const { record, budget } = this.#locals;
    if (records > 0) {
      body.get(record);
      body.i32(records * recordBytes);
      body.op('i32.add');
      body.set(record);
    }
    if (instructions === 0) return;
    body.get(budget);
    body.i32(instructions);
    body.op('i32.sub');
    body.set(budget);
  }

  #refuse(what: string): never {
    throw new Error(`translator: ${what} cannot be in a case of the loop`);
  }
}
