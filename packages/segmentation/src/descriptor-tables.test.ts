import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { Segment, State } from './state.ts';
import { gdtBase, Page, segment, Sel, TestMachine } from './test-machine.ts';

const x = Sel.free;

describe('LLDT (SDM 2A LLDT)', () => {
  it.each([
    ['an LDT', x, 0x82, 'none'],
    ['null', 0, 0x82, 'none'],
    ['null with RPL', 3, 0x82, 'none'],
    ['in the LDT', x | 4, 0x82, '#GP(0x94)'],
    ['past the table', 0x100, 0x82, '#GP(0x100)'],
    ['a TSS', x, 0x89, '#GP(0x90)'],
    ['data of the type of an LDT', x, 0x92, '#GP(0x90)'],
    ['not present', x, 0x02, '#NP(0x90)'],
  ])('%s', (_name, selector, access, expected) => {
    const machine = new TestMachine();
    machine.gdt(x, segment(access, 0x1234, 0x2ff));
    machine.ldt(x, segment(access, 0x1234, 0x2ff));
    expect(machine.run((unit) => unit.lldt(selector))).toBe(expected);
    if (expected !== 'none') return;
    expect(machine.selector(Segment.ldtr)).toBe(selector);
    if (selector < 4) return;
    expect(machine.word(Segment.ldtr + Word.base)).toBe(0x1234);
    expect(machine.word(Segment.ldtr + Word.limit)).toBe(0x2ff);
  });
});

describe('LTR (SDM 2A LTR)', () => {
  it.each([
    ['an available 32-bit TSS', x, 0x89, 'none'],
    ['an available 16-bit TSS', x, 0x81, 'none'],
    ['null', 0, 0x89, '#GP(0x0)'],
    ['in the LDT', x | 4, 0x89, '#GP(0x94)'],
    ['past the table', 0x100, 0x89, '#GP(0x100)'],
    ['busy', x, 0x8b, '#GP(0x90)'],
    ['an LDT', x, 0x82, '#GP(0x90)'],
    ['code of the type of a TSS', x, 0x99, '#GP(0x90)'],
    ['not present', x, 0x09, '#NP(0x90)'],
  ])('%s', (_name, selector, access, expected) => {
    const machine = new TestMachine();
    machine.gdt(x, segment(access, 0x1234, 0x2ff));
    machine.ldt(x, segment(access, 0x1234, 0x2ff));
    expect(machine.run((unit) => unit.ltr(selector))).toBe(expected);
    const busy = expected === 'none' ? access | 2 : access;
    expect(machine.memory.peek(gdtBase + x + 5, 1)).toBe(busy);
    if (expected !== 'none') return;
    expect(machine.segmentation.readSegment(7)).toEqual({
      selector: x,
      base: 0x1234,
      limit: 0x2ff,
      attributes: access | 2,
    });
  });

  it('faults if the busy bit cannot be written', () => {
    const machine = new TestMachine();
    machine.memory.pages[gdtBase >> 12] = Page.readOnly;
    expect(machine.run((unit) => unit.ltr(Sel.otherTss))).toBe('#PF(0x3)');
  });
});

describe('privilege of system-table instructions', () => {
  const operations = {
    lldt: (machine: TestMachine) => machine.run((unit) => unit.lldt(Sel.ldt)),
    ltr: (machine: TestMachine) => machine.run((unit) => unit.ltr(Sel.otherTss)),
  };

  it.each(['lldt', 'ltr'] as const)('%s is #GP(0) above CPL 0', (name) => {
    for (const cpl of [1, 2, 3]) {
      const machine = new TestMachine();
      machine.enter(cpl);
      expect(operations[name](machine)).toBe('#GP(0x0)');
    }
  });

  it.each(['lldt', 'ltr'] as const)('%s is #UD in real and virtual-8086 mode', (name) => {
    const machine = new TestMachine();
    machine.enterVirtual8086();
    expect(operations[name](machine)).toBe('#UD');
    machine.enterReal();
    expect(operations[name](machine)).toBe('#UD');
  });

  it.each([1, 2, 3])('LGDT and LIDT are #GP(0) at CPL %i', (cpl) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    expect(machine.run((unit) => unit.lgdt(0, 0, 4))).toBe('#GP(0x0)');
    expect(machine.run((unit) => unit.lidt(0, 0, 4))).toBe('#GP(0x0)');
  });

  it('LGDT and LIDT work in real mode', () => {
    const machine = new TestMachine();
    machine.enterReal();
    expect(machine.run((unit) => unit.lgdt(0x1234, 0xff, 4))).toBe('none');
    expect(machine.run((unit) => unit.lidt(0x1234, 0xff, 4))).toBe('none');
  });
});

describe('LGDT and LIDT (SDM 2A LGDT)', () => {
  it('load 32 bits of base with operand size 32 and 24 with 16', () => {
    const machine = new TestMachine();
    machine.segmentation.lgdt(0x8765_4321, 0x1_ffff, 4);
    machine.segmentation.lidt(0x8765_4321, 0x7ff, 2);
    expect(machine.word(State.gdtrBase) >>> 0).toBe(0x8765_4321);
    expect(machine.word(State.gdtrLimit)).toBe(0xffff);
    expect(machine.word(State.idtrBase)).toBe(0x65_4321);
    expect(machine.word(State.idtrLimit)).toBe(0x7ff);
  });
});

describe('SLDT, STR and UMIP (SDM 2B SLDT, STR)', () => {
  it('give the selectors', () => {
    const machine = new TestMachine();
    expect(machine.run((unit) => unit.sldt())).toBe('none');
    expect(machine.segmentation.result).toBe(Sel.ldt);
    expect(machine.run((unit) => unit.str())).toBe('none');
    expect(machine.segmentation.result).toBe(Sel.tss);
  });

  it('are #UD in real and virtual-8086 mode', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086();
    expect(machine.run((unit) => unit.sldt())).toBe('#UD');
    machine.enterReal();
    expect(machine.run((unit) => unit.str())).toBe('#UD');
  });

  it.each([
    [0, 0, 'none'],
    [3, 0, 'none'],
    [0, 0x800, 'none'],
    [1, 0x800, '#GP(0x0)'],
    [3, 0x800, '#GP(0x0)'],
  ])('at CPL %i with CR4 %i: %s', (cpl, cr4, expected) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.words[State.cr4] = cr4;
    expect(machine.run((unit) => unit.sldt())).toBe(expected);
    expect(machine.run((unit) => unit.str())).toBe(expected);
    expect(machine.run((unit) => unit.checkUmip())).toBe(expected);
  });
});

describe('reset (SDM 3A table 9-1)', () => {
  it('sets the registers as after power-up', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.words[State.cr0] = 0x6000_0010;
    machine.segmentation.reset();
    expect(machine.segmentation.readSegment(1)).toEqual({
      selector: 0xf000,
      base: 0xffff_0000,
      limit: 0xffff,
      attributes: 0x93,
    });
    for (const register of [0, 2, 3, 4, 5]) {
      expect(machine.segmentation.readSegment(register)).toEqual({
        selector: 0,
        base: 0,
        limit: 0xffff,
        attributes: 0x93,
      });
    }
    expect(machine.segmentation.readSegment(6)).toMatchObject({ limit: 0xffff, attributes: 0x82 });
    expect(machine.segmentation.readSegment(7)).toMatchObject({ limit: 0xffff, attributes: 0x8b });
    expect(machine.eip).toBe(0xfff0);
    expect(machine.cpl).toBe(0);
    expect(machine.word(State.codeMode)).toBe(1);
    expect([machine.word(State.gdtrLimit), machine.word(State.idtrLimit)]).toEqual([
      0xffff, 0xffff,
    ]);
  });
});
