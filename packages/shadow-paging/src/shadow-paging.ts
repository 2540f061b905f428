/**
 * Shadow page tables in linear memory, kept true by write traces on the guest's page tables.
 *
 * The problem: generated code must turn a linear address into an address in linear memory with a few
 * instructions, and a CR3 load, which guests do all the time, must not throw the result away. The
 * way: two-level shadow tables (a directory of leaves, see leaf-pool.ts) filled by walks on a miss. A leaf is
 * owned by the guest page-table page that it came from, not by an address space; that page is traced,
 * and a write to it clears exactly the entries that came from the words written. So every shadow
 * entry is true at every moment, INVLPG and CR3 reloads have nothing to flush, and a CR3 load is a
 * lookup of a pair of directories.
 *
 * Hardware may keep a translation until it is flushed; it never must, so being true at once is one of
 * the allowed behaviours (SDM 3A 4.10.4.1).
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
import {
  CpuState,
  Layout,
  TraceOwnerId,
  tracedPages,
  type MapObserver,
  type PhysicalMemory,
  type ProtectObserver,
  type TraceOwner,
} from '@ringfence/memory';
import { LeafPool, leafBytes, leafExec, uncachedBits, unknownEntry } from './leaf-pool.ts';
import { Half, PageWalker, WalkStatus } from './page-walker.ts';
import {
  Access,
  Cr0,
  Cr4,
  Efer,
  EntryBit,
  PageFaultError,
  PagingMode,
  Privilege,
  Role,
} from './paging-bits.ts';
import { SpacePool, spaceBytes } from './space-pool.ts';
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
  /** Returns the exec entry of a page (canonical), 0 for none. */
  execEntry(page: number): number;
}

/** Settings of `ShadowPaging`. */
export interface ShadowPagingOptions {
  /** MAXPHYADDR, 32 to 52: which bits of guest entries are reserved. Default 40. */
  readonly physicalBits?: number;
  /** The most address-space directories, at least 4. Default and upper bound `maxSpaces`. */
  readonly spaces?: number;
  /** The most leaves, at least 4. Default and upper bound `maxLeaves`. */
  readonly leaves?: number;
}

const absentData: number = Layout.shadowPool;
const absentExec = absentData + leafExec;
const spacesBase = Layout.shadowPool + 0x4000;

/** The most shadow directories, each for one address space and role. */
export const maxSpaces = 1024;

const leavesBase = spacesBase + maxSpaces * spaceBytes;

/** The most shadow leaves, each for 4 MiB of linear space as one role sees it. */
export const maxLeaves: number = Math.floor(
  (Layout.shadowPool + Layout.shadowPoolBytes - leavesBase) / leafBytes,
);

/** Writes to a page-table page, without a walk through it in between, after which it is let go. */
export const retireAfterWrites = 64;

const allChunks = -1;

/** The shadow page tables of one virtual CPU. */
export class ShadowPaging implements TraceOwner, ProtectObserver, MapObserver {
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
  private readonly walker: PageWalker;
  private readonly spaces: SpacePool;
  private readonly leaves: LeafPool;
  private readonly physicalBits: number;
  private readonly tableWrites = new Uint8Array(tracedPages);
  /** Page directories as CR3 or the PDPTE registers name them, before the A20 gate. */
  private readonly roots = new Int32Array(4).fill(PageWalker.absent);
  private cr0 = 0;
  private cr3 = 0;
  private cr4 = 0;
  private efer = 0;
  private user = false;
  private alignmentCheck = false;
  private userSpace = 0;
  private supervisorSpace = 0;
  private systemSpace = 0;
  private marking = false;

  constructor(memory: PhysicalMemory, source: ExecEntrySource, options: ShadowPagingOptions = {}) {
    const { physicalBits = 40, spaces = maxSpaces, leaves = maxLeaves } = options;
    this.memory = memory;
    this.i32 = memory.machine.i32;
    this.source = source;
    this.physicalBits = Math.max(32, Math.min(physicalBits, 52));
    this.walker = new PageWalker(memory, this.physicalBits);
    const spaceCount = Math.max(4, Math.min(spaces, maxSpaces));
    const leafCount = Math.max(4, Math.min(leaves, maxLeaves));
    this.spaces = new SpacePool(this.i32, spacesBase, spaceCount, absentData, absentExec);
    this.leaves = new LeafPool(this.i32, leavesBase, leafCount);
    this.i32.fill(unknownEntry, absentData >>> 2, absentExec >>> 2);
    this.i32.fill(0, absentExec >>> 2, (absentExec + 4096) >>> 2);
    memory.traces.setOwner(TraceOwnerId.pageTable, this);
    memory.traces.addObserver(this);
    memory.addObserver(this);
    this.enter();
  }

  /**
   * Takes new values of CR0, CR4 and EFER.
   *
   * Returns false, with nothing changed, if PAE page-directory pointers had to be loaded and one has
   * reserved bits set: the instruction is then a general-protection fault (SDM 3A 4.4.1).
   */
  setControl(cr0: number, cr4: number, efer: number): boolean {
    const changed0 = (cr0 ^ this.cr0) & (Cr0.cd | Cr0.nw | Cr0.pg);
    const changed4 = (cr4 ^ this.cr4) & (Cr4.pae | Cr4.pge | Cr4.pse | Cr4.smep);
    const mode = modeOf(cr0, cr4);
    if (mode === PagingMode.pae && (changed0 | changed4) !== 0) {
      if (!this.loadPointers(this.cr3)) return false;
    } else if (mode !== PagingMode.pae) {
      this.setRoot(mode === PagingMode.off ? PageWalker.absent : this.cr3 >>> 12);
    }
    this.cr0 = cr0;
    this.cr4 = cr4;
    this.efer = efer;
    this.enter();
    return true;
  }

  /**
   * Loads CR3 and switches to the address space that it names.
   *
   * Returns false, with nothing changed, if a PAE page-directory pointer has reserved bits set: the
   * load is then a general-protection fault (SDM 3A 4.4.1).
   */
  loadCr3(cr3: number): boolean {
    const mode = modeOf(this.cr0, this.cr4);
    if (mode === PagingMode.pae) {
      if (!this.loadPointers(cr3)) return false;
    } else if (mode === PagingMode.twoLevel) {
      this.setRoot(cr3 >>> 12);
    }
    this.cr3 = cr3;
    if (mode !== PagingMode.off) this.enter();
    return true;
  }

  /**
   * Says on whose behalf generated code runs: CPL 3 or not, and EFLAGS.AC.
   *
   * To be called when the CPL changes and, while CR4.SMAP is set, when AC does.
   */
  setPrivilege(user: boolean, alignmentCheck: boolean): void {
    this.user = user;
    if (alignmentCheck !== this.alignmentCheck) {
      this.alignmentCheck = alignmentCheck;
      if ((this.cr4 & Cr4.smap) !== 0) {
        this.enter();
        return;
      }
    }
    this.publish();
  }

  /**
   * Makes the shadow entry for one access true, with the effects of a page walk on A and D bits.
   *
   * The access must not cross a page. Returns a FillResult.
   */
  fill(linear: number, access: number, privilege: number): number {
    const space = this.spaceOf(privilege);
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
    return this.walkAndFill(this.spaceOf(privilege), linear, access, privilege);
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
    for (let leaf = 0; leaf < this.leaves.capacity; leaf += 1) this.leaves.release(leaf);
    for (let space = 0; space < this.spaces.capacity; space += 1) this.spaces.release(space);
    this.enter();
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
        this.i32[word] = (page << 12) | uncachedBits;
      }
      link = reverseNext[link - 1] ?? 0;
    }
  }

  /** MapObserver: other memory stands at these pages. */
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

  /** MapObserver: the A20 gate has moved; it is part of the role. */
  gateChanged(): void {
    this.enter();
  }

  /** TraceOwner: words of a page-table page have been written. */
  written(physical: number, size: number): void {
    if (this.marking) return;
    this.statistics.traces += 1;
    const page = physical >>> 12;
    const first = physical & 0xfff;
    const last = first + size - 1;
    const writes = (this.tableWrites[page] ?? 0) + 1 + (size >>> 3);
    const asTable = this.tableWritten(page, first, last);
    const asDirectory = this.directoryWritten(page, first, last);
    if (!(asTable || asDirectory) || writes > retireAfterWrites) this.retire(page);
    else this.tableWrites[page] = writes;
  }

  private spaceOf(privilege: number): number {
    if (privilege === Privilege.user) return this.userSpace;
    return privilege === Privilege.system ? this.systemSpace : this.supervisorSpace;
  }

  private walkAndFill(space: number, linear: number, access: number, privilege: number): number {
    const walker = this.walker;
    const status = walker.walk(linear);
    if (walker.pteAddress >= 0 || status !== WalkStatus.mapped) this.markDirectory();
    if (status !== WalkStatus.mapped) {
      const reserved = PageFaultError.present | PageFaultError.reserved;
      return this.fault(access, privilege, status === WalkStatus.reserved ? reserved : 0);
    }
    const role = this.spaces.role[space] ?? 0;
    if (!this.permits(role, access)) return this.fault(access, privilege, PageFaultError.present);
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
    if (address === absentData) address = this.attach(space, linear);
    const leaf = this.leaves.at(address);
    if (walker.pteAddress >= 0) this.trace(walker.pteAddress);
    const readable = this.memory.backing(page);
    const fetch = access === Access.execute && readable >= 0;
    const exec = fetch ? this.source.execEntry(page) : 0;
    const mayRead = this.permits(role, Access.read);
    const mayWrite = dirty && this.permits(role, Access.write);
    const through = (page << 12) | uncachedBits;
    const bias = Layout.ram + (linear & 0xffff_f000);
    let read = unknownEntry;
    let write = unknownEntry;
    if (mayRead) read = readable < 0 ? through : (readable - bias) | 0;
    if (mayWrite) {
      write = this.memory.writable(page) ? (this.memory.writeTarget(page) - bias) | 0 : through;
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
    if (access === Access.execute) {
      const pae = this.walker.mode === PagingMode.pae;
      const noExecute = pae && this.walker.noExecuteEnabled;
      if (noExecute || (this.cr4 & Cr4.smep) !== 0) code |= PageFaultError.fetch;
    }
    this.errorCode = code;
    this.statistics.faults += 1;
    return FillResult.fault;
  }

  /** Sets A in the page-directory entry that the walk used to find a page table. */
  private markDirectory(): void {
    const { pdeAddress, pde } = this.walker;
    if (pdeAddress < 0 || (pde & EntryBit.accessed) !== 0) return;
    this.walker.pde = pde | EntryBit.accessed;
    this.poke(pdeAddress, this.walker.pde);
  }

  /** Sets A, and D for a write, in the entry that maps the page; returns whether D is set now. */
  private markPage(write: boolean): boolean {
    const walker = this.walker;
    const table = walker.pteAddress >= 0;
    const address = table ? walker.pteAddress : walker.pdeAddress;
    if (address < 0) return true;
    const entry = table ? walker.pte : walker.pde;
    const wanted = entry | EntryBit.accessed | (write ? EntryBit.dirty : 0);
    if (wanted !== entry) this.poke(address, wanted);
    return (wanted & EntryBit.dirty) !== 0;
  }

  /**
   * Writes an entry with A or D added, which makes no shadow entry untrue.
   *
   * In a page directory they are part of the key of leaves, so the slot is looked up again.
   */
  private poke(address: number, value: number): void {
    const page = this.memory.canonical(address >>> 12);
    if (this.memory.writeTarget(page) < 0) return;
    this.marking = true;
    this.memory.write32(address, value);
    this.marking = false;
    this.directoryWritten(page, address & 0xfff, address & 0xfff);
  }

  /** Finds or makes the leaf of a slot, and traces the directory entries that it follows from. */
  private attach(space: number, linear: number): number {
    const walker = this.walker;
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
      this.statistics.leaves += 1;
    }
    const address = this.leaves.address(leaf);
    this.spaces.setSlot(space, slot, address, address + leafExec);
    const pdeAddress = walker.pdeAddressOf(linear);
    if (walker.mode !== PagingMode.off && pdeAddress !== -1) this.trace(pdeAddress);
    return address;
  }

  /** Traces the 64 bytes around a page-table entry; the walk that needed them makes them young. */
  private trace(address: number): void {
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
      for (let index = first >>> shift; index <= last >>> shift; index += 1) {
        this.spaces.clearSlot(space, base + index);
      }
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
    for (let space = 0; space < this.spaces.capacity; space += 1) {
      if (this.spaces.leaf(space, slot) === address) this.spaces.clearSlot(space, slot);
    }
    this.leaves.release(leaf);
  }

  /** Makes the spaces of the current controls and address space the current ones. */
  private enter(): void {
    const walker = this.walker;
    walker.mode = modeOf(this.cr0, this.cr4);
    walker.pageSizeExtensions = (this.cr4 & Cr4.pse) !== 0;
    walker.noExecuteEnabled = (this.efer & Efer.nxe) !== 0;
    for (let index = 0; index < 4; index += 1) {
      const root = this.roots[index] ?? PageWalker.absent;
      walker.directories[index] = root < 0 ? root : this.memory.canonical(root);
    }
    const common = this.commonRole();
    const system = walker.mode === PagingMode.off ? common : common | this.supervisorRole();
    const open = this.alignmentCheck ? system & ~Role.smap : system;
    const user = walker.mode === PagingMode.off ? common : common | Role.user;
    const kept = this.spaces.find(walker.directories, system);
    const systemSpace = kept >= 0 ? kept : this.enterSpace(system, -1, -1);
    this.supervisorSpace = open === system ? systemSpace : this.enterSpace(open, systemSpace, -1);
    this.userSpace = this.enterSpace(user, systemSpace, this.supervisorSpace);
    if (kept < 0 || kept !== this.systemSpace) {
      this.statistics.switches += 1;
      if (kept >= 0) this.statistics.kept += 1;
    }
    this.systemSpace = systemSpace;
    this.publish();
  }

  private enterSpace(role: number, inUse1: number, inUse2: number): number {
    const { directories } = this.walker;
    const found = this.spaces.find(directories, role);
    if (found >= 0) return found;
    const created = this.spaces.create(directories, role);
    if (created >= 0) return created;
    this.statistics.evictions += 1;
    this.spaces.release(this.spaces.oldest(inUse1, inUse2));
    return this.spaces.create(directories, role);
  }

  private commonRole(): number {
    const { mode, pageSizeExtensions, noExecuteEnabled } = this.walker;
    let role = mode << Role.modeShift;
    if (mode === PagingMode.twoLevel && pageSizeExtensions) role |= Role.pse;
    if (mode === PagingMode.pae && noExecuteEnabled) role |= Role.nxe;
    return this.memory.a20 ? role : role | Role.wrap;
  }

  private supervisorRole(): number {
    let role = 0;
    if ((this.cr0 & Cr0.wp) !== 0) role |= Role.wp;
    if ((this.cr4 & Cr4.smep) !== 0) role |= Role.smep;
    if ((this.cr4 & Cr4.smap) !== 0) role |= Role.smap;
    return role;
  }

  /** Writes the directories of the current privilege to the CPU state. */
  private publish(): void {
    const space = this.user ? this.userSpace : this.supervisorSpace;
    this.i32[CpuState.dirData >>> 2] = this.spaces.data(space);
    this.i32[CpuState.dirExec >>> 2] = this.spaces.exec(space);
    this.i32[CpuState.dirSystem >>> 2] = this.spaces.data(this.systemSpace);
  }

  private setRoot(page: number): void {
    this.roots.fill(PageWalker.absent);
    this.roots[0] = page;
  }

  /** Loads the four PAE page-directory pointers (SDM 3A 4.4.1); false if one is bad. */
  private loadPointers(cr3: number): boolean {
    const table = cr3 & 0xffff_ffe0;
    const reservedHigh = ~(2 ** (this.physicalBits - 32) - 1);
    const bytes = this.walker;
    for (let index = 0; index < 4; index += 1) {
      const low = bytes.peek(table + index * 8);
      const high = bytes.peek(table + index * 8 + 4);
      if ((low & 1) !== 0 && ((low & 0x1e6) !== 0 || (high & reservedHigh) !== 0)) return false;
    }
    for (let index = 0; index < 4; index += 1) {
      const low = bytes.peek(table + index * 8);
      const high = bytes.peek(table + index * 8 + 4);
      if ((low & 1) === 0) this.roots[index] = PageWalker.absent;
      else this.roots[index] = high !== 0 ? PageWalker.unreachable : low >>> 12;
    }
    return true;
  }
}

function modeOf(cr0: number, cr4: number): number {
  if ((cr0 & Cr0.pg) === 0) return PagingMode.off;
  return (cr4 & Cr4.pae) !== 0 ? PagingMode.pae : PagingMode.twoLevel;
}
