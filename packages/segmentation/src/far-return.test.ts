import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { Segment } from './state.ts';
import { gdtBase, Page, segment, Sel, start, TestMachine } from './test-machine.ts';

const x = Sel.free;
const y = Sel.free + 8;

describe('RETF to the same level (SDM 2B RET)', () => {
  // CPL, selector, access byte, EIP, fault
  it.each([
    ['nonconforming at CPL', 0, x, 0x9b, 0x100, 'none'],
    ['nonconforming, DPL not RPL', 0, x, 0xbb, 0x100, '#GP(0x90)'],
    ['RPL below CPL', 3, x | 2, 0xdb, 0x100, '#GP(0x90)'],
    ['conforming, DPL below RPL', 3, x | 3, 0x9f, 0x100, 'none'],
    ['conforming, DPL above RPL', 0, x, 0xbf, 0x100, '#GP(0x90)'],
    ['conforming, DPL at RPL', 3, x | 3, 0xff, 0x100, 'none'],
    ['not present', 0, x, 0x1b, 0x100, '#NP(0x90)'],
    ['data', 0, x, 0x93, 0x100, '#GP(0x90)'],
    ['a call gate', 0, x, 0x8c, 0x100, '#GP(0x90)'],
    ['null', 0, 0, 0x9b, 0x100, '#GP(0x0)'],
    ['null with RPL', 3, 3, 0x9b, 0x100, '#GP(0x0)'],
    ['past the table', 0, 0x100, 0x9b, 0x100, '#GP(0x100)'],
    ['EIP at the limit', 0, x, 0x9b, 0xffff, 'none'],
    ['EIP past the limit', 0, x, 0x9b, 0x1_0000, '#GP(0x0)'],
  ])('%s', (_name, cpl, selector, access, eip, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.gdt(x, segment(access, 0, 0xffff, 4));
    machine.stack(4, eip, 0xabcd_0000 | selector);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(eip);
    expect(machine.cs).toBe(selector);
    expect(machine.esp).toBe(start.esp + 8);
  });

  it('releases parameters', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x100, Sel.code0);
    machine.segmentation.farReturn(0xfff0, 4);
    expect(machine.esp).toBe(start.esp + 8 + 0xfff0);
  });

  it('pops words with operand size 16', () => {
    const machine = new TestMachine();
    machine.stack(2, 0x8765, Sel.code0);
    machine.segmentation.farReturn(4, 2);
    expect(machine.eip).toBe(0x8765);
    expect(machine.esp).toBe(start.esp + 8);
  });

  it('wraps SP in a 16-bit stack segment', () => {
    const machine = new TestMachine();
    machine.segmentation.loadSegment(2, Sel.data16);
    machine.memory.poke(0x2_fffe, 0x10, 2);
    machine.memory.poke(0x2_0000, Sel.code0, 2);
    machine.esp = 0x1234_fffe;
    expect(machine.run((unit) => unit.farReturn(0, 2))).toBe('none');
    expect(machine.esp).toBe(0x1234_0002);
  });

  it('faults with #SS(0) outside the stack segment', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x93, 0, 0x8_0006, 4));
    machine.put(Segment.ss, x);
    machine.stack(4, 0x100, Sel.code0);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#SS(0x0)');
    machine.gdt(x, segment(0x93, 0, 0x8_0007, 4));
    machine.put(Segment.ss, x);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('none');
  });

  it('passes on page faults at any access', () => {
    for (const access of [0, 1, 2, 3]) {
      const machine = new TestMachine();
      machine.stack(4, 0x100, Sel.code0);
      machine.memory.failAfter = access;
      expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#PF(0x0)');
    }
  });
});

describe('RETF to an outer level (SDM 2B RET)', () => {
  it.each([1, 2, 3])('loads SS:ESP of level %i', (level) => {
    const machine = new TestMachine();
    const code = ([0, Sel.code1, Sel.code2, Sel.code3][level] ?? 0) | level;
    const data = ([0, Sel.data1, Sel.data2, Sel.data3][level] ?? 0) | level;
    machine.stack(4, 0x100, code, 0xaaaa, 0x7_0000, data);
    expect(machine.run((unit) => unit.farReturn(4, 4))).toBe('none');
    expect(machine.cpl).toBe(level);
    expect(machine.cs).toBe(code);
    expect(machine.ss).toBe(data);
    // Parameters are released from both stacks.
    expect(machine.esp).toBe(0x7_0004);
    expect(machine.events).toEqual([`cpl ${level}`]);
  });

  // SS selector, access byte of entry y, fault
  it.each([
    ['null', 3, 0xf3, '#GP(0x0)'],
    ['past the table', 0x103, 0xf3, '#GP(0x100)'],
    ['RPL not that of CS', y | 2, 0xf3, '#GP(0x98)'],
    ['DPL not RPL of CS', y | 3, 0xd3, '#GP(0x98)'],
    ['read-only', y | 3, 0xf1, '#GP(0x98)'],
    ['code', y | 3, 0xfb, '#GP(0x98)'],
    ['not present', y | 3, 0x73, '#SS(0x98)'],
    ['fine', y | 3, 0xf3, 'none'],
  ])('checks the outer stack: %s', (_name, selector, access, fault) => {
    const machine = new TestMachine();
    machine.gdt(y, segment(access, 0, 0xf_ffff, 0xc));
    machine.stack(4, 0x100, Sel.code3 | 3, 0x7_0000, selector);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe(fault);
  });

  // A process with GS = 1 sees 0 after the next interrupt (AMD EPYC).
  it('clears the RPL of null selectors', () => {
    const machine = new TestMachine();
    for (const register of [0, 3, 4, 5]) machine.segmentation.loadSegment(register, 1);
    machine.stack(4, 0x100, Sel.code3 | 3, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('none');
    const selectors = [0, 3, 4, 5].map((one) => machine.segmentation.readSegment(one).selector);
    expect(selectors).toEqual([0, 0, 0, 0]);
  });

  it('checks EIP against the outer code segment', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x1_0000, Sel.code16user | 3, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#GP(0x0)');
  });

  it('faults with #SS(0) when SS:ESP is outside the stack', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x93, 0, 0x8_000e, 4));
    machine.put(Segment.ss, x);
    machine.stack(4, 0x100, Sel.code3 | 3, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#SS(0x0)');
  });

  it('loads only SP for a 16-bit outer stack', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x100, Sel.code3 | 3, 0x1234_5678, Sel.data16user | 3);
    machine.segmentation.farReturn(0, 4);
    expect(machine.esp).toBe((start.esp & 0xffff_0000) | 0x5678);
  });

  // Access byte of the segment in DS, ES, FS, GS; whether it survives at level 3
  it.each([
    ['data of level 0', 0x93, false],
    ['data of level 2', 0xd3, false],
    ['data of level 3', 0xf3, true],
    ['nonconforming code of level 0', 0x9b, false],
    ['conforming code of level 0', 0x9f, true],
  ])('takes away %s if inaccessible', (_name, access, kept) => {
    const machine = new TestMachine();
    machine.gdt(y, segment(access, 0, 0xf_ffff, 0xc));
    const registers = [Segment.ds, Segment.es, Segment.fs, Segment.gs];
    for (const at of registers) machine.put(at, y);
    machine.stack(4, 0x100, Sel.code3 | 3, 0x7_0000, Sel.data3 | 3);
    machine.segmentation.farReturn(0, 4);
    for (const at of registers) {
      expect(machine.selector(at)).toBe(kept ? y : 0);
      expect(machine.word(at + Word.attributes) !== 0).toBe(kept);
    }
  });

  it('changes nothing at a fault of any memory access', () => {
    for (let access = 0; ; access++) {
      const machine = new TestMachine();
      machine.gdt(Sel.code3, segment(0xfa, 0, 0xf_ffff, 0xc));
      machine.gdt(Sel.data3, segment(0xf2, 0, 0xf_ffff, 0xc));
      machine.stack(4, 0x100, Sel.code3 | 3, 0x7_0000, Sel.data3 | 3);
      machine.memory.failAfter = access;
      const fault = machine.run((unit) => unit.farReturn(0, 4));
      if (fault === 'none') {
        expect(access).toBe(10);
        break;
      }
      expect(fault).toMatch(/^#PF\(0x[02]\)$/);
    }
    const machine = new TestMachine();
    expect(machine.memory.peek(gdtBase + Sel.code3 + 5, 1)).toBe(0xfb);
  });

  it('reads the inner stack at the current privilege', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.memory.pages[0x80] = Page.supervisor;
    machine.stack(4, 0x100, Sel.code3 | 3);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#PF(0x5)');
  });
});

describe('RETF in real and virtual-8086 mode (SDM 2B RET)', () => {
  it.each(['real', 'virtual-8086'])('pops CS:IP in %s mode', (mode) => {
    const machine = new TestMachine();
    if (mode === 'real') machine.enterReal();
    else machine.enterVirtual8086(0);
    machine.stack(2, 0x20, 0x3000);
    expect(machine.run((unit) => unit.farReturn(2, 2))).toBe('none');
    expect(machine.cs).toBe(0x3000);
    expect(machine.word(Segment.cs + Word.base)).toBe(0x3_0000);
    expect(machine.eip).toBe(0x20);
    expect(machine.esp).toBe(0x8006);
  });

  it('checks the limit in real mode', () => {
    const machine = new TestMachine();
    machine.enterReal();
    machine.stack(4, 0x1_0000, 0x3000);
    expect(machine.run((unit) => unit.farReturn(0, 4))).toBe('#GP(0x0)');
  });
});
