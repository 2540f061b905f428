import { CpuState } from '@ringfence/memory';
import type { FunctionBody } from '@ringfence/wasm';
import type { PromotedState } from '../ir/promotion.ts';
import type { Value, Variable } from '../ir/value.ts';

/**
 * State words that a region keeps in locals: the eight 32-bit registers, the flags, and the
 * pointers to the last x87 instruction, of which mostly the last of many is all there is to see.
 */
const promotedAddresses: readonly number[] = [
  ...Array.from({ length: 8 }, (_, register) => CpuState.gpr + 8 * register),
  CpuState.flagsResult,
  CpuState.flagsCarries,
  CpuState.flagsKind,
  CpuState.flagsAmended,
  CpuState.fpuIp,
  CpuState.fpuCs,
  CpuState.fpuOpcode,
  CpuState.fpuDp,
  CpuState.fpuDs,
];

/** Whether the word around a state address is one of them. */
export function isPromoted(address: number): boolean {
  return promotedAddresses.includes(address & ~3);
}

/**
 * The locals of one region function. Only those that its code names are read at its entry, and only
 * those that it sets are written at its ways out.
 */
export class PromotedRegisters implements PromotedState {
  readonly #variables = new Map<number, Variable>();
  readonly #body: FunctionBody;
  readonly #named = new Set<Variable>();
  readonly #set = new Set<Variable>();

  constructor(body: FunctionBody) {
    this.#body = body;
    for (const address of promotedAddresses) {
      this.#variables.set(address, { type: 'i32', local: body.local('i32') });
    }
  }

  find(address: number): Variable | undefined {
    return this.#variables.get(address);
  }

  /** Takes note of what the code of a region names and sets; before any of it is emitted. */
  note(list: readonly Value[]): void {
    for (const value of list) {
      const { variable } = value;
      if (variable !== undefined) {
        this.#named.add(variable);
        if (value.op === 'set') this.#set.add(variable);
      }
      for (const block of value.blocks ?? []) this.note(block);
    }
  }

  /** Reads the locals from the CPU state. */
  reload(): void {
    for (const [address, variable] of this.#variables) {
      if (!this.#named.has(variable)) continue;
      this.#body.i32(0);
      this.#body.memory('i32.load', address);
      this.#body.set(variable.local);
    }
  }

  /** Writes the locals to the CPU state. */
  spill(): void {
    for (const [address, variable] of this.#variables) {
      if (!this.#set.has(variable)) continue;
      this.#body.i32(0);
      this.#body.get(variable.local);
      this.#body.memory('i32.store', address);
    }
  }
}
