import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';

/** What an instruction is to flags that were set before it. */
export type FlagEffect =
  /** It sets all flags, reads none, and always completes. */
  | 'sets'
  /** It neither sets nor reads flags, and always completes. */
  | 'keeps'
  /** It may see them, or it may be the last instruction for a while: they have to be there. */
  | 'needs';

/** Operations that read or change registers and nothing else. */
const plainOps: ReadonlySet<string> = new Set(['load', 'store', 'select', 'const', 'parameter']);

function isPlain(value: Value): boolean {
  return plainOps.has(value.op) || /^[if](32|64)\.|^[if]\d+x\d+\.|^v128\./.test(value.op);
}

function isFlagWord(value: Value): boolean {
  return value.imm === CpuState.flagsResult || value.imm === CpuState.flagsCarries;
}

/** The effect of an instruction, from its IR for the interpreter. */
export function flagEffectOf(ir: readonly Value[]): FlagEffect {
  const stored = new Set<number>();
  for (const value of ir) {
    if (!isPlain(value)) return 'needs';
    if (value.op === 'load' && isFlagWord(value)) return 'needs';
    if (value.op === 'store' && value.args.length === 1 && isFlagWord(value)) {
      if (value.name !== 'i32.store') return 'needs';
      stored.add(value.imm);
    }
  }
  if (stored.size === 0) return 'keeps';
  return stored.size === 2 ? 'sets' : 'needs';
}

/** General registers that an instruction reads or writes without naming them, by its IR. */
export function fixedRegistersOf(ir: readonly Value[]): number[] {
  const found = new Set<number>();
  const visit = (list: readonly Value[]): void => {
    for (const value of list) {
      const constant =
        (value.op === 'load' && value.args.length === 0) ||
        (value.op === 'store' && value.args.length === 1);
      const offset = value.imm - CpuState.gpr;
      if (constant && offset >= 0 && offset < 64) found.add(offset >> 3);
      for (const block of value.blocks ?? []) visit(block);
    }
  };
  visit(ir);
  return [...found].sort((a, b) => a - b);
}
