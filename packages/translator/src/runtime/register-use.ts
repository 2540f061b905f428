import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { isPromoted } from '../region/promoted-registers.ts';
import { RUNTIME } from './index.ts';

const known = new Map<string, boolean>();

/**
 * Whether a runtime function leaves alone all that regions keep in locals, and does nothing that
 * can fault, so that it can be called with the registers where they are. Read off its IR, where
 * state that is reached by a computed address (FPU and vector registers) counts as kept.
 */
export function keepsRegisters(name: string): boolean {
  let keeps = known.get(name);
  if (keeps === undefined) {
    keeps = find(name);
    known.set(name, keeps);
  }
  return keeps;
}

function find(name: string): boolean {
  const item = RUNTIME.find((each) => each.name === name);
  if (item === undefined) return false;
  const b = new IrBuilder();
  item.build(b, ...item.parameters.map((type, index) => b.parameter(index, type)));
  return keepsAll(b.body);
}

function keepsAll(list: readonly Value[]): boolean {
  return list.every((value) => keeps(value) && (value.blocks ?? []).every(keepsAll));
}

function keeps(value: Value): boolean {
  const { op, name, imm } = value;
  if (op.startsWith('guest.') || op.startsWith('fault') || op === 'callout') return false;
  if (op === 'call') return keepsRegisters(name);
  return (op !== 'load' && op !== 'store') || !isPromoted(imm);
}
