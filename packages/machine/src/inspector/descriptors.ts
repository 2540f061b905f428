/** The descriptor tables beside the hidden parts of the segment registers (SDM 3A 3.4.3). */
import type { Cpu } from '@ringfence/cpu';
import { CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';

/** A segment register: what is visible of it, what is hidden, and what its table says now. */
export interface SegmentRow {
  readonly register: string;
  readonly selector: number;
  /** Hidden, as they were when the register was loaded. */
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
  /** The descriptor that the selector names now, in hexadecimal; nothing where there is none. */
  readonly descriptor: string | undefined;
  /** Whether that would load the same hidden state. */
  readonly isSame: boolean;
}

/** A descriptor of a table. */
export interface DescriptorRow {
  readonly selector: number;
  /** Both words in hexadecimal. */
  readonly descriptor: string;
  readonly kind: string;
  readonly base: number;
  readonly limit: number;
  readonly privilege: number;
}

/** What `Inspector.descriptors` returns. */
export interface DescriptorTables {
  readonly segments: readonly SegmentRow[];
  readonly gdt: { readonly base: number; readonly limit: number };
  readonly idt: { readonly base: number; readonly limit: number };
  /** The descriptors of the GDT that are present. */
  readonly descriptors: readonly DescriptorRow[];
}

/** The most descriptors of the GDT that are read. */
const mostDescriptors = 256;

/** Linear addresses are mapped page by page; a word that is not mapped reads as nothing. */
type ReadWord = (linear: number) => number | undefined;

/** Reads descriptor tables and segment registers. */
export function descriptorTables(cpu: Cpu, memory: PhysicalMemory): DescriptorTables {
  const words = memory.machine.i32;
  const read: ReadWord = (linear) => {
    const physical = cpu.shadow.inspect(linear | 0);
    return physical < 0 ? undefined : memory.read32(physical);
  };
  const word = (address: number): number => words[address >> 2] ?? 0;
  const gdt = { base: word(CpuState.gdtr) >>> 0, limit: word(CpuState.gdtr + 8) >>> 0 };
  const idt = { base: word(CpuState.idtr) >>> 0, limit: word(CpuState.idtr + 8) >>> 0 };
  const ldtr = CpuState.segments + segmentBytes * SegmentRegister.ldtr;
  const ldt = {
    base: word(ldtr + SegmentField.base) >>> 0,
    limit: word(ldtr + SegmentField.limit) >>> 0,
  };
  const isProtected = (word(CpuState.cr) & 1) !== 0;
  const segments = Object.entries(SegmentRegister).map(([register, number]) => {
    const at = CpuState.segments + segmentBytes * number;
    const selector = word(at + SegmentField.selector) & 0xffff;
    const table = (selector & 4) === 0 ? gdt : ldt;
    const found = isProtected && selector > 3 ? descriptorAt(read, table, selector) : undefined;
    const base = word(at + SegmentField.base) >>> 0;
    const limit = word(at + SegmentField.limit) >>> 0;
    const isSame = found === undefined || (found.base === base && found.limit === limit);
    const attributes = word(at + SegmentField.attributes) & 0xffff;
    const descriptor = found?.descriptor;
    return { register, selector, base, limit, attributes, descriptor, isSame };
  });
  const count = isProtected ? Math.min(mostDescriptors, (gdt.limit + 1) >>> 3) : 0;
  const descriptors = Array.from({ length: count }, (_nothing, index) => {
    return descriptorAt(read, gdt, index * 8);
  });
  return { segments, gdt, idt, descriptors: descriptors.filter((row) => row !== undefined) };
}

/** Returns the descriptor of a selector, if it is in its table and present. */
function descriptorAt(
  read: ReadWord,
  table: { base: number; limit: number },
  selector: number,
): DescriptorRow | undefined {
  const offset = selector & 0xfff8;
  if (offset + 7 > table.limit) {
    return undefined;
  }
  const low = read(table.base + offset);
  const high = read(table.base + offset + 4);
  if (low === undefined || high === undefined || (high & 0x8000) === 0) {
    return undefined;
  }
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
  const limit = (low & 0xffff) | (high & 0xf_0000);
  const isGranular = (high & 0x80_0000) !== 0;
  return {
    selector: offset,
    descriptor: `${hex(high)}${hex(low)}`,
    kind: kindOf(high),
    base,
    limit: (isGranular ? (limit << 12) | 0xfff : limit) >>> 0,
    privilege: (high >>> 13) & 3,
  };
}

/** Names of system descriptors (SDM 3A table 3-2); the others are reserved. */
const systemKinds: Readonly<Record<number, string>> = {
  1: 'TSS, 16-bit',
  2: 'LDT',
  3: 'TSS, 16-bit, busy',
  4: 'call gate, 16-bit',
  5: 'task gate',
  9: 'TSS',
  11: 'TSS, busy',
  12: 'call gate',
};

function kindOf(high: number): string {
  const type = (high >>> 8) & 15;
  if ((high & 0x1000) === 0) {
    return systemKinds[type] ?? 'reserved';
  }
  const size = (high & 0x40_0000) === 0 ? '16' : '32';
  if ((type & 8) !== 0) {
    const readable = (type & 2) === 0 ? '' : ', readable';
    return `code ${size}${readable}${(type & 4) === 0 ? '' : ', conforming'}`;
  }
  return `data ${size}${(type & 2) === 0 ? '' : ', writable'}${(type & 4) === 0 ? '' : ', down'}`;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
