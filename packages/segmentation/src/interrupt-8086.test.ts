import { Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { InterruptKind, noErrorCode } from './interfaces.ts';
import { Segment, State } from './state.ts';
import { gate, Page, segment, Sel, TestMachine, tssBase } from './test-machine.ts';

const { external, fault, software, softwareTrap, privilegedTrap } = InterruptKind;
const z = Sel.free + 16;
const vector = 0x21;
/** Error code of IDT entry 0x21. */
const code = (vector << 3) | 2;
const { tf, rf, vm, ac } = Eflags;
const ifFlag = Eflags.if;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

describe('delivery from virtual-8086 mode (SDM 3A 20.3.1)', () => {
  function v86(access = 0x8e, selector: number = Sel.code0, iopl = 3): TestMachine {
    const machine = new TestMachine();
    machine.enterVirtual8086(iopl);
    machine.flags = machine.flags | ifFlag;
    machine.idt(vector, gate(access, selector, 0x5000));
    return machine;
  }

  it('pushes the data segments below SS:ESP and makes them null', () => {
    const machine = v86();
    const flags = machine.flags;
    expect(machine.run((unit) => unit.interrupt(vector, fault, 5))).toBe('none');
    expect(machine.frame(4, 10)).toEqual([
      ...[5, 0x100, 0x1100, flags | rf],
      ...[0x8000, 0x1200],
      ...[0x1000, 0x1300, 0x1400, 0x1500],
    ]);
    expect(machine.esp).toBe(0x1f000 - 40);
    expect(machine.cpl).toBe(0);
    expect(machine.flags & (vm | ifFlag)).toBe(0);
    for (const at of [Segment.es, Segment.ds, Segment.fs, Segment.gs]) {
      expect(machine.selector(at)).toBe(0);
      expect(machine.word(at + Word.attributes)).toBe(0);
    }
  });

  it('pushes words through a 16-bit gate', () => {
    const machine = v86(0x86);
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.esp).toBe(0x1f000 - 18);
    expect(machine.frame(2, 9).slice(3)).toEqual([0x8000, 0x1200, 0x1000, 0x1300, 0x1400, 0x1500]);
  });

  it.each([
    ['level 1', Sel.code1, '#GP(0x51)'],
    ['level 3', Sel.code3, '#GP(0x19)'],
    ['conforming code', Sel.conforming0, '#GP(0x49)'],
  ])('refuses a handler of %s', (_name, selector, expected) => {
    const machine = v86(0x8e, selector);
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe(expected);
  });

  it('needs 36 bytes, 40 with an error code', () => {
    for (const [room, error, expected] of [
      [36, noErrorCode, 'none'],
      [35, noErrorCode, '#SS(0xa1)'],
      [40, 0, 'none'],
      [39, 0, '#SS(0xa1)'],
    ] as const) {
      const machine = v86();
      machine.memory.poke(tssBase + 8, z, 4);
      machine.gdt(z, segment(0x97, 0, 0x1_f000 - room - 1, 4));
      expect(machine.run((unit) => unit.interrupt(vector, fault, error))).toBe(expected);
    }
  });

  it('is undone by IRET', () => {
    const machine = v86();
    const before = machine.words.slice();
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.run((unit) => unit.iret(4))).toBe('none');
    expect(machine.words.slice(0, 0x500)).toEqual(before.slice(0, 0x500));
  });
});

describe('delivery in real mode (SDM 3A 20.1.4)', () => {
  function real(): TestMachine {
    const machine = new TestMachine();
    machine.enterReal();
    machine.flags = ifFlag | tf | ac | Eflags.cf | 2;
    machine.memory.poke(vector * 4, 0x3000_0040, 4);
    return machine;
  }

  it.each([
    [external, 0x100],
    [software, 0x102],
    [fault, 0x100],
  ])('kind %i pushes FLAGS, CS and IP %i', (kind, ip) => {
    const machine = real();
    expect(machine.run((unit) => unit.interrupt(vector, kind, noErrorCode))).toBe('none');
    expect(machine.frame(2, 3)).toEqual([ip, 0x1000, ifFlag | tf | Eflags.cf | 2]);
    expect(machine.segmentation.readSegment(1)).toMatchObject({
      selector: 0x3000,
      base: 0x3_0000,
    });
    expect(machine.eip).toBe(0x40);
    expect(machine.flags).toBe(Eflags.cf | 2);
  });

  it('pushes no error code', () => {
    const machine = real();
    machine.segmentation.interrupt(vector, fault, 0x18);
    expect(machine.esp).toBe(0x8000 - 6);
  });

  it('uses IDTR', () => {
    const machine = real();
    machine.words[State.idtrBase] = 0x700;
    machine.memory.poke(0x700 + vector * 4, 0x4000_0050, 4);
    machine.segmentation.interrupt(vector, external, noErrorCode);
    expect(machine.cs).toBe(0x4000);
    machine.words[State.idtrLimit] = vector * 4 + 2;
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe(
      `#GP(${hex(code | 1)})`,
    );
  });

  it('faults with #SS when SP is 1, 3 or 5, and wraps when it is even', () => {
    for (const sp of [1, 3, 5]) {
      const machine = real();
      machine.esp = sp;
      expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toMatch(/^#SS/);
    }
    const machine = real();
    machine.esp = 2;
    expect(machine.run((unit) => unit.interrupt(vector, external, -1))).toBe('none');
    expect(machine.esp).toBe(0xfffc);
  });
});

describe('INT n in virtual-8086 mode (SDM 3A table 20-2)', () => {
  /**
   * The TSS of the test machine has its I/O map at 0x88, the redirection bitmap 32 bytes before.
   */
  function intN(iopl: number, vme: boolean, redirect: boolean): TestMachine {
    const machine = new TestMachine();
    machine.words[State.cr4] = vme ? 1 : 0;
    machine.enterVirtual8086(iopl);
    machine.idt(vector, gate(0xee, Sel.code0, 0x5000));
    machine.memory.poke(vector * 4, 0x3000_0040, 4);
    const bits = redirect ? 0xff & ~(1 << (vector & 7)) : 0xff;
    machine.memory.poke(tssBase + 0x68 + (vector >> 3), bits, 1);
    return machine;
  }
  const run = (machine: TestMachine): string =>
    machine.run((unit) => unit.interrupt(vector, software, noErrorCode));

  it.each([
    ['method 1', 3, false, false, 'none', 'protected'],
    ['method 2', 2, false, true, '#GP(0x0)', ''],
    ['method 3', 0, true, false, '#GP(0x0)', ''],
    ['method 4', 3, true, false, 'none', 'protected'],
    ['method 5', 3, true, true, 'none', '8086'],
    ['method 6', 0, true, true, 'none', '8086'],
  ])('%s: IOPL %i, VME %s, redirected %s', (_name, iopl, vme, redirect, fault_, handler) => {
    const machine = intN(iopl, vme, redirect);
    expect(run(machine)).toBe(fault_);
    if (fault_ !== 'none') return;
    expect(machine.cs).toBe(handler === '8086' ? 0x3000 : Sel.code0);
    expect(machine.eip).toBe(handler === '8086' ? 0x40 : 0x5000);
    expect(machine.cpl).toBe(handler === '8086' ? 3 : 0);
  });

  it('pushes the flags as they are and clears IF and TF by method 5', () => {
    const machine = intN(3, true, true);
    machine.flags = machine.flags | ifFlag | tf | Eflags.vif;
    run(machine);
    expect(machine.frame(2, 3)).toEqual([0x102, 0x1100, ifFlag | tf | Eflags.iopl | 2]);
    expect(machine.flags).toBe(vm | Eflags.iopl | Eflags.vif | 2);
    expect(machine.segmentation.readSegment(1).attributes).toBe(0xf3);
  });

  it.each([0, Eflags.vif])('pushes IOPL 3 and VIF as IF by method 6 (VIF %i)', (virtualIf) => {
    const machine = intN(0, true, true);
    machine.flags = machine.flags | (virtualIf === 0 ? ifFlag : virtualIf) | tf;
    const ifBefore = machine.flags & ifFlag;
    run(machine);
    const pushedIf = virtualIf === 0 ? 0 : ifFlag;
    expect(machine.frame(2, 3)[2]).toBe(pushedIf | tf | Eflags.iopl | 2);
    expect(machine.flags).toBe(vm | ifBefore | 2);
  });

  it('faults when the TSS cannot hold a bitmap', () => {
    const short = intN(0, true, true);
    short.words[Segment.tr + Word.limit] = 102;
    expect(run(short)).toBe('#GP(0x0)');
    const low = intN(0, true, true);
    low.memory.poke(tssBase + 102, 27, 2);
    expect(run(low)).toBe('#GP(0x0)');
    const past = intN(0, true, true);
    past.words[Segment.tr + Word.limit] = 0x68 + (vector >> 3) - 1;
    expect(run(past)).toBe('#GP(0x0)');
    const old = intN(0, true, true);
    old.system(Segment.tr, Sel.otherTss16, 0x83, tssBase, 0x1fff);
    expect(run(old)).toBe('#GP(0x0)');
  });

  it('passes on page faults of the bitmap, the table and the stack', () => {
    for (const address of [tssBase, 0, 0x1_9000]) {
      const machine = intN(0, true, true);
      machine.memory.pages[address >> 12] = Page.absent;
      expect(run(machine)).toMatch(/^#PF\(0x[06]\)$/);
    }
  });

  it.each([
    ['INT3 and INTO', softwareTrap],
    ['INT1', privilegedTrap],
    ['exceptions', fault],
  ])('does not redirect %s nor check IOPL', (_name, kind) => {
    const machine = intN(0, true, true);
    expect(machine.run((unit) => unit.interrupt(vector, kind, noErrorCode))).toBe('none');
    expect(machine.cs).toBe(Sel.code0);
  });

  it('checks the gate DPL of INT3 in virtual-8086 mode', () => {
    const machine = intN(3, false, false);
    machine.idt(vector, gate(0x8e, Sel.code0, 0x5000));
    expect(machine.run((unit) => unit.interrupt(vector, softwareTrap, -1))).toBe(
      `#GP(${hex(code)})`,
    );
  });
});
