import { Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { InterruptKind, noErrorCode } from './interfaces.ts';
import { Segment, State } from './state.ts';
import {
  gate,
  gdtBase,
  idtBase,
  Page,
  segment,
  Sel,
  start,
  TestMachine,
  tssBase,
} from './test-machine.ts';

const { external, fault, trap, software, softwareTrap, privilegedTrap } = InterruptKind;
const x = Sel.free;
const z = Sel.free + 16;
const vector = 0x21;
/** Error code of IDT entry 0x21. */
const code = (vector << 3) | 2;
const { tf, nt, rf, ac } = Eflags;
const ifFlag = Eflags.if;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

describe('gates of the IDT (SDM 2A INT n)', () => {
  // Gate access byte; what an external interrupt gives at CPL 0
  it.each([
    [0x8e, 'none'],
    [0x8f, 'none'],
    [0x86, 'none'],
    [0x87, 'none'],
    [0xee, 'none'],
    [0x0e, `#NP(${hex(code | 1)})`],
    [0x05, `#NP(${hex(code | 1)})`],
    ...[0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d].map(
      (access) => [access, `#GP(${hex(code | 1)})`] as const,
    ),
    ...[0x92, 0x93, 0x95, 0x96, 0x97, 0x9a, 0x9b, 0x9e, 0x9f].map(
      (access) => [access, `#GP(${hex(code | 1)})`] as const,
    ),
  ] as const)('access byte %i gives %s', (access, expected) => {
    const machine = new TestMachine();
    machine.idt(vector, gate(access, Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, external, noErrorCode))).toBe(expected);
  });

  it.each([
    [vector * 8 + 6, `#GP(${hex(code | 1)})`],
    [vector * 8 + 7, 'none'],
  ])('an IDT limit of %i gives %s', (limit, expected) => {
    const machine = new TestMachine();
    machine.idt(vector, gate(0x8e, Sel.code0, 0x5000));
    machine.words[State.idtrLimit] = limit;
    expect(machine.run((unit) => unit.interrupt(vector, external, noErrorCode))).toBe(expected);
  });

  // CPL, gate DPL, kind, fault: only INT n, INT3 and INTO look at the gate's DPL
  it.each([
    [3, 0, software, `#GP(${hex(code)})`],
    [3, 0, softwareTrap, `#GP(${hex(code)})`],
    [3, 2, software, `#GP(${hex(code)})`],
    [3, 3, software, 'none'],
    [3, 3, softwareTrap, 'none'],
    [0, 0, software, 'none'],
    [1, 0, software, `#GP(${hex(code)})`],
    [3, 0, privilegedTrap, 'none'],
    [3, 0, external, 'none'],
    [3, 0, fault, 'none'],
    [3, 0, trap, 'none'],
  ])('at CPL %i with gate DPL %i, kind %i gives %s', (cpl, dpl, kind, expected) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.idt(vector, gate(0x8e | (dpl << 5), Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, kind, noErrorCode))).toBe(expected);
  });

  it('checks the DPL before the present bit', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.idt(vector, gate(0x0e, Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, software, -1))).toBe(`#GP(${hex(code)})`);
  });

  // EXT of the error code by kind (SDM 3A 6.13)
  it.each([
    [external, 1],
    [fault, 1],
    [trap, 1],
    [privilegedTrap, 1],
    [software, 0],
    [softwareTrap, 0],
  ])('kind %i has EXT %i', (kind, ext) => {
    const machine = new TestMachine();
    const run = (): string => machine.run((unit) => unit.interrupt(vector, kind, noErrorCode));
    machine.idt(vector, gate(0x8e, 0, 0x5000));
    expect(run()).toBe(`#GP(${hex(ext)})`);
    machine.idt(vector, gate(0x8e, 0x100, 0x5000));
    expect(run()).toBe(`#GP(${hex(0x100 | ext)})`);
    machine.idt(vector, gate(0x8e, Sel.code16, 0x1_0000));
    expect(run()).toBe(`#GP(${hex(ext)})`);
    // It does not stick to what comes after.
    expect(machine.run((unit) => unit.farJump(0x100, 0, 4))).toBe('#GP(0x100)');
  });
});

describe('the code segment of a gate (SDM 2A INT n)', () => {
  it.each([
    ['null', 0, 3, 0x9b, '#GP(0x1)'],
    ['past the table', 0, 0x100, 0x9b, '#GP(0x101)'],
    ['data', 0, x, 0x93, '#GP(0x91)'],
    ['a system segment', 0, x, 0x89, '#GP(0x91)'],
    ['code of an outer level', 0, x, 0xfb, '#GP(0x91)'],
    ['conforming code of an outer level', 0, x, 0xff, '#GP(0x91)'],
    ['not present', 0, x, 0x1b, '#NP(0x91)'],
    ['nonconforming at CPL', 0, x, 0x9b, 'none'],
    ['nonconforming at CPL with another RPL', 0, x | 3, 0x9b, 'none'],
    ['conforming of an inner level', 3, x, 0x9f, 'none'],
  ])('%s', (_name, cpl, selector, access, expected) => {
    const machine = new TestMachine();
    machine.enter(cpl);
    machine.gdt(x, segment(access, 0, 0xf_ffff, 0xc));
    machine.idt(vector, gate(0x8e, selector, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, external, noErrorCode))).toBe(expected);
    if (expected !== 'none') return;
    expect(machine.cs).toBe(x | cpl);
    expect(machine.cpl).toBe(cpl);
  });
});

describe('delivery at the same level (SDM 2A INT n)', () => {
  function deliver(access: number, kind: InterruptKind, error: number, flags = 0): TestMachine {
    const machine = new TestMachine();
    machine.flags = ifFlag | flags | 2;
    machine.idt(vector, gate(access, Sel.code0, 0x1234_5678));
    expect(machine.run((unit) => unit.interrupt(vector, kind, error))).toBe('none');
    return machine;
  }

  it('pushes EFLAGS, CS, EIP through a 32-bit interrupt gate and clears IF', () => {
    const machine = deliver(0x8e, external, noErrorCode, tf | nt | rf | ac);
    expect(machine.frame(4, 3)).toEqual([start.eip, Sel.code0, ifFlag | tf | nt | rf | ac | 2]);
    expect(machine.flags).toBe(ac | 2);
    expect(machine.eip).toBe(0x1234_5678);
    expect(machine.esp).toBe(start.esp - 12);
    expect(machine.events).toEqual([]);
  });

  it('leaves IF alone through a trap gate', () => {
    expect(deliver(0x8f, external, noErrorCode, tf | nt).flags).toBe(ifFlag | 2);
  });

  it('pushes the error code last', () => {
    const machine = deliver(0x8e, fault, 0xbeef);
    expect(machine.frame(4, 4)).toEqual([0xbeef, start.eip, Sel.code0, ifFlag | rf | 2]);
  });

  it('pushes words through 16-bit gates', () => {
    const machine = deliver(0x86, fault, 0x18);
    expect(machine.frame(2, 4)).toEqual([0x18, start.eip, Sel.code0, ifFlag | 2]);
    expect(machine.eip).toBe(0x5678);
    expect(machine.flags).toBe(2);
    expect(deliver(0x87, external, noErrorCode).flags).toBe(ifFlag | 2);
  });

  it.each([
    [external, start.eip, 0],
    [fault, start.eip, rf],
    [trap, start.eip, 0],
    [software, start.nextEip, 0],
    [softwareTrap, start.nextEip, 0],
    [privilegedTrap, start.nextEip, 0],
  ])('kind %i returns to %i with RF %i', (kind, eip, saved) => {
    const machine = deliver(0x8e, kind, noErrorCode);
    expect(machine.frame(4, 3)).toEqual([eip, Sel.code0, ifFlag | saved | 2]);
  });

  it('saves RF as it is for #DB of an instruction breakpoint', () => {
    const machine = new TestMachine();
    machine.idt(1, gate(0x8e, Sel.code0, 0x5000));
    machine.flags = ifFlag;
    expect(machine.run((unit) => unit.interrupt(1, fault, noErrorCode))).toBe('none');
    expect(machine.frame(4, 3)[2]).toBe(ifFlag | 2);
  });

  // Room in an expand-down stack: bytes, with an error code, fault
  it.each([
    [0x8e, 12, noErrorCode, 'none'],
    [0x8e, 11, noErrorCode, '#SS(0x1)'],
    [0x8e, 16, 0, 'none'],
    [0x8e, 15, 0, '#SS(0x1)'],
    [0x86, 6, noErrorCode, 'none'],
    [0x86, 5, noErrorCode, '#SS(0x1)'],
    [0x86, 8, 0, 'none'],
    [0x86, 7, 0, '#SS(0x1)'],
  ])('gate %i with %i bytes of stack, error code %i: %s', (access, room, error, expected) => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x97, 0, start.esp - room - 1, 4));
    machine.put(Segment.ss, x);
    machine.idt(vector, gate(access, Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, fault, error))).toBe(expected);
  });

  it('checks EIP against the handler segment', () => {
    const machine = new TestMachine();
    machine.idt(vector, gate(0x8e, Sel.code16, 0x1_0000));
    expect(machine.run((unit) => unit.interrupt(vector, fault, 0))).toBe('#GP(0x1)');
  });

  it('pushes with the privilege of CPL', () => {
    const machine = new TestMachine();
    machine.enter(3);
    machine.idt(vector, gate(0x8e, Sel.code3, 0x5000));
    machine.memory.pages[0x7f] = Page.supervisor;
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe('#PF(0x7)');
  });
});

describe('delivery to an inner level (SDM 2A INT n)', () => {
  function user(access = 0x8e, selector: number = Sel.code0): TestMachine {
    const machine = new TestMachine();
    machine.enter(3);
    machine.flags = ifFlag | tf | 2;
    machine.idt(vector, gate(access, selector, 0x5000));
    return machine;
  }

  it.each([0, 1, 2])('switches to the stack of level %i', (level) => {
    const machine = user(0x8e, [Sel.code0, Sel.code1, Sel.code2][level] ?? 0);
    expect(machine.run((unit) => unit.interrupt(vector, fault, 7))).toBe('none');
    expect(machine.cpl).toBe(level);
    expect(machine.cs & 3).toBe(level);
    expect(machine.esp).toBe(([0x1f000, 0x2f000, 0x3f000][level] ?? 0) - 24);
    expect(machine.frame(4, 6)).toEqual([
      ...[7, start.eip, Sel.code3 | 3],
      ...[ifFlag | tf | rf | 2, start.esp, Sel.data3 | 3],
    ]);
    expect(machine.flags).toBe(2);
    expect(machine.events).toEqual([`cpl ${level}`]);
  });

  it('does not touch the data segments', () => {
    const machine = user();
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.selector(Segment.ds)).toBe(Sel.data3 | 3);
  });

  it('pushes words through a 16-bit gate', () => {
    const machine = user(0x87);
    machine.segmentation.interrupt(vector, software, noErrorCode);
    expect(machine.cpl).toBe(3);
    const open = user(0xe7);
    open.segmentation.interrupt(vector, software, noErrorCode);
    expect(open.frame(2, 5)).toEqual([
      ...[start.nextEip, Sel.code3 | 3, ifFlag | tf | 2],
      ...[start.esp & 0xffff, Sel.data3 | 3],
    ]);
    expect(open.esp).toBe(0x1f000 - 10);
  });

  it('pushes into a 16-bit stack by SP', () => {
    const machine = user();
    machine.memory.poke(tssBase + 8, Sel.data16, 4);
    machine.memory.poke(tssBase + 4, 0x5555_0100, 4);
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.esp & 0xffff).toBe(0x100 - 20);
    expect(machine.memory.peek(0x2_0100 - 20, 4)).toBe(start.eip);
  });

  // New stack: selector, access byte of entry z, fault of an external interrupt
  it.each([
    ['null', 0, 0x93, '#TS(0x1)'],
    ['past the table', 0x100, 0x93, '#TS(0x101)'],
    ['RPL not the level', z | 3, 0x93, '#TS(0xa1)'],
    ['DPL not the level', z, 0xd3, '#TS(0xa1)'],
    ['read-only', z, 0x91, '#TS(0xa1)'],
    ['not present', z, 0x13, '#SS(0xa1)'],
    ['fine', z, 0x93, 'none'],
  ])('checks the new stack: %s', (_name, selector, access, expected) => {
    const machine = user();
    machine.memory.poke(tssBase + 8, selector, 4);
    machine.gdt(z, segment(access, 0, 0xf_ffff, 0xc));
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe(expected);
  });

  it.each([
    [0x8e, 20, noErrorCode, 'none'],
    [0x8e, 19, noErrorCode, '#SS(0xa1)'],
    [0x8e, 24, 0, 'none'],
    [0x8e, 23, 0, '#SS(0xa1)'],
    [0x86, 10, noErrorCode, 'none'],
    [0x86, 9, noErrorCode, '#SS(0xa1)'],
    [0x86, 12, 0, 'none'],
    [0x86, 11, 0, '#SS(0xa1)'],
  ])('gate %i with %i bytes of stack, error code %i: %s', (access, room, error, expected) => {
    const machine = user(access);
    machine.memory.poke(tssBase + 8, z, 4);
    machine.gdt(z, segment(0x97, 0, 0x1_f000 - room - 1, 4));
    expect(machine.run((unit) => unit.interrupt(vector, fault, error))).toBe(expected);
  });

  it('faults with #TS(TR) when the TSS is too short', () => {
    const machine = user();
    machine.words[Segment.tr + Word.limit] = 8;
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe('#TS(0x29)');
    machine.idt(vector, gate(0xee, Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, software, -1))).toBe('#TS(0x28)');
  });

  it('pushes with supervisor privilege, reads tables with supervisor privilege', () => {
    const machine = user();
    for (const address of [gdtBase, idtBase, tssBase, 0x1e000]) {
      machine.memory.pages[address >> 12] = Page.supervisor;
    }
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe('none');
  });

  it('is all or nothing at a page fault of any push', () => {
    for (let bytes = 0; bytes < 24; bytes += 4) {
      const machine = user();
      machine.memory.poke(tssBase + 4, 0x2_0000 + bytes, 4);
      machine.memory.pages[0x1f] = Page.absent;
      expect(machine.run((unit) => unit.interrupt(vector, fault, 0))).toBe('#PF(0x2)');
      const other = user();
      other.memory.poke(tssBase + 4, 0x2_0000 + bytes, 4);
      other.memory.pages[0x20] = bytes === 0 ? 0 : Page.readOnly;
      expect(other.run((unit) => unit.interrupt(vector, fault, 0))).toBe(
        bytes === 0 ? 'none' : '#PF(0x3)',
      );
    }
  });

  it.each([
    ['the lower page is absent', 8, [0x1f], 0x1_fffc],
    ['the lower page is absent, and a word is in both', 6, [0x1f], 0x1_fffe],
    ['both pages are', 8, [0x1f, 0x20], 0x2_0004],
    ['the upper page is', 8, [0x20], 0x2_0004],
  ])('faults at the first push that cannot be made: %s', (_what, bytes, absent, address) => {
    const machine = user();
    machine.memory.poke(tssBase + 4, 0x2_0000 + bytes, 4);
    for (const page of absent) machine.memory.pages[page] = Page.absent;
    expect(machine.run((unit) => unit.interrupt(vector, fault, 0))).toBe('#PF(0x2)');
    expect(machine.memory.cr2.toString(16)).toBe(address.toString(16));
  });

  it('changes nothing at a fault of any memory access before the pushes', () => {
    // IDT 2, CS 2, TSS 2, SS 2, probe 1.
    for (let access = 0; access < 9; access++) {
      const machine = user();
      machine.memory.failAfter = access;
      expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toMatch(
        /^#PF\(0x[02]\)$/,
      );
    }
  });

  it('updates alignment checks', () => {
    const machine = user();
    machine.words[State.cr0] = (machine.words[State.cr0] ?? 0) | (1 << 18);
    machine.flags = ac | 2;
    machine.segmentation.updateMode();
    const index = State.cpl + 10;
    expect(machine.words[index]).toBe(1);
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.words[index]).toBe(0);
    machine.segmentation.iret(4);
    expect(machine.words[index]).toBe(1);
  });

  it('is undone by IRET', () => {
    const machine = user();
    const before = machine.words.slice();
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.words.slice(0, 0x500)).toEqual(before.slice(0, 0x500));
  });
});
