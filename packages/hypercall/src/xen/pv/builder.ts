/**
 * Builds a paravirtual guest: puts a kernel and what it needs into memory as Xen's tool stack does
 * (Xen, tools/libs/guest; public/xen.h, "Start of day").
 *
 *     VIRT_BASE     kernel
 *                   initial RAM disk
 *                   list of machine frames
 *                   start info
 *                   store ring, console ring
 *                   page tables: the third level, those of the second, those of the first
 *                   stack, one page
 *                   padding, at least 512 KiB, up to a multiple of 4 MiB
 */
import { pageBytes } from '@ringfence/memory';
import type { XenMemory } from '../interfaces.ts';
import { paravirtualHypercallPage } from './hypervisor-area.ts';
import { EntryBit } from './page-tables.ts';

const alignment = 0x40_0000;
const leastPadding = 0x8_0000;
const magic = 'xen-3.0-x86_32p';
const commandLineBytes = 1024;
const gigabytes = 4;

/** Offsets in `start_info` of a 32-bit guest (xen.h). */
const StartInfo = {
  pages: 32,
  sharedInfo: 36,
  flags: 40,
  storeFrame: 44,
  storePort: 48,
  consoleFrame: 52,
  consolePort: 56,
  pageTables: 60,
  pageTableFrames: 64,
  machineList: 68,
  moduleStart: 72,
  moduleBytes: 76,
  commandLine: 80,
  end: 80 + commandLineBytes + 8,
} as const;

/** Part of a kernel: where it stands in the guest's address space, and its bytes. */
export interface PvSegment {
  readonly virtual: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; what the file does not have is zero. */
  readonly memoryBytes: number;
}

/** What is built. */
export interface PvImage {
  readonly virtBase: number;
  readonly entry: number;
  readonly segments: readonly PvSegment[];
  readonly hypercallPage?: number;
  readonly module?: Uint8Array;
  readonly commandLine: Uint8Array;
  /** Whether its notes say that page directories may be above 4 GiB (`yes[extended-cr3]`). */
  readonly hasExtendedCr3?: boolean;
}

/** Where it is built: the guest's frames are consecutive machine frames. */
export interface PvPlace {
  readonly memory: XenMemory;
  /** Machine frame of the guest's first. */
  readonly firstFrame: number;
  readonly pages: number;
  /** Physical address of the shared page. */
  readonly sharedInfo: number;
  readonly storePort: number;
  readonly consolePort: number;
}

/** What came of it. */
export interface BuiltGuest {
  readonly entry: number;
  /** Linear address of `start_info`, for ESI. */
  readonly startInfo: number;
  /** The first stack pointer. */
  readonly stack: number;
  /** Machine frame of the third-level page table. */
  readonly pageTable: number;
  /** Machine frames of the two rings. */
  readonly storeFrame: number;
  readonly consoleFrame: number;
}

/** Lays out a guest and writes it; a text says what is wrong with one that cannot be. */
export function buildGuest(image: PvImage, place: PvPlace): BuiltGuest | string {
  const layout = layOut(image, place.pages);
  if (typeof layout === 'string') {
    return layout;
  }
  const { memory, firstFrame } = place;
  const physicalOf = (virtual: number): number =>
    firstFrame * pageBytes + (virtual - image.virtBase);
  const zeros = new Uint8Array(pageBytes);
  for (let frame = 0; frame < place.pages; frame += 1) {
    memory.write((firstFrame + frame) * pageBytes, zeros);
  }
  for (const { virtual, bytes } of image.segments) {
    memory.write(physicalOf(virtual), bytes);
  }
  if (image.hypercallPage !== undefined) {
    memory.write(physicalOf(image.hypercallPage), paravirtualHypercallPage());
  }
  if (image.module !== undefined) {
    memory.write(physicalOf(layout.module), image.module);
  }
  for (let frame = 0; frame < place.pages; frame += 1) {
    memory.write32(physicalOf(layout.machineList) + frame * 4, firstFrame + frame);
  }
  writePageTables(image, layout, place, physicalOf);
  const frameOf = (virtual: number): number => physicalOf(virtual) / pageBytes;
  const built = {
    entry: image.entry,
    startInfo: layout.startInfo,
    stack: layout.stack + pageBytes,
    pageTable: frameOf(layout.pageTables),
    storeFrame: frameOf(layout.store),
    consoleFrame: frameOf(layout.console),
  };
  memory.write(physicalOf(layout.startInfo), startInfo(image, layout, place, built));
  return built;
}

interface GuestLayout {
  readonly module: number;
  readonly machineList: number;
  readonly startInfo: number;
  readonly store: number;
  readonly console: number;
  readonly pageTables: number;
  readonly pageTableFrames: number;
  readonly stack: number;
  readonly end: number;
}

function layOut(image: PvImage, pages: number): GuestLayout | string {
  const base = image.virtBase;
  const ends = image.segments.map(({ virtual, memoryBytes }) => virtual + memoryBytes);
  const starts = image.segments.map(({ virtual }) => virtual);
  const kernelEnd = alignTo(Math.max(...ends), pageBytes);
  if (base % pageBytes !== 0 || Math.min(...starts) < base) {
    return 'segments below VIRT_BASE, or one that is not aligned';
  }
  const { hypercallPage = base, entry } = image;
  const isWithin = (at: number): boolean => at >= base && at < kernelEnd;
  if (hypercallPage % pageBytes !== 0 || !isWithin(hypercallPage) || !isWithin(entry)) {
    return 'an entry or a hypercall page outside the kernel';
  }
  const module = kernelEnd;
  const machineList = alignTo(module + (image.module?.length ?? 0), pageBytes);
  const info = alignTo(machineList + pages * 4, pageBytes);
  const store = info + pageBytes;
  const pageTables = store + 2 * pageBytes;
  // The tables map themselves: more of them may need one more.
  for (let leaves = 1; ; leaves += 1) {
    const most = 1 + gigabytes + leaves;
    const guess = alignTo(pageTables + (most + 1) * pageBytes + leastPadding, alignment);
    const frames = 1 + secondLevel(base, guess).length + leaves;
    const stack = pageTables + frames * pageBytes;
    const end = alignTo(stack + pageBytes + leastPadding, alignment);
    if (end > 0xf580_0000 || (end - base) / pageBytes > pages) {
      return `memory up to ${String(end)} in the guest's address space`;
    }
    const needed = Math.ceil(end / 0x20_0000) - Math.floor(base / 0x20_0000);
    if (needed <= leaves) {
      const console = store + pageBytes;
      const tables = { pageTables, pageTableFrames: frames, stack, end };
      return { module, machineList, startInfo: info, store, console, ...tables };
    }
  }
}

/** Maps everything from VIRT_BASE to the end, page tables read-only. */
function writePageTables(
  image: PvImage,
  layout: GuestLayout,
  place: PvPlace,
  physicalOf: (virtual: number) => number,
): void {
  const { memory } = place;
  const third = physicalOf(layout.pageTables);
  const slots = secondLevel(image.virtBase, layout.end);
  const second = third + pageBytes;
  const first = third + (layout.pageTableFrames - leavesOf(image, layout)) * pageBytes;
  const entry = (at: number, value: number): void => {
    memory.write32(at, value);
    memory.write32(at + 4, 0);
  };
  const used = EntryBit.accessed | EntryBit.dirty;
  for (const [index, slot] of slots.entries()) {
    entry(third + slot * 8, (second + index * pageBytes) | EntryBit.present);
  }
  const firstSlot = Math.floor(image.virtBase / 0x20_0000);
  const lastSlot = Math.ceil(layout.end / 0x20_0000);
  for (let slot = firstSlot; slot < lastSlot; slot += 1) {
    const table = first + (slot - firstSlot) * pageBytes;
    const directory = second + slots.indexOf(Math.floor(slot / 512)) * pageBytes;
    entry(
      directory + (slot % 512) * 8,
      table | EntryBit.present | EntryBit.writable | EntryBit.user | used,
    );
  }
  const tablesEnd = layout.pageTables + layout.pageTableFrames * pageBytes;
  for (let at = image.virtBase; at < layout.end; at += pageBytes) {
    const isTable = at >= layout.pageTables && at < tablesEnd;
    const leaf = first + (Math.floor(at / pageBytes) - firstSlot * 512) * 8;
    entry(leaf, physicalOf(at) | EntryBit.present | used | (isTable ? 0 : EntryBit.writable));
  }
}

/**
 * The gigabytes that need a second-level table: those of the guest, and the last one for Xen's
 * entries.
 */
function secondLevel(start: number, end: number): readonly number[] {
  const used = Array.from({ length: gigabytes }, (_nothing, slot) => slot);
  return used.filter((slot) => {
    const overlaps = slot * 2 ** 30 < end && (slot + 1) * 2 ** 30 > start;
    return overlaps || slot === gigabytes - 1;
  });
}

function leavesOf(image: PvImage, layout: GuestLayout): number {
  return layout.pageTableFrames - 1 - secondLevel(image.virtBase, layout.end).length;
}

function startInfo(
  image: PvImage,
  layout: GuestLayout,
  place: PvPlace,
  built: BuiltGuest,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(StartInfo.end));
  const word = (offset: number, value: number): void => {
    view.setUint32(offset, value, true);
  };
  const bytes = new Uint8Array(view.buffer);
  bytes.set(Uint8Array.from(magic, (character) => character.charCodeAt(0)));
  word(StartInfo.pages, place.pages);
  word(StartInfo.sharedInfo, place.sharedInfo);
  word(StartInfo.storeFrame, built.storeFrame);
  word(StartInfo.storePort, place.storePort);
  word(StartInfo.consoleFrame, built.consoleFrame);
  word(StartInfo.consolePort, place.consolePort);
  word(StartInfo.pageTables, layout.pageTables);
  word(StartInfo.pageTableFrames, layout.pageTableFrames);
  word(StartInfo.machineList, layout.machineList);
  if (image.module !== undefined) {
    word(StartInfo.moduleStart, layout.module);
    word(StartInfo.moduleBytes, image.module.length);
  }
  bytes.set(image.commandLine.subarray(0, commandLineBytes - 1), StartInfo.commandLine);
  return bytes;
}

function alignTo(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
