import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { type Case, faultingPage, outcome } from './test-cases.ts';
import { TestMachine } from './test-machine.ts';

const data = 0x2000;
const invalidOpcode = 6;

/** Each register where only its own operand can have put it, memory in the middle operand too. */
const cases: readonly Case[] = [
  ['andn eax, ecx, edx', { ecx: 0x0f, edx: 0x3c }, { eax: 0x30, ecx: 0x0f, edx: 0x3c }],
  ['andn eax, ecx, [ebx]', { ecx: 1, ebx: data, memory: { [data]: 3 } }, { eax: 2, flags: '' }],
  ['bextr eax, [ebx], ecx', { ecx: 0x0404, ebx: data, memory: { [data]: 0x123 } }, { eax: 2 }],
  ['bzhi eax, [ebx+ecx*4], edx', { ebx: data, edx: 4, memory: { [data]: 0x7f } }, { eax: 15 }],
  ['shlx eax, [ebx], ecx', { ecx: 33, ebx: data, memory: { [data]: 5 } }, { eax: 10 }],
  ['sarx eax, edx, ecx', { ecx: 4, edx: 0x8000_0000 }, { eax: 0xf800_0000 }],
  ['rorx eax, edx, 36', { edx: 0x21 }, { eax: 0x1000_0002 }],
  ['mulx eax, ecx, ebx', { edx: 0x8000_0000, ebx: 6 }, { eax: 3, ecx: 0, edx: 0x8000_0000 }],
  ['mulx eax, eax, ebx', { edx: 0x8000_0000, ebx: 7 }, { eax: 3 }],
  ['pdep eax, ecx, edx', { ecx: 0b1011, edx: 0x8_4210 }, { eax: 0x8_0210 }],
  ['pext eax, ecx, edx', { ecx: 0x8_0210, edx: 0x8_4210 }, { eax: 0b1011 }],
  ['shrx eax, [ebx], ecx', { eax: 9, ebx: faultingPage }, { eax: 9, fault: 14 }],
];

describe('BMI instructions', () => {
  it('do what the manual says', () => {
    for (const item of cases) expect(outcome(new TestMachine(), item), item[0]).toEqual(item[2]);
  });

  it.each([
    ['protected mode', 1, 0, -1],
    ['real mode', 0, 0, invalidOpcode],
    ['virtual-8086 mode', 1, 0x2_0000, invalidOpcode],
  ] as const)('exist in %s or not: CR0 %i, VM %i, fault %i', (_, cr0, vm, fault) => {
    const machine = new TestMachine();
    machine.setWord(CpuState.cr, cr0);
    machine.setWord(CpuState.eflags, vm | 2);
    machine.execute('andn eax, ecx, edx');
    expect(machine.fault).toBe(fault);
  });
});
