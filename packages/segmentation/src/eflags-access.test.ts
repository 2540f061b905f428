import { definedFlags, Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { State } from './state.ts';
import { TestMachine } from './test-machine.ts';

const { tf, rf, vm, vif, vip, ac, id } = Eflags;
const ifFlag = Eflags.if;
const iopl3 = Eflags.iopl;
const vme = 1;
const pvi = 2;

type Mode = 'real' | 'protected' | 'v86';

function machineIn(mode: Mode, cpl: number, iopl: number, cr4 = 0): TestMachine {
  const machine = new TestMachine();
  if (mode === 'real') machine.enterReal();
  else if (mode === 'v86') machine.enterVirtual8086(iopl);
  else machine.enter(cpl);
  machine.words[State.cr4] = cr4;
  machine.flags = (mode === 'v86' ? vm : 0) | (iopl << 12) | 2;
  return machine;
}

describe('CLI and STI (SDM 2A CLI table 3-7, 2B STI)', () => {
  // mode, CPL, IOPL, CR4, flag that they act on or fault
  it.each([
    ['real', 0, 0, 0, ifFlag],
    ['protected', 0, 0, 0, ifFlag],
    ['protected', 1, 0, 0, 0],
    ['protected', 1, 1, 0, ifFlag],
    ['protected', 3, 3, 0, ifFlag],
    ['protected', 3, 2, 0, 0],
    ['protected', 3, 2, pvi, vif],
    ['protected', 3, 2, vme, 0],
    ['protected', 3, 3, pvi, ifFlag],
    ['protected', 2, 1, pvi, 0],
    ['v86', 3, 3, 0, ifFlag],
    ['v86', 3, 2, 0, 0],
    ['v86', 3, 2, vme, vif],
    ['v86', 3, 2, pvi, 0],
    ['v86', 3, 3, vme, ifFlag],
  ] as const)('%s mode, CPL %i, IOPL %i, CR4 %i: flag %i', (mode, cpl, iopl, cr4, flag) => {
    const machine = machineIn(mode, cpl, iopl, cr4);
    const before = machine.flags;
    expect(machine.run((unit) => unit.sti())).toBe(flag === 0 ? '#GP(0x0)' : 'none');
    expect(machine.flags).toBe(before | flag);
    expect(machine.run((unit) => unit.cli())).toBe(flag === 0 ? '#GP(0x0)' : 'none');
    expect(machine.flags).toBe(before);
  });

  it('STI faults on a pending virtual interrupt', () => {
    for (const [mode, cr4] of [
      ['protected', pvi],
      ['v86', vme],
    ] as const) {
      const machine = machineIn(mode, 3, 0, cr4);
      machine.flags = machine.flags | vip;
      expect(machine.run((unit) => unit.sti())).toBe('#GP(0x0)');
      expect(machine.run((unit) => unit.cli())).toBe('none');
    }
  });

  it('STI starts the interrupt shadow only when IF was clear', () => {
    const machine = machineIn('protected', 0, 0);
    machine.segmentation.sti();
    expect(machine.word(State.interruptShadow)).toBe(1);
    machine.words[State.interruptShadow] = 0;
    machine.segmentation.sti();
    expect(machine.word(State.interruptShadow)).toBe(0);
  });

  it('STI of VIF starts no shadow', () => {
    const machine = machineIn('protected', 3, 0, pvi);
    machine.segmentation.sti();
    expect(machine.word(State.interruptShadow)).toBe(0);
  });
});

describe('PUSHF (SDM 2B PUSHF)', () => {
  it('shows all flags but RF and VM', () => {
    const machine = machineIn('protected', 3, 0);
    machine.flags = definedFlags & ~vm;
    expect(machine.run((unit) => unit.pushf(4))).toBe('none');
    expect(machine.segmentation.result).toBe((definedFlags & ~(vm | rf)) | 2);
    machine.segmentation.pushf(2);
    expect(machine.segmentation.result).toBe((definedFlags & 0xffff) | 2);
  });

  it('needs IOPL 3 in virtual-8086 mode without VME', () => {
    for (let iopl = 0; iopl < 4; iopl++) {
      const machine = machineIn('v86', 3, iopl);
      const expected = iopl === 3 ? 'none' : '#GP(0x0)';
      expect(machine.run((unit) => unit.pushf(2))).toBe(expected);
      expect(machine.run((unit) => unit.pushf(4))).toBe(expected);
    }
  });

  it('shows VIF as IF and IOPL 3 under VME', () => {
    const machine = machineIn('v86', 3, 0, vme);
    machine.flags = machine.flags | vif;
    expect(machine.run((unit) => unit.pushf(2))).toBe('none');
    expect(machine.segmentation.result).toBe(ifFlag | iopl3 | 2);
    machine.flags = (machine.flags & ~vif) | ifFlag;
    machine.segmentation.pushf(2);
    expect(machine.segmentation.result).toBe(iopl3 | 2);
    expect(machine.run((unit) => unit.pushf(4))).toBe('#GP(0x0)');
  });
});

describe('POPF (SDM 2B POPF, table "Effect of POPF/POPFD on the EFLAGS Register")', () => {
  const low = 0x4dd5; // CF PF AF ZF SF TF DF OF NT
  const all = low | ac | id;
  // mode, CPL, IOPL, size, flags that can change
  it.each([
    ['real', 0, 0, 4, all | ifFlag | iopl3],
    ['real', 0, 0, 2, low | ifFlag | iopl3],
    ['protected', 0, 0, 4, all | ifFlag | iopl3],
    ['protected', 0, 3, 2, low | ifFlag | iopl3],
    ['protected', 1, 1, 4, all | ifFlag],
    ['protected', 1, 0, 4, all],
    ['protected', 2, 3, 4, all | ifFlag],
    ['protected', 3, 3, 4, all | ifFlag],
    ['protected', 3, 2, 4, all],
    ['protected', 3, 0, 2, low],
    ['v86', 3, 3, 4, all | ifFlag],
    ['v86', 3, 3, 2, low | ifFlag],
  ] as const)('%s mode, CPL %i, IOPL %i, size %i', (mode, cpl, iopl, size, mask) => {
    for (const ones of [true, false]) {
      const machine = machineIn(mode, cpl, iopl);
      if (!ones) machine.flags = machine.flags | (definedFlags & ~(vm | iopl3));
      const before = machine.flags;
      const image = ones ? -1 : 0;
      expect(machine.run((unit) => unit.popf(image, size))).toBe('none');
      const cleared = size === 4 ? rf : 0;
      expect(machine.flags).toBe((before & ~mask & ~cleared) | (image & mask) | 2);
    }
  });

  it('needs IOPL 3 in virtual-8086 mode without VME', () => {
    for (const size of [2, 4] as const) {
      expect(machineIn('v86', 3, 2).run((unit) => unit.popf(2, size))).toBe('#GP(0x0)');
    }
  });

  it.each([
    [ifFlag, 0, 'none', vif],
    [0, 0, 'none', 0],
    [0, vip, 'none', 0],
    [ifFlag, vip, '#GP(0x0)', 0],
    [tf, 0, '#GP(0x0)', 0],
  ])('moves IF to VIF under VME: image %i, VIP %i', (image, pending, fault, after) => {
    const machine = machineIn('v86', 3, 0, vme);
    machine.flags = machine.flags | pending;
    const before = machine.flags;
    expect(machine.run((unit) => unit.popf(image | iopl3 | 2, 2))).toBe(fault);
    expect(machine.flags).toBe(before | after);
  });

  it('does not take 32 bits under VME below IOPL 3', () => {
    const machine = machineIn('v86', 3, 0, vme);
    expect(machine.run((unit) => unit.popf(2, 4))).toBe('#GP(0x0)');
  });

  it('does not touch VIF under PVI', () => {
    const machine = machineIn('protected', 3, 0, pvi);
    machine.segmentation.popf(ifFlag | 2, 4);
    expect(machine.flags).toBe(2);
  });
});
