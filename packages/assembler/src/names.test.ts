import { FORMS_BY_MNEMONIC } from '@ringfence/isa';
import { expect, it } from 'vitest';
import { ALIASES, formsOf } from './aliases.ts';
import { MNEMONICS } from './mnemonics.ts';
import { registers } from './registers.ts';

it('types exactly the mnemonics that the tables and the aliases have', () => {
  const real = new Set([...FORMS_BY_MNEMONIC.keys(), ...ALIASES.keys()]);
  const listed = new Set(MNEMONICS.map((mnemonic) => mnemonic.toUpperCase()));
  expect([...real].filter((mnemonic) => !listed.has(mnemonic))).toEqual([]);
  const unknown = [...listed].filter((mnemonic) => formsOf(mnemonic) === undefined);
  expect(unknown).toEqual([]);
});

it('lists the mnemonics in order, each once', () => {
  expect([...MNEMONICS]).toEqual([...new Set(MNEMONICS)].sort());
});

it('points aliases only at names of the tables', () => {
  const targets = [...ALIASES.values()].filter((name) => !FORMS_BY_MNEMONIC.has(name));
  expect(targets).toEqual([]);
});

it('has every register of the type', () => {
  expect(Object.keys(registers)).toHaveLength(8 + 4 + 3 * 8 + 5 * 8 + 8 + 5 * 8 + 8 + 1 + 6 + 2);
  for (const [name, register] of Object.entries(registers)) expect(register.name).toBe(name);
});
