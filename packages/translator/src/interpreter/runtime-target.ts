import { CpuState } from '@ringfence/memory';
import { FunctionBody } from '@ringfence/wasm';
import type { EmitTarget } from '../backend/emit-target.ts';
import type { RuntimeFunction } from '../runtime/runtime-function.ts';

/** A runtime function: it returns instead of ending an instruction. */
export class RuntimeTarget implements EmitTarget {
  readonly body: FunctionBody;
  readonly #functions: (name: string) => number;
  readonly #name: string;

  constructor(item: RuntimeFunction, functions: (name: string) => number) {
    this.body = new FunctionBody(item.parameters);
    this.#functions = functions;
    this.#name = item.name;
  }

  parameter(index: number): number {
    return index;
  }

  functionIndex(name: string): number {
    return this.#functions(name);
  }

  pushDirectory(): void {
    this.body.i32(0);
    this.body.memory('i32.load', CpuState.dirData);
  }

  beforeSlow(): void {
    // Callers have stored the budget.
  }

  afterSlow(): void {
    // Callers reload it.
  }

  next(): never {
    return this.#refuse();
  }

  repeat(): never {
    return this.#refuse();
  }

  jump(): never {
    return this.#refuse();
  }

  jumpTo(): never {
    return this.#refuse();
  }

  /** A fault is recorded in the CPU state; the caller sees it there. */
  leave(): void {
    this.body.return();
  }

  callout(): never {
    return this.#refuse();
  }

  #refuse(): never {
    throw new Error(`translator: runtime function ${this.#name} cannot end an instruction`);
  }
}
