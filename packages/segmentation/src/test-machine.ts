/**
 * A CPU state, 1 MiB of identity-mapped guest memory with page permissions, and descriptor tables,
 * for the tests of this package.
 *
 *     00000  interrupt vector table, real-mode code     08000  TSS32 "other"
 *     02000  GDT (selectors in `Sel`)                   09000  TSS16 "other"
 *     03000  LDT                                        10000  segments with base 0x10000
 *     04000  current TSS32                              1f000  ring 0 stack, 2f000 ring 1 ...
 *     06000  IDT                                        80000  stack of the running code
 */
import { Eflags, readEflags, writeEflags } from '@ringfence/memory';
import { decodeNull, decodeSegment, setBounds, Word } from './descriptor.ts';
import { formatFault, pageFault, type Fault } from './fault.ts';
import type { LinearMemory, SegmentationHost } from './interfaces.ts';
import { Segmentation } from './segmentation.ts';
import { Segment, segmentWords, State } from './state.ts';

/** Bytes of guest memory; linear addresses are taken modulo this. */
export const ramBytes = 0x10_0000;

/** Page permissions of `TestMemory`. */
export const Page = { absent: 1, readOnly: 2, supervisor: 4 } as const;

/** Identity-mapped memory whose pages can be absent, read-only (CR0.WP set) or supervisor's. */
export class TestMemory implements LinearMemory {
  fault: Fault = 0;
  readonly bytes: Uint8Array = new Uint8Array(ramBytes);
  readonly pages: Uint8Array = new Uint8Array(ramBytes / 4096);
  /** Counts accesses; at 0 the access faults. Negative: never. */
  failAfter = -1;
  cr2 = 0;
  cpl: () => number = () => 0;
  /** Addresses that a write has changed, in order. */
  readonly written: number[] = [];

  #check(linear: number, bytes: number, write: boolean, system: boolean): Fault {
    const user = !system && this.cpl() === 3;
    if (this.failAfter >= 0 && this.failAfter-- === 0) {
      this.cr2 = linear >>> 0;
      return pageFault((write ? 2 : 0) | (user ? 4 : 0));
    }
    for (let byte = 0; byte < bytes; byte++) {
      const address = (linear + byte) & (ramBytes - 1);
      const page = this.pages[address >> 12] ?? 0;
      const denied =
        (page & Page.absent) !== 0 ||
        (write && (page & Page.readOnly) !== 0) ||
        (user && (page & Page.supervisor) !== 0);
      if (denied) {
        this.cr2 = (linear + byte) >>> 0;
        const present = (page & Page.absent) === 0 ? 1 : 0;
        return pageFault(present | (write ? 2 : 0) | (user ? 4 : 0));
      }
    }
    return 0;
  }

  #read(linear: number, bytes: number, system: boolean): number {
    this.fault = this.#check(linear, bytes, false, system);
    if (this.fault !== 0) return 0x5a5a5a5a;
    return this.peek(linear, bytes);
  }

  #write(linear: number, value: number, bytes: number, system: boolean): Fault {
    const fault = this.#check(linear, bytes, true, system);
    if (fault === 0) this.poke(linear, value, bytes);
    return fault;
  }

  /** Reads without checks; int32. */
  peek(linear: number, bytes: number): number {
    let value = 0;
    for (let byte = 0; byte < bytes; byte++) {
      value |= (this.bytes[(linear + byte) & (ramBytes - 1)] ?? 0) << (8 * byte);
    }
    return value;
  }

  /** Writes without checks. */
  poke(linear: number, value: number, bytes: number): void {
    for (let byte = 0; byte < bytes; byte++) {
      this.bytes[(linear + byte) & (ramBytes - 1)] = value >> (8 * byte);
    }
    this.written.push(linear & (ramBytes - 1));
  }

  read8(linear: number, system: boolean): number {
    return this.#read(linear, 1, system) & 0xff;
  }
  read16(linear: number, system: boolean): number {
    return this.#read(linear, 2, system) & 0xffff;
  }
  read32(linear: number, system: boolean): number {
    return this.#read(linear, 4, system);
  }
  write8(linear: number, value: number, system: boolean): Fault {
    return this.#write(linear, value, 1, system);
  }
  write16(linear: number, value: number, system: boolean): Fault {
    return this.#write(linear, value, 2, system);
  }
  write32(linear: number, value: number, system: boolean): Fault {
    return this.#write(linear, value, 4, system);
  }
  probeWrite(linear: number, bytes: number, system: boolean): Fault {
    return this.#check(linear, bytes, true, system);
  }
}

/** A descriptor as two doublewords. */
export type Descriptor = readonly [low: number, high: number];

/** A segment or system-segment descriptor from its access byte (P, DPL, S, type). */
export function segment(access: number, base: number, limit: number, flags = 0): Descriptor {
  return [
    (base << 16) | (limit & 0xffff) | 0,
    (base & 0xff00_0000) |
      (flags << 20) |
      (limit & 0xf_0000) |
      (access << 8) |
      ((base >>> 16) & 0xff),
  ];
}

/** A gate from its access byte; `count` is the parameter count of a call gate. */
export function gate(access: number, selector: number, offset: number, count = 0): Descriptor {
  return [(selector << 16) | (offset & 0xffff), (offset & 0xffff_0000) | (access << 8) | count];
}

/** Selectors of the GDT that `TestMachine` builds; RPL 0. */
export const Sel = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x18,
  data3: 0x20,
  tss: 0x28,
  ldt: 0x30,
  code16: 0x38,
  data16: 0x40,
  conforming0: 0x48,
  code1: 0x50,
  data1: 0x58,
  code2: 0x60,
  data2: 0x68,
  code16user: 0x70,
  data16user: 0x78,
  otherTss: 0x80,
  otherTss16: 0x88,
  /** The first of the entries that tests fill themselves; the GDT ends after 0xf8. */
  free: 0x90,
} as const;

export const gdtBase = 0x2000;
export const ldtBase = 0x3000;
export const tssBase = 0x4000;
export const idtBase = 0x6000;
export const otherTssBase = 0x8000;
export const otherTss16Base = 0x9000;
/** Where the running code's stack pointer and EIPs are. */
export const start = { esp: 0x80000, eip: 0x1000, nextEip: 0x1007 } as const;

/** One CPU with tables, in protected mode at CPL 0 with flat segments, paging "on". */
export class TestMachine {
  readonly words: Int32Array = new Int32Array(0x2000 >> 2);
  readonly memory: TestMemory = new TestMemory();
  readonly segmentation: Segmentation;
  /** Calls of the host interface, in order. */
  readonly events: string[] = [];
  cr3Fault: Fault = 0;

  constructor() {
    const host: SegmentationHost = {
      onPrivilegeChange: () => void this.events.push(`cpl ${this.cpl}`),
      loadCr3: (value) => {
        this.events.push(`cr3 ${value.toString(16)}`);
        return this.cr3Fault;
      },
      onTaskSwitch: (trap) => void this.events.push(trap ? 'task trap' : 'task'),
    };
    this.memory.cpl = () => this.cpl;
    this.segmentation = new Segmentation({ words: this.words, memory: this.memory, host });
    writeEflags(this.words, 2, -1);
    this.words[State.eflags] = 2;
    this.words[State.cr0] = 0x8000_0011;
    this.#buildTables();
    this.enter(0);
  }

  #buildTables(): void {
    const flat = (access: number): Descriptor => segment(access, 0, 0xfffff, 0xc);
    const entries: [number, Descriptor][] = [
      // Never to be used, whatever is in it (SDM 3A 3.5.1): what every load but SS's would take.
      [0, flat(0x9f)],
      [Sel.code0, flat(0x9b)],
      [Sel.data0, flat(0x93)],
      [Sel.code3, flat(0xfb)],
      [Sel.data3, flat(0xf3)],
      [Sel.tss, segment(0x8b, tssBase, 0x1fff)],
      [Sel.ldt, segment(0x82, ldtBase, 0xff)],
      [Sel.code16, segment(0x9b, 0x10000, 0xffff)],
      [Sel.data16, segment(0x93, 0x20000, 0xffff)],
      [Sel.conforming0, flat(0x9f)],
      [Sel.code1, flat(0xbb)],
      [Sel.data1, flat(0xb3)],
      [Sel.code2, flat(0xdb)],
      [Sel.data2, flat(0xd3)],
      [Sel.code16user, segment(0xfb, 0x10000, 0xffff)],
      [Sel.data16user, segment(0xf3, 0x20000, 0xffff)],
      [Sel.otherTss, segment(0xe9, otherTssBase, 0x67)],
      [Sel.otherTss16, segment(0xe1, otherTss16Base, 0x2b)],
    ];
    for (const [selector, descriptor] of entries) this.gdt(selector, descriptor);
    this.words[State.gdtrBase] = gdtBase;
    this.words[State.gdtrLimit] = 0xff;
    this.words[State.idtrBase] = idtBase;
    this.words[State.idtrLimit] = 0x7ff;
    this.system(Segment.ldtr, Sel.ldt, 0x82, ldtBase, 0xff);
    this.system(Segment.tr, Sel.tss, 0x8b, tssBase, 0x1fff);
    const stacks = [0x1f000, Sel.data0, 0x2f000, Sel.data1 | 1, 0x3f000, Sel.data2 | 2];
    stacks.forEach((value, index) => this.memory.poke(tssBase + 4 + index * 4, value, 4));
    // The I/O map: all ports denied but 0x80, terminated by 0xff.
    this.memory.poke(tssBase + 102, 0x88, 2);
    for (let byte = 0x88; byte < 0x2000; byte++) this.memory.poke(tssBase + byte, 0xff, 1);
    this.memory.poke(tssBase + 0x88 + 0x10, 0xfe, 1);
  }

  /** Loads LDTR or TR directly. */
  system(at: number, selector: number, access: number, base: number, limit: number): void {
    this.words[at + Word.selector] = selector;
    this.words[at + Word.attributes] = access;
    this.words[at + Word.base] = base;
    this.words[at + Word.limit] = limit;
  }

  /** Puts the CPU at a privilege level in protected mode, all segments flat. */
  enter(cpl: number): void {
    const code = [Sel.code0, Sel.code1, Sel.code2, Sel.code3][cpl] ?? 0;
    const data = [Sel.data0, Sel.data1, Sel.data2, Sel.data3][cpl] ?? 0;
    this.put(Segment.cs, code | cpl);
    for (const at of [Segment.ss, Segment.ds, Segment.es]) this.put(at, data | cpl);
    decodeNull(this.words, Segment.fs, 0);
    decodeNull(this.words, Segment.gs, 0);
    this.words[State.cpl] = cpl;
    this.esp = start.esp;
    this.eip = start.eip;
    this.words[State.nextEip] = start.nextEip;
    this.segmentation.updateMode();
    this.events.length = 0;
  }

  /** Virtual-8086 mode with given segments, SP 0x8000. */
  enterVirtual8086(iopl = 3): void {
    this.flags = (this.flags & ~Eflags.iopl) | Eflags.vm | (iopl << 12);
    for (let at = Segment.es; at <= Segment.gs; at += segmentWords) {
      const selector = 0x1000 + ((at - Segment.es) / segmentWords) * 0x100;
      this.words[at + Word.selector] = selector;
      this.words[at + Word.base] = selector << 4;
      setBounds(this.words, at, 0xf3, 0xffff);
    }
    this.words[State.cpl] = 3;
    this.esp = 0x8000;
    this.eip = 0x100;
    this.words[State.nextEip] = 0x102;
    this.segmentation.updateMode();
    this.events.length = 0;
  }

  /** Real mode as after reset, with CS 0x1000, SS 0x2000 and SP 0x8000. */
  enterReal(): void {
    this.words[State.cr0] = 0x10;
    this.segmentation.reset();
    this.segmentation.farJump(0x1000, 0x100, 2);
    this.segmentation.loadSegment(2, 0x2000);
    this.words[State.idtrBase] = 0;
    this.words[State.idtrLimit] = 0x3ff;
    this.esp = 0x8000;
    this.words[State.nextEip] = 0x102;
    this.events.length = 0;
  }

  /** Loads a segment register from the GDT or LDT without checks. */
  put(at: number, selector: number): void {
    const table = (selector & 4) === 0 ? gdtBase : ldtBase;
    const address = table + (selector & 0xfff8);
    const low = this.memory.peek(address, 4);
    decodeSegment(this.words, at, selector, low, this.memory.peek(address + 4, 4));
  }

  gdt(selector: number, [low, high]: Descriptor): void {
    this.memory.poke(gdtBase + (selector & 0xfff8), low, 4);
    this.memory.poke(gdtBase + (selector & 0xfff8) + 4, high, 4);
  }

  ldt(selector: number, [low, high]: Descriptor): void {
    this.memory.poke(ldtBase + (selector & 0xfff8), low, 4);
    this.memory.poke(ldtBase + (selector & 0xfff8) + 4, high, 4);
  }

  idt(vector: number, [low, high]: Descriptor): void {
    this.memory.poke(idtBase + vector * 8, low, 4);
    this.memory.poke(idtBase + vector * 8 + 4, high, 4);
  }

  /** Puts items at the stack pointer, the first on top. */
  stack(size: 2 | 4, ...items: number[]): void {
    const base = this.words[Segment.ss + Word.base] ?? 0;
    items.forEach((item, index) => this.memory.poke(base + this.esp + index * size, item, size));
  }

  /** Reads `count` items at the stack pointer as unsigned numbers. */
  frame(size: 2 | 4, count: number): number[] {
    const base = this.words[Segment.ss + Word.base] ?? 0;
    return Array.from(
      { length: count },
      (_, index) => this.memory.peek(base + this.esp + index * size, size) >>> 0,
    );
  }

  selector(at: number): number {
    return this.words[at + Word.selector] ?? 0;
  }
  word(index: number): number {
    return this.words[index] ?? 0;
  }
  get cpl(): number {
    return this.word(State.cpl);
  }
  get eip(): number {
    return this.word(State.rip) >>> 0;
  }
  set eip(value: number) {
    this.words[State.rip] = value;
  }
  get esp(): number {
    return this.word(State.esp) >>> 0;
  }
  set esp(value: number) {
    this.words[State.esp] = value;
  }
  get flags(): number {
    return readEflags(this.words);
  }
  set flags(value: number) {
    writeEflags(this.words, value, -1);
  }
  get cs(): number {
    return this.selector(Segment.cs);
  }
  get ss(): number {
    return this.selector(Segment.ss);
  }

  /** Memory that a fault must leave as it was: all but accessed bits of the GDT and LDT. */
  #memorySnapshot(): Uint8Array {
    const bytes = this.memory.bytes.slice();
    for (const table of [gdtBase, ldtBase]) {
      for (let entry = 0; entry < 32; entry++) {
        const access = bytes[table + entry * 8 + 5] ?? 0;
        if ((access & 0x10) !== 0) bytes[table + entry * 8 + 5] = access | 1;
      }
    }
    return bytes;
  }

  /** Runs an operation and returns its fault in words; a fault must have changed nothing. */
  run(operation: (unit: Segmentation) => Fault): string {
    const words = this.words.slice();
    const bytes = this.#memorySnapshot();
    const fault = operation(this.segmentation);
    if (fault === 0) return 'none';
    const same =
      Buffer.compare(this.#memorySnapshot(), bytes) === 0 &&
      words.every((word, index) => word === this.words[index]);
    if (!same) return `${formatFault(fault)} and changed state`;
    return formatFault(fault);
  }
}
