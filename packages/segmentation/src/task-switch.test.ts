import { Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { InterruptKind, noErrorCode } from './interfaces.ts';
import { Segment, State } from './state.ts';
import {
  gate,
  gdtBase,
  otherTss16Base,
  otherTssBase,
  Page,
  segment,
  Sel,
  start,
  tssBase,
} from './test-machine.ts';
import { busyByte, field, saved, twoTasks } from './test-tasks.ts';

const { external, fault: faultKind, software } = InterruptKind;
const x = Sel.free;
const y = Sel.free + 8;
const { nt, rf } = Eflags;

describe('privilege of a task switch by JMP and CALL (SDM 2A JMP, CALL)', () => {
  for (const operation of ['farJump', 'farCall'] as const) {
    // CPL, selector, access byte of the TSS at x, fault
    it.each([
      ['available TSS', 0, x, 0x89, 'none'],
      ['TSS of DPL 3 at CPL 3', 3, x | 3, 0xe9, 'none'],
      ['DPL below CPL', 3, x, 0x89, '#GP(0x90)'],
      ['DPL below RPL', 0, x | 3, 0x89, '#GP(0x90)'],
      ['busy', 0, x, 0x8b, '#GP(0x90)'],
      ['not present', 0, x, 0x09, '#NP(0x90)'],
      ['forbidden and not present', 3, x, 0x09, '#GP(0x90)'],
    ])(`${operation}: %s`, (_name, cpl, selector, access, expected) => {
      const machine = twoTasks();
      machine.enter(cpl);
      machine.gdt(x, segment(access, otherTssBase, 0x67));
      const result = machine.run((unit) => unit[operation](selector, 0xf4f4_f4f4, 4));
      expect(result).toBe(expected);
      expect(machine.eip).toBe(expected === 'none' ? 0x5000 : start.eip);
    });

    it(`${operation}: a TSS in the LDT`, () => {
      const machine = twoTasks();
      machine.ldt(0, segment(0x89, otherTssBase, 0x67));
      expect(machine.run((unit) => unit[operation](4, 0, 4))).toBe('#GP(0x4)');
    });

    // CPL, selector of the gate, gate access, TSS selector, TSS access, fault
    it.each([
      ['fine', 0, x, 0x85, y, 0x89, 'none'],
      ['TSS of DPL 0 at CPL 3', 3, x | 3, 0xe5, y, 0x89, 'none'],
      ['gate DPL below CPL', 3, x, 0x85, y, 0x89, '#GP(0x90)'],
      ['gate DPL below RPL', 0, x | 3, 0x85, y, 0x89, '#GP(0x90)'],
      ['gate not present', 0, x, 0x05, y, 0x89, '#NP(0x90)'],
      ['TSS in the LDT', 0, x, 0x85, 4, 0x89, '#GP(0x4)'],
      ['TSS past the table', 0, x, 0x85, 0x100, 0x89, '#GP(0x100)'],
      ['TSS busy', 0, x, 0x85, y, 0x8b, '#GP(0x98)'],
      ['no TSS', 0, x, 0x85, y, 0x82, '#GP(0x98)'],
      ['data with the type of a TSS', 0, x, 0x85, y, 0x99, '#GP(0x98)'],
      ['TSS not present', 0, x, 0x85, y, 0x09, '#NP(0x98)'],
    ])(
      `${operation} through a task gate: %s`,
      (_name, cpl, selector, access, tss, type, expected) => {
        const machine = twoTasks();
        machine.enter(cpl);
        machine.gdt(x, gate(access, tss, 0));
        machine.gdt(y, segment(type, otherTssBase, 0x67));
        machine.ldt(0, segment(0x89, otherTssBase, 0x67));
        expect(machine.run((unit) => unit[operation](selector, 0, 4))).toBe(expected);
      },
    );
  }
});

describe('task gates in the IDT (SDM 2A INT n)', () => {
  it.each([
    ['fine', y, 0x89, external, 'none'],
    ['TSS in the LDT', 4, 0x89, external, '#GP(0x5)'],
    ['TSS past the table', 0x100, 0x89, external, '#GP(0x101)'],
    ['TSS busy', y, 0x8b, external, '#GP(0x99)'],
    ['TSS not present', y, 0x09, external, '#NP(0x99)'],
    ['TSS not present, INT n', y, 0x09, software, '#NP(0x98)'],
    ['TSS too short', y, 0x81, external, 'none'],
  ])('%s', (_name, tss, access, kind, expected) => {
    const machine = twoTasks();
    machine.gdt(y, segment(access, otherTssBase, 0x67));
    machine.ldt(0, segment(0x89, otherTssBase, 0x67));
    machine.idt(0x21, gate(0x85, tss, 0));
    const result = machine.run((unit) => unit.interrupt(0x21, kind, noErrorCode));
    // A 16-bit TSS at the same place has null selectors: it faults in the new task.
    if (access === 0x81) expect(result).toMatch(/^#TS.* and changed state$/);
    else expect(result).toBe(expected);
  });

  it('pushes an error code on the stack of the new task', () => {
    const machine = twoTasks();
    machine.idt(0x0e, gate(0x85, Sel.otherTss, 0));
    expect(machine.run((unit) => unit.interrupt(14, faultKind, 2))).toBe('none');
    expect(machine.esp).toBe(0x7_0000 - 4);
    expect(machine.frame(4, 1)).toEqual([2]);
    expect(saved(machine, 'eip')).toBe(start.eip);
    expect(saved(machine, 'eflags')).toBe(rf | 2);
  });

  it('pushes a word for a 16-bit task', () => {
    const machine = twoTasks();
    machine.idt(0x0e, gate(0x85, Sel.otherTss16, 0));
    for (const [offset, value] of [
      [0x0e, 0x5000],
      [0x1a, 0x7000],
      [0x24, Sel.code0],
      [0x26, Sel.data0],
    ] as const) {
      machine.memory.poke(otherTss16Base + offset, value, 2);
    }
    machine.memory.pages[0xf] = 0;
    const result = machine.run((unit) => unit.interrupt(14, faultKind, 2));
    // ESP's high half is 0xffff after a 16-bit TSS, so the flat stack is at the end of memory.
    expect(result).toBe('none');
    expect(machine.esp).toBe(0xffff_6ffe);
    expect(machine.frame(2, 1)).toEqual([2]);
  });

  it('faults with #SS(EXT) in the new task if the error code does not fit', () => {
    const machine = twoTasks({ ss: x, esp: 0x1002 });
    machine.gdt(x, segment(0x97, 0, 0xfff, 4));
    machine.idt(0x0e, gate(0x85, Sel.otherTss, 0));
    const result = machine.run((unit) => unit.interrupt(14, faultKind, 2));
    expect(result).toBe('#SS(0x1) and changed state');
    expect(machine.eip).toBe(0x5000);
  });

  it('pushes an error code of 0', () => {
    const machine = twoTasks();
    machine.memory.poke(0x7_0000 - 4, -1, 4);
    machine.idt(0x0e, gate(0x85, Sel.otherTss, 0));
    machine.segmentation.interrupt(14, faultKind, 0);
    expect(machine.esp).toBe(0x7_0000 - 4);
    expect(machine.frame(4, 1)).toEqual([0]);
  });

  it('saves the EIP after INT n', () => {
    const machine = twoTasks();
    machine.idt(0x21, gate(0x85, Sel.otherTss, 0));
    machine.segmentation.interrupt(0x21, software, noErrorCode);
    expect(saved(machine, 'eip')).toBe(start.nextEip);
  });
});

describe('memory of a task switch from level 3', () => {
  // TR, the TSS switched to, how
  it.each([
    ['32-bit', '32-bit', 'farCall'],
    ['32-bit', '16-bit', 'farCall'],
    ['16-bit', '32-bit', 'farCall'],
    ['16-bit', '16-bit', 'farJump'],
    ['32-bit', '32-bit', 'farJump'],
    ['32-bit', '32-bit', 'iret'],
  ] as const)('%s to %s by %s is touched with supervisor privilege', (from, to, how) => {
    const machine = twoTasks();
    machine.enter(3);
    if (from === '16-bit') machine.system(Segment.tr, Sel.tss, 0x83, tssBase, 0x2b);
    for (const [offset, value] of [
      [0x24, Sel.code0],
      [0x26, Sel.data0],
    ] as const) {
      machine.memory.poke(otherTss16Base + offset, value, 2);
    }
    for (const address of [gdtBase, tssBase, otherTssBase, otherTss16Base]) {
      machine.memory.pages[address >> 12] = Page.supervisor;
    }
    const selector = to === '32-bit' ? Sel.otherTss : Sel.otherTss16;
    if (how === 'iret') {
      machine.flags = nt | 2;
      machine.gdt(selector, segment(0xeb, otherTssBase, 0x67));
      machine.memory.poke(tssBase, selector, 2);
    }
    const result = machine.run((unit) =>
      how === 'iret' ? unit.iret(4) : unit[how](selector | 3, 0, 4),
    );
    expect(result).toBe('none');
    const savedEip = from === '32-bit' ? saved(machine, 'eip') : machine.memory.peek(0x400e, 2);
    expect(savedEip).toBe(start.nextEip);
    if (how === 'farCall') expect(machine.flags & nt).toBe(nt);
    expect(busyByte(machine, selector) & 2).toBe(2);
    expect(busyByte(machine, Sel.tss) & 2).toBe(how === 'farCall' ? 2 : 0);
  });
});

describe('busy bits, NT and the back link (SDM 3A table 7-2)', () => {
  it('JMP: old task available, new task busy, no link', () => {
    const machine = twoTasks();
    machine.flags = nt | 2;
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect([busyByte(machine, Sel.tss), busyByte(machine, Sel.otherTss)]).toEqual([0x89, 0xeb]);
    expect(machine.flags & nt).toBe(0);
    expect(saved(machine, 'eflags') & nt).toBe(nt);
    expect(machine.memory.peek(otherTssBase, 2)).toBe(0xdead);
  });

  it('CALL: both busy, NT set in the new task, linked', () => {
    const machine = twoTasks();
    machine.segmentation.farCall(Sel.otherTss, 0, 4);
    expect([busyByte(machine, Sel.tss), busyByte(machine, Sel.otherTss)]).toEqual([0x8b, 0xeb]);
    expect(machine.flags & nt).toBe(nt);
    expect(machine.memory.peek(otherTssBase, 2)).toBe(Sel.tss);
  });

  it('IRET: back to the linked task, which stays busy', () => {
    const machine = twoTasks();
    machine.segmentation.farCall(Sel.otherTss, 0, 4);
    machine.words[State.nextEip] = 0x5001;
    machine.segmentation.updateMode();
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect([busyByte(machine, Sel.tss), busyByte(machine, Sel.otherTss)]).toEqual([0x8b, 0xe9]);
    expect(machine.eip).toBe(start.nextEip);
    expect(machine.esp).toBe(start.esp);
    expect(machine.selector(Segment.tr)).toBe(Sel.tss);
    expect(machine.memory.peek(otherTssBase + field.eip, 4)).toBe(0x5001);
    expect(machine.memory.peek(otherTssBase + field.eflags, 4) & nt).toBe(0);
  });
});

describe('IRET with NT (SDM 2A IRET)', () => {
  it.each([
    ['busy TSS', x, 0x8b, 'none'],
    ['in the LDT', x | 4, 0x8b, '#TS(0x94)'],
    ['past the table', 0x100, 0x8b, '#TS(0x100)'],
    ['available', x, 0x89, '#TS(0x90)'],
    ['no TSS', x, 0x82, '#TS(0x90)'],
    ['code with the type of a busy TSS', x, 0x9b, '#TS(0x90)'],
    ['not present', x, 0x0b, '#NP(0x90)'],
    ['available, with RPL', x | 3, 0x89, '#TS(0x90)'],
    ['not present, with RPL', x | 3, 0x0b, '#NP(0x90)'],
    ['busy, with RPL', x | 3, 0x8b, 'none'],
    ['null', 0, 0x8b, '#TS(0x0)'],
  ])('a link that is %s', (_name, link, access, expected) => {
    const machine = twoTasks();
    machine.flags = nt | 2;
    machine.gdt(x, segment(access, otherTssBase, 0x67));
    machine.ldt(x, segment(access, otherTssBase, 0x67));
    machine.memory.poke(tssBase, link, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe(expected);
  });

  it('switches to itself when the link says so', () => {
    const machine = twoTasks();
    machine.flags = nt | 2;
    machine.memory.poke(tssBase, Sel.tss, 2);
    machine.memory.poke(tssBase + field.cr3, 0x9000, 4);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.eip).toBe(start.nextEip);
    expect(machine.flags & nt).toBe(0);
  });
});
