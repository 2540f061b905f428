/**
 * The shadow tables of all address spaces, and what makes their entries unknown again.
 *
 * Whatever an entry was computed from is watched: guest page-table pages by write traces, the map
 * by its announcements, traces of others by `protect`. See shadow-paging.ts for the whole.
 *
 * Hot: `written`, `attach`, `trace`. Measured in shadow-paging.bench.ts.
 */
import {
  TraceOwnerId,
  tracedPages,
  type PhysicalMemory,
  type ProtectObserver,
  type TraceOwner,
} from '@ringfence/memory';
import { LeafPool, leafExec, tracedBit, uncachedBits, unknownEntry } from './leaf-pool.ts';
import { Half, type PageWalker } from './page-walker.ts';
import { PagingMode, Role } from './paging-bits.ts';
import {
  absentData,
  absentExec,
  leavesBase,
  maxLeaves,
  maxSpaces,
  spacesBase,
} from './shadow-layout.ts';
import { SpacePool } from './space-pool.ts';
import type { ShadowStatistics } from './statistics.ts';

/** Writes to a page-table page, without a walk through it in between, after which it is let go. */
export const retireAfterWrites = 64;

const allChunks = -1;

/** What `leafUser` says of a leaf that several spaces use. */
const several = -1;

/** Directories, leaves, and the traces that keep them true. */
export class ShadowTables implements TraceOwner, ProtectObserver {
  /** The directories of address spaces. */
  readonly spaces: SpacePool;
  /** The leaves. */
  readonly leaves: LeafPool;
  private readonly memory: PhysicalMemory;
  private readonly i32: Int32Array;
  private readonly statistics: ShadowStatistics;
  private readonly tableWrites = new Uint8Array(tracedPages);
  /** The only space that may have a slot with a leaf, or `several`. */
  private readonly leafUser: Int32Array;
  private marking = false;

  constructor(
    memory: PhysicalMemory,
    statistics: ShadowStatistics,
    spaces: number,
    leaves: number,
  ) {
    this.memory = memory;
    this.i32 = memory.machine.i32;
    this.statistics = statistics;
    const spaceCount = Math.max(4, Math.min(spaces, maxSpaces));
    const leafCount = Math.max(4, Math.min(leaves, maxLeaves));
    this.spaces = new SpacePool(this.i32, spacesBase, spaceCount, absentData, absentExec);
    this.leaves = new LeafPool(this.i32, leavesBase, leafCount);
    this.leafUser = new Int32Array(leafCount).fill(several);
    this.i32.fill(unknownEntry, absentData >>> 2, absentExec >>> 2);
    this.i32.fill(0, absentExec >>> 2, (absentExec + 4096) >>> 2);
    memory.traces.setOwner(TraceOwnerId.pageTable, this);
    memory.traces.addObserver(this);
  }

  /** Returns the space of four page directories and a role, made if need be; not two in use. */
  space(directories: Int32Array, role: number, inUse1: number, inUse2: number): number {
    const found = this.spaces.find(directories, role);
    if (found >= 0) return found;
    const created = this.spaces.create(directories, role);
    if (created >= 0) return created;
    this.statistics.evictions += 1;
    this.spaces.release(this.spaces.oldest(inUse1, inUse2));
    return this.spaces.create(directories, role);
  }

  /** Forgets every space and leaf. */
  flush(): void {
    for (let leaf = 0; leaf < this.leaves.capacity; leaf += 1) this.leaves.release(leaf);
    for (let space = 0; space < this.spaces.capacity; space += 1) this.spaces.release(space);
  }

  /** Empties the exec entries that lead to a physical page (canonical). */
  revokeExec(page: number): void {
    let link = this.leaves.reverseHead[page] ?? 0;
    while (link !== 0) {
      this.leaves.setExec((link - 1) >>> 10, (link - 1) & 1023, 0);
      link = this.leaves.reverseNext[link - 1] ?? 0;
    }
  }

  /** ProtectObserver: the page is traced now, so its write entries must not be used. */
  protect(page: number): void {
    const { reverseHead, reverseNext } = this.leaves;
    let link = reverseHead[page] ?? 0;
    while (link !== 0) {
      const leaf = (link - 1) >>> 10;
      const word = (this.leaves.address(leaf) >>> 2) + ((link - 1) & 1023) * 2 + 1;
      if (((this.i32[word] ?? unknownEntry) & 1) === 0) {
        this.i32[word] = this.throughEntry(page);
      }
      link = reverseNext[link - 1] ?? 0;
    }
  }

  /** The entry of a page that may be written, but not without asking. */
  throughEntry(page: number): number {
    const target = this.memory.writeTarget(page);
    const same = target >= 0 && target === this.memory.backing(page);
    return (page << 12) | uncachedBits | (same ? tracedBit : 0);
  }

  /** Other memory stands at these pages. */
  remapped(first: number, count: number): void {
    for (let page = first; page < first + count; page += 1) {
      let link = this.leaves.reverseHead[page] ?? 0;
      while (link !== 0) {
        this.leaves.clearEntry((link - 1) >>> 10, (link - 1) & 1023);
        link = this.leaves.reverseHead[page] ?? 0;
      }
      if ((this.leaves.tableHead[page] ?? 0) !== 0) this.retire(page);
      else if ((this.spaces.directoryHead[page] ?? 0) !== 0) this.retire(page);
    }
  }

  /** TraceOwner: words of a page-table page have been written. */
  written(physical: number, size: number): void {
    if (this.marking) return;
    this.statistics.traces += 1;
    const page = physical >>> 12;
    const first = physical & 0xfff;
    const last = first + size - 1;
    const writes = (this.tableWrites[page] ?? 0) + 1 + (size >>> 3);
    if (writes > retireAfterWrites) {
      this.retire(page);
      return;
    }
    const asTable = this.tableWritten(page, first, last);
    const asDirectory = this.directoryWritten(page, first, last);
    if (asTable || asDirectory) this.tableWrites[page] = writes;
    else this.retire(page);
  }

  /**
   * Writes an entry with A or D added, which makes no shadow entry untrue.
   *
   * In a page directory they are part of the key of leaves, so the slot is looked up again.
   */
  poke(address: number, value: number): void {
    const page = this.memory.canonical(address >>> 12);
    if (this.memory.writeTarget(page) < 0) return;
    this.marking = true;
    this.memory.write32(address, value);
    this.marking = false;
    this.directoryWritten(page, address & 0xfff, address & 0xfff);
  }

  /** Finds or makes the leaf of a slot, and traces the directory entries that it follows from. */
  attach(walker: PageWalker, space: number, linear: number): number {
    const slot = linear >>> 22;
    const role = this.spaces.role[space] ?? 0;
    const pae = walker.mode === PagingMode.pae;
    const low = walker.half(pae ? linear & 0xffc0_0000 : linear);
    const high = pae ? walker.half((linear & 0xffc0_0000) | 0x20_0000) : Half.none;
    let leaf = this.leaves.find(slot, role, low, high);
    if (leaf >= 0) {
      this.statistics.shared += 1;
    } else {
      leaf = this.leaves.create(slot, role, low, high);
      if (leaf < 0) {
        this.evictLeaf();
        leaf = this.leaves.create(slot, role, low, high);
      }
      this.leafUser[leaf] = space;
      this.statistics.leaves += 1;
    }
    if (this.leafUser[leaf] !== space) this.leafUser[leaf] = several;
    const address = this.leaves.address(leaf);
    this.spaces.setSlot(space, slot, address, address + leafExec);
    const pdeAddress = walker.pdeAddressOf(linear);
    if (walker.mode !== PagingMode.off && pdeAddress !== -1) this.trace(pdeAddress);
    return address;
  }

  /** Traces the 64 bytes around a page-table entry; the walk that needed them makes them young. */
  trace(address: number): void {
    const page = this.memory.canonical(address >>> 12);
    const chunk = (address >>> 6) & 63;
    this.tableWrites[page] = 0;
    const bit = 1 << (chunk & 31);
    const half = chunk >>> 5;
    if ((this.memory.traces.mask(TraceOwnerId.pageTable, page, half) & bit) !== 0) return;
    this.memory.traces.add(TraceOwnerId.pageTable, page, half === 0 ? bit : 0, half * bit);
  }

  /** Clears the entries that came from bytes first..last of a table; false if there are none. */
  private tableWritten(page: number, first: number, last: number): boolean {
    const { tableHead, tableNext } = this.leaves;
    const head = tableHead[page] ?? 0;
    for (let link = head; link !== 0; link = tableNext[link - 1] ?? 0) {
      const leaf = (link - 1) >>> 1;
      const pae = ((this.leaves.role(leaf) >>> Role.modeShift) & 3) === PagingMode.pae;
      const shift = pae ? 3 : 2;
      const base = pae ? ((link - 1) & 1) * 512 : 0;
      for (let index = first >>> shift; index <= last >>> shift; index += 1) {
        this.leaves.clearEntry(leaf, base + index);
      }
    }
    return head !== 0;
  }

  /** Clears the slots that came from bytes first..last of a directory; false if there are none. */
  private directoryWritten(page: number, first: number, last: number): boolean {
    const { directoryHead, directoryNext } = this.spaces;
    const head = directoryHead[page] ?? 0;
    for (let link = head; link !== 0; link = directoryNext[link - 1] ?? 0) {
      const space = (link - 1) >>> 2;
      const role = this.spaces.role[space] ?? 0;
      const pae = ((role >>> Role.modeShift) & 3) === PagingMode.pae;
      const shift = pae ? 4 : 2;
      const base = pae ? ((link - 1) & 3) * 256 : 0;
      const from = first >>> shift;
      const to = last >>> shift;
      if (from === to) this.spaces.clearSlot(space, base + from);
      else this.spaces.clearSlots(space, base + from, to - from + 1);
    }
    return head !== 0;
  }

  /** Stops treating a page as page tables: nothing that came from it stays, nor its traces. */
  private retire(page: number): void {
    this.tableWrites[page] = 0;
    let link = this.leaves.tableHead[page] ?? 0;
    while (link !== 0) {
      this.dropLeaf((link - 1) >>> 1);
      link = this.leaves.tableHead[page] ?? 0;
    }
    this.directoryWritten(page, 0, 4095);
    this.memory.traces.remove(TraceOwnerId.pageTable, page, allChunks, allChunks);
    this.statistics.retired += 1;
  }

  private evictLeaf(): void {
    this.statistics.evictions += 1;
    this.dropLeaf(this.leaves.victim());
  }

  private dropLeaf(leaf: number): void {
    const address = this.leaves.address(leaf);
    const slot = this.leaves.region(leaf);
    const user = this.leafUser[leaf] ?? several;
    const first = user === several ? 0 : user;
    const end = user === several ? this.spaces.top : user + 1;
    for (let space = first; space < end; space += 1) {
      if (this.spaces.leaf(space, slot) === address) this.spaces.clearSlot(space, slot);
    }
    this.leaves.release(leaf);
  }
}
