import { CpuState, Layout, MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { ShadowPaging, type ShadowPagingOptions } from './shadow-paging.ts';

/** Bits of guest entries, for tests. */
export const bit = { p: 1, w: 2, u: 4, a: 0x20, d: 0x40, ps: 0x80, g: 0x100 } as const;

/** Present, writable, user: the flags of most entries in tests. */
export const pwu = 7;

/** A guest of 4 MiB with a page directory at 0x1000 and a page table at 0x2000 for region 0. */
export class TestGuest {
  readonly machine: MachineMemory = new MachineMemory({ ramBytes: 4 << 20 });
  readonly physical: PhysicalMemory = new PhysicalMemory(this.machine);
  readonly shadow: ShadowPaging;
  readonly directory: number = 0x1000;
  readonly table: number = 0x2000;

  constructor(options: ShadowPagingOptions = {}) {
    this.physical.mapRam(0, 4 << 20, Layout.ram);
    const source = { execEntry: (page: number): number => (page + 1) * 16 };
    this.shadow = new ShadowPaging(this.physical, source, options);
  }

  /** Switches two-level paging on with more CR0 and CR4 bits, and maps the table at region 0. */
  enable(cr0: number = 0, cr4: number = 0): this {
    this.physical.write32(this.directory, this.table | pwu);
    this.shadow.loadCr3(this.directory);
    this.shadow.setControl(0x8000_0001 | cr0, cr4, 0);
    return this;
  }

  /** Maps a page of region 0. */
  map(linearPage: number, page: number, flags: number = pwu): void {
    this.physical.write32(this.table + linearPage * 4, (page << 12) | flags);
  }

  /** The page-table entry of a page of region 0. */
  pte(linearPage: number): number {
    return this.physical.read32(this.table + linearPage * 4);
  }

  /** The read (0) or write (1) entry that generated code would find now. */
  entry(linear: number, access: number): number {
    const { i32 } = this.machine;
    const directory = i32[CpuState.dirData >>> 2] ?? 0;
    const pairs = i32[(directory >>> 2) + (linear >>> 22)] ?? 0;
    return i32[((pairs + (linear >>> 12) * 8) >>> 2) + access] ?? 0;
  }

  /** The exec entry that generated code would find now. */
  exec(linear: number): number {
    const { i32 } = this.machine;
    const directory = i32[CpuState.dirExec >>> 2] ?? 0;
    const leaf = i32[(directory >>> 2) + (linear >>> 22)] ?? 0;
    return i32[(leaf >>> 2) + ((linear >>> 12) & 1023)] ?? 0;
  }
}
