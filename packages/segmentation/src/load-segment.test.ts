import { CodeMode, SegmentRegister } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { readSegment, Word } from './descriptor.ts';
import { Segment, State } from './state.ts';
import { gdtBase, Page, segment, Sel, TestMachine, type Descriptor } from './test-machine.ts';

const { es, ss, ds, fs, gs } = SegmentRegister;

function load(
  cpl: number,
  register: number,
  selector: number,
  descriptor?: Descriptor,
): { machine: TestMachine; fault: string } {
  const machine = new TestMachine();
  machine.enter(cpl);
  if (descriptor !== undefined) machine.gdt(Sel.free, descriptor);
  return { machine, fault: machine.run((unit) => unit.loadSegment(register, selector)) };
}

describe('loading DS, ES, FS, GS in protected mode (SDM 2B MOV)', () => {
  const x = Sel.free;
  // CPL, selector, access byte, fault
  it.each([
    ['data at the same level', 0, x, 0x93, 'none'],
    ['read-only data', 0, x, 0x91, 'none'],
    ['expand-down data', 0, x, 0x97, 'none'],
    ['readable code', 0, x, 0x9b, 'none'],
    ['execute-only code', 0, x, 0x99, '#GP(0x90)'],
    ['a TSS', 0, x, 0x89, '#GP(0x90)'],
    ['a call gate', 0, x, 0x8c, '#GP(0x90)'],
    ['an invalid type', 0, x, 0x80, '#GP(0x90)'],
    ['data of an outer level', 0, x, 0xf3, 'none'],
    ['data with RPL above DPL', 0, x | 3, 0x93, '#GP(0x90)'],
    ['data with RPL 1 above DPL 0', 0, x | 1, 0x93, '#GP(0x90)'],
    ['data with RPL 2 above DPL 1', 0, x | 2, 0xb3, '#GP(0x90)'],
    ['data with RPL at DPL', 0, x | 3, 0xf3, 'none'],
    ['data of an inner level', 3, x, 0x93, '#GP(0x90)'],
    ['data at level 3', 3, x | 3, 0xf3, 'none'],
    ['data at level 3 with RPL 0', 3, x, 0xf3, 'none'],
    ['nonconforming code of an inner level', 3, x, 0x9b, '#GP(0x90)'],
    ['conforming code of an inner level', 3, x | 3, 0x9f, 'none'],
    ['conforming execute-only code', 3, x | 3, 0x9d, '#GP(0x90)'],
    ['data that is not present', 0, x, 0x13, '#NP(0x90)'],
    ['code that is not present', 0, x, 0x1b, '#NP(0x90)'],
    ['forbidden data that is not present', 3, x, 0x13, '#GP(0x90)'],
    ['an index at the end of the GDT', 0, 0xf8, 0, '#GP(0xf8)'],
    ['an index past the GDT', 0, 0x103, 0, '#GP(0x100)'],
    ['an index past the LDT', 0, 0x104, 0, '#GP(0x104)'],
  ])('%s', (_name, cpl, selector, access, fault) => {
    for (const register of [es, ds, fs, gs]) {
      expect(load(cpl, register, selector, segment(access, 0x1000, 0xfff)).fault).toBe(fault);
    }
  });

  it('needs all eight bytes of the descriptor within the table', () => {
    const machine = new TestMachine();
    machine.words[State.gdtrLimit] = Sel.data0 + 6;
    expect(machine.run((unit) => unit.loadSegment(ds, Sel.data0))).toBe('#GP(0x10)');
    machine.words[State.gdtrLimit] = Sel.data0 + 7;
    expect(machine.run((unit) => unit.loadSegment(ds, Sel.data0))).toBe('none');
    machine.ldt(0x10, segment(0x93, 0, 0xff));
    machine.words[Segment.ldtr + Word.limit] = 0x16;
    expect(machine.run((unit) => unit.loadSegment(ds, 0x14))).toBe('#GP(0x14)');
    machine.words[Segment.ldtr + Word.limit] = 0x17;
    expect(machine.run((unit) => unit.loadSegment(ds, 0x14))).toBe('none');
  });

  it('takes null selectors of any RPL and makes the register unusable', () => {
    for (const selector of [0, 1, 2, 3]) {
      const { machine, fault } = load(3, ds, selector);
      expect(fault).toBe('none');
      expect(machine.selector(Segment.ds)).toBe(selector);
      expect(machine.word(Segment.ds + Word.readFirst)).toBe(-1);
      expect(machine.word(Segment.ds + Word.readLast)).toBe(0);
    }
  });

  it('fills the hidden state', () => {
    const { machine } = load(0, fs, Sel.free, segment(0x92, 0x1234_5678, 0x1ff, 4));
    expect(readSegment(machine.words, Segment.fs)).toEqual({
      selector: Sel.free,
      base: 0x1234_5678,
      limit: 0x1ff,
      attributes: 0x4093,
    });
  });

  it('takes 16 bits of the selector', () => {
    const { machine, fault } = load(0, ds, 0xabcd_0000 | Sel.data0);
    expect(fault).toBe('none');
    expect(machine.selector(Segment.ds)).toBe(Sel.data0);
  });

  it('reads the LDT for selectors with TI', () => {
    const machine = new TestMachine();
    machine.ldt(0x08, segment(0xf3, 0x7000, 0xff));
    expect(machine.run((unit) => unit.loadSegment(gs, 0x0c))).toBe('none');
    expect(machine.word(Segment.gs + Word.base)).toBe(0x7000);
  });

  it('faults for TI without an LDT', () => {
    const machine = new TestMachine();
    machine.segmentation.lldt(0);
    expect(machine.run((unit) => unit.loadSegment(gs, 0x0c))).toBe('#GP(0xc)');
  });

  it('sets the accessed bit in memory once', () => {
    const { machine } = load(0, ds, Sel.free, segment(0x92, 0, 0xfff));
    expect(machine.memory.peek(gdtBase + Sel.free + 5, 1)).toBe(0x93);
    const writes = machine.memory.written.length;
    machine.segmentation.loadSegment(ds, Sel.free);
    expect(machine.memory.written.length).toBe(writes);
  });

  it('leaves the accessed bit alone when a check fails', () => {
    const { machine } = load(0, ds, Sel.free, segment(0x12, 0, 0xfff));
    expect(machine.memory.peek(gdtBase + Sel.free + 5, 1)).toBe(0x12);
  });

  it('reads the table with supervisor privilege at CPL 3', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.memory.pages[gdtBase >> 12] = Page.supervisor;
    expect(machine.run((unit) => unit.loadSegment(ds, Sel.data3))).toBe('none');
  });

  it('passes on page faults of the table', () => {
    const machine = new TestMachine();
    machine.memory.pages[gdtBase >> 12] = Page.absent;
    expect(machine.run((unit) => unit.loadSegment(ds, Sel.data0))).toBe('#PF(0x0)');
    expect(machine.memory.cr2).toBe(gdtBase + Sel.data0);
  });

  it('passes on page faults of the accessed bit', () => {
    const machine = new TestMachine();
    machine.gdt(Sel.free, segment(0x92, 0, 0xfff));
    machine.memory.pages[gdtBase >> 12] = Page.readOnly;
    expect(machine.run((unit) => unit.loadSegment(ds, Sel.free))).toBe('#PF(0x3)');
  });

  it('does not load CS, LDTR or TR', () => {
    for (const register of [1, 6, 7]) {
      expect(load(0, register, Sel.data0).fault).toBe('#UD');
    }
  });
});

describe('loading SS in protected mode (SDM 2B MOV)', () => {
  const x = Sel.free;
  it.each([
    ['writable data at CPL', 0, x, 0x93, 'none'],
    ['expand-down writable data', 0, x, 0x97, 'none'],
    ['null', 0, 0, 0x93, '#GP(0x0)'],
    ['null with RPL', 3, 3, 0xf3, '#GP(0x0)'],
    ['RPL not CPL', 0, x | 3, 0x93, '#GP(0x90)'],
    ['DPL above CPL', 0, x, 0xf3, '#GP(0x90)'],
    ['DPL below CPL', 3, x | 3, 0x93, '#GP(0x90)'],
    ['writable data at level 3', 3, x | 3, 0xf3, 'none'],
    ['read-only data', 0, x, 0x91, '#GP(0x90)'],
    ['code', 0, x, 0x9b, '#GP(0x90)'],
    ['a system segment', 0, x, 0x82, '#GP(0x90)'],
    ['data that is not present', 0, x, 0x13, '#SS(0x90)'],
    ['read-only data that is not present', 0, x, 0x11, '#GP(0x90)'],
    ['an index past the GDT', 0, 0x100, 0, '#GP(0x100)'],
  ])('%s', (_name, cpl, selector, access, fault) => {
    expect(load(cpl, ss, selector, segment(access, 0, 0xffff)).fault).toBe(fault);
  });
});

describe('the first entry of the GDT', () => {
  it('is never loaded, whatever it holds', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.gdt(0, segment(0xf3, 0, 0xf_ffff, 0xc));
    expect(machine.run((unit) => unit.loadSegment(ss, 3))).toBe('#GP(0x0)');
    expect(machine.run((unit) => unit.loadSegment(ds, 3))).toBe('none');
    expect(machine.word(Segment.ds + Word.attributes)).toBe(0);
  });
});

describe('loading segments in real mode (SDM 3A 20.1.1)', () => {
  it('shifts the selector and never faults', () => {
    for (const register of [es, ss, ds, fs, gs]) {
      const machine = new TestMachine();
      machine.enterReal();
      expect(machine.run((unit) => unit.loadSegment(register, 0xabcd))).toBe('none');
      expect(machine.segmentation.readSegment(register)).toEqual({
        selector: 0xabcd,
        base: 0xa_bcd0,
        limit: 0xffff,
        attributes: 0x93,
      });
    }
  });

  it('keeps a 4 GiB limit and B from protected mode', () => {
    const machine = new TestMachine();
    machine.words[State.cr0] = 0x10;
    machine.segmentation.loadSegment(ds, 0x1234);
    expect(machine.segmentation.readSegment(ds)).toEqual({
      selector: 0x1234,
      base: 0x1_2340,
      limit: 0xffff_ffff,
      attributes: 0xc093,
    });
    expect(machine.word(Segment.ds + Word.readLast)).toBe(-1);
  });

  it('makes read-only, expand-down and null segments writable data', () => {
    for (const access of [0x91, 0x97]) {
      const machine = new TestMachine();
      machine.gdt(Sel.free, segment(access, 0, 0xffff));
      machine.segmentation.loadSegment(ds, Sel.free);
      machine.segmentation.loadSegment(es, 0);
      machine.words[State.cr0] = 0x10;
      for (const [register, at] of [
        [ds, Segment.ds],
        [es, Segment.es],
      ] as const) {
        machine.segmentation.loadSegment(register, 0x100);
        expect(machine.word(at + Word.writeFirst)).toBe(0);
        expect(machine.word(at + Word.readFirst)).toBe(0);
      }
    }
  });
});

describe('loading segments in virtual-8086 mode (SDM 3A 20.2.1)', () => {
  it('gives every register 64 KiB at level 3', () => {
    const machine = new TestMachine();
    machine.put(Segment.ds, Sel.data0);
    machine.enterVirtual8086();
    expect(machine.run((unit) => unit.loadSegment(ds, 0xffff))).toBe('none');
    expect(machine.segmentation.readSegment(ds)).toEqual({
      selector: 0xffff,
      base: 0xf_fff0,
      limit: 0xffff,
      attributes: 0xf3,
    });
  });
});

describe('the code mode', () => {
  it('is flat and 32-bit with flat segments', () => {
    const machine = new TestMachine();
    expect(machine.word(State.codeMode)).toBe(
      CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat,
    );
  });

  it.each([
    ['a base', segment(0x93, 0x1000, 0xf_ffff, 0xc)],
    ['a limit', segment(0x93, 0, 0xf_fffe, 0xc)],
    ['no write access', segment(0x91, 0, 0xf_ffff, 0xc)],
    ['code', segment(0x9b, 0, 0xf_ffff, 0xc)],
  ])('is not flat when DS or ES has %s', (_name, descriptor) => {
    for (const register of [ds, es]) {
      const { machine } = load(0, register, Sel.free, descriptor);
      expect(machine.word(State.codeMode) & CodeMode.flat).toBe(0);
    }
  });

  it('is not flat with a null DS and flat again after', () => {
    const { machine } = load(3, ds, 0);
    expect(machine.word(State.codeMode) & CodeMode.flat).toBe(0);
    machine.segmentation.loadSegment(ds, Sel.data3);
    expect(machine.word(State.codeMode) & CodeMode.flat).toBe(CodeMode.flat);
  });

  it('does not look at FS and GS', () => {
    const { machine } = load(0, fs, Sel.free, segment(0x91, 0x1000, 0xff));
    expect(machine.word(State.codeMode) & CodeMode.flat).toBe(CodeMode.flat);
  });

  it('follows SS.B', () => {
    const { machine } = load(0, ss, Sel.data16);
    expect(machine.word(State.codeMode)).toBe(CodeMode.valid | CodeMode.code32);
  });
});
