import { CpuState, Layout } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { TestMachine } from './test-machine.ts';

const invalidOpcode = 6;
const deviceNotAvailable = 7;
const protectedMode = 1;
const taskSwitched = 8;
const emulation = 4;
const virtual8086 = 0x2_0000;
const osXsave = 0x4_0000;
const all = 7;

function machineWith(cr0: number, cr4: number, xcr0: number, eflags = 0): TestMachine {
  const machine = new TestMachine();
  machine.setWord(CpuState.cr, cr0);
  machine.setWord(CpuState.cr + 32, cr4);
  machine.setWord(CpuState.xcr0, xcr0);
  machine.setWord(CpuState.eflags, eflags | 2);
  return machine;
}

/** Puts words into the low and the high half of a YMM register. */
function setYmm(machine: TestMachine, number: number, words: readonly number[]): void {
  words.forEach((word, index) => {
    const half = index < 4 ? CpuState.xmm : CpuState.ymmHigh;
    machine.setWord(half + 16 * number + 4 * (index & 3), word);
  });
}

function ymm(machine: TestMachine, number: number): number[] {
  return Array.from({ length: 8 }, (_, index) => {
    const half = index < 4 ? CpuState.xmm : CpuState.ymmHigh;
    return machine.word(half + 16 * number + 4 * (index & 3)) >>> 0;
  });
}

describe('an instruction of AVX', () => {
  it.each([
    ['with all that it needs', protectedMode, osXsave, all, 0, -1],
    ['in real mode', 0, osXsave, all, 0, invalidOpcode],
    ['in virtual-8086 mode', protectedMode, osXsave, all, virtual8086, invalidOpcode],
    ['without CR4.OSXSAVE', protectedMode, 0x600, all, 0, invalidOpcode],
    ['without its state in XCR0', protectedMode, osXsave, 3, 0, invalidOpcode],
    ['with CR0.EM and without CR4.OSFXSR', protectedMode | emulation, osXsave, all, 0, -1],
    ['with CR0.TS', protectedMode | taskSwitched, osXsave, all, 0, deviceNotAvailable],
    ['with CR0.TS, undefined', protectedMode | taskSwitched, osXsave, 3, 0, invalidOpcode],
  ] as const)('%s', (_, cr0, cr4, xcr0, eflags, fault) => {
    for (const text of ['vpaddd xmm0, xmm1, xmm2', 'vmovups ymm0, [0x2000]', 'vzeroupper']) {
      const machine = machineWith(cr0, cr4, xcr0, eflags);
      machine.execute(text);
      expect(machine.fault, text).toBe(fault);
    }
  });

  it('of 128 bits clears the upper half, which those of SSE leave alone', () => {
    const machine = machineWith(protectedMode, osXsave | 0x200, all);
    setYmm(machine, 1, [1, 2, 3, 4, 5, 6, 7, 8]);
    setYmm(machine, 2, [10, 20, 30, 40, 50, 60, 70, 80]);
    machine.execute('paddd xmm1, xmm2');
    expect(ymm(machine, 1)).toEqual([11, 22, 33, 44, 5, 6, 7, 8]);
    machine.execute('vpaddd xmm1, xmm1, xmm2');
    expect(ymm(machine, 1)).toEqual([21, 42, 63, 84, 0, 0, 0, 0]);
  });

  it('of 256 bits reports the exceptions of both halves together', () => {
    const machine = machineWith(protectedMode, osXsave | 0x400, all);
    // Invalid in the high half is not masked; denormal in the low half is reported with it.
    machine.setWord(CpuState.mxcsr, 0x1f00);
    setYmm(machine, 1, [1, 0, 0, 0, 0x7f80_0001, 0, 0, 0]);
    machine.execute('vaddps ymm2, ymm1, ymm1');
    expect([machine.fault, machine.word(CpuState.mxcsr)]).toEqual([19, 0x1f03]);
    expect(ymm(machine, 2)).toEqual(new Array<number>(8).fill(0));
  });
});

describe('a gather', () => {
  it('keeps what it has loaded when a later element faults, and goes on from there', () => {
    const machine = machineWith(protectedMode, osXsave, all);
    machine.setWord(CpuState.gpr + 8 * 3, 0x2000);
    machine.setWord(Layout.ram + 0x2000, 1);
    machine.setWord(Layout.ram + 0x2004, 2);
    setYmm(machine, 1, [9, 9, 9, 9, 9, 9, 9, 9]);
    setYmm(machine, 2, [0, 1, 0x4_0000, 1, 0, 0, 0, 0]);
    setYmm(machine, 3, [0x8000_0000, 0x7fff_ffff, 0xffff_ffff, 0x8000_0001, 7, 7, 7, 7]);
    machine.map((page) => page < 0x10_0000);
    machine.execute('vpgatherdd xmm1, [ebx + xmm2*4], xmm3');
    expect([machine.fault, machine.word(CpuState.cr + 16)]).toEqual([14, 0x10_2000]);
    expect(ymm(machine, 1)).toEqual([1, 9, 9, 9, 9, 9, 9, 9]);
    expect(ymm(machine, 3)).toEqual([0, 0, 0xffff_ffff, 0x8000_0001, 7, 7, 7, 7]);
    setYmm(machine, 2, [0, 1, 1, 1, 0, 0, 0, 0]);
    machine.execute('vpgatherdd xmm1, [ebx + xmm2*4], xmm3');
    expect(machine.fault).toBe(-1);
    expect(ymm(machine, 1)).toEqual([1, 9, 2, 2, 0, 0, 0, 0]);
    expect(ymm(machine, 3)).toEqual(new Array<number>(8).fill(0));
  });
});
