import { CpuState } from '@ringfence/memory';
import type { FunctionBody } from '@ringfence/wasm';
import type { PromotedState } from '../ir/promotion.ts';
import type { Variable } from '../ir/value.ts';

/** State words that a region keeps in locals: the eight 32-bit registers and the two flag words. */
const promotedAddresses: readonly number[] = [
  ...Array.from({ length: 8 }, (_, register) => CpuState.gpr + 8 * register),
  CpuState.flagsResult,
  CpuState.flagsCarries,
];

/** The locals of one region function. */
export class PromotedRegisters implements PromotedState {
  readonly #variables = new Map<number, Variable>();
  readonly #body: FunctionBody;

  constructor(body: FunctionBody) {
    this.#body = body;
    for (const address of promotedAddresses) {
      this.#variables.set(address, { type: 'i32', local: body.local('i32') });
    }
  }

  find(address: number): Variable | undefined {
    return this.#variables.get(address);
  }

  /** Reads every local from the CPU state. */
  reload(): void {
    for (const [address, variable] of this.#variables) {
      this.#body.i32(0);
      this.#body.memory('i32.load', address);
      this.#body.set(variable.local);
    }
  }

  /** Writes every local to the CPU state. */
  spill(): void {
    for (const [address, variable] of this.#variables) {
      this.#body.i32(0);
      this.#body.get(variable.local);
      this.#body.memory('i32.store', address);
    }
  }
}
