/**
 * Shadow page tables in linear memory, kept true by write traces on the guest's page tables.
 *
 * The problem: generated code must turn a linear address into an address in linear memory with a
 * few instructions, and a CR3 load, which guests do all the time, must not throw the result away.
 * The way: two-level shadow tables (a directory of leaves, see leaf-pool.ts) filled by walks on a
 * miss. A leaf is owned by the guest page-table page that it came from, not by an address space;
 * that page is traced, and a write to it clears exactly the entries that came from the words
 * written. So every shadow entry is true at every moment, INVLPG and CR3 reloads have nothing to
 * flush, and a CR3 load is a lookup of a pair of directories.
 *
 * Hardware may keep a translation until it is flushed; it never must, so being true at once is one
 * of the allowed behaviours (SDM 3A 4.10.4.1).
 *
 * What invalidates what:
 *
 *     write to a guest page-table entry        entries of that index in the leaves of that page
 *     write to a page-directory entry          that slot in the spaces of that directory
 *     a physical page is traced                its write entries become "through PhysicalMemory"
 *     a physical page loses its code           its exec entries become 0
 *     the physical map changes                 every entry that leads to the page
 *     CR0, CR4, EFER, A20, CPL, EFLAGS.AC      nothing: they are part of the role of a directory
 *
 * Dirty and accessed bits are exact: an entry allows reads once A is set, writes once D is set.
 *
 * Hot: `fill`, `loadCr3`, `setPrivilege`, `written`. Measured in shadow-paging.bench.ts.
 */
import { Layout, type MapObserver, type PhysicalMemory } from '@ringfence/memory';
import { AddressSpaces } from './address-spaces.ts';
import { type LeafPool, uncachedBits, unknownEntry } from './leaf-pool.ts';
import { type PageWalker, WalkStatus } from './page-walker.ts';
import { Access, EntryBit, PageFaultError, PagingMode, Privilege, Role } from './paging-bits.ts';
import { absentData, maxLeaves, maxSpaces } from './shadow-layout.ts';
import { ShadowTables } from './shadow-tables.ts';
import type { SpacePool } from './space-pool.ts';
import { zeroStatistics, type ShadowStatistics } from './statistics.ts';

/** What `fill` and `translate` answer. */
export const FillResult = {
  /** The access may be made at `address`. */
  ok: 0,
  /** The access is permitted and is to be made through `PhysicalMemory` at `physical`. */
  uncached: 1,
  /** The access is a page fault with `errorCode`. */
  fault: 2,
  /** The access is permitted and goes to 4 GiB or above, where reads are ones, writes nothing. */
  hole: 3,
} as const;

/** Who says what the exec entry of a physical page is. */
export interface ExecEntrySource {
  /** Returns the exec entry of a page (canonical) at a linear address, 0 for none. */
  execEntry(page: number, linear: number): number;
  /** Whether accesses to the page of a linear address must take the slow path (breakpoints). */
  isWatched?(linear: number): boolean;
}

/** Settings of `ShadowPaging`. */
export interface ShadowPagingOptions {
  /** MAXPHYADDR, 32 to 52: which bits of guest entries are reserved. Default 40. */
  readonly physicalBits?: number;
  /**
   * Whether bits 52 to 62 of PAE entries are software's, as in entries of four levels: for guests
   * that know a hypervisor which keeps their tables so. Default false.
   */
  readonly softwareBits?: boolean;
  /** The most address-space directories, at least 4. Default and upper bound `maxSpaces`. */
  readonly spaces?: number;
  /** The most leaves, at least 4. Default and upper bound `maxLeaves`. */
  readonly leaves?: number;
}

/** The shadow page tables of one virtual CPU. */
export class ShadowPaging implements MapObserver {
  /** Linear-memory address of the byte, after `fill` answered `ok`. */
  address = 0;
  /** Guest-physical address (canonical), after `uncached`, and after `translate` answered `ok`. */
  physical = 0;
  /** Page-fault error code, after `fault` (SDM 3A 4.7). */
  errorCode = 0;
  /** Counters. */
  readonly statistics: ShadowStatistics = zeroStatistics();
  private readonly memory: PhysicalMemory;
  private readonly i32: Int32Array;
  private readonly source: ExecEntrySource;
  private readonly tables: ShadowTables;
  private readonly current: AddressSpaces;
  private readonly walker: PageWalker;
  private readonly spaces: SpacePool;
  private readonly leaves: LeafPool;

  constructor(memory: PhysicalMemory, source: ExecEntrySource, options: ShadowPagingOptions = {}) {
    const { physicalBits = 40, spaces = maxSpaces, leaves = maxLeaves } = options;
    const { softwareBits = false } = options;
    this.memory = memory;
    this.i32 = memory.machine.i32;
    this.source = source;
    this.tables = new ShadowTables(memory, this.statistics, spaces, leaves);
    this.spaces = this.tables.spaces;
    this.leaves = this.tables.leaves;
    const bits = Math.max(32, Math.min(physicalBits, 52));
    this.current = new AddressSpaces(memory, this.tables, this.statistics, bits, softwareBits);
    this.walker = this.current.walker;
    memory.addObserver(this);
  }

  /**
   * Takes new values of CR0, CR4 and EFER.
   *
   * Returns false, with nothing changed, if PAE page-directory pointers had to be loaded and one
   * has reserved bits set: the instruction is then a general-protection fault (SDM 3A 4.4.1).
   */
  setControl(cr0: number, cr4: number, efer: number): boolean {
    return this.current.setControl(cr0, cr4, efer);
  }

  /**
   * Loads CR3 and switches to the address space that it names.
   *
   * Returns false, with nothing changed, if a PAE page-directory pointer has reserved bits set: the
   * load is then a general-protection fault (SDM 3A 4.4.1).
   */
  loadCr3(cr3: number): boolean {
    return this.current.loadCr3(cr3);
  }

  /**
   * Says on whose behalf generated code runs: CPL 3 or not, and EFLAGS.AC.
   *
   * To be called when the CPL changes and, while CR4.SMAP is set, when AC does.
   */
  setPrivilege(user: boolean, alignmentCheck: boolean): void {
    this.current.setPrivilege(user, alignmentCheck);
  }

  /**
   * Makes the shadow entry for one access true, with the effects of a page walk on A and D bits.
   *
   * The access must not cross a page. Returns a FillResult.
   */
  fill(linear: number, access: number, privilege: number): number {
    const space = this.current.spaceOf(privilege);
    if (access !== Access.execute) {
      const leaf = this.spaces.leaf(space, linear >>> 22);
      const word = (leaf >>> 2) + ((linear >>> 12) & 1023) * 2 + access;
      const entry = this.i32[word] ?? unknownEntry;
      if ((entry & 1) === 0) {
        this.address = (Layout.ram + linear + entry) >>> 0;
        return FillResult.ok;
      }
      if ((entry & uncachedBits) === uncachedBits) {
        const page = entry >>> 12;
        if (access === Access.read || !this.memory.writable(page)) {
          this.physical = ((page << 12) | (linear & 0xfff)) >>> 0;
          return FillResult.uncached;
        }
      }
    }
    return this.walkAndFill(space, linear, access, privilege);
  }

  /** Does what `fill` does and always sets `physical` when it answers `ok`. */
  translate(linear: number, access: number, privilege: number): number {
    return this.walkAndFill(this.current.spaceOf(privilege), linear, access, privilege);
  }

  /**
   * Returns the guest-physical address of a linear address, -1 if it is not mapped below 4 GiB.
   *
   * For debuggers: ignores permissions and changes nothing.
   */
  inspect(linear: number): number {
    const status = this.walker.walk(linear);
    if (status !== WalkStatus.mapped || this.walker.aboveMap) return -1;
    return this.memory.canonical(this.walker.page) * 4096 + (linear & 0xfff);
  }

  /** INVLPG: there is nothing to do, since entries are always true. */
  invalidatePage(_linear: number): void {}

  /** Forgets every shadow table, as after guest memory was replaced by a snapshot's. */
  flush(): void {
    this.tables.flush();
    this.current.enter();
  }

  /** Page directories as CR3 or the PAE pointer registers name them; these are not in memory. */
  get pageDirectories(): number[] {
    return this.current.pageDirectories;
  }

  /**
   * Takes over CR0, CR3, CR4, EFER and the `pageDirectories` of a snapshot, after guest memory was
   * replaced.
   */
  restore(controls: readonly number[], pageDirectories: readonly number[]): void {
    this.tables.flush();
    this.current.restore(controls, pageDirectories);
  }

  /** Empties the exec entries that lead to a physical page (canonical). */
  revokeExec(page: number): void {
    this.tables.revokeExec(page);
  }

  /** MapObserver: other memory stands at these pages. */
  remapped(first: number, count: number): void {
    this.tables.remapped(first, count);
  }

  /** MapObserver: the A20 gate has moved; it is part of the role. */
  gateChanged(): void {
    this.current.enter();
  }

  private walkAndFill(space: number, linear: number, access: number, privilege: number): number {
    const walker = this.walker;
    const status = walker.walk(linear);
    if (status !== WalkStatus.mapped) {
      const reserved = PageFaultError.present | PageFaultError.reserved;
      return this.fault(access, privilege, status === WalkStatus.reserved ? reserved : 0);
    }
    const role = this.spaces.role[space] ?? 0;
    if (!this.permits(role, access)) return this.fault(access, privilege, PageFaultError.present);
    if (walker.pteAddress >= 0) this.markDirectory();
    const dirty = this.markPage(access === Access.write);
    if (walker.aboveMap) return FillResult.hole;
    const page = this.memory.canonical(walker.page);
    this.physical = ((page << 12) | (linear & 0xfff)) >>> 0;
    return this.install(space, linear, access, page, dirty);
  }

  /** Writes the entries that the last walk found, and answers from them. */
  private install(
    space: number,
    linear: number,
    access: number,
    page: number,
    dirty: boolean,
  ): number {
    const walker = this.walker;
    const role = this.spaces.role[space] ?? 0;
    const index = (linear >>> 12) & 1023;
    let address = this.spaces.leaf(space, linear >>> 22);
    if (address === absentData) address = this.tables.attach(walker, space, linear);
    const leaf = this.leaves.at(address);
    if (walker.pteAddress >= 0) this.tables.trace(walker.pteAddress);
    const readable = this.memory.backing(page);
    const fetch = access === Access.execute && readable >= 0;
    const exec = fetch ? this.source.execEntry(page, linear) : 0;
    const mayRead = this.permits(role, Access.read);
    const mayWrite = dirty && this.permits(role, Access.write);
    const through = (page << 12) | uncachedBits;
    const bias = Layout.ram + (linear & 0xffff_f000);
    let read = unknownEntry;
    let write = unknownEntry;
    const slow = this.source.isWatched?.(linear) === true;
    if (mayRead) read = readable < 0 || slow ? through : (readable - bias) | 0;
    if (mayWrite) {
      const direct = !slow && this.memory.writable(page);
      if (direct) write = (this.memory.writeTarget(page) - bias) | 0;
      else write = slow ? through : this.tables.throughEntry(page);
    }
    this.leaves.touch(leaf);
    this.leaves.setEntry(leaf, index, page, read, write);
    this.statistics.fills += 1;
    if (access === Access.execute) {
      if (!fetch) return FillResult.uncached;
      this.leaves.setExec(leaf, index, exec);
      this.address = readable + (linear & 0xfff);
      return FillResult.ok;
    }
    const entry = access === Access.write ? write : read;
    if ((entry & 1) !== 0) return FillResult.uncached;
    this.address = (Layout.ram + linear + entry) >>> 0;
    return FillResult.ok;
  }

  /** Whether the last walk's permissions allow an access in a role (SDM 3A 4.6.1). */
  private permits(role: number, access: number): boolean {
    const { user, writable, noExecute } = this.walker;
    if ((role & Role.user) !== 0 && !user) return false;
    const userPage = user && (role & Role.user) === 0 && this.walker.mode !== PagingMode.off;
    if (access === Access.execute) return !noExecute && !(userPage && (role & Role.smep) !== 0);
    if (userPage && (role & Role.smap) !== 0) return false;
    if (access === Access.read || writable) return true;
    return (role & (Role.user | Role.wp)) === 0;
  }

  private fault(access: number, privilege: number, cause: number): number {
    let code = cause;
    if (access === Access.write) code |= PageFaultError.write;
    if (privilege === Privilege.user) code |= PageFaultError.user;
    if (access === Access.execute && this.current.fetchFaultsMarked) code |= PageFaultError.fetch;
    this.errorCode = code;
    this.statistics.faults += 1;
    return FillResult.fault;
  }

  /**
   * Sets A in the page-directory entry that the walk used to find a page table.
   *
   * Only a translation that comes to its end uses its entries (SDM 3A 4.8): the 386 sets A before
   * it reads or writes a page, and test programs written on one look for a clear bit after a fault.
   */
  private markDirectory(): void {
    const { pdeAddress, pde } = this.walker;
    if (pdeAddress < 0 || (pde & EntryBit.accessed) !== 0) return;
    this.walker.pde = pde | EntryBit.accessed;
    this.tables.poke(pdeAddress, this.walker.pde);
  }

  /** Sets A, and D for a write, in the entry that maps the page; returns whether D is set now. */
  private markPage(write: boolean): boolean {
    const walker = this.walker;
    const table = walker.pteAddress >= 0;
    const address = table ? walker.pteAddress : walker.pdeAddress;
    if (address < 0) return true;
    const entry = table ? walker.pte : walker.pde;
    const wanted = entry | EntryBit.accessed | (write ? EntryBit.dirty : 0);
    if (wanted !== entry) this.tables.poke(address, wanted);
    return (wanted & EntryBit.dirty) !== 0;
  }
}
