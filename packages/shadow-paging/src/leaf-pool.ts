/**
 * Shadow leaves: 4 MiB of linear space as one role sees it through given guest page tables.
 *
 * A leaf is 12 KiB of linear memory: 1024 pairs of (read entry, write entry), then 1024 exec
 * entries. It is found by the 4 MiB region it stands at, its role, and one Half word (under PAE
 * two) of the page-directory entry that leads to it, so address spaces that share page tables share
 * leaves.
 *
 * Two sets of lists go through the leaves, as typed arrays. A link is 1 + a node number, 0 the end.
 *
 *     tables   guest page-table page -> (leaf, half) that were filled from it
 *     reverse  physical page -> (leaf, index) whose entries lead to it; doubly linked, so that an
 *              entry leaves its list in constant time; there is one node per entry, and so no limit
 *
 * Entry words: even = addend for generated code; 1 = unknown; page << 12 | 3 = permitted, but
 * through `PhysicalMemory` at that page; page << 12 | 7 = so where the 64 bytes are traced, which
 * only generated code distinguishes.
 *
 * Hot: `find`, `setEntry`, `clearEntry`. Measured in shadow-paging.bench.ts.
 */
import { forgetJumps, tracedPages } from '@ringfence/memory';
import { Half } from './page-walker.ts';

/** Bytes of one leaf in linear memory: read and write entries, then exec entries. */
export const leafBytes = 12288;

/** Offset of the exec entries within a leaf. */
export const leafExec = 8192;

/** A read or write entry of which nothing is known. */
export const unknownEntry = 1;

/** The low bits of an entry whose access is permitted, through `PhysicalMemory` only. */
export const uncachedBits = 3;

/**
 * Beside these in a write entry: reads and writes of the page go to the same memory, so that writes
 * to a chunk that is not traced (`Layout.traceBitmaps`) may go where reads do.
 */
export const tracedBit = 4;

const entries = 1024;
const buckets = 8192;

/** The pool of leaves; a leaf is a small integer. */
export class LeafPool {
  /** How many leaves there can be. */
  readonly capacity: number;
  /** How many leaves are in use. */
  used = 0;
  /** For each guest page, a link to the first (leaf * 2 + half) filled from it. */
  readonly tableHead: Int32Array = new Int32Array(tracedPages);
  /** Next link of the same guest page-table page. */
  readonly tableNext: Int32Array;
  /** For each physical page, a link to the first (leaf * 1024 + index) that leads to it. */
  readonly reverseHead: Int32Array = new Int32Array(tracedPages);
  /** Next link of the same physical page. */
  readonly reverseNext: Int32Array;
  private readonly reversePrevious: Int32Array;
  private readonly i32: Int32Array;
  private readonly base: number;
  private readonly place: Int32Array;
  private readonly lowHalf: Int32Array;
  private readonly highHalf: Int32Array;
  private readonly stamps: Float64Array;
  private readonly bucketHead = new Int32Array(buckets).fill(-1);
  private readonly bucketNext: Int32Array;
  private readonly free: Int32Array;
  private freeCount = 0;
  private fresh = 0;
  private hand = 0;
  private clock = 0;

  constructor(i32: Int32Array, base: number, capacity: number) {
    this.i32 = i32;
    this.base = base;
    this.capacity = capacity;
    this.tableNext = new Int32Array(capacity * 2);
    this.reverseNext = new Int32Array(capacity * entries);
    this.reversePrevious = new Int32Array(capacity * entries);
    this.place = new Int32Array(capacity).fill(-1);
    this.lowHalf = new Int32Array(capacity);
    this.highHalf = new Int32Array(capacity);
    this.stamps = new Float64Array(capacity);
    this.bucketNext = new Int32Array(capacity).fill(-1);
    this.free = new Int32Array(capacity);
  }

  /** Linear-memory address of a leaf's read and write entries; the exec entries are at +8192. */
  address(leaf: number): number {
    return this.base + leaf * leafBytes;
  }

  /** Returns the leaf at an address. */
  at(address: number): number {
    return ((address - this.base) / leafBytes) | 0;
  }

  /** Returns the 4 MiB region of a leaf: linear address bits 31..22. */
  region(leaf: number): number {
    return (this.place[leaf] ?? 0) & 1023;
  }

  /** Returns the role of a leaf. */
  role(leaf: number): number {
    return (this.place[leaf] ?? 0) >>> 10;
  }

  /** Returns whether a leaf is in use. */
  inUse(leaf: number): boolean {
    return (this.place[leaf] ?? -1) >= 0;
  }

  /** Returns the leaf of a region, role and Half words, or -1; finding one makes it young. */
  find(region: number, role: number, low: number, high: number): number {
    const place = region | (role << 10);
    let leaf = this.bucketHead[hash(place, low, high)] ?? -1;
    while (leaf >= 0) {
      const same = this.place[leaf] === place;
      if (same && this.lowHalf[leaf] === low && this.highHalf[leaf] === high) {
        this.touch(leaf);
        return leaf;
      }
      leaf = this.bucketNext[leaf] ?? -1;
    }
    return -1;
  }

  /** Makes a leaf young. */
  touch(leaf: number): void {
    this.clock += 1;
    this.stamps[leaf] = this.clock;
  }

  /** Creates a leaf with all entries unknown, or returns -1 if there is no room. */
  create(region: number, role: number, low: number, high: number): number {
    const leaf = this.take();
    if (leaf < 0) return -1;
    const place = region | (role << 10);
    const bucket = hash(place, low, high);
    this.place[leaf] = place;
    this.lowHalf[leaf] = low;
    this.highHalf[leaf] = high;
    this.bucketNext[leaf] = this.bucketHead[bucket] ?? -1;
    this.bucketHead[bucket] = leaf;
    this.linkTable(leaf * 2, low);
    this.linkTable(leaf * 2 + 1, high);
    this.touch(leaf);
    this.used += 1;
    return leaf;
  }

  /** Returns a leaf that has not been found for long; only when every leaf is in use. */
  victim(): number {
    let victim = -1;
    let stamp = Infinity;
    for (let count = 0; count < 16; count += 1) {
      this.hand = (this.hand + 1) % this.capacity;
      const candidate = this.stamps[this.hand] ?? 0;
      if (candidate >= stamp || !this.inUse(this.hand)) continue;
      victim = this.hand;
      stamp = candidate;
    }
    return victim;
  }

  /** Frees a leaf: unlinks its entries and makes them unknown. Directories are the caller's. */
  release(leaf: number): void {
    const place = this.place[leaf] ?? -1;
    if (place < 0) return;
    const first = leaf * entries;
    for (let index = 0; index < entries; index += 1) {
      if (this.reversePrevious[first + index] !== 0) this.clearEntry(leaf, index);
    }
    const low = this.lowHalf[leaf] ?? 0;
    const high = this.highHalf[leaf] ?? 0;
    this.unlinkTable(leaf * 2, low);
    this.unlinkTable(leaf * 2 + 1, high);
    this.unchain(hash(place, low, high), leaf);
    this.place[leaf] = -1;
    this.free[this.freeCount] = leaf;
    this.freeCount += 1;
    this.used -= 1;
  }

  /** Sets the data entries of a leaf and links it to the physical page that they lead to. */
  setEntry(leaf: number, index: number, page: number, read: number, write: number): void {
    const word = (this.address(leaf) >>> 2) + index * 2;
    this.i32[word] = read;
    this.i32[word + 1] = write;
    const node = leaf * entries + index;
    const previous = this.reversePrevious[node] ?? 0;
    if (previous === -page - 1) return;
    if (previous !== 0) {
      this.setExec(leaf, index, 0);
      this.unlinkReverse(node);
    }
    const next = this.reverseHead[page] ?? 0;
    this.reverseNext[node] = next;
    this.reversePrevious[node] = -page - 1;
    if (next !== 0) this.reversePrevious[next - 1] = node + 1;
    this.reverseHead[page] = node + 1;
  }

  /** Sets the exec entry of a leaf; its page must be linked by `setEntry`. */
  setExec(leaf: number, index: number, value: number): void {
    const word = ((this.address(leaf) + leafExec) >>> 2) + index;
    const before = this.i32[word] ?? 0;
    if (before !== 0 && before !== value) forgetJumps(this.i32);
    this.i32[word] = value;
  }

  /** Makes all entries of one page of a leaf unknown. */
  clearEntry(leaf: number, index: number): void {
    const node = leaf * entries + index;
    if ((this.reversePrevious[node] ?? 0) === 0) return;
    const word = this.address(leaf) >>> 2;
    this.i32[word + index * 2] = unknownEntry;
    this.i32[word + index * 2 + 1] = unknownEntry;
    this.setExec(leaf, index, 0);
    this.unlinkReverse(node);
    this.reversePrevious[node] = 0;
  }

  private take(): number {
    if (this.freeCount > 0) {
      this.freeCount -= 1;
      return this.free[this.freeCount] ?? -1;
    }
    if (this.fresh >= this.capacity) return -1;
    const leaf = this.fresh;
    this.fresh += 1;
    const word = this.address(leaf) >>> 2;
    this.i32.fill(unknownEntry, word, word + entries * 2);
    this.i32.fill(0, word + entries * 2, word + entries * 3);
    return leaf;
  }

  private unlinkReverse(node: number): void {
    const next = this.reverseNext[node] ?? 0;
    const previous = this.reversePrevious[node] ?? 0;
    if (previous > 0) this.reverseNext[previous - 1] = next;
    else this.reverseHead[-previous - 1] = next;
    if (next !== 0) this.reversePrevious[next - 1] = previous;
  }

  private linkTable(node: number, half: number): void {
    if ((half & Half.kindMask) !== Half.table) return;
    const page = half >>> 12;
    this.tableNext[node] = this.tableHead[page] ?? 0;
    this.tableHead[page] = node + 1;
  }

  private unlinkTable(node: number, half: number): void {
    if ((half & Half.kindMask) !== Half.table) return;
    const page = half >>> 12;
    const next = this.tableNext[node] ?? 0;
    let at = this.tableHead[page] ?? 0;
    if (at === node + 1) {
      this.tableHead[page] = next;
      return;
    }
    while (at !== 0) {
      const after = this.tableNext[at - 1] ?? 0;
      if (after === node + 1) {
        this.tableNext[at - 1] = next;
        return;
      }
      at = after;
    }
  }

  private unchain(bucket: number, leaf: number): void {
    const next = this.bucketNext[leaf] ?? -1;
    let at = this.bucketHead[bucket] ?? -1;
    if (at === leaf) {
      this.bucketHead[bucket] = next;
      return;
    }
    while (at >= 0) {
      const after = this.bucketNext[at] ?? -1;
      if (after === leaf) {
        this.bucketNext[at] = next;
        return;
      }
      at = after;
    }
  }
}

function hash(place: number, low: number, high: number): number {
  let mixed = Math.imul(place ^ (low >>> 1), 0x9e37_79b1);
  mixed = Math.imul((mixed >>> 15) ^ mixed ^ low, 0x85eb_ca6b);
  mixed = Math.imul((mixed >>> 13) ^ mixed ^ high, 0xc2b2_ae35);
  return ((mixed >>> 16) ^ mixed) & (buckets - 1);
}
