import { CpuState } from '@ringfence/memory';
import type { FunctionBody } from '@ringfence/wasm';
import type { PromotedState } from '../ir/promotion.ts';
import type { Value, Variable } from '../ir/value.ts';

/** Vector registers that 32-bit code has, and bytes of each. */
const vectors = 8;
const vectorBytes = 16;

/** What the flags are made of. */
const flagAddresses: readonly number[] = [
  CpuState.flagsResult,
  CpuState.flagsCarries,
  CpuState.flagsKind,
  CpuState.flagsAmended,
];

/**
 * State words that a region keeps in locals, beside the vector registers: the eight 32-bit
 * registers, the flags of a small region, and the pointers to the last x87 instruction, of which
 * mostly the last of many is all there is to see.
 */
const promotedAddresses: readonly number[] = [
  ...Array.from({ length: 8 }, (_, register) => CpuState.gpr + 8 * register),
  ...flagAddresses,
  CpuState.fpuIp,
  CpuState.fpuCs,
  CpuState.fpuOpcode,
  CpuState.fpuDp,
  CpuState.fpuDs,
];

/** Whether a region keeps what is at a state address in a local. */
export function isPromoted(address: number): boolean {
  return homeOf(address) >= 0;
}

/** Address of the word or vector that is kept and has a byte at an address, -1 if there is none. */
function homeOf(address: number): number {
  if (address >= CpuState.xmm && address < CpuState.xmm + vectors * vectorBytes) {
    return address & -vectorBytes;
  }
  return promotedAddresses.includes(address & ~3) ? address & ~3 : -1;
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

  /** `hasFlags`: flags are in locals too. */
  constructor(body: FunctionBody, hasFlags = true) {
    this.#body = body;
    for (const address of promotedAddresses) {
      if (!hasFlags && flagAddresses.includes(address)) continue;
      this.#variables.set(address, { type: 'i32', local: body.local('i32') });
    }
    for (let vector = 0; vector < vectors; vector++) {
      const variable = { type: 'v128', local: body.local('v128') } as const;
      this.#variables.set(CpuState.xmm + vector * vectorBytes, variable);
    }
  }

  find(address: number): Variable | undefined {
    return this.#variables.get(homeOf(address));
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
      this.#body.memory(variable.type === 'v128' ? 'v128.load' : 'i32.load', address);
      this.#body.set(variable.local);
    }
  }

  /** Writes the locals to the CPU state. */
  spill(): void {
    for (const [address, variable] of this.#variables) {
      if (!this.#set.has(variable)) continue;
      this.#body.i32(0);
      this.#body.get(variable.local);
      this.#body.memory(variable.type === 'v128' ? 'v128.store' : 'i32.store', address);
    }
  }
}
