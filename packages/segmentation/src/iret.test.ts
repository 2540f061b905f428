import { definedFlags, Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Segment, State } from './state.ts';
import { Page, segment, Sel, start, TestMachine } from './test-machine.ts';

const x = Sel.free;
const y = Sel.free + 8;
const { cf, tf, nt, rf, vm, ac, vif, vip, id } = Eflags;
const ifFlag = Eflags.if;
const iopl3 = Eflags.iopl;

describe('IRET to the same level (SDM 2A IRET)', () => {
  it.each([
    ['nonconforming at CPL', 0, x, 0x9b, 0x100, 'none'],
    ['nonconforming, DPL not RPL', 0, x, 0xbb, 0x100, '#GP(0x90)'],
    ['RPL below CPL', 3, x | 2, 0xdb, 0x100, '#GP(0x90)'],
    ['conforming, DPL below RPL', 3, x | 3, 0x9f, 0x100, 'none'],
    ['conforming, DPL above RPL', 0, x, 0xbf, 0x100, '#GP(0x90)'],
    ['conforming, DPL at RPL', 3, x | 3, 0xff, 0x100, 'none'],
    ['not present', 0, x, 0x1b, 0x100, '#NP(0x90)'],
    ['data', 0, x, 0x93, 0x100, '#GP(0x90)'],
    ['null', 0, 0, 0x9b, 0x100, '#GP(0x0)'],
    ['past the table', 0, 0x100, 0x9b, 0x100, '#GP(0x100)'],
    ['EIP past the limit', 0, x, 0x9b, 0x1_0000, '#GP(0x0)'],
  ])('%s', (_name, cpl, selector, access, eip, fault) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.gdt(x, segment(access, 0, 0xffff, 4));
    machine.stack(4, eip, selector, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.eip).toBe(eip);
    expect(machine.cs).toBe(selector);
    expect(machine.esp).toBe(start.esp + 12);
  });

  it('pops words with operand size 16', () => {
    const machine = new TestMachine();
    machine.stack(2, 0x8765, Sel.code0, cf | 2);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.eip).toBe(0x8765);
    expect(machine.esp).toBe(start.esp + 6);
    expect(machine.flags).toBe(cf | 2);
  });

  it('is no way out for an unprivileged program that fakes a frame', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.stack(4, 0, 0, 0x202);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0)');
  });

  it('reads the stack with the current privilege and faults without effect', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.memory.pages[0x80] = Page.supervisor;
    expect(machine.run((unit) => unit.iret(4))).toBe('#PF(0x5)');
  });

  it('faults with #SS(0) outside the stack segment', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x93, 0, 0x8_000a, 4));
    machine.put(Segment.ss, x);
    machine.stack(4, 0x100, Sel.code0, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe('#SS(0x0)');
  });
});

describe('flags that IRET loads in protected mode (SDM 2A IRET)', () => {
  const basic = definedFlags & 0xcdd5; // all of the low half but IF and IOPL
  const high = rf | ac | id;
  // CPL, IOPL, operand size, flags that a frame of all ones sets in zeroed flags, and of zeros
  // clears
  it.each([
    [0, 0, 4, basic | high | ifFlag | iopl3 | vif | vip],
    [0, 3, 4, basic | high | ifFlag | iopl3 | vif | vip],
    [0, 0, 2, basic | ifFlag | iopl3],
    [1, 0, 4, basic | high],
    [1, 1, 4, basic | high | ifFlag],
    [2, 3, 4, basic | high | ifFlag],
    [3, 3, 4, basic | high | ifFlag],
    [3, 2, 4, basic | high],
    [3, 3, 2, basic | ifFlag],
    [3, 0, 2, basic],
  ] as const)('at CPL %i, IOPL %i, size %i', (cpl, iopl, size, mask) => {
    for (const ones of [true, false]) {
      const machine = new TestMachine();
      machine.enter(cpl);
      const before = ((ones ? 0 : definedFlags & ~(vm | nt | iopl3)) | (iopl << 12) | 2) >>> 0;
      machine.flags = before;
      const frame = ones ? -1 & ~vm : 0;
      machine.stack(size, 0x100, machine.cs, frame);
      expect(machine.run((unit) => unit.iret(size))).toBe('none');
      expect(machine.flags).toBe(((before & ~mask) | (frame & mask) | 2) >>> 0);
    }
  });

  it('ignores VM above CPL 0', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.stack(4, 0x100, Sel.code3 | 3, vm | 2);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.flags & vm).toBe(0);
    expect(machine.cs).toBe(Sel.code3 | 3);
  });

  it('ignores VM in a 16-bit frame', () => {
    const machine = new TestMachine();
    machine.stack(2, 0x100, Sel.code0, 2, 2);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.flags & vm).toBe(0);
  });
});

describe('IRET to an outer level (SDM 2A IRET)', () => {
  it('loads SS:ESP, flags at the old CPL, and CPL', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x100, Sel.code3 | 3, ifFlag | iopl3 | 2, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.cpl).toBe(3);
    expect(machine.ss).toBe(Sel.data3 | 3);
    expect(machine.esp).toBe(0x7_0000);
    expect(machine.flags).toBe(ifFlag | iopl3 | 2);
    expect(machine.selector(Segment.ds)).toBe(0);
    expect(machine.events).toEqual(['cpl 3']);
  });

  it('pops words with operand size 16', () => {
    const machine = new TestMachine();
    machine.esp = 0x1234_0100;
    machine.stack(2, 0x100, Sel.code3 | 3, 2, 0x7000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.esp).toBe(0x7000);
  });

  it('loads only SP for a 16-bit stack', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x100, Sel.code3 | 3, 2, 0x1234_5678, Sel.data16user | 3);
    machine.segmentation.iret(4);
    expect(machine.esp).toBe((start.esp & 0xffff_0000) | 0x5678);
  });

  it.each([
    ['null', 3, 0xf3, '#GP(0x0)'],
    ['past the table', 0x103, 0xf3, '#GP(0x100)'],
    ['RPL not that of CS', y | 2, 0xf3, '#GP(0x98)'],
    ['DPL not RPL of CS', y | 3, 0xd3, '#GP(0x98)'],
    ['read-only', y | 3, 0xf1, '#GP(0x98)'],
    ['not present', y | 3, 0x73, '#SS(0x98)'],
    ['fine', y | 3, 0xf3, 'none'],
  ])('checks the outer stack: %s', (_name, selector, access, fault) => {
    const machine = new TestMachine();
    machine.gdt(y, segment(access, 0, 0xf_ffff, 0xc));
    machine.stack(4, 0x100, Sel.code3 | 3, 2, 0x7_0000, selector);
    expect(machine.run((unit) => unit.iret(4))).toBe(fault);
  });

  it('checks EIP against the outer code segment', () => {
    const machine = new TestMachine();
    machine.stack(4, 0x1_0000, Sel.code16user | 3, 2, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0)');
  });

  it('faults with #SS(0) when SS:ESP is outside the stack', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x93, 0, 0x8_0012, 4));
    machine.put(Segment.ss, x);
    machine.stack(4, 0x100, Sel.code3 | 3, 2, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.iret(4))).toBe('#SS(0x0)');
  });

  it('changes nothing at a fault of any memory access', () => {
    for (let access = 0; access < 20; access++) {
      const machine = new TestMachine();
      machine.stack(4, 0x100, Sel.code3 | 3, ifFlag | 2, 0x7_0000, Sel.data3 | 3);
      machine.memory.failAfter = access;
      const fault = machine.run((unit) => unit.iret(4));
      expect(fault).toBe(access < 9 ? '#PF(0x0)' : 'none');
    }
  });

  it('raises #GP(0) in the outer level when VIF and VIP meet under PVI', () => {
    const machine = new TestMachine();
    machine.words[State.cr4] = 2;
    machine.stack(4, 0x100, Sel.code3 | 3, vif | vip | 2, 0x7_0000, Sel.data3 | 3);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0) and changed state');
    expect(machine.cpl).toBe(3);
    expect(machine.eip).toBe(0x100);
  });
});

describe('IRET to virtual-8086 mode (SDM 2A IRET, 3A 20.2.5)', () => {
  function toVirtual8086(eip = 0x100, flags: number = vm | ifFlag | 2): TestMachine {
    const machine = new TestMachine();
    machine.stack(
      4,
      ...[eip, 0x1000, flags],
      ...[0xabcd_8000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000],
    );
    return machine;
  }

  it('loads all segments, the whole ESP, and level 3', () => {
    const machine = toVirtual8086();
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.cpl).toBe(3);
    expect(machine.eip).toBe(0x100);
    expect(machine.esp).toBe(0xabcd_8000);
    const selectors = [1, 2, 0, 3, 4, 5].map((n) => machine.segmentation.readSegment(n));
    expect(selectors.map((state) => state.selector)).toEqual([
      0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000,
    ]);
    for (const state of selectors) {
      expect(state).toMatchObject({ base: state.selector * 16, limit: 0xffff, attributes: 0xf3 });
    }
    expect(machine.flags).toBe(vm | ifFlag | 2);
    expect(machine.word(State.codeMode)).toBe(1);
    expect(machine.events).toEqual(['cpl 3']);
  });

  it('loads every flag of the image', () => {
    const machine = toVirtual8086(0x100, -1);
    machine.words[State.cr4] = 0;
    machine.segmentation.iret(4);
    expect(machine.flags).toBe(definedFlags | 2);
  });

  it('ignores the high half of EIP', () => {
    const machine = toVirtual8086(0x7_1234);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.eip).toBe(0x1234);
  });

  it('needs 36 bytes of stack', () => {
    const machine = toVirtual8086();
    machine.gdt(x, segment(0x93, 0, 0x8_0022, 4));
    machine.put(Segment.ss, x);
    expect(machine.run((unit) => unit.iret(4))).toBe('#SS(0x0)');
    machine.gdt(x, segment(0x93, 0, 0x8_0023, 4));
    machine.put(Segment.ss, x);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
  });

  it('changes nothing at a fault of any of its reads', () => {
    for (let access = 0; access < 12; access++) {
      const machine = toVirtual8086();
      machine.memory.failAfter = access;
      expect(machine.run((unit) => unit.iret(4))).toBe(access < 9 ? '#PF(0x0)' : 'none');
    }
  });

  it('raises #GP(0) in the new mode when VIF and VIP meet under VME', () => {
    const machine = toVirtual8086(0x100, vm | vif | vip | 2);
    machine.words[State.cr4] = 1;
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0) and changed state');
    expect(machine.flags & vm).toBe(vm);
    const plain = toVirtual8086(0x100, vm | vif | vip | 2);
    expect(plain.run((unit) => unit.iret(4))).toBe('none');
  });
});

describe('IRET from virtual-8086 mode (SDM 2A IRET, 3A 20.3.2)', () => {
  it.each([2, 4] as const)('needs IOPL 3 (size %i)', (size) => {
    for (const iopl of [0, 1, 2]) {
      const machine = new TestMachine();
      machine.enterVirtual8086(iopl);
      machine.stack(size, 0x10, 0x3000, 2);
      expect(machine.run((unit) => unit.iret(size))).toBe('#GP(0x0)');
    }
  });

  it('returns within virtual-8086 mode at IOPL 3', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086(3);
    machine.stack(2, 0x10, 0x3000, 0xffff & ~iopl3);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.segmentation.readSegment(1)).toMatchObject({
      selector: 0x3000,
      attributes: 0xf3,
    });
    expect(machine.flags).toBe(vm | (definedFlags & 0xffff) | 2);
    expect(machine.esp).toBe(0x8006);
  });

  it('keeps VM, IOPL, VIF and VIP with operand size 32', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086(3);
    machine.stack(4, 0x10, 0x3000, vif | vip | ac | id | rf);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.flags).toBe(vm | iopl3 | ac | id | rf | 2);
  });

  it('checks EIP against 64 KiB', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086(3);
    machine.stack(4, 0x1_0000, 0x3000, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0)');
  });

  // VME at IOPL 0: popped flags, VIP before, fault, VIF after
  it.each([
    [ifFlag | 2, 0, 'none', vif],
    [2, 0, 'none', 0],
    [2, vip, 'none', 0],
    [ifFlag | 2, vip, '#GP(0x0)', 0],
    [tf | 2, 0, '#GP(0x0)', 0],
  ])('moves IF to VIF under VME: popped %i, VIP %i', (popped, pending, fault, after) => {
    const machine = new TestMachine();
    machine.words[State.cr4] = 1;
    machine.enterVirtual8086(0);
    machine.flags = machine.flags | pending | ifFlag;
    machine.stack(2, 0x10, 0x3000, popped | cf | iopl3);
    expect(machine.run((unit) => unit.iret(2))).toBe(fault);
    if (fault !== 'none') return;
    expect(machine.flags).toBe(vm | ifFlag | pending | after | cf | 2);
  });

  it('faults for operand size 32 under VME below IOPL 3', () => {
    const machine = new TestMachine();
    machine.words[State.cr4] = 1;
    machine.enterVirtual8086(0);
    machine.stack(4, 0x10, 0x3000, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0)');
  });
});

describe('IRET in real mode (SDM 2A IRET)', () => {
  it('loads CS:IP and all 16 flags', () => {
    const machine = new TestMachine();
    machine.enterReal();
    machine.stack(2, 0x10, 0x3000, 0xffff);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.eip).toBe(0x10);
    expect(machine.segmentation.readSegment(1)).toMatchObject({ base: 0x3_0000 });
    expect(machine.flags).toBe((definedFlags & 0xffff) | 2);
  });

  it('keeps VM, VIF and VIP with operand size 32', () => {
    const machine = new TestMachine();
    machine.enterReal();
    machine.stack(4, 0x10, 0x3000, -1);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.flags).toBe((definedFlags & ~(vm | vif | vip)) | 2);
  });

  it('checks the limits', () => {
    const machine = new TestMachine();
    machine.enterReal();
    machine.stack(4, 0x1_0000, 0x3000, 2);
    expect(machine.run((unit) => unit.iret(4))).toBe('#GP(0x0)');
    machine.esp = 0xffff;
    expect(machine.run((unit) => unit.iret(2))).toBe('#SS(0x0)');
  });

  it('does not return to a task for NT', () => {
    const machine = new TestMachine();
    machine.enterReal();
    machine.flags = nt | 2;
    machine.stack(2, 0x10, 0x3000, 2);
    expect(machine.run((unit) => unit.iret(2))).toBe('none');
    expect(machine.eip).toBe(0x10);
  });
});
