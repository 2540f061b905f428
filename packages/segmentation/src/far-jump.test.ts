import { CodeMode } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { Segment, State } from './state.ts';
import { gate, Page, gdtBase, segment, Sel, TestMachine } from './test-machine.ts';

const x = Sel.free;
const y = Sel.free + 8;

describe('far JMP to a code segment (SDM 2A JMP)', () => {
  // CPL, selector, access byte, offset, fault; the segment's limit is 0xffff
  it.each([
    ['nonconforming at CPL', 0, x, 0x9b, 0x100, 'none'],
    ['nonconforming, RPL below CPL', 3, x, 0xfb, 0x100, 'none'],
    ['nonconforming, RPL above CPL', 0, x | 3, 0x9b, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 1 at CPL 0', 0, x | 1, 0x9b, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 2 at CPL 1', 1, x | 2, 0xbb, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 1 at CPL 2', 2, x | 1, 0xdb, 0x100, 'none'],
    ['nonconforming of an outer level', 0, x, 0xfb, 0x100, '#GP(0x90)'],
    ['nonconforming of an inner level', 3, x | 3, 0x9b, 0x100, '#GP(0x90)'],
    ['conforming of an inner level', 3, x | 3, 0x9f, 0x100, 'none'],
    ['conforming at CPL with RPL above CPL', 0, x | 3, 0x9f, 0x100, 'none'],
    ['conforming of an outer level', 0, x, 0xff, 0x100, '#GP(0x90)'],
    ['execute-only code', 0, x, 0x99, 0x100, 'none'],
    ['code that is not present', 0, x, 0x1b, 0x100, '#NP(0x90)'],
    ['forbidden code that is not present', 3, x, 0x1b, 0x100, '#GP(0x90)'],
    ['data', 0, x, 0x93, 0x100, '#GP(0x90)'],
    ['an LDT', 0, x, 0x82, 0x100, '#GP(0x90)'],
    ['an interrupt gate', 0, x, 0x8e, 0x100, '#GP(0x90)'],
    ['a trap gate', 0, x, 0x87, 0x100, '#GP(0x90)'],
    ['a busy TSS', 0, x, 0x8b, 0x100, '#GP(0x90)'],
    ['a reserved type', 0, x, 0x8d, 0x100, '#GP(0x90)'],
    ['null', 0, 0, 0x9b, 0x100, '#GP(0x0)'],
    ['null with RPL', 0, 3, 0x9b, 0x100, '#GP(0x0)'],
    ['a selector past the table', 0, 0x108, 0x9b, 0x100, '#GP(0x108)'],
    ['the last byte of the segment', 0, x, 0x9b, 0xffff, 'none'],
    ['a byte past the segment', 0, x, 0x9b, 0x1_0000, '#GP(0x0)'],
  ])('%s', (_name, cpl, selector, access, offset, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.gdt(x, segment(access, 0x1_0000, 0xffff, 4));
    expect(machine.run((unit) => unit.farJump(selector, offset, 4))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(offset);
    expect(machine.cs).toBe((selector & ~3) | cpl);
    expect(machine.cpl).toBe(cpl);
    expect(machine.word(Segment.cs + Word.base)).toBe(0x1_0000);
  });

  it('takes 16 bits of the offset with operand size 16', () => {
    const machine = new TestMachine();
    expect(machine.run((unit) => unit.farJump(Sel.code16, 0xffff_1234, 2))).toBe('none');
    expect(machine.eip).toBe(0x1234);
  });

  it('changes the code mode', () => {
    const machine = new TestMachine();
    machine.segmentation.farJump(Sel.code16, 0, 4);
    expect(machine.word(State.codeMode)).toBe(CodeMode.valid | CodeMode.stack32);
    machine.segmentation.farJump(Sel.code0, 0, 4);
    expect(machine.word(State.codeMode)).toBe(
      CodeMode.valid | CodeMode.stack32 | CodeMode.code32 | CodeMode.flat,
    );
  });

  it('sets the accessed bit', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x9a, 0, 0xffff));
    machine.segmentation.farJump(x, 0, 4);
    expect(machine.memory.peek(gdtBase + x + 5, 1)).toBe(0x9b);
  });

  it('passes on a page fault of the descriptor', () => {
    const machine = new TestMachine();
    machine.memory.pages[gdtBase >> 12] = Page.absent;
    expect(machine.run((unit) => unit.farJump(Sel.code0, 0, 4))).toBe('#PF(0x0)');
  });
});

describe('far JMP through a call gate (SDM 2A JMP)', () => {
  // CPL, selector of the gate, gate access, target selector, target access, fault
  it.each([
    ['to code at CPL', 0, x, 0x8c, y, 0x9b, 'none'],
    ['through a 16-bit gate', 0, x, 0x84, y, 0x9b, 'none'],
    ['at CPL 3', 3, x | 3, 0xec, y, 0xfb, 'none'],
    ['gate DPL below CPL', 3, x, 0x8c, y, 0xfb, '#GP(0x90)'],
    ['gate DPL below RPL', 0, x | 3, 0x8c, y, 0x9b, '#GP(0x90)'],
    ['gate not present', 0, x, 0x0c, y, 0x9b, '#NP(0x90)'],
    ['forbidden gate not present', 3, x, 0x0c, y, 0xfb, '#GP(0x90)'],
    ['null target', 0, x, 0x8c, 3, 0x9b, '#GP(0x0)'],
    ['target past the table', 0, x, 0x8c, 0x100, 0x9b, '#GP(0x100)'],
    ['target is data', 0, x, 0x8c, y, 0x93, '#GP(0x98)'],
    ['target is a gate', 0, x, 0x8c, y, 0x8c, '#GP(0x98)'],
    ['nonconforming target of an inner level', 3, x, 0xec, y, 0x9b, '#GP(0x98)'],
    ['inner nonconforming target not present', 3, x, 0xec, y, 0x1b, '#GP(0x98)'],
    ['conforming target of an inner level', 3, x, 0xec, y, 0x9f, 'none'],
    ['conforming target of an outer level', 0, x, 0x8c, y, 0xff, '#GP(0x98)'],
    ['nonconforming target of an outer level', 0, x, 0x8c, y, 0xfb, '#GP(0x98)'],
    ['target not present', 0, x, 0x8c, y, 0x1b, '#NP(0x98)'],
    ['RPL of the target does not matter', 0, x, 0x8c, y | 3, 0x9b, 'none'],
  ])('%s', (_name, cpl, selector, gateAccess, target, access, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.gdt(x, gate(gateAccess, target, 0x1234));
    machine.gdt(y, segment(access, 0, 0xffff, 4));
    expect(machine.run((unit) => unit.farJump(selector, 0xdead_beef, 4))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(0x1234);
    expect(machine.cs).toBe((target & ~3) | cpl);
  });

  it('takes 32 bits of offset from a 32-bit gate and 16 from a 16-bit gate', () => {
    const machine = new TestMachine();
    machine.gdt(x, gate(0x8c, Sel.code0, 0x1234_5678));
    machine.segmentation.farJump(x, 0, 2);
    expect(machine.eip).toBe(0x1234_5678);
    machine.gdt(x, gate(0x84, Sel.code0, 0x1234_5678));
    machine.segmentation.farJump(x, 0, 4);
    expect(machine.eip).toBe(0x5678);
  });

  it('checks the gate offset against the target segment', () => {
    const machine = new TestMachine();
    machine.gdt(x, gate(0x8c, Sel.code16, 0x1_0000));
    expect(machine.run((unit) => unit.farJump(x, 0, 4))).toBe('#GP(0x0)');
  });
});

describe('far JMP in real and virtual-8086 mode (SDM 2A JMP)', () => {
  it('shifts the selector in real mode', () => {
    const machine = new TestMachine();
    machine.enterReal();
    expect(machine.run((unit) => unit.farJump(0xf000, 0xfff0, 2))).toBe('none');
    expect(machine.eip).toBe(0xfff0);
    expect(machine.segmentation.readSegment(1)).toEqual({
      selector: 0xf000,
      base: 0xf_0000,
      limit: 0xffff,
      attributes: 0x93,
    });
  });

  it('checks the limit in real mode', () => {
    const machine = new TestMachine();
    machine.enterReal();
    expect(machine.run((unit) => unit.farJump(0xf000, 0x1_0000, 4))).toBe('#GP(0x0)');
    expect(machine.run((unit) => unit.farJump(0xf000, 0x1_0000, 2))).toBe('none');
  });

  it('keeps the limit that protected mode left', () => {
    const machine = new TestMachine();
    machine.words[State.cr0] = 0x10;
    expect(machine.run((unit) => unit.farJump(0x100, 0x1_0000, 4))).toBe('none');
  });

  it('loads a 64 KiB segment of level 3 in virtual-8086 mode', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086(0);
    expect(machine.run((unit) => unit.farJump(0x2345, 0x10, 2))).toBe('none');
    expect(machine.segmentation.readSegment(1).attributes).toBe(0xf3);
    expect(machine.run((unit) => unit.farJump(0x2345, 0x1_0000, 4))).toBe('#GP(0x0)');
    expect(machine.cpl).toBe(3);
  });
});
