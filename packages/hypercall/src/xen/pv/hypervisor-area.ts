/**
 * The part of a paravirtual guest's address space that is Xen's: descriptor tables, the code by
 * which traps come here, and the table from machine frames to the guest's.
 *
 *     0xf580_0000  table of machine frames, read-only for the guest
 *     0xfc00_0000  entry stubs of the 256 vectors, 16 bytes each
 *     0xfc00_1000  the path that they share, and the start of the guest
 *     0xfc00_2000  IDT
 *     0xfc00_3000  TSS
 *     0xfc00_4000  stack of ring 0, empty whenever the guest runs
 *     0xfc01_0000  GDT: 14 pages that the guest supplies, one of Xen's, one empty
 *     0xfc02_0000  LDT: 16 pages of the guest's, from when they are needed
 *
 * The guest runs in ring 1, for which all of this is readable, and only the stack writable:
 * segments need no limits. Every trap and interrupt enters a stub, which pushes its vector and
 * executes VMCALL. What is done about it is decided on this side of VMCALL, by changing the frame
 * on the stack; the registers that only ring 0 may load are given in registers:
 *
 *     EAX bit 0: load CR3 from EBX   bit 1: wait   bit 2: LLDT CX   bit 4: load CR0 from EDX
 *     bit 5: load CR4 from ESI
 */
import { pageBytes } from '@ringfence/memory';
import { xenFrames } from '../xen-frames.ts';
import type { XenMemory } from '../interfaces.ts';
import { entriesPerTable, EntryBit, hypervisorSlot } from './page-tables.ts';

const largePageBytes = 0x20_0000;
const areaStart = 0xfc00_0000;
const areaSlot = (areaStart - 0xc000_0000) / largePageBytes;
const gdtPage = 16;
/** Pages of the GDT that the guest may supply. */
export const guestGdtPages = 14;

const ldtPage = 32;
/** Pages of the LDT at most. */
export const ldtPages = 16;
/** Linear address at which the LDT shows. */
export const ldtLinear: number = areaStart + ldtPage * pageBytes;

/** Linear addresses within the area. */
const Linear = {
  stubs: areaStart,
  common: areaStart + 0x1000,
  idt: areaStart + 0x2000,
  tss: areaStart + 0x3000,
  stack: areaStart + 0x4000,
  stackEnd: areaStart + 0x5000,
  gdt: areaStart + gdtPage * pageBytes,
} as const;

/** Selectors in Xen's page of the GDT (public/arch-x86/xen-x86_32.h; those of ring 0 are ours). */
export const Selector = {
  xenCode: 0xe008,
  xenData: 0xe010,
  kernelCode: 0xe019,
  kernelData: 0xe021,
  userCode: 0xe02b,
  userData: 0xe033,
  tss: 0xe040,
  ldt: 0xe048,
} as const;

/** Vector of the hypercall instruction `int $0x82`. */
export const hypercallVector = 0x82;
/** Vector by which an event interrupts the guest. */
export const eventVector = 0x20;

/** What the stub does after VMCALL: bits of EAX. */
export const StubAction = { loadCr3: 1, wait: 2, loadLdt: 4, loadCr0: 16, loadCr4: 32 } as const;

/**
 * Registers that the stub pushed, from ESP up: PUSHAD, vector, error, and what the processor
 * pushed.
 */
export const trapFrameBytes = 60;

/** Pages of the area, from the page behind `xenFrames`. */
const Page = {
  stubs: 0,
  common: 1,
  idt: 2,
  tss: 3,
  stack: 4,
  gdtXen: 5,
  empty: 6,
  areaTable: 7,
  bootTop: 8,
  bootLow: 9,
  bootHigh: 10,
  machineTables: 11,
  machine: 19,
} as const;

/** Vectors for which the processor pushes an error code (SDM 3A table 6-1). */
export const errorVectors: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);

const interruptGate = 0x8e00;
const tableBits = EntryBit.present | EntryBit.writable | EntryBit.accessed;
const leafBits = EntryBit.present | EntryBit.accessed | EntryBit.dirty;

/** Bytes of memory that Xen needs for a guest on a machine with so much RAM. */
export function hypervisorBytes(ramBytes: number): number {
  const machinePages = Math.ceil(((ramBytes / pageBytes) * 4) / pageBytes);
  return (xenFrames.count + Page.machine + machinePages) * pageBytes;
}

/** Xen's area in the memory of one guest. */
export class HypervisorArea {
  readonly #memory: XenMemory;
  readonly #base: number;
  readonly #machinePages: number;

  /** Uses the pages behind `xenFrames` at `frames`. */
  constructor(memory: XenMemory, frames: number) {
    this.#memory = memory;
    this.#base = frames + xenFrames.count * pageBytes;
    this.#machinePages = Math.ceil(((memory.ramBytes / pageBytes) * 4) / pageBytes);
  }

  /** Frames of the table of machine frames: the first, and the one behind the last. */
  get machineFrames(): readonly [number, number] {
    const first = this.#at(Page.machine) / pageBytes;
    return [first, first + this.#machinePages];
  }

  /** Physical address at which the processor starts, in flat protected mode. */
  get start(): number {
    return this.#at(Page.common) + bootOffset;
  }

  /** Physical address of the page with the table of the start, and room behind it. */
  get topTables(): number {
    return this.#at(Page.bootTop);
  }

  /** Physical address of a trap frame that stands at a linear address on the stack; -1 for none. */
  frameAt(linear: number): number {
    const offset = (linear >>> 0) - Linear.stack;
    const isThere = offset >= 0 && offset + trapFrameBytes <= pageBytes && offset % 4 === 0;
    return isThere ? this.#at(Page.stack) + offset : -1;
  }

  /** Writes everything anew; `pageTable` is the guest's first page table. */
  build(pageTable: number, noExecute: boolean): void {
    const memory = this.#memory;
    memory.write(this.#base, new Uint8Array(Page.machine * pageBytes));
    memory.write(this.#at(Page.stubs), vectorStubs());
    memory.write(
      this.#at(Page.common),
      commonCode(this.#at(Page.common), this.#at(Page.bootTop), pageTable, noExecute),
    );
    memory.write(this.#at(Page.idt), gates());
    this.#buildTss();
    this.#buildGdt();
    this.#buildTables();
  }

  /** Writes Xen's entries into a second-level table that serves the top gigabyte. */
  fillTop(frame: number): void {
    const at = frame * pageBytes;
    for (let slot = hypervisorSlot; slot < entriesPerTable; slot += 1) {
      const table = this.#tableOf(slot);
      this.#entry(at + slot * 8, table < 0 ? 0 : table | tableBits);
    }
  }

  /** Sets the page of the GDT that is at an index; without a frame an empty one. */
  setGdtPage(index: number, frame: number | undefined): void {
    const physical = frame === undefined ? this.#at(Page.empty) : frame * pageBytes;
    this.#entry(this.#at(Page.areaTable) + (gdtPage + index) * 8, physical | leafBits);
  }

  /** Sets the page of the LDT that is at an index; without a frame none. */
  setLdtPage(index: number, frame: number | undefined): void {
    const low = frame === undefined ? 0 : (frame * pageBytes) | leafBits;
    this.#entry(this.#at(Page.areaTable) + (ldtPage + index) * 8, low);
  }

  /** Sets the LDT; nothing in it for no entries. Returns the selector to load. */
  setLdt(entries: number): number {
    const at = this.#at(Page.gdtXen) + (Selector.ldt & 0xff8);
    if (entries === 0) {
      return 0;
    }
    const limit = entries * 8 - 1;
    this.#descriptor(at, ldtLinear, limit, 0x8200);
    return Selector.ldt;
  }

  /** Sets the stack on which call gates enter ring 1. */
  setKernelStack(selector: number, pointer: number): void {
    this.#memory.write32(this.#at(Page.tss) + 12, pointer);
    this.#memory.write32(this.#at(Page.tss) + 16, selector);
  }

  /** Says which frame of the guest a machine frame is. */
  setMachineFrame(machine: number, guest: number): void {
    this.#memory.write32(this.#at(Page.machine) + machine * 4, guest);
  }

  #at(page: number): number {
    return this.#base + page * pageBytes;
  }

  #entry(physical: number, low: number): void {
    this.#memory.write32(physical, low);
    this.#memory.write32(physical + 4, 0);
  }

  /** Physical address of the first-level table of a slot of Xen's, -1 for none. */
  #tableOf(slot: number): number {
    if (slot === areaSlot) {
      return this.#at(Page.areaTable);
    }
    const index = slot - hypervisorSlot;
    const isUsed = index * entriesPerTable < this.#machinePages;
    return isUsed ? this.#at(Page.machineTables + index) : -1;
  }

  #buildTss(): void {
    const tss = this.#at(Page.tss);
    this.#memory.write32(tss + 4, Linear.stackEnd);
    this.#memory.write32(tss + 8, Selector.xenData);
    // No I/O permission map: its offset is the limit.
    this.#memory.write32(tss + 100, 0x68 << 16);
  }

  #buildGdt(): void {
    const page = this.#at(Page.gdtXen);
    const flat = (selector: number, type: number): void => {
      const level = selector & 3;
      this.#descriptor(page + (selector & 0xff8), 0, 0xffff_ffff, 0x9000 | type | (level << 13));
    };
    flat(Selector.xenCode, 0xb00);
    flat(Selector.xenData, 0x300);
    flat(Selector.kernelCode, 0xb00);
    flat(Selector.kernelData, 0x300);
    flat(Selector.userCode, 0xb00);
    flat(Selector.userData, 0x300);
    this.#descriptor(page + (Selector.tss & 0xff8), Linear.tss, 0x67, 0x8900);
  }

  /**
   * A descriptor with its access bits as in its high word; limits past 1 MiB count pages, 32-bit
   * code.
   */
  #descriptor(at: number, base: number, limit: number, access: number): void {
    const isLarge = limit > 0xf_ffff;
    const units = isLarge ? limit >>> 12 : limit;
    const flags = isLarge ? 0xc0_0000 : 0;
    this.#memory.write32(at, ((base & 0xffff) << 16) | (units & 0xffff));
    const high =
      (base & 0xff00_0000) | flags | (units & 0xf_0000) | access | ((base >>> 16) & 0xff);
    this.#memory.write32(at + 4, high);
  }

  #buildTables(): void {
    const area = this.#at(Page.areaTable);
    const readable = [Page.stubs, Page.common, Page.idt, Page.tss];
    for (const [index, page] of readable.entries()) {
      this.#entry(area + index * 8, this.#at(page) | leafBits);
    }
    this.#entry(area + 4 * 8, this.#at(Page.stack) | leafBits | EntryBit.writable);
    for (let index = 0; index < guestGdtPages; index += 1) {
      this.setGdtPage(index, undefined);
    }
    this.#entry(area + (gdtPage + 14) * 8, this.#at(Page.gdtXen) | leafBits);
    this.#entry(area + (gdtPage + 15) * 8, this.#at(Page.empty) | leafBits);
    for (let page = 0; page < this.#machinePages; page += 1) {
      const table = this.#at(Page.machineTables + Math.floor(page / entriesPerTable));
      this.#entry(table + (page % entriesPerTable) * 8, this.#at(Page.machine + page) | leafBits);
    }
    // For the start: Xen's part, and the code where it stands in physical memory.
    this.fillTop(this.#at(Page.bootHigh) / pageBytes);
    const code = this.#at(Page.common);
    const gigabyte = Math.floor(code / 2 ** 30);
    const low = gigabyte === 3 ? this.#at(Page.bootHigh) : this.#at(Page.bootLow);
    const large = 0x80;
    const slot = Math.floor((code % 2 ** 30) / largePageBytes);
    this.#entry(low + slot * 8, (code & -largePageBytes) | leafBits | large);
    this.#entry(this.#at(Page.bootTop) + gigabyte * 8, low | 1);
    this.#entry(this.#at(Page.bootTop) + 3 * 8, this.#at(Page.bootHigh) | 1);
  }
}

/** 256 stubs: an error code of 0 where the processor pushes none, the vector, a jump. */
function vectorStubs(): Uint8Array {
  const page = new Uint8Array(pageBytes);
  for (let vector = 0; vector < 256; vector += 1) {
    const at = vector * 16;
    const start = errorVectors.has(vector) ? [] : [0x6a, 0];
    const code = [...start, 0x68, vector, 0, 0, 0];
    const distance = Linear.common - (Linear.stubs + at + code.length + 5);
    page.set([...code, 0xe9, ...word(distance)], at);
  }
  return page;
}

function gates(): Uint8Array {
  const view = new DataView(new ArrayBuffer(pageBytes));
  for (let vector = 0; vector < 256; vector += 1) {
    // INT3 and INTO by anyone, hypercalls by the guest's kernel, nothing else by an instruction.
    const level = vector === 3 || vector === 4 ? 3 : vector === hypercallVector ? 1 : 0;
    const stub = Linear.stubs + vector * 16;
    view.setUint32(vector * 8, (Selector.xenCode << 16) | (stub & 0xffff), true);
    const access = interruptGate | (level << 13);
    view.setUint32(vector * 8 + 4, ((stub & 0xffff_0000) | access) >>> 0, true);
  }
  return new Uint8Array(view.buffer);
}

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Where in the page of shared code the start of the guest is. */
const bootOffset = 0x100;
const pseudoDescriptors = 0xf0;
const afterPaging = 0x180;

/** CR4: PAE, OSFXSR, OSXMMEXCPT. */
const firstCr4 = 0x620;
/** CR0: PG, NE, ET, MP, PE; then with AM, WP. */
const pagingOn = 0x8000_0033;
const alignmentMask = 0x4_0000;
const writeProtect = 0x1_0000;
/** CR0 of a guest, TS clear. */
export const guestCr0: number = (pagingOn | alignmentMask | writeProtect) >>> 0;

/** The path that all stubs share, the start, and the places of GDT and IDT. */
function commonCode(
  physical: number,
  bootTable: number,
  pageTable: number,
  noExecute: boolean,
): Uint8Array {
  const page = new Uint8Array(pageBytes);
  page.set(sharedPath, 0);
  page.set([0xff, 0xff, ...word(Linear.gdt), 0xff, 0x07, ...word(Linear.idt)], pseudoDescriptors);
  // mov $efer, %ecx; mov $nxe, %eax; xor %edx, %edx; wrmsr
  const withNx = [0xb9, ...word(0xc000_0080), 0xb8, ...word(0x800), 0x31, 0xd2, 0x0f, 0x30];
  const start = [
    ...(noExecute ? withNx : []),
    ...[0xb8, ...word(firstCr4), 0x0f, 0x22, 0xe0], // mov $cr4, %eax; mov %eax, %cr4
    ...[0xb8, ...word(bootTable), 0x0f, 0x22, 0xd8], // mov $table, %eax; mov %eax, %cr3
    ...[0xb8, ...word(pagingOn), 0x0f, 0x22, 0xc0], // mov $cr0, %eax; mov %eax, %cr0
    ...[0x0f, 0x01, 0x15, ...word(physical + pseudoDescriptors)], // lgdt
    ...[0x0f, 0x01, 0x1d, ...word(physical + pseudoDescriptors + 6)], // lidt
    ...[0xea, ...word(Linear.common + afterPaging), ...word(Selector.xenCode).slice(0, 2)], // ljmp
  ];
  page.set(start, bootOffset);
  const second = [
    ...[0xb8, ...word(Selector.xenData), 0x8e, 0xd0], // mov $data, %eax; mov %eax, %ss
    ...[0xbc, ...word(Linear.stackEnd - trapFrameBytes)], // mov $frame, %esp
    ...[0xb8, ...word(Selector.tss), 0x0f, 0x00, 0xd8], // mov $tss, %eax; ltr %ax
    ...[0x31, 0xc0, 0x0f, 0x00, 0xd0], // xor %eax, %eax; lldt %ax
    ...[0xb8, ...word(guestCr0), 0x0f, 0x22, 0xc0], // mov $cr0, %eax; mov %eax, %cr0
    ...[0xb8, ...word(pageTable), 0x0f, 0x22, 0xd8], // mov $table, %eax; mov %eax, %cr3
    ...[0xb8, ...word(Selector.kernelData)], // mov $guest, %eax
    ...[0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8], // to %ds, %es, %fs, %gs
  ];
  const again = Linear.common + againOffset;
  const distance = again - (Linear.common + afterPaging + second.length + 5);
  page.set([...second, 0xe9, ...word(distance)], afterPaging);
  return page;
}

const againOffset = 1;
const sharedPath: readonly number[] = [
  0x60, // pusha
  // again:
  ...[0x0f, 0x01, 0xc1], // vmcall
  ...[0x85, 0xc0, 0x74, 0x25], // test %eax, %eax; jz out
  ...[0xa8, 0x01, 0x74, 0x03, 0x0f, 0x22, 0xdb], // test $1, %al; jz +3; mov %ebx, %cr3
  ...[0xa8, 0x04, 0x74, 0x03, 0x0f, 0x00, 0xd1], // test $4, %al; jz +3; lldt %cx
  ...[0xa8, 0x10, 0x74, 0x03, 0x0f, 0x22, 0xc2], // test $16, %al; jz +3; mov %edx, %cr0
  ...[0xa8, 0x20, 0x74, 0x03, 0x0f, 0x22, 0xe6], // test $32, %al; jz +3; mov %esi, %cr4
  ...[0xa8, 0x02, 0x74, 0x05], // test $2, %al; jz out
  ...[0xfb, 0xf4, 0xfa], // sti; hlt; cli
  ...[0xeb, 0xd4], // jmp again
  // out:
  0x61, // popa
  ...[0x83, 0xc4, 0x08], // add $8, %esp
  0xcf, // iret
];
/** Linear address of the IRET by which the guest goes on. */
export const guestReturn: number = Linear.common + sharedPath.length - 1;

/**
 * The hypercall page of a paravirtual guest: `mov $number, %eax; int $0x82; ret`, 32 bytes each.
 */
export function paravirtualHypercallPage(): Uint8Array {
  const page = new Uint8Array(pageBytes);
  for (let number = 0; number < 128; number += 1) {
    const stub = [0xb8, number, 0, 0, 0, 0xcd, hypercallVector];
    const iret = [0x50, ...stub];
    page.set(number === 23 ? iret : [...stub, 0xc3], number * 32);
  }
  return page;
}
