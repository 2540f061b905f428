/**
 * Write traces on guest-physical pages: "tell owner O when chunk C of page P is written".
 *
 * A page has 64 chunks of 64 bytes. Each owner has a 64-bit mask per page; the union of all owners'
 * masks is mirrored in linear memory at `Layout.traceBitmaps + 8 * page`, low word chunks 0..31, so
 * that generated code can test it. A page whose union is not empty has no writable shadow entry, so
 * every write to it comes through `PhysicalMemory`, which calls `notify`.
 *
 * Hot: `notify` (every write to a traced page) and `has`. They allocate nothing.
 * Measured in physical-memory.bench.ts.
 */
import { Layout, tracedPages } from './layout.ts';
import type { MachineMemory } from './machine-memory.ts';

/** Bytes of one trace chunk. */
export const traceChunkBytes = 64;

/** Who may own traces; each has its own masks, so that one never removes another's. */
export const TraceOwnerId = { code: 0, pageTable: 1, descriptor: 2, device: 3 } as const;

/** The first owner behind that of code. */
const afterCode = TraceOwnerId.code + 1;

/** The number of trace owners. */
export const traceOwners = 4;

/** What a trace owner is told. */
export interface TraceOwner {
  /**
   * Bytes `physical .. physical + size - 1`, all in one page, have just been written.
   *
   * Called when the owner has a trace on a chunk that the bytes touch. It may add and remove
   * traces.
   */
  written(physical: number, size: number): void;
}

/** Who must know that a page is now traced: whoever lets generated code write without asking. */
export interface ProtectObserver {
  /** The page has gained its first trace; writes to it must come through `PhysicalMemory` now. */
  protect(page: number): void;
}

/** Who caused a write, for owners that keep statistics. */
export const WriteSource = { guest: 0, device: 1 } as const;

const words = tracedPages * 2;
const union = Layout.traceBitmaps >>> 2;

/** The write traces of one machine. */
export class TraceTable {
  /** Who is writing (WriteSource); set by `PhysicalMemory` while it notifies. */
  source: number = WriteSource.guest;
  /** How many times an owner was told of a write. */
  hits = 0;
  private readonly i32: Int32Array;
  private readonly masks: Int32Array[] = [];
  private readonly owners: (TraceOwner | undefined)[] = [];
  private readonly observers: ProtectObserver[] = [];

  constructor(memory: MachineMemory) {
    this.i32 = memory.i32;
    for (let owner = 0; owner < traceOwners; owner += 1) {
      this.masks.push(new Int32Array(words));
      this.owners.push(undefined);
    }
  }

  /** Makes `handler` the one that is told of writes to the traces of owner `id` (TraceOwnerId). */
  setOwner(id: number, handler: TraceOwner): void {
    this.owners[id] = handler;
  }

  /** Adds an observer of pages that gain their first trace. */
  addObserver(observer: ProtectObserver): void {
    this.observers.push(observer);
  }

  /** Returns whether any owner traces any chunk of the page. */
  has(page: number): boolean {
    const word = union + page * 2;
    return ((this.i32[word] ?? 0) | (this.i32[word + 1] ?? 0)) !== 0;
  }

  /** Returns one half of an owner's mask for a page: chunks 0..31 (`half` 0) or 32..63 (1). */
  mask(id: number, page: number, half: number): number {
    return this.masks[id]?.[page * 2 + half] ?? 0;
  }

  /** Adds an owner's traces to a page; `low` is chunks 0..31, `high` chunks 32..63. */
  add(id: number, page: number, low: number, high: number): void {
    const mask = this.masks[id];
    if (mask === undefined || page >>> 0 >= tracedPages) return;
    const word = page * 2;
    const oldLow = this.i32[union + word] ?? 0;
    const oldHigh = this.i32[union + word + 1] ?? 0;
    mask[word] = (mask[word] ?? 0) | low;
    mask[word + 1] = (mask[word + 1] ?? 0) | high;
    this.i32[union + word] = oldLow | low;
    this.i32[union + word + 1] = oldHigh | high;
    if ((oldLow | oldHigh) === 0 && (low | high) !== 0) {
      for (const observer of this.observers) observer.protect(page);
    }
  }

  /** Adds an owner's traces to the chunks of bytes `offset .. offset + size - 1` of a page. */
  addRange(id: number, page: number, offset: number, size: number): void {
    const last = Math.min(offset + size - 1, 4095);
    this.add(id, page, rangeLow(offset, last), rangeHigh(offset, last));
  }

  /** Removes an owner's traces from a page; other owners' traces stay. */
  remove(id: number, page: number, low: number, high: number): void {
    const mask = this.masks[id];
    if (mask === undefined || page >>> 0 >= tracedPages) return;
    const word = page * 2;
    mask[word] = (mask[word] ?? 0) & ~low;
    mask[word + 1] = (mask[word + 1] ?? 0) & ~high;
    let unionLow = 0;
    let unionHigh = 0;
    for (let owner = 0; owner < traceOwners; owner += 1) {
      const other = this.masks[owner];
      unionLow |= other?.[word] ?? 0;
      unionHigh |= other?.[word + 1] ?? 0;
    }
    this.i32[union + word] = unionLow;
    this.i32[union + word + 1] = unionHigh;
  }

  /**
   * Tells the owners that bytes `physical .. physical + size - 1` have been written. `isSame`: with
   * what they were before, of which the owner of code is not told: compilers at run time write much
   * of their code over the same code.
   */
  notify(physical: number, size: number, isSame = false): void {
    let first = physical >>> 0;
    let left = size;
    while (left > 0) {
      const part = Math.min(left, 4096 - (first & 4095));
      this.notifyPage(first, part, isSame);
      first += part;
      left -= part;
    }
  }

  private notifyPage(physical: number, size: number, isSame: boolean): void {
    const page = physical >>> 12;
    const word = page * 2;
    const i32 = this.i32;
    if (((i32[union + word] ?? 0) | (i32[union + word + 1] ?? 0)) === 0) return;
    const first = physical & 4095;
    const low = rangeLow(first, first + size - 1);
    const high = rangeHigh(first, first + size - 1);
    for (let id = isSame ? afterCode : 0; id < traceOwners; id += 1) {
      const mask = this.masks[id];
      if (mask === undefined) continue;
      if ((((mask[word] ?? 0) & low) | ((mask[word + 1] ?? 0) & high)) === 0) continue;
      this.hits += 1;
      this.owners[id]?.written(physical, size);
    }
  }
}

/** Chunks 0..31 that the bytes first..last of a page touch. */
function rangeLow(first: number, last: number): number {
  const from = first >>> 6;
  if (from > 31) return 0;
  const to = last >>> 6;
  return (-1 << from) & (to >= 31 ? -1 : ~(-2 << to));
}

/** Chunks 32..63 that the bytes first..last of a page touch. */
function rangeHigh(first: number, last: number): number {
  const to = last >>> 6;
  if (to < 32) return 0;
  const from = first >>> 6;
  return (from < 32 ? -1 : -1 << (from - 32)) & (to >= 63 ? -1 : ~(-2 << (to - 32)));
}
