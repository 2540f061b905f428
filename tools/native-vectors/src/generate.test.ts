import { FORMS } from '@ringfence/isa';
import { describe, expect, it } from 'vitest';
import { exclusionReason } from './exclusions.ts';
import { generateCase, testedSizes } from './generate.ts';

const forms = FORMS.filter((form) => exclusionReason(form) === undefined);
const codeOf = (seed: number): string[] =>
  forms.map((form) => Buffer.from(generateCase(form, 32, seed)?.code ?? []).toString('hex'));

describe('generateCase', () => {
  it('makes the same case from the same seed', () => {
    expect(codeOf(12)).toEqual(codeOf(12));
    const [form] = forms;
    if (form === undefined) throw new Error('there are no forms');
    const states = [12, 12, 13].map((seed) => generateCase(form, 32, seed)?.plan.state.bytes);
    expect(states[0]).toEqual(states[1]);
    expect(states[0]).not.toEqual(states[2]);
  });

  it('makes other instructions from another seed', () => {
    const [first, second] = [codeOf(1), codeOf(2)];
    const equal = first.filter((code, index) => code === second[index]);
    // Forms without operands have the same bytes each time.
    expect(equal.length).toBeLessThan(first.length / 2);
  });

  it('makes no instruction longer than 15 bytes', () => {
    for (const code of codeOf(3)) expect(code.length / 2).toBeLessThanOrEqual(15);
  });
});

describe('testedSizes', () => {
  const sizesOf = (mnemonic: string, opcode: number): readonly number[] => {
    const form = FORMS.find((one) => one.mnemonic === mnemonic && one.opcode === opcode);
    if (form === undefined) throw new Error(`no form ${mnemonic}`);
    return testedSizes(form);
  };

  it('has both sizes where the operands depend on them', () => {
    expect(sizesOf('ADD', 0x01)).toEqual([32, 16]);
    expect(sizesOf('PUSH', 0x1e)).toEqual([32, 16]);
    expect(sizesOf('CBW', 0x98)).toEqual([32, 16]);
  });

  it('has one size where they do not', () => {
    expect(sizesOf('ADD', 0x00)).toEqual([32]);
    expect(sizesOf('PADDB', 0xfc)).toEqual([32]);
  });
});
