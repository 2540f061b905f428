/** The guest's page tables beside the shadow tables that are filled from them. */
import { Word } from '@ringfence/cpu';
import type { Cpu } from '@ringfence/cpu';
import { CpuState } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';

/** What a shadow entry allows at the current privilege. */
export type ShadowEntry =
  /** Not filled: the next access asks the host. */
  | 'unknown'
  /** Allowed, through `PhysicalMemory`: device memory, or a page with a write trace. */
  | 'through'
  /** Allowed without asking. */
  | 'direct';

/** One page of linear memory. */
export interface PageRow {
  readonly linear: number;
  /** The guest's entries as it wrote them, in hexadecimal: page directory, then page table. */
  readonly entries: readonly string[];
  /** Where it leads, or nothing where it is not mapped. */
  readonly physical: number | undefined;
  /** The letters of SDM 3A table 4-5 and 4-6: present, writable, user, accessed, dirty, global. */
  readonly flags: string;
  readonly shadowRead: ShadowEntry;
  readonly shadowWrite: ShadowEntry;
  /** Whether writes to the physical page are traced, as those to page tables and to code are. */
  readonly traced: boolean;
}

const pageBytes = 4096;
const largePage = 1 << 7;

/** Returns `count` pages from a linear address on. */
export function pageRows(
  cpu: Cpu,
  memory: PhysicalMemory,
  linear: number,
  count: number,
): PageRow[] {
  const first = Math.floor(linear / pageBytes);
  const last = Math.min(first + count, 2 ** 20);
  return Array.from({ length: last - first }, (_nothing, index) => {
    return pageRow(cpu, memory, (first + index) * pageBytes);
  });
}

function pageRow(cpu: Cpu, memory: PhysicalMemory, linear: number): PageRow {
  const words = memory.machine.i32;
  const entries = guestEntries(cpu, memory, linear);
  const physical = cpu.shadow.inspect(linear | 0);
  const isMapped = physical >= 0;
  const directory = words[CpuState.dirData >> 2] ?? 0;
  const pairs = words[(directory + (linear >>> 22) * 4) >>> 2] ?? 0;
  const at = (pairs + (linear >>> 12) * 8) >>> 2;
  return {
    linear,
    entries: entries.map((entry) => entry.map(hex).join('')),
    physical: isMapped ? physical : undefined,
    flags: flagsOf(entries),
    shadowRead: shadowEntry(words[at] ?? 1),
    shadowWrite: shadowEntry(words[at + 1] ?? 1),
    traced: isMapped && memory.traces.has(Math.floor(physical / pageBytes)),
  };
}

/** Entries as words from high to low, as the walk meets them; none while paging is off. */
function guestEntries(cpu: Cpu, memory: PhysicalMemory, linear: number): number[][] {
  const state = memory.machine.i32;
  const isOn = ((state[Word.cr0] ?? 0) & (1 << 31)) !== 0;
  if (!isOn) {
    return [];
  }
  if (((state[Word.cr4] ?? 0) & (1 << 5)) === 0) {
    const directory = (state[Word.cr3] ?? 0) & ~0xfff;
    const entry = memory.read32((directory + (linear >>> 22) * 4) >>> 0);
    if ((entry & 1) === 0 || (entry & largePage) !== 0) {
      return [[entry]];
    }
    const table = (entry & ~0xfff) >>> 0;
    return [[entry], [memory.read32(table + ((linear >>> 12) & 1023) * 4)]];
  }
  const directory = cpu.shadow.pageDirectories[linear >>> 30] ?? -1;
  if (directory < 0) {
    return [];
  }
  const entry = entry64(memory, directory * pageBytes + ((linear >>> 21) & 511) * 8);
  const low = entry[1] ?? 0;
  if ((low & 1) === 0 || (low & largePage) !== 0) {
    return [entry];
  }
  return [entry, entry64(memory, ((low & ~0xfff) >>> 0) + ((linear >>> 12) & 511) * 8)];
}

function entry64(memory: PhysicalMemory, address: number): number[] {
  return [memory.read32(address + 4), memory.read32(address)];
}

/** What all levels together allow, and what the last one says. */
function flagsOf(entries: readonly (readonly number[])[]): string {
  const lows = entries.map((entry) => entry[entry.length - 1] ?? 0);
  const all = lows.reduce((mask, low) => mask & low, -1);
  const last = lows[lows.length - 1] ?? 0;
  if (lows.length === 0 || (all & 1) === 0) {
    return '';
  }
  const letters = [
    ['P', all & 1],
    ['W', all & 2],
    ['U', all & 4],
    ['A', last & 0x20],
    ['D', last & 0x40],
    ['G', last & 0x100],
  ] as const;
  return letters.map(([letter, bit]) => (bit === 0 ? '-' : letter)).join('');
}

function shadowEntry(entry: number): ShadowEntry {
  if ((entry & 1) === 0) {
    return 'direct';
  }
  return (entry & 3) === 3 ? 'through' : 'unknown';
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
