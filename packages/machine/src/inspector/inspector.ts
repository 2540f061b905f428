/**
 * What the hypervisor does with the guest, as plain data for whoever shows it: reading changes
 * nothing that the guest could see.
 */
import type { Cpu, RegionSummary } from '@ringfence/cpu';
import { CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';
import { explain, maximumExplained, moduleText } from '@ringfence/translator';

import { descriptorTables } from './descriptors.ts';
import type { DescriptorTables } from './descriptors.ts';
import { guestCode } from './guest-code.ts';
import type { CodeLine } from './guest-code.ts';
import { pageRows } from './pages.ts';
import type { PageRow } from './pages.ts';

/** A region with what it was made from and what it became. */
export interface RegionDetails {
  readonly region: RegionSummary;
  /** The guest's instructions. */
  readonly guest: readonly CodeLine[];
  /** What the translator makes of the code from the region's first entry on (IR as text). */
  readonly ir: string;
  /** The WebAssembly module that was compiled, as text. */
  readonly wasm: string;
}

/** A look into a running machine, between two slices. */
export interface Inspector {
  /** The translated regions in which the CPU was met most. */
  regions(most: number): readonly RegionSummary[];
  /** One of them, or nothing if it was dropped meanwhile. */
  region(id: number): RegionDetails | undefined;
  /** What the guest's page tables and the shadow tables say of `count` pages from `linear` on. */
  pages(linear: number, count: number): readonly PageRow[];
  /** Linear address of the next instruction. */
  readonly instructionPointer: number;
  /** The descriptor tables beside the hidden state of the segment registers. */
  descriptors(): DescriptorTables;
}

/** The most rows that one look gives. */
const mostRows = 1024;

/** Looks into the parts of a machine. */
export class MachineInspector implements Inspector {
  readonly #cpu: Cpu;
  readonly #memory: PhysicalMemory;

  constructor(cpu: Cpu, memory: PhysicalMemory) {
    this.#cpu = cpu;
    this.#memory = memory;
  }

  regions(most: number): readonly RegionSummary[] {
    return this.#cpu.regions?.log.hottest(bounded(most)) ?? [];
  }

  region(id: number): RegionDetails | undefined {
    const log = this.#cpu.regions?.log;
    const region = log?.find(id);
    const wasm = log?.wasm(id);
    if (region === undefined || wasm === undefined) {
      return undefined;
    }
    return {
      region,
      guest: guestCode(this.#memory, region.ranges),
      ir: explain(this.#code(region), 32).irAfter,
      wasm: moduleText(wasm),
    };
  }

  /** The code of a region from its first entry to its end in that page. */
  #code({ address, ranges }: RegionSummary): Uint8Array {
    const pageEnd = (Math.floor(address / maximumExplained) + 1) * maximumExplained;
    const ends = ranges.map(([, end]) => end).filter((end) => end > address && end <= pageEnd);
    const bytes = new Uint8Array(Math.max(address, ...ends) - address);
    this.#memory.read(address, bytes);
    return bytes;
  }

  pages(linear: number, count: number): readonly PageRow[] {
    return pageRows(this.#cpu, this.#memory, linear >>> 0, bounded(count));
  }

  get instructionPointer(): number {
    const words = this.#memory.machine.i32;
    const base = CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.base;
    return ((words[CpuState.rip >> 2] ?? 0) + (words[base >> 2] ?? 0)) >>> 0;
  }

  descriptors(): DescriptorTables {
    return descriptorTables(this.#cpu, this.#memory);
  }
}

function bounded(count: number): number {
  return Math.max(0, Math.min(Math.trunc(count) || 0, mostRows));
}
