import { CodeMode, Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { generalProtection } from './fault.ts';
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
  type Descriptor,
} from './test-machine.ts';
import { field, saved, twoTasks } from './test-tasks.ts';

const { external } = InterruptKind;
const { nt, vm, cf } = Eflags;

describe('what a task switch saves and loads (SDM 3A 7.3)', () => {
  it('saves the registers, flags, EIP and selectors of the old task', () => {
    const machine = twoTasks();
    for (let register = 0; register < 8; register++) {
      machine.words[State.gpr + register * 2] = 0x1111_1111 * (register + 1);
    }
    machine.flags = cf | 2;
    machine.put(Segment.fs, Sel.code0);
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(saved(machine, 'eip')).toBe(start.nextEip);
    expect(saved(machine, 'eflags')).toBe(cf | 2);
    for (let register = 0; register < 8; register++) {
      const value = machine.memory.peek(tssBase + 0x28 + register * 4, 4) >>> 0;
      expect(value).toBe((0x1111_1111 * (register + 1)) >>> 0);
    }
    expect(
      (['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const).map((name) => saved(machine, name)),
    ).toEqual([Sel.data0, Sel.code0, Sel.data0, Sel.data0, Sel.code0, 0]);
  });

  it('leaves the static fields and reserved halves of the old TSS alone', () => {
    const machine = twoTasks();
    machine.memory.poke(tssBase + field.es, 0xabcd_0000 | 0, 4);
    machine.memory.poke(tssBase + field.cr3, 0x77, 4);
    machine.memory.poke(tssBase + field.ldt, 0x66, 4);
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(saved(machine, 'es')).toBe(0xabcd_0000 + Sel.data0);
    expect(saved(machine, 'cr3')).toBe(0x77);
    expect(saved(machine, 'ldt')).toBe(0x66);
  });

  it('loads the new task', () => {
    const machine = twoTasks({ eflags: cf | 2, gs: Sel.data3, ldt: Sel.ldt, fs: 4 });
    machine.ldt(0, segment(0xf3, 0x1234, 0xff));
    for (let register = 0; register < 8; register++) {
      machine.memory.poke(otherTssBase + 0x28 + register * 4, register + 0x100, 4);
    }
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
    for (let register = 0; register < 8; register++) {
      expect(machine.words[State.gpr + register * 2]).toBe(register + 0x100);
    }
    expect(machine.eip).toBe(0x5000);
    expect(machine.flags).toBe(cf | 2);
    expect(machine.segmentation.readSegment(7)).toEqual({
      selector: Sel.otherTss,
      base: otherTssBase,
      limit: 0x67,
      attributes: 0xeb,
    });
    expect(machine.segmentation.readSegment(6)).toMatchObject({ selector: Sel.ldt, base: 0x3000 });
    expect(machine.word(Segment.fs + Word.base)).toBe(0x1234);
    expect(machine.selector(Segment.gs)).toBe(Sel.data3);
    expect(machine.word(State.cr0) & 8).toBe(8);
    expect(machine.word(State.codeMode)).toBe(
      CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat,
    );
    expect(machine.events).toEqual(['cr3 12345000', 'task']);
  });

  it('does not load CR3 with paging off', () => {
    const machine = twoTasks();
    machine.words[State.cr0] = 0x11;
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(machine.events).toEqual(['task']);
  });

  it('loads a 16-bit task', () => {
    const machine = twoTasks();
    machine.enter(3);
    machine.put(Segment.fs, Sel.data3);
    for (let register = 0; register < 8; register++) {
      machine.memory.poke(otherTss16Base + 0x12 + register * 2, 0x10 + register, 2);
    }
    for (const [offset, value] of [
      [0x0e, 0x8123],
      [0x10, cf | 2],
      [0x22, Sel.data0],
      [0x24, Sel.code0],
      [0x26, Sel.data0],
      [0x28, Sel.data0],
      [0x2a, Sel.ldt],
    ] as const) {
      machine.memory.poke(otherTss16Base + offset, value, 2);
    }
    expect(machine.run((unit) => unit.farCall(Sel.otherTss16 | 3, 0, 4))).toBe('none');
    expect(machine.word(State.gpr)).toBe(0xffff_0010 | 0);
    expect(machine.eip).toBe(0x8123);
    expect(machine.flags).toBe(nt | cf | 2);
    expect(machine.selector(Segment.fs)).toBe(0);
    expect(machine.selector(Segment.ldtr)).toBe(Sel.ldt);
    expect(machine.cpl).toBe(0);
    expect(machine.memory.peek(otherTss16Base, 2)).toBe(Sel.tss);
    expect(machine.events).toEqual(['cpl 0', 'task']);
  });

  it('saves into a 16-bit TSS', () => {
    const machine = twoTasks();
    machine.system(Segment.tr, Sel.otherTss16, 0x83, otherTss16Base, 0x2b);
    for (let register = 0; register < 8; register++) {
      machine.words[State.gpr + register * 2] = 0x5555_0000 + register;
    }
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    const words = Array.from({ length: 14 }, (_, index) =>
      machine.memory.peek(otherTss16Base + 0x0e + index * 2, 2),
    );
    expect(words).toEqual([
      ...[start.nextEip, 2],
      ...[0, 1, 2, 3, 4, 5, 6, 7],
      ...[Sel.data0, Sel.code0, Sel.data0, Sel.data0],
    ]);
    expect(machine.memory.peek(otherTss16Base + 0x2a, 2)).toBe(0);
  });

  it('clears the local breakpoint enables of DR7', () => {
    const machine = twoTasks();
    machine.words[State.dr7] = 0xffff_07ff;
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(machine.word(State.dr7) >>> 0).toBe(0xffff_06aa);
  });

  it('reports the T bit of a 32-bit TSS', () => {
    const machine = twoTasks({ trap: 1 });
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(machine.events).toContain('task trap');
  });

  it('changes to level 3 with a task of level 3', () => {
    const machine = twoTasks({ cs: Sel.code3 | 3, ss: Sel.data3 | 3, ds: 0, es: 0 });
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
    expect(machine.cpl).toBe(3);
    expect(machine.events).toEqual(['cr3 12345000', 'cpl 3', 'task']);
  });

  it('enters virtual-8086 mode for a task with VM', () => {
    const machine = twoTasks({
      ...{ eflags: vm | 2, cs: 0x4200, ss: 0, ds: 0x1234, es: 0x2345 },
      ...{ fs: 1, gs: 2, eip: 0x10 },
    });
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
    expect(machine.cpl).toBe(3);
    expect(machine.segmentation.readSegment(1)).toEqual({
      selector: 0x4200,
      base: 0x4_2000,
      limit: 0xffff,
      attributes: 0xf3,
    });
    expect(machine.segmentation.readSegment(2)).toMatchObject({ base: 0, attributes: 0xf3 });
    expect(machine.segmentation.readSegment(5)).toMatchObject({ base: 0x20, attributes: 0xf3 });
  });
});

describe('faults before the commit point (SDM 3A 7.3)', () => {
  it.each([
    [Sel.otherTss, 0xe9, otherTssBase, 0x66, '#TS(0x80)'],
    [Sel.otherTss16, 0xe1, otherTss16Base, 0x2a, '#TS(0x88)'],
  ])('a TSS %i that is too short', (selector, access, base, limit, expected) => {
    const machine = twoTasks();
    machine.gdt(selector, segment(access, base, limit));
    expect(machine.run((unit) => unit.farJump(selector, 0, 4))).toBe(expected);
  });

  it('an old TSS that is too short', () => {
    const machine = twoTasks();
    machine.words[Segment.tr + Word.limit] = 0x5e;
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('#TS(0x28)');
    machine.words[Segment.tr + Word.limit] = 0x5f;
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
  });

  it.each([
    ['old TSS', tssBase, '#PF(0x3)'],
    ['GDT', gdtBase, '#PF(0x3)'],
  ])('the %s read-only', (_name, address, expected) => {
    const machine = twoTasks();
    machine.memory.pages[address >> 12] = Page.readOnly;
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe(expected);
  });

  it('the new TSS read-only: only a nested switch writes to it', () => {
    const machine = twoTasks();
    machine.memory.pages[otherTssBase >> 12] = Page.readOnly;
    expect(machine.run((unit) => unit.farCall(Sel.otherTss, 0, 4))).toBe('#PF(0x3)');
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
  });

  it('any page fault until the old state is saved', () => {
    // Descriptor 2, new TSS 26, probes of the old TSS, the link, and the busy bit.
    for (let access = 0; access < 31; access++) {
      const machine = twoTasks();
      machine.memory.failAfter = access;
      expect(machine.run((unit) => unit.farCall(Sel.otherTss, 0, 4))).toMatch(/^#PF\(0x[02]\)$/);
    }
  });
});

describe('faults after the commit point (SDM 3A 7.3)', () => {
  const t = Sel.free;
  const at = (access: number): Descriptor => segment(access, 0, 0xf_ffff, 0xc);
  // Changed fields, access byte of entry t, fault. The new task is of level 0.
  it.each([
    ['LDT in the LDT', { ldt: t | 4 }, 0x82, '#TS(0x94)'],
    ['LDT past the table', { ldt: 0x100 }, 0x82, '#TS(0x100)'],
    ['LDT that is none', { ldt: t }, 0x93, '#TS(0x90)'],
    ['LDT not present', { ldt: t }, 0x02, '#TS(0x90)'],
    ['CS null', { cs: 0 }, 0, '#TS(0x0)'],
    ['CS past the table', { cs: 0x100 }, 0, '#TS(0x100)'],
    ['CS data', { cs: t }, 0x93, '#TS(0x90)'],
    ['CS nonconforming, DPL not RPL', { cs: t }, 0xfb, '#TS(0x90)'],
    ['CS conforming, DPL above RPL', { cs: t }, 0xff, '#TS(0x90)'],
    ['CS not present', { cs: t }, 0x1b, '#NP(0x90)'],
    ['SS null', { ss: 0 }, 0, '#TS(0x0)'],
    ['SS past the table', { ss: 0x100 }, 0, '#TS(0x100)'],
    ['SS read-only', { ss: t }, 0x91, '#TS(0x90)'],
    ['SS code', { ss: t }, 0x9b, '#TS(0x90)'],
    ['SS DPL not CPL', { ss: t }, 0xf3, '#TS(0x90)'],
    ['SS RPL not CPL', { ss: t | 3 }, 0x93, '#TS(0x90)'],
    ['SS not present', { ss: t }, 0x13, '#SS(0x90)'],
    ['DS past the table', { ds: 0x100 }, 0, '#TS(0x100)'],
    ['DS execute-only', { ds: t }, 0x99, '#TS(0x90)'],
    ['DS system', { ds: t }, 0x82, '#TS(0x90)'],
    ['ES RPL above DPL', { es: t | 3 }, 0x93, '#TS(0x90)'],
    ['FS not present', { fs: t }, 0x13, '#NP(0x90)'],
    ['GS not present', { gs: t }, 0x73, '#NP(0x90)'],
    ['EIP past the limit', { cs: Sel.code16, eip: 0x1_0000 }, 0, '#GP(0x0)'],
  ])('%s', (_name, changes, access, expected) => {
    for (const kind of ['jump', 'interrupt']) {
      const machine = twoTasks({ trap: 1, ...changes });
      machine.gdt(t, at(access));
      machine.idt(0x21, gate(0x85, Sel.otherTss, 0));
      const result = machine.run((unit) =>
        kind === 'jump'
          ? unit.farJump(Sel.otherTss, 0, 4)
          : unit.interrupt(0x21, external, noErrorCode),
      );
      const code = parseInt(expected.slice(4), 16) | (kind === 'jump' ? 0 : 1);
      expect(result).toBe(`${expected.slice(0, 4)}0x${code.toString(16)}) and changed state`);
      // In the new task: its registers and selectors, and the old one is saved.
      expect(machine.selector(Segment.tr)).toBe(Sel.otherTss);
      expect(machine.esp).toBe(0x7_0000);
      expect(machine.cs).toBe('cs' in changes ? changes.cs : Sel.code0);
      expect(saved(machine, 'eip')).toBe(kind === 'jump' ? start.nextEip : start.eip);
      expect(machine.events.at(-1)).toBe('task');
    }
  });

  it.each([
    ['conforming CS with DPL below RPL', { cs: t | 3, ss: Sel.data3 | 3, ds: 0, es: 0 }, 0x9f],
    ['conforming CS with DPL at RPL', { cs: t | 3, ss: Sel.data3 | 3, ds: 0, es: 0 }, 0xff],
    ['DS conforming code of an inner level', { ds: t | 3 }, 0x9f],
    ['DS data of an outer level', { ds: t | 3 }, 0xf3],
  ])('accepts %s', (_name, changes, access) => {
    const machine = twoTasks(changes);
    machine.gdt(t, at(access));
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe('none');
  });

  it('a level 3 task may not have data of level 0', () => {
    const machine = twoTasks({ cs: Sel.code3 | 3, ss: Sel.data3 | 3, es: 0 });
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe(
      '#TS(0x10) and changed state',
    );
  });

  it('registers that were not reached are unusable', () => {
    const machine = twoTasks({ ss: 0 });
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(machine.word(Segment.cs + Word.attributes)).toBe(0xc09b);
    for (const segmentAt of [Segment.ss, Segment.ds, Segment.es]) {
      expect(machine.word(segmentAt + Word.attributes)).toBe(0);
      expect(machine.word(segmentAt + Word.readLast)).toBe(0);
    }
    expect(machine.word(State.codeMode) & CodeMode.flat).toBe(0);
  });

  it.each([
    ['LDT', { ldt: 0x100 }, 0x100],
    ['CS', { cs: 0x100 }, 0x100],
    ['SS', { ss: 0x103 }, 0x100],
  ])('come to a stack of the TSS while the task has none: %s', (_name, changes, error) => {
    const machine = twoTasks(changes);
    machine.memory.poke(otherTssBase + 4, 0x6_8000, 4);
    machine.memory.poke(otherTssBase + 8, Sel.data0, 4);
    machine.idt(10, gate(0x8e, Sel.code0, 0x1234));
    machine.segmentation.farJump(Sel.otherTss, 0, 4);
    expect(machine.segmentation.interrupt(10, InterruptKind.fault, error)).toBe(0);
    expect([machine.cpl, machine.ss, machine.esp]).toEqual([0, Sel.data0, 0x6_8000 - 24]);
    const cs = 'cs' in changes ? changes.cs : Sel.code0;
    const ss = 'ss' in changes ? changes.ss : Sel.data0;
    const frame = [0, 4, 8, 12, 16, 20].map((at) => machine.memory.peek(machine.esp + at, 4));
    expect(frame).toEqual([error, 0x5000, cs, 0x1_0002, 0x7_0000, ss]);
  });

  it('a CR3 that cannot be loaded faults in the new task', () => {
    const machine = twoTasks();
    machine.cr3Fault = generalProtection(0);
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe(
      '#GP(0x0) and changed state',
    );
    expect(machine.selector(Segment.tr)).toBe(Sel.otherTss);
    expect(machine.cs).toBe(Sel.code0);
  });

  it('VIF with VIP in a virtual-8086 task under VME', () => {
    const machine = twoTasks({ eflags: vm | Eflags.vif | Eflags.vip | 2, cs: 0x100, ss: 0 });
    machine.words[State.cr4] = 1;
    expect(machine.run((unit) => unit.farJump(Sel.otherTss, 0, 4))).toBe(
      '#GP(0x0) and changed state',
    );
    expect(machine.cpl).toBe(3);
  });
});
