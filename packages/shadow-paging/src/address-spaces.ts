/**
 * Which guest page tables are the current ones, as the control registers say, and in which role.
 *
 * Every bit of state that changes what shadow entries may allow is part of the role of a space, so
 * that changing it selects other tables and invalidates none.
 *
 * Hot: `loadCr3`, `setPrivilege`. Measured in shadow-paging.bench.ts.
 */
import { CpuState, type PhysicalMemory } from '@ringfence/memory';
import { PageWalker } from './page-walker.ts';
import { Cr0, Cr4, Efer, PagingMode, Privilege, Role } from './paging-bits.ts';
import type { ShadowTables } from './shadow-tables.ts';
import type { ShadowStatistics } from './statistics.ts';

/** The current address space of one virtual CPU: three spaces, one per privilege. */
export class AddressSpaces {
  /** The walker of the current guest page tables. */
  readonly walker: PageWalker;
  private readonly memory: PhysicalMemory;
  private readonly i32: Int32Array;
  private readonly tables: ShadowTables;
  private readonly statistics: ShadowStatistics;
  private readonly physicalBits: number;
  /** Page directories as CR3 or the PDPTE registers name them, before the A20 gate. */
  private readonly roots = new Int32Array(4).fill(PageWalker.absent);
  private cr0 = 0;
  private cr3 = 0;
  private cr4 = 0;
  private efer = 0;
  private alignmentCheck = false;
  private userSpace = 0;
  private supervisorSpace = 0;
  private systemSpace = 0;

  /** `physicalBits` is MAXPHYADDR, 32 to 52; `softwareBits` is as of a `PageWalker`. */
  constructor(
    memory: PhysicalMemory,
    tables: ShadowTables,
    statistics: ShadowStatistics,
    physicalBits: number,
    softwareBits: boolean,
  ) {
    this.memory = memory;
    this.i32 = memory.machine.i32;
    this.tables = tables;
    this.statistics = statistics;
    this.physicalBits = physicalBits;
    this.walker = new PageWalker(memory, physicalBits, softwareBits);
    this.enter();
  }

  /** Whether fetches that fault set the I bit of the error code (SDM 3A 4.7). */
  get fetchFaultsMarked(): boolean {
    const { mode, noExecuteEnabled } = this.walker;
    return (mode === PagingMode.pae && noExecuteEnabled) || (this.cr4 & Cr4.smep) !== 0;
  }

  /**
   * Takes new values of CR0, CR4 and EFER.
   *
   * Returns false, with nothing changed, if PAE page-directory pointers had to be loaded and one
   * has reserved bits set: the instruction is then a general-protection fault (SDM 3A 4.4.1).
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

  /** The page directories of the current address space, `PageWalker.absent` where there is none. */
  get pageDirectories(): number[] {
    return [...this.roots];
  }

  /** Takes over CR0, CR3, CR4, EFER and page directories without reading guest memory. */
  restore(controls: readonly number[], pageDirectories: readonly number[]): void {
    [this.cr0 = 0, this.cr3 = 0, this.cr4 = 0, this.efer = 0] = controls;
    this.roots.fill(PageWalker.absent);
    this.roots.set(pageDirectories.slice(0, this.roots.length));
    this.enter();
  }

  /**
   * Says on whose behalf generated code runs: CPL 3 or not, and EFLAGS.AC.
   *
   * To be called when the CPL changes and, while CR4.SMAP is set, when AC does.
   */
  setPrivilege(user: boolean, alignmentCheck: boolean): void {
    this.i32[CpuState.isUser >>> 2] = user ? 1 : 0;
    if (alignmentCheck !== this.alignmentCheck) {
      this.alignmentCheck = alignmentCheck;
      if ((this.cr4 & Cr4.smap) !== 0) {
        this.enter();
        return;
      }
    }
    this.publish();
  }

  /** Returns the space of accesses made with a Privilege. */
  spaceOf(privilege: number): number {
    if (privilege === Privilege.user) return this.userSpace;
    return privilege === Privilege.system ? this.systemSpace : this.supervisorSpace;
  }

  /** Makes the spaces of the current controls and address space the current ones. */
  enter(): void {
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
    const kept = this.tables.spaces.find(walker.directories, system);
    const systemSpace = kept >= 0 ? kept : this.tables.space(walker.directories, system, -1, -1);
    this.supervisorSpace =
      open === system ? systemSpace : this.tables.space(walker.directories, open, systemSpace, -1);
    this.userSpace = this.tables.space(walker.directories, user, systemSpace, this.supervisorSpace);
    if (kept < 0 || kept !== this.systemSpace) {
      this.statistics.switches += 1;
      if (kept >= 0) this.statistics.kept += 1;
    }
    this.systemSpace = systemSpace;
    this.publish();
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

  /**
   * Writes the directories of both privileges, and of the current one, to the CPU state. Which that
   * is generated code changes too.
   */
  private publish(): void {
    const { i32 } = this;
    const { spaces } = this.tables;
    const both = CpuState.directories >>> 2;
    i32[both] = spaces.data(this.supervisorSpace);
    i32[both + 1] = spaces.exec(this.supervisorSpace);
    i32[both + 2] = spaces.data(this.userSpace);
    i32[both + 3] = spaces.exec(this.userSpace);
    const current = both + (i32[CpuState.isUser >>> 2] === 0 ? 0 : 2);
    i32[CpuState.dirData >>> 2] = i32[current] ?? 0;
    i32[CpuState.dirExec >>> 2] = i32[current + 1] ?? 0;
    i32[CpuState.dirSystem >>> 2] = spaces.data(this.systemSpace);
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
