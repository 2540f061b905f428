/**
 * Direct paging with three levels: checks page tables before they are used and every change of an
 * entry afterwards (Xen, arch/x86/mm.c; SDM 3A 4.4).
 *
 * An entry is two words. Xen's own entries stand in the last table of the second level, from
 * `hypervisorSlot` on; a guest can neither read meaning into them nor change them.
 */
import { pageBytes } from '@ringfence/memory';
import { XenError } from '../constants.ts';
import type { XenMemory } from '../interfaces.ts';
import type { CallWork } from '../ops/call.ts';
import { checkDescriptor } from './descriptors.ts';
import { PageOwner, PageType } from './page-info.ts';
import type { PageInfo } from './page-info.ts';

/** Bits of an entry's low word. */
export const EntryBit = { present: 1, writable: 2, user: 4, accessed: 0x20, dirty: 0x40 } as const;

/** Number of entries of a table of the first two levels. */
export const entriesPerTable = 512;
/** The first entry of the top second-level table that is Xen's: 0xf5800000. */
export const hypervisorSlot = 428;

const topSlot = 3;
/** Low bits that a guest may set: P, RW, US, A, D and those for software. */
const allowedLow = 0xe67;
/** In an entry of the first level G too, which means nothing as long as CR4.PGE is off. */
const globalBit = 0x100;
/** Number of entries of a table of the third level. */
export const topEntries = 4;
/** Bits that an entry of the third level has while its table is one, as Xen's four levels need. */
const addedTop = EntryBit.writable | EntryBit.user;
/** High bits: NX, those for software, and the frame's. */
const noExecute = 0x8000_0000;
const softwareHigh = 0x7ff0_0000;
const frameHigh = 0xf_ffff;
/** The frame of an entry whose address has all of its bits: none that anybody could mean. */
const noFrame = 2 ** 40 - 1;

/** An entry in halves. */
export interface Entry {
  readonly low: number;
  readonly high: number;
}

/** Returns the frame that an entry names. */
export function frameOf({ low, high }: Entry): number {
  return (low >>> 12) + (high & frameHigh) * 2 ** 20;
}

const isPresent = (entry: Entry): boolean => (entry.low & EntryBit.present) !== 0;

/** How an entry is changed. */
export interface EntryChange {
  /** What the processor noted in the old entry stays (MMU_PT_UPDATE_PRESERVE_AD). */
  readonly keepsAccessed?: boolean;
  /** Only pages of devices may be mapped (DOMID_IO). */
  readonly ofDevices?: boolean;
}

/** The page tables of a guest. */
export class PageTables {
  readonly info: PageInfo;
  readonly #memory: XenMemory;
  /** What a hypercall may still do; looking through tables takes from it. */
  readonly work: CallWork = { left: 0 };
  /** Whether entries may forbid execution. */
  hasNoExecute: boolean = false;
  /** Called when a guest's mapping of a descriptor table goes: it may be one of an LDT's page. */
  onDescriptorsUnmapped: () => void = () => undefined;
  /** Writes Xen's own entries into a table. */
  readonly #fillTop: (frame: number) => void;

  /** Works on the types in `info`. */
  constructor(memory: XenMemory, info: PageInfo, fillTop: (frame: number) => void) {
    this.#memory = memory;
    this.info = info;
    this.#fillTop = fillTop;
  }

  /** Reads an entry. */
  read(frame: number, index: number): Entry {
    const at = frame * pageBytes + index * 8;
    return { low: this.#memory.read32(at), high: this.#memory.read32(at + 4) };
  }

  /**
   * Begins a use of a page as a type, checking its contents if it was none before; returns 0 or a
   * negative error, and then nothing changed. `asTop` is for the table of the top gigabyte, which
   * gets Xen's entries.
   */
  use(frame: number, type: number, asTop: boolean = false): number {
    const { info } = this;
    if (info.owner(frame) !== PageOwner.guest || !info.take(frame, type)) {
      return -XenError.invalid;
    }
    if (info.uses(frame) === 1 && type !== PageType.writable) {
      const result = this.#check(frame, type, asTop);
      if (result !== 0) {
        info.drop(frame);
        return result;
      }
      info.setValid(frame, true);
      info.setTop(frame, asTop);
      if (asTop) {
        this.#fillTop(frame);
      }
    }
    return 0;
  }

  /** Ends a use; a table that is not used any more lets go of what it maps. */
  unuse(frame: number): void {
    const { info } = this;
    const type = info.type(frame);
    if (info.drop(frame) > 0 || !info.isValid(frame)) {
      return;
    }
    info.setValid(frame, false);
    const level = levelOf(type);
    if (level === 0) {
      return;
    }
    if (info.isTop(frame)) {
      info.setTop(frame, false);
      for (let index = hypervisorSlot; index < entriesPerTable; index += 1) {
        this.#write(frame, index, { low: 0, high: 0 });
      }
    }
    this.#letGo(frame, level, countOf(level));
    if (level === 3) {
      this.#changeBits(frame, (low) => low & ~(addedTop | EntryBit.accessed));
    }
  }

  /**
   * Changes an entry of a page table that is in use; returns 0 or a negative error, and then it is
   * as it was.
   */
  change(frame: number, index: number, entry: Entry, kind: EntryChange = {}): number {
    const level = levelOf(this.info.type(frame));
    // What the top gigabyte is mapped by stays while the table is one: Xen's entries are there.
    if (level === 0 || index >= (level === 3 ? topSlot : countOf(level))) {
      return -XenError.invalid;
    }
    if (level > 1 && kind.ofDevices === true) {
      return -XenError.invalid;
    }
    if (this.#isXens(frame, index)) {
      return -XenError.notPermitted;
    }
    const old = this.read(frame, index);
    const isSame = isPresent(old) && isPresent(entry) && sameTarget(old, entry);
    const isMapped = isPresent(entry) && !isSame;
    const result =
      isSame || (isMapped && kind.ofDevices === true)
        ? this.#checkBits(level, entry) || (isMapped ? this.#deviceError(entry) : 0)
        : this.#hold(frame, level, index, entry);
    if (result !== 0) {
      return result;
    }
    const kept = kind.keepsAccessed === true ? old.low & (EntryBit.accessed | EntryBit.dirty) : 0;
    const added = level === 3 && isPresent(entry) ? addedTop : 0;
    this.#write(frame, index, { low: entry.low | kept | added, high: entry.high });
    if (!isSame) {
      this.#release(frame, level, old);
    }
    return 0;
  }

  /** The guest has no devices: memory is none, and what is no memory may not be mapped. */
  #deviceError(entry: Entry): number {
    const frame = frameOf(entry);
    const isNone = frame === noFrame;
    return frame < this.info.frames
      ? -XenError.busy
      : isNone
        ? -XenError.invalid
        : -XenError.notPermitted;
  }

  #isXens(frame: number, index: number): boolean {
    return this.info.isTop(frame) && index >= hypervisorSlot;
  }

  #write(frame: number, index: number, { low, high }: Entry): void {
    const at = frame * pageBytes + index * 8;
    // Never half an entry that is present (SDM 3A 4.10.4.2): the low word goes first, then comes
    // back.
    this.#memory.write32(at, 0);
    this.#memory.write32(at + 4, high);
    this.#memory.write32(at, low);
  }

  /** Checks a page that is to be of a type, and takes what it maps. */
  #check(frame: number, type: number, asTop: boolean): number {
    if (type === PageType.descriptors) {
      return this.#checkDescriptors(frame);
    }
    const level = levelOf(type);
    this.work.left -= unitsOf(level);
    // What stands where Xen's entries will be is not looked at.
    const count = asTop ? hypervisorSlot : countOf(level);
    for (let index = 0; index < count; index += 1) {
      const result = this.#hold(frame, level, index, this.read(frame, index));
      if (result !== 0) {
        this.#letGo(frame, level, index);
        return result;
      }
    }
    if (level === 3 && !isPresent(this.read(frame, topSlot))) {
      this.#letGo(frame, level, count);
      return -XenError.invalid;
    }
    if (level === 3) {
      this.#changeBits(frame, (low) => low | addedTop);
    }
    return 0;
  }

  /** Changes bits of the entries of a third-level table that are present. */
  #changeBits(frame: number, change: (low: number) => number): void {
    for (let index = 0; index < topEntries; index += 1) {
      const entry = this.read(frame, index);
      if (isPresent(entry)) {
        this.#write(frame, index, { low: change(entry.low), high: entry.high });
      }
    }
  }

  #letGo(frame: number, level: number, count: number): void {
    this.work.left -= unitsOf(level);
    for (let index = 0; index < count; index += 1) {
      this.#release(frame, level, this.read(frame, index));
    }
  }

  #checkBits(level: number, entry: Entry): number {
    const others = softwareHigh | (this.hasNoExecute ? noExecute : 0);
    const high = frameHigh | (level === 3 ? 0 : others);
    const low = level === 1 ? allowedLow | globalBit : allowedLow;
    const isGood = (entry.low & 0xfff & ~low) === 0 && (entry.high & ~high) === 0;
    return isGood ? 0 : -XenError.invalid;
  }

  /** Takes a use of what an entry of `table` maps; returns 0 or a negative error. */
  #hold(table: number, level: number, index: number, entry: Entry): number {
    if (!isPresent(entry)) {
      return 0;
    }
    const frame = frameOf(entry);
    const bits = this.#checkBits(level, entry);
    if (bits !== 0) {
      return bits;
    }
    if (level > 1) {
      return this.#holdTable(table, level, index, entry);
    }
    const writes = (entry.low & EntryBit.writable) !== 0;
    switch (this.info.owner(frame)) {
      case PageOwner.guest:
        return writes && this.use(frame, PageType.writable) !== 0 ? -XenError.busy : 0;
      case PageOwner.shared:
        return this.info.take(frame, PageType.writable) ? 0 : -XenError.busy;
      case PageOwner.readable:
        return writes ? -XenError.busy : 0;
      default:
        // Xen's own pages are somebody else's; where no memory is there would be devices.
        return this.#deviceError(entry);
    }
  }

  /** The table with Xen's entries belongs into the top slot of one table and nowhere else. */
  #holdTable(table: number, level: number, index: number, entry: Entry): number {
    const { info } = this;
    const frame = frameOf(entry);
    if (level === 2) {
      const result = this.use(frame, PageType.l1);
      return result !== 0 && this.#holdLinear(table, entry) ? 0 : result;
    }
    const asTop = index === topSlot;
    const isUsed = info.uses(frame) > 0;
    const isOther = isUsed && (asTop || info.isTop(frame));
    return isOther ? -XenError.invalid : this.use(frame, PageType.l2, asTop);
  }

  /**
   * A linear page table: an entry of the second level that names a table of the second level, its
   * own or another one that is checked already, and does not make it writable. One that others
   * name has no such entries itself, so that letting go never goes deep.
   */
  #holdLinear(table: number, entry: Entry): boolean {
    const { info } = this;
    const frame = frameOf(entry);
    if ((entry.low & EntryBit.writable) !== 0) {
      return false;
    }
    if (frame === table) {
      return true;
    }
    const isTable = info.type(frame) === PageType.l2 && info.isValid(frame);
    const isFlat = info.linear(table) >= 0 && info.linear(frame) <= 0;
    if (!isTable || !isFlat || !info.take(frame, PageType.l2)) {
      return false;
    }
    info.addLinear(table, 1);
    info.addLinear(frame, -1);
    return true;
  }

  #release(table: number, level: number, entry: Entry): void {
    const { info } = this;
    const frame = frameOf(entry);
    if (isPresent(entry) && level === 1 && info.owner(frame) === PageOwner.shared) {
      info.drop(frame);
      return;
    }
    if (isPresent(entry) && level === 1 && info.type(frame) === PageType.descriptors) {
      this.onDescriptorsUnmapped();
      return;
    }
    const isHeld =
      isPresent(entry) &&
      info.owner(frame) === PageOwner.guest &&
      (level > 1 || (entry.low & EntryBit.writable) !== 0);
    if (!isHeld || (level === 2 && frame === table)) {
      return;
    }
    if (level === 2 && info.type(frame) === PageType.l2) {
      info.addLinear(table, -1);
      info.addLinear(frame, 1);
    }
    this.unuse(frame);
  }

  /** Checks every descriptor of a page, then writes them as they are fixed. */
  #checkDescriptors(frame: number): number {
    const base = frame * pageBytes;
    const fixed: (readonly [number, number])[] = [];
    for (let index = 0; index < entriesPerTable; index += 1) {
      const at = base + index * 8;
      const found = checkDescriptor(this.#memory.read32(at), this.#memory.read32(at + 4));
      if (found === undefined) {
        return -XenError.invalid;
      }
      fixed.push(found);
    }
    for (const [index, [low, high]] of fixed.entries()) {
      this.#memory.write32(base + index * 8, low);
      this.#memory.write32(base + index * 8 + 4, high);
    }
    return 0;
  }
}

/** Whether two entries map the same page in the same way, as far as types go. */
function sameTarget(one: Entry, other: Entry): boolean {
  const writable = EntryBit.writable;
  return frameOf(one) === frameOf(other) && (one.low & writable) === (other.low & writable);
}

/** Level of a page table's type, 0 for other types. */
export function levelOf(type: number): 0 | 1 | 2 | 3 {
  switch (type) {
    case PageType.l1:
      return 1;
    case PageType.l2:
      return 2;
    case PageType.l3:
      return 3;
    default:
      return 0;
  }
}

/** What going through a table counts for, beside an element of a list. */
function unitsOf(level: number): number {
  return countOf(level) >> 2;
}

function countOf(level: number): number {
  return level === 3 ? topEntries : entriesPerTable;
}
