import { CodeMode, Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { State } from './state.ts';
import { TestMachine } from './test-machine.ts';

const flat = CodeMode.valid | CodeMode.code32 | CodeMode.stack32;
const ifFlag = Eflags.if;
const ecx = State.gpr + 2;
const edx = State.gpr + 4;

function flatSegment(selector: number, access: number): object {
  return { selector, base: 0, limit: 0xffff_ffff, attributes: 0xc000 | access };
}

describe('SYSENTER (SDM 2B SYSENTER)', () => {
  it.each([0, 1, 2, 3])('goes from CPL %i to flat segments of level 0', (cpl) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.flags = ifFlag | Eflags.cf | 2;
    expect(machine.run((unit) => unit.sysenter(0x1063, 0x7_0000, 0xc000_1000))).toBe('none');
    expect(machine.segmentation.readSegment(1)).toEqual(flatSegment(0x1060, 0x9b));
    expect(machine.segmentation.readSegment(2)).toEqual(flatSegment(0x1068, 0x93));
    expect(machine.eip).toBe(0xc000_1000);
    expect(machine.esp).toBe(0x7_0000);
    expect(machine.flags).toBe(Eflags.cf | 2);
    expect(machine.cpl).toBe(0);
    expect(machine.word(State.codeMode) & ~CodeMode.flat).toBe(flat);
    expect(machine.events).toEqual(cpl === 0 ? [] : ['cpl 0']);
  });

  it('leaves virtual-8086 mode', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086(0);
    expect(machine.run((unit) => unit.sysenter(0x60, 0, 0))).toBe('none');
    expect(machine.flags & Eflags.vm).toBe(0);
    expect(machine.cpl).toBe(0);
  });

  it('is #GP(0) with a null CS and in real mode', () => {
    const machine = new TestMachine();
    for (const cs of [0, 3]) {
      expect(machine.run((unit) => unit.sysenter(cs, 0, 0))).toBe('#GP(0x0)');
    }
    machine.enterReal();
    expect(machine.run((unit) => unit.sysenter(0x60, 0, 0))).toBe('#GP(0x0)');
  });
});

describe('SYSEXIT (SDM 2B SYSEXIT)', () => {
  it('goes to EDX with stack ECX and flat segments of level 3', () => {
    const machine = new TestMachine();
    machine.words[ecx] = 0x7_0000;
    machine.words[edx] = 0x1234;
    expect(machine.run((unit) => unit.sysexit(0x60))).toBe('none');
    expect(machine.segmentation.readSegment(1)).toEqual(flatSegment(0x73, 0xfb));
    expect(machine.segmentation.readSegment(2)).toEqual(flatSegment(0x7b, 0xf3));
    expect(machine.eip).toBe(0x1234);
    expect(machine.esp).toBe(0x7_0000);
    expect(machine.cpl).toBe(3);
    expect(machine.events).toEqual(['cpl 3']);
  });

  it('is #GP(0) above CPL 0, with a null CS, and in real mode', () => {
    const machine = new TestMachine();
    expect(machine.run((unit) => unit.sysexit(3))).toBe('#GP(0x0)');
    for (const cpl of [1, 2, 3]) {
      machine.enter(cpl);
      expect(machine.run((unit) => unit.sysexit(0x60))).toBe('#GP(0x0)');
    }
    machine.enterReal();
    expect(machine.run((unit) => unit.sysexit(0x60))).toBe('#GP(0x0)');
  });
});

describe('SYSCALL and SYSRET in legacy mode (APM 3)', () => {
  it('SYSCALL saves the next EIP in ECX and goes to STAR', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.words[State.efer] = 1;
    machine.flags = ifFlag | Eflags.rf | Eflags.cf | 2;
    const next = machine.word(State.nextEip);
    expect(machine.run((unit) => unit.syscall(0xc000_2000, 0x0023_0011))).toBe('none');
    expect(machine.word(ecx)).toBe(next);
    expect(machine.eip).toBe(0xc000_2000);
    expect(machine.segmentation.readSegment(1)).toEqual(flatSegment(0x10, 0x9b));
    expect(machine.segmentation.readSegment(2)).toEqual(flatSegment(0x18, 0x93));
    expect(machine.flags).toBe(Eflags.cf | 2);
    expect(machine.cpl).toBe(0);
  });

  it('SYSRET goes to ECX and sets IF', () => {
    const machine = new TestMachine();
    machine.words[State.efer] = 1;
    machine.words[ecx] = 0x4321;
    const esp = machine.esp;
    expect(machine.run((unit) => unit.sysret(0x0020_0000))).toBe('none');
    expect(machine.segmentation.readSegment(1)).toEqual(flatSegment(0x23, 0xfb));
    expect(machine.segmentation.readSegment(2)).toEqual(flatSegment(0x2b, 0xf3));
    expect(machine.eip).toBe(0x4321);
    expect(machine.esp).toBe(esp);
    expect(machine.flags & ifFlag).toBe(ifFlag);
    expect(machine.cpl).toBe(3);
  });

  it('are #UD without EFER.SCE', () => {
    const machine = new TestMachine();
    expect(machine.run((unit) => unit.syscall(0, 0))).toBe('#UD');
    expect(machine.run((unit) => unit.sysret(0))).toBe('#UD');
  });

  it('SYSRET is #GP(0) above CPL 0 and in real mode', () => {
    const machine = new TestMachine();
    machine.words[State.efer] = 1;
    machine.enter(3);
    expect(machine.run((unit) => unit.sysret(0))).toBe('#GP(0x0)');
    machine.enterReal();
    expect(machine.run((unit) => unit.sysret(0))).toBe('#GP(0x0)');
    expect(machine.run((unit) => unit.syscall(0, 0))).toBe('#UD');
  });
});
