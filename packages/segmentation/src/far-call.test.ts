import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { Segment, State } from './state.ts';
import { gate, gdtBase, Page, segment, Sel, start, TestMachine, tssBase } from './test-machine.ts';

const x = Sel.free;
const y = Sel.free + 8;
const z = Sel.free + 16;

describe('far CALL to a code segment (SDM 2A CALL)', () => {
  it.each([
    ['nonconforming at CPL', 0, x, 0x9b, 0x100, 'none'],
    ['nonconforming, RPL above CPL', 0, x | 3, 0x9b, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 1 at CPL 0', 0, x | 1, 0x9b, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 2 at CPL 1', 1, x | 2, 0xbb, 0x100, '#GP(0x90)'],
    ['nonconforming, RPL 1 at CPL 2', 2, x | 1, 0xdb, 0x100, 'none'],
    ['nonconforming of an outer level', 0, x, 0xfb, 0x100, '#GP(0x90)'],
    ['nonconforming of an inner level', 3, x | 3, 0x9b, 0x100, '#GP(0x90)'],
    ['conforming of an inner level', 3, x | 3, 0x9f, 0x100, 'none'],
    ['conforming of an outer level', 0, x, 0xff, 0x100, '#GP(0x90)'],
    ['code that is not present', 0, x, 0x1b, 0x100, '#NP(0x90)'],
    ['data', 0, x, 0x93, 0x100, '#GP(0x90)'],
    ['a trap gate', 0, x, 0x8f, 0x100, '#GP(0x90)'],
    ['null', 0, 2, 0x9b, 0x100, '#GP(0x0)'],
    ['a selector past the table', 0, 0x200, 0x9b, 0x100, '#GP(0x200)'],
    ['a byte past the segment', 0, x, 0x9b, 0x1_0000, '#GP(0x0)'],
  ])('%s', (_name, cpl, selector, access, offset, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    const cs = machine.cs;
    machine.gdt(x, segment(access, 0x1_0000, 0xffff, 4));
    expect(machine.run((unit) => unit.farCall(selector, offset, 4))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(offset);
    expect(machine.cs).toBe((selector & ~3) | cpl);
    expect(machine.esp).toBe(start.esp - 8);
    expect(machine.frame(4, 2)).toEqual([start.nextEip, cs]);
  });

  it('pushes words with operand size 16', () => {
    const machine = new TestMachine();
    machine.words[State.nextEip] = 0x12_3456;
    machine.segmentation.farCall(Sel.code16, 0x7_0010, 2);
    expect(machine.esp).toBe(start.esp - 4);
    expect(machine.frame(2, 2)).toEqual([0x3456, Sel.code0]);
    expect(machine.eip).toBe(0x10);
  });

  it('faults with #SS(0) when the stack segment is too small', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x97, 0, 0x7_fff8, 4));
    machine.segmentation.loadSegment(2, x);
    expect(machine.run((unit) => unit.farCall(Sel.code0, 0, 4))).toBe('#SS(0x0)');
    machine.gdt(x, segment(0x97, 0, 0x7_fff7, 4));
    machine.segmentation.loadSegment(2, x);
    expect(machine.run((unit) => unit.farCall(Sel.code0, 0, 4))).toBe('none');
  });

  it('pushes nothing when the second page of the frame is missing', () => {
    const machine = new TestMachine();
    machine.esp = 0x80004;
    machine.memory.pages[0x7f] = Page.absent;
    expect(machine.run((unit) => unit.farCall(Sel.code0, 0, 4))).toBe('#PF(0x2)');
  });

  it('pushes at the current privilege', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.memory.pages[0x7f] = Page.supervisor;
    expect(machine.run((unit) => unit.farCall(Sel.code3, 0, 4))).toBe('#PF(0x7)');
  });

  it('wraps SP in a 16-bit stack segment and keeps the high half of ESP', () => {
    const machine = new TestMachine();
    machine.segmentation.loadSegment(2, Sel.data16);
    machine.esp = 0xabcd_0002;
    expect(machine.run((unit) => unit.farCall(Sel.code0, 0, 2))).toBe('none');
    expect(machine.esp).toBe(0xabcd_fffe);
    expect(machine.memory.peek(0x2_0000, 2)).toBe(Sel.code0);
    expect(machine.memory.peek(0x2_fffe, 2)).toBe(start.nextEip);
  });

  it('faults with #SS(0) when an item would lie across the wrap', () => {
    const machine = new TestMachine();
    machine.segmentation.loadSegment(2, Sel.data16);
    machine.esp = 1;
    expect(machine.run((unit) => unit.farCall(Sel.code0, 0, 2))).toBe('#SS(0x0)');
  });
});

describe('far CALL through a call gate, same level (SDM 2A CALL)', () => {
  it.each([
    ['to code at CPL', 0, x, 0x8c, y, 0x9b, 'none'],
    ['gate DPL below CPL', 3, x, 0x8c, y, 0xfb, '#GP(0x90)'],
    ['gate DPL below RPL', 0, x | 1, 0x8c, y, 0x9b, '#GP(0x90)'],
    ['gate not present', 0, x, 0x0c, y, 0x9b, '#NP(0x90)'],
    ['null target', 0, x, 0x8c, 0, 0x9b, '#GP(0x0)'],
    ['target past the table', 0, x, 0x8c, 0x100, 0x9b, '#GP(0x100)'],
    ['target is data', 0, x, 0x8c, y, 0x93, '#GP(0x98)'],
    ['target of an outer level', 0, x, 0x8c, y, 0xfb, '#GP(0x98)'],
    ['conforming target of an outer level', 0, x, 0x8c, y, 0xff, '#GP(0x98)'],
    ['conforming target of an inner level', 3, x, 0xec, y, 0x9f, 'none'],
    ['target not present', 0, x, 0x8c, y, 0x1b, '#NP(0x98)'],
  ])('%s', (_name, cpl, selector, gateAccess, target, access, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    const cs = machine.cs;
    machine.gdt(x, gate(gateAccess, target, 0x1234, 5));
    machine.gdt(y, segment(access, 0, 0xffff, 4));
    expect(machine.run((unit) => unit.farCall(selector, 0xdead_beef, 2))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(0x1234);
    expect(machine.cs).toBe((target & ~3) | cpl);
    expect(machine.esp).toBe(start.esp - 8);
    expect(machine.frame(4, 2)).toEqual([start.nextEip, cs]);
  });

  it('pushes words through a 16-bit gate whatever the operand size', () => {
    const machine = new TestMachine();
    machine.gdt(x, gate(0x84, Sel.code0, 0x1234));
    machine.segmentation.farCall(x, 0, 4);
    expect(machine.frame(2, 2)).toEqual([start.nextEip, Sel.code0]);
  });
});

describe('far CALL through a call gate to an inner level (SDM 2A CALL)', () => {
  function innerCall(level: number, count: number, gateType = 0xc): TestMachine {
    const machine = new TestMachine();
    machine.enter(3);
    const code = [Sel.code0, Sel.code1, Sel.code2][level] ?? 0;
    machine.gdt(x, gate(0xe0 | gateType, code, 0x1234, count));
    return machine;
  }

  it.each([0, 1, 2])('switches to the stack of level %i and copies parameters', (level) => {
    const machine = innerCall(level, 3);
    machine.stack(4, 0x11, 0x22, 0x33, 0x44);
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
    expect(machine.cpl).toBe(level);
    expect(machine.cs & 3).toBe(level);
    expect(machine.ss).toBe(([Sel.data0, Sel.data1, Sel.data2][level] ?? 0) | level);
    expect(machine.esp).toBe(([0x1f000, 0x2f000, 0x3f000][level] ?? 0) - 28);
    expect(machine.frame(4, 7)).toEqual([
      ...[start.nextEip, Sel.code3 | 3],
      ...[0x11, 0x22, 0x33],
      ...[start.esp, Sel.data3 | 3],
    ]);
    expect(machine.eip).toBe(0x1234);
    expect(machine.events).toEqual([`cpl ${level}`]);
  });

  it('copies 31 parameters', () => {
    const machine = innerCall(0, 31);
    machine.stack(4, ...Array.from({ length: 31 }, (_, index) => index + 100));
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
    expect(machine.frame(4, 33)[32]).toBe(130);
  });

  it('moves words through a 16-bit gate', () => {
    const machine = innerCall(0, 2, 4);
    machine.stack(2, 0x11, 0x22);
    machine.segmentation.farCall(x, 0, 4);
    expect(machine.frame(2, 6)).toEqual([
      ...[start.nextEip, Sel.code3 | 3],
      ...[0x11, 0x22],
      ...[start.esp & 0xffff, Sel.data3 | 3],
    ]);
  });

  it('takes SS:SP from a 16-bit TSS', () => {
    const machine = innerCall(1, 0);
    machine.system(Segment.tr, Sel.otherTss16, 0x83, 0x9000, 0x2b);
    machine.memory.poke(0x9006, 0x4000, 2);
    machine.memory.poke(0x9008, Sel.data1 | 1, 2);
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
    expect(machine.esp).toBe(0x4000 - 16);
  });

  // The new stack: selector in the TSS, descriptor access byte of entry z, fault
  it.each([
    ['null', 0, 0x93, '#TS(0x0)'],
    ['past the table', 0x100, 0x93, '#TS(0x100)'],
    ['RPL not the level', z | 1, 0x93, '#TS(0xa0)'],
    ['DPL not the level', z, 0xb3, '#TS(0xa0)'],
    ['read-only', z, 0x91, '#TS(0xa0)'],
    ['code', z, 0x9b, '#TS(0xa0)'],
    ['a system segment', z, 0x82, '#TS(0xa0)'],
    ['not present', z, 0x13, '#SS(0xa0)'],
    ['fine', z, 0x93, 'none'],
  ])('checks the new stack: %s', (_name, selector, access, fault) => {
    const machine = innerCall(0, 0);
    machine.memory.poke(tssBase + 8, selector, 4);
    machine.gdt(z, segment(access, 0, 0xf_ffff, 0xc));
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe(fault);
  });

  it('needs room for the frame and the parameters, else #SS(new SS)', () => {
    const machine = innerCall(0, 2);
    machine.memory.poke(tssBase + 8, z, 4);
    machine.gdt(z, segment(0x97, 0, 0x1_f000 - 24, 4));
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('#SS(0xa0)');
    machine.gdt(z, segment(0x97, 0, 0x1_f000 - 25, 4));
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
  });

  it.each([
    [0, 9, 8],
    [1, 17, 16],
    [2, 25, 24],
  ])('needs the TSS to hold the stack of level %i', (level, enough, short) => {
    const machine = innerCall(level, 0);
    machine.words[Segment.tr + Word.limit] = short;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('#TS(0x28)');
    machine.words[Segment.tr + Word.limit] = enough;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
  });

  it('needs a 16-bit TSS to hold the stack', () => {
    const machine = innerCall(2, 0);
    machine.system(Segment.tr, Sel.otherTss16, 0x83, 0x9000, 12);
    machine.memory.poke(0x900a, 0x4000, 2);
    machine.memory.poke(0x900c, Sel.data2 | 2, 2);
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('#TS(0x88)');
    machine.words[Segment.tr + Word.limit] = 13;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
  });

  it('checks the target against the inner code segment', () => {
    const machine = innerCall(0, 0);
    machine.gdt(x, gate(0xec, Sel.code16, 0x1_0000));
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('#GP(0x0)');
  });

  it('faults at the outer stack while reading parameters', () => {
    const machine = innerCall(0, 4);
    machine.memory.pages[0x80] = Page.absent;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('#PF(0x4)');
  });

  it('faults with #SS(0) for parameters outside the outer stack', () => {
    const machine = innerCall(0, 4);
    machine.put(Segment.ss, Sel.data16user | 3);
    machine.esp = 0xfff4;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
    const other = innerCall(0, 4);
    other.gdt(z, segment(0xf3, 0, 0x7_ffff, 4));
    other.put(Segment.ss, z | 3);
    other.esp = 0x7_fff4;
    expect(other.run((unit) => unit.farCall(x, 0, 4))).toBe('#SS(0x0)');
  });

  it('pushes with supervisor privilege', () => {
    const machine = innerCall(0, 0);
    machine.memory.pages[0x1e] = Page.supervisor;
    expect(machine.run((unit) => unit.farCall(x, 0, 4))).toBe('none');
  });

  it('changes nothing at a fault of any memory access', () => {
    for (let access = 0; ; access++) {
      const machine = innerCall(0, 2);
      machine.memory.failAfter = access;
      const fault = machine.run((unit) => unit.farCall(x, 0, 4));
      if (fault === 'none') {
        expect(access).toBeGreaterThan(10);
        break;
      }
      // The pushes behind the probe are known to succeed and are not counted as faults.
      if (!fault.startsWith('#PF')) throw new Error(`access ${access}: ${fault}`);
      expect(fault).not.toContain('changed');
    }
  });

  it('sets the accessed bits of the code and stack segments', () => {
    const machine = innerCall(0, 0);
    machine.gdt(Sel.code0, segment(0x9a, 0, 0xf_ffff, 0xc));
    machine.gdt(Sel.data0, segment(0x92, 0, 0xf_ffff, 0xc));
    machine.segmentation.farCall(x, 0, 4);
    expect(machine.memory.peek(gdtBase + Sel.code0 + 5, 1)).toBe(0x9b);
    expect(machine.memory.peek(gdtBase + Sel.data0 + 5, 1)).toBe(0x93);
  });
});

describe('far CALL in real and virtual-8086 mode (SDM 2A CALL)', () => {
  it.each(['real', 'virtual-8086'])('pushes CS:IP in %s mode', (mode) => {
    const machine = new TestMachine();
    if (mode === 'real') machine.enterReal();
    else machine.enterVirtual8086(0);
    const cs = machine.cs;
    expect(machine.run((unit) => unit.farCall(0x3000, 0x20, 2))).toBe('none');
    expect(machine.cs).toBe(0x3000);
    expect(machine.eip).toBe(0x20);
    expect(machine.frame(2, 2)).toEqual([0x102, cs]);
  });

  it('checks limit and stack in real mode', () => {
    const machine = new TestMachine();
    machine.enterReal();
    expect(machine.run((unit) => unit.farCall(0x3000, 0x1_0000, 4))).toBe('#GP(0x0)');
    machine.esp = 3;
    expect(machine.run((unit) => unit.farCall(0x3000, 0, 2))).toBe('#SS(0x0)');
  });
});
