import { CpuState } from '@ringfence/memory';
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
  /** Leaves with a fault of the instruction of `record`. */
  readonly fault: Label;
}

/** A handler as a case of the loop's `br_table`. */
export class LoopTarget implements EmitTarget {
  readonly body: FunctionBody;
  readonly #locals: LoopLocals;
  readonly #labels: LoopLabels;
  readonly #functions: (name: string) => number;

  constructor(
    body: FunctionBody,
    locals: LoopLocals,
    labels: LoopLabels,
    functions: (name: string) => number,
  ) {
    this.body = body;
    this.#locals = locals;
    this.#labels = labels;
    this.#functions = functions;
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

  beforeSlow(): void {
    this.body.i32(0);
    this.body.get(this.#locals.budget);
    this.body.memory('i32.store', CpuState.budget);
  }

  afterSlow(): void {
    this.body.i32(0);
    this.body.memory('i32.load', CpuState.budget);
    this.body.set(this.#locals.budget);
  }

  next(): void {
    this.body.get(this.#locals.record);
    this.body.i32(recordBytes);
    this.body.op('i32.add');
    this.body.set(this.#locals.record);
    this.body.br(this.#labels.dispatch);
  }

  repeat(): void {
    this.body.br(this.#labels.dispatch);
  }

  jump(): void {
    this.body.br(this.#labels.taken);
  }

  jumpTo(): void {
    this.body.set(this.#locals.target);
    this.body.br(this.#labels.lookup);
  }

  leave(): void {
    this.body.br(this.#labels.fault);
  }

  callout(): void {
    throw new Error('translator: an instruction with a callout cannot be a case of the loop');
  }
}
