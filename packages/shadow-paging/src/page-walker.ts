/**
 * The guest's own page tables, walked as the processor walks them (SDM 3A 4.3, 4.4).
 *
 * A walk only reads; its results stay in fields until the next walk, so that nothing is allocated.
 * Tables are read through the physical map; where that has no memory (holes, MMIO, above 4 GiB),
 * entries read as all ones, which is a reserved-bit fault under PAE.
 *
 * Hot: `walk`, at each shadow miss. Measured in shadow-paging.bench.ts.
 */
import type { PhysicalMemory } from '@ringfence/memory';
import { EntryBit, PagingMode } from './paging-bits.ts';

/** How a walk ended. */
export const WalkStatus = { mapped: 0, notPresent: 1, reserved: 2 } as const;

/**
 * What one page-directory entry says to the 4 MiB or 2 MiB below it, in one word.
 *
 *     bits 31..12  page of the page table, or first page of the large page
 *     bit 6        accessed: a leaf is used by directories whose entry has A set, or for its other
 *                  half
 *     bit 5        dirty (large pages)
 *     bit 4        no-execute (PAE)
 *     bit 3        user
 *     bit 2        writable
 *     bits 1..0    0 nothing usable, 1 page table, 2 large page
 */
export const Half = {
  none: 0,
  table: 1,
  large: 2,
  kindMask: 3,
  writable: 4,
  user: 8,
  noExecute: 16,
  dirty: 32,
  accessed: 64,
} as const;

const anything = Half.writable | Half.user | Half.dirty | Half.accessed;

/** A walker of guest page tables. */
export class PageWalker {
  /** PagingMode of the walks. */
  mode: number = PagingMode.off;
  /** CR4.PSE: page-directory entries may map 4 MiB pages. */
  pageSizeExtensions = false;
  /** EFER.NXE: bit 63 of PAE entries is no-execute, not reserved. */
  noExecuteEnabled = false;
  /** Page numbers of the page directories: one (two-level) or four (PAE); see `absent`. */
  readonly directories: Int32Array = new Int32Array(4).fill(-1);

  /** Physical page that the last walk arrived at; meaningless when `aboveMap`. */
  page = 0;
  /** The last walk arrived at a physical address of 4 GiB or more, where nothing is. */
  aboveMap = false;
  /** Both levels allow writes. */
  writable = false;
  /** Both levels allow user accesses. */
  user = false;
  /** One level forbids execution. */
  noExecute = false;
  /** Guest-physical address of the page-directory entry used, and its low word; -1 none. */
  pdeAddress = -1;
  /** Low word of the page-directory entry. */
  pde = 0;
  /** Guest-physical address of the page-table entry used; -1 none. */
  pteAddress = -1;
  /** Low word of the page-table entry. */
  pte = 0;

  private readonly physical: PhysicalMemory;
  private readonly i32: Int32Array;
  /** Bits of the high word of a PAE entry that are reserved whatever NXE says. */
  private readonly reservedHigh: number;
  /** Bits of the high word of a PAE entry that are more of an address than there is memory. */
  private readonly addressHigh: number;
  /** Bits 20..13 of a PSE-36 entry beyond the physical-address width, and bit 21. */
  private readonly reservedPse: number;

  /**
   * `physicalBits` is MAXPHYADDR, 32 to 52; with `softwareBits` bits 52 to 62 of PAE entries mean
   * nothing, as in entries of four levels (SDM 3A table 4-20).
   */
  constructor(physical: PhysicalMemory, physicalBits: number, softwareBits: boolean = false) {
    this.physical = physical;
    this.i32 = physical.machine.i32;
    const highBits = Math.min(physicalBits, 52) - 32;
    this.addressHigh = softwareBits ? 0x000f_ffff : 0x7fff_ffff;
    this.reservedHigh = this.addressHigh & ~((1 << highBits) - 1);
    const pseBits = Math.min(highBits, 8);
    this.reservedPse = (0x1ff & ~((1 << pseBits) - 1)) << 13;
  }

  /** The entry of `directories` for a page-directory pointer that is not present. */
  static readonly absent = -1;
  /** The entry of `directories` for a page directory above 4 GiB. */
  static readonly unreachable = -2;

  /** Reads a word of a table: guest memory, or all ones where there is none. */
  peek(address: number): number {
    const backing = this.physical.backing(address >>> 12);
    return backing < 0 ? -1 : (this.i32[(backing + (address & 0xffc)) >>> 2] ?? -1);
  }

  /** Walks the tables for a linear address; returns a WalkStatus and sets the result fields. */
  walk(linear: number): number {
    this.pteAddress = -1;
    this.pdeAddress = -1;
    this.aboveMap = false;
    this.noExecute = false;
    if (this.mode === PagingMode.twoLevel) return this.walkTwoLevel(linear);
    if (this.mode === PagingMode.pae) return this.walkPae(linear);
    this.page = linear >>> 12;
    this.writable = true;
    this.user = true;
    return WalkStatus.mapped;
  }

  /**
   * Returns the Half word of the page-directory entry for a linear address.
   *
   * Under PAE a 4 MiB region has two.
   */
  half(linear: number): number {
    if (this.mode === PagingMode.off) {
      return (linear & 0xffc0_0000) | Half.large | anything;
    }
    if (this.mode === PagingMode.twoLevel) {
      const address = this.pdeAddressOf(linear);
      return this.halfTwoLevel(this.peek(address));
    }
    const address = this.pdeAddressOf(linear);
    if (address < 0) return Half.none;
    return this.halfPae(this.peek(address), this.peek(address + 4));
  }

  /** Returns the guest-physical address of the page-directory entry for a linear address, or -1. */
  pdeAddressOf(linear: number): number {
    if (this.mode === PagingMode.twoLevel) {
      return ((this.directories[0] ?? 0) << 12) | ((linear >>> 20) & 0xffc);
    }
    if (this.mode !== PagingMode.pae) return -1;
    const directory = this.directories[linear >>> 30] ?? -1;
    return directory < 0 ? -1 : directory * 4096 + ((linear >>> 18) & 0xff8);
  }

  private walkTwoLevel(linear: number): number {
    const pdeAddress = ((this.directories[0] ?? 0) << 12) | ((linear >>> 20) & 0xffc);
    const pde = this.peek(pdeAddress);
    if ((pde & EntryBit.present) === 0) return WalkStatus.notPresent;
    if ((pde & EntryBit.large) !== 0 && this.pageSizeExtensions) {
      if ((pde & this.reservedPse) !== 0) return WalkStatus.reserved;
      this.pdeAddress = pdeAddress >>> 0;
      this.pde = pde;
      this.aboveMap = (pde & 0x1f_e000) !== 0;
      this.page = ((pde >>> 12) & 0xffc00) | ((linear >>> 12) & 0x3ff);
      this.writable = (pde & EntryBit.writable) !== 0;
      this.user = (pde & EntryBit.user) !== 0;
      return WalkStatus.mapped;
    }
    this.pdeAddress = pdeAddress >>> 0;
    this.pde = pde;
    const pteAddress = (pde & 0xffff_f000) | ((linear >>> 10) & 0xffc);
    const pte = this.peek(pteAddress);
    if ((pte & EntryBit.present) === 0) return WalkStatus.notPresent;
    this.pteAddress = pteAddress >>> 0;
    this.pte = pte;
    this.page = pte >>> 12;
    this.writable = (pde & pte & EntryBit.writable) !== 0;
    this.user = (pde & pte & EntryBit.user) !== 0;
    return WalkStatus.mapped;
  }

  private walkPae(linear: number): number {
    const directory = this.directories[linear >>> 30] ?? -1;
    if (directory === PageWalker.absent) return WalkStatus.notPresent;
    if (directory === PageWalker.unreachable) return WalkStatus.reserved;
    const pdeAddress = directory * 4096 + ((linear >>> 18) & 0xff8);
    const pde = this.peek(pdeAddress);
    const pdeHigh = this.peek(pdeAddress + 4);
    if ((pde & EntryBit.present) === 0) return WalkStatus.notPresent;
    if (this.reservedPae(pdeHigh)) return WalkStatus.reserved;
    const addressHigh = pdeHigh & this.addressHigh;
    if ((pde & EntryBit.large) !== 0) {
      if ((pde & 0x1f_e000) !== 0) return WalkStatus.reserved;
      this.pdeAddress = pdeAddress;
      this.pde = pde;
      this.aboveMap = addressHigh !== 0;
      this.page = ((pde >>> 12) & 0xffe00) | ((linear >>> 12) & 0x1ff);
      this.writable = (pde & EntryBit.writable) !== 0;
      this.user = (pde & EntryBit.user) !== 0;
      this.noExecute = pdeHigh < 0;
      return WalkStatus.mapped;
    }
    this.pdeAddress = pdeAddress;
    this.pde = pde;
    if (addressHigh !== 0) return WalkStatus.reserved;
    return this.walkPaeTable(linear, pde, pdeHigh);
  }

  private walkPaeTable(linear: number, pde: number, pdeHigh: number): number {
    const pteAddress = ((pde & 0xffff_f000) | ((linear >>> 9) & 0xff8)) >>> 0;
    const pte = this.peek(pteAddress);
    const pteHigh = this.peek(pteAddress + 4);
    if ((pte & EntryBit.present) === 0) return WalkStatus.notPresent;
    if (this.reservedPae(pteHigh)) return WalkStatus.reserved;
    this.pteAddress = pteAddress;
    this.pte = pte;
    this.aboveMap = (pteHigh & this.addressHigh) !== 0;
    this.page = pte >>> 12;
    this.writable = (pde & pte & EntryBit.writable) !== 0;
    this.user = (pde & pte & EntryBit.user) !== 0;
    this.noExecute = (pdeHigh | pteHigh) < 0;
    return WalkStatus.mapped;
  }

  /** Whether the high word of a PAE entry has a reserved bit set (SDM 3A 4.4.2, table 4-8 on). */
  private reservedPae(high: number): boolean {
    return (high & this.reservedHigh) !== 0 || (high < 0 && !this.noExecuteEnabled);
  }

  private halfTwoLevel(pde: number): number {
    if ((pde & EntryBit.present) === 0) return Half.none;
    const permissions = (pde & (EntryBit.writable | EntryBit.user | EntryBit.accessed)) << 1;
    if ((pde & EntryBit.large) === 0 || !this.pageSizeExtensions) {
      return this.tablePage(pde) | permissions | Half.table;
    }
    if ((pde & (this.reservedPse | 0x1f_e000)) !== 0) return Half.none;
    const dirty = (pde & EntryBit.dirty) >>> 1;
    return (pde & 0xffc0_0000) | permissions | dirty | Half.large;
  }

  private halfPae(pde: number, high: number): number {
    if ((pde & EntryBit.present) === 0 || this.reservedPae(high)) return Half.none;
    if ((high & this.addressHigh) !== 0) return Half.none;
    const bits = EntryBit.writable | EntryBit.user | EntryBit.accessed;
    const permissions = ((pde & bits) << 1) | (high < 0 ? Half.noExecute : 0);
    if ((pde & EntryBit.large) === 0) return this.tablePage(pde) | permissions | Half.table;
    if ((pde & 0x1f_e000) !== 0) return Half.none;
    const dirty = (pde & EntryBit.dirty) >>> 1;
    return (pde & 0xffe0_0000) | permissions | dirty | Half.large;
  }

  private tablePage(pde: number): number {
    return this.physical.canonical(pde >>> 12) << 12;
  }
}
