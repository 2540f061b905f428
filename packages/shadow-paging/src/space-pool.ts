/**
 * Shadow directories: one space per set of guest page directories and role, at most `capacity`.
 *
 * A space is 8 KiB of linear memory: 1024 pointers to data leaves, then 1024 to exec leaves. A
 * pointer to a data leaf is to where its pairs would begin at linear address 0, so that code adds
 * eight times the page number to it (`leafStart`).
 *
 * A space is found by its guest page directories (one for two-level paging, four for PAE) and its
 * role, so a CR3 load of a known address space is a hash lookup.
 */
import { forgetJumps, tracedPages } from '@ringfence/memory';

/** Bytes of one space in linear memory: a data directory, then an exec directory. */
export const spaceBytes = 8192;

const buckets = 2048;

/** Bytes of a data leaf's pairs of entries, as a power of two: those of one slot. */
const pairsShift = 13;

/** What a slot holds that leads to a data leaf. */
function leafPointer(leaf: number, slot: number): number {
  return leaf - (slot << pairsShift);
}

/** The address of the data leaf in a slot, of what the slot holds. */
export function leafStart(pointer: number, slot: number): number {
  return pointer + (slot << pairsShift);
}

/** The pool of spaces; a space is a small integer. */
export class SpacePool {
  /** How many spaces there can be. */
  readonly capacity: number;
  /** Role of each space, -1 if free. */
  readonly role: Int32Array;
  /** For each guest page, 1 + the first node of the list of spaces that use it as a directory. */
  readonly directoryHead: Int32Array = new Int32Array(tracedPages);
  /** Next node (plus 1) of the same guest page; a node is space * 4 + directory index. */
  readonly directoryNext: Int32Array;
  /** Spaces from here on were never used: the free one with the lowest number is taken first. */
  top: number = 0;
  private readonly i32: Int32Array;
  private readonly base: number;
  /** What the slots of a data directory hold that leads nowhere. */
  private readonly absentSlots: Int32Array;
  private readonly absentData: number;
  private readonly absentExec: number;
  private readonly keys: Int32Array;
  private readonly stamps: Float64Array;
  private readonly bucketHead = new Int32Array(buckets).fill(-1);
  private readonly bucketNext: Int32Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private clock = 0;

  /** `base` is the pool's address; absent slots point to the leaves `absentData`, `absentExec`. */
  constructor(
    i32: Int32Array,
    base: number,
    capacity: number,
    absentData: number,
    absentExec: number,
  ) {
    this.i32 = i32;
    this.base = base;
    this.capacity = capacity;
    this.absentData = absentData;
    this.absentExec = absentExec;
    this.absentSlots = Int32Array.from({ length: 1024 }, (_, slot) => {
      return leafPointer(absentData, slot);
    });
    this.role = new Int32Array(capacity).fill(-1);
    this.keys = new Int32Array(capacity * 4);
    this.stamps = new Float64Array(capacity);
    this.bucketNext = new Int32Array(capacity).fill(-1);
    this.directoryNext = new Int32Array(capacity * 4);
    this.free = new Int32Array(capacity);
    for (let index = 0; index < capacity; index += 1) this.free[index] = capacity - 1 - index;
    this.freeCount = capacity;
  }

  /** Linear-memory address of a space's data directory. */
  data(space: number): number {
    return this.base + space * spaceBytes;
  }

  /** Linear-memory address of a space's exec directory. */
  exec(space: number): number {
    return this.base + space * spaceBytes + 4096;
  }

  /** Returns the data leaf in a slot of a space, `absentData` if none. */
  leaf(space: number, slot: number): number {
    return leafStart(this.i32[(this.data(space) >>> 2) + slot] ?? 0, slot);
  }

  /** Points a slot of a space to a data leaf and an exec leaf. */
  setSlot(space: number, slot: number, data: number, exec: number): void {
    const word = (this.data(space) >>> 2) + slot;
    if (this.i32[word + 1024] !== this.absentExec) forgetJumps(this.i32);
    this.i32[word] = leafPointer(data, slot);
    this.i32[word + 1024] = exec;
  }

  /** Empties a slot of a space. */
  clearSlot(space: number, slot: number): void {
    this.setSlot(space, slot, this.absentData, this.absentExec);
  }

  /** Returns the page of a space's directory number `index`, negative if it has none. */
  directory(space: number, index: number): number {
    return this.keys[space * 4 + index] ?? -1;
  }

  /** Returns the space of four guest page directories and a role, or -1. */
  find(directories: Int32Array, role: number): number {
    let space = this.bucketHead[hash(directories, role)] ?? -1;
    while (space >= 0) {
      if (this.matches(space, directories, role)) {
        this.clock += 1;
        this.stamps[space] = this.clock;
        return space;
      }
      space = this.bucketNext[space] ?? -1;
    }
    return -1;
  }

  /** Empties `count` slots of a space from one on. */
  clearSlots(space: number, first: number, count: number): void {
    const word = (this.data(space) >>> 2) + first;
    forgetJumps(this.i32);
    this.i32.set(this.absentSlots.subarray(first, first + count), word);
    this.i32.fill(this.absentExec, word + 1024, word + 1024 + count);
  }

  /** Creates a space with empty slots, or returns -1 if there is no room: `release` one first. */
  create(directories: Int32Array, role: number): number {
    if (this.freeCount === 0) return -1;
    this.freeCount -= 1;
    const space = this.free[this.freeCount] ?? 0;
    this.top = Math.max(this.top, space + 1);
    const bucket = hash(directories, role);
    this.role[space] = role;
    this.bucketNext[space] = this.bucketHead[bucket] ?? -1;
    this.bucketHead[bucket] = space;
    this.clock += 1;
    this.stamps[space] = this.clock;
    for (let index = 0; index < 4; index += 1) {
      const page = directories[index] ?? -1;
      this.keys[space * 4 + index] = page;
      if (page < 0) continue;
      this.directoryNext[space * 4 + index] = this.directoryHead[page] ?? 0;
      this.directoryHead[page] = space * 4 + index + 1;
    }
    this.clearSlots(space, 0, 1024);
    return space;
  }

  /** Returns the space that was found longest ago, other than two that are in use; -1 if none. */
  oldest(inUse1: number, inUse2: number): number {
    let oldest = -1;
    let stamp = Infinity;
    for (let space = 0; space < this.capacity; space += 1) {
      const candidate = this.stamps[space] ?? 0;
      if ((this.role[space] ?? -1) < 0 || candidate >= stamp) continue;
      if (space === inUse1 || space === inUse2) continue;
      oldest = space;
      stamp = candidate;
    }
    return oldest;
  }

  /** Frees a space. */
  release(space: number): void {
    const role = this.role[space] ?? -1;
    if (role < 0) return;
    const keys = this.keys.subarray(space * 4, space * 4 + 4);
    this.unchain(hash(keys, role), space);
    for (let index = 0; index < 4; index += 1) {
      const page = keys[index] ?? -1;
      if (page >= 0) this.unlinkDirectory(page, space * 4 + index + 1);
    }
    this.role[space] = -1;
    this.free[this.freeCount] = space;
    this.freeCount += 1;
  }

  private unchain(bucket: number, space: number): void {
    const next = this.bucketNext[space] ?? -1;
    let at = this.bucketHead[bucket] ?? -1;
    if (at === space) {
      this.bucketHead[bucket] = next;
      return;
    }
    while (at >= 0) {
      const after = this.bucketNext[at] ?? -1;
      if (after === space) {
        this.bucketNext[at] = next;
        return;
      }
      at = after;
    }
  }

  private unlinkDirectory(page: number, link: number): void {
    const next = this.directoryNext[link - 1] ?? 0;
    let at = this.directoryHead[page] ?? 0;
    if (at === link) {
      this.directoryHead[page] = next;
      return;
    }
    while (at !== 0) {
      const after = this.directoryNext[at - 1] ?? 0;
      if (after === link) {
        this.directoryNext[at - 1] = next;
        return;
      }
      at = after;
    }
  }

  private matches(space: number, directories: Int32Array, role: number): boolean {
    const key = space * 4;
    return (
      this.role[space] === role &&
      this.keys[key] === directories[0] &&
      this.keys[key + 1] === directories[1] &&
      this.keys[key + 2] === directories[2] &&
      this.keys[key + 3] === directories[3]
    );
  }
}

function hash(directories: Int32Array, role: number): number {
  let mixed = Math.imul((directories[0] ?? 0) ^ (role << 20), 0x9e37_79b1);
  mixed = Math.imul((mixed >>> 15) ^ mixed ^ (directories[1] ?? 0), 0x85eb_ca6b);
  mixed = Math.imul((mixed >>> 13) ^ mixed ^ (directories[2] ?? 0), 0xc2b2_ae35);
  mixed = Math.imul((mixed >>> 16) ^ mixed ^ (directories[3] ?? 0), 0x27d4_eb2f);
  return ((mixed >>> 15) ^ mixed) & (buckets - 1);
}
