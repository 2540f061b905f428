/**
 * Predecoded instructions, kept by physical page and code mode, and coherent with memory.
 *
 * The problem: instructions are decoded once and run many times, while anything may write to them:
 * the running instruction itself, another mapping of the page, a device. Keyed by physical address
 * there is one copy whatever the mappings, and a write trace on the 64-byte chunks that hold
 * decoded bytes sends every write to them here. The records that overlap the written bytes, and
 * only those, become stale: their handler number is set to 0, and their index entry is cleared.
 * Where only an immediate or a displacement changed, they are amended instead (`RecordAmender`).
 * Whoever stands in a stale record, or follows a link to one, looks the address up again and
 * decodes anew.
 *
 * Memory is given back by whole blocks, since records of a block link to each other: a block whose
 * page was evicted, remapped or has mostly stale records is retired (all its records stale) and its
 * memory used again only after `collect`, which the run loop calls where nobody stands in a record.
 *
 * A page that is written again and again costs, per write: a look at 64 + size index entries and,
 * if a record is hit, its decoding. Stale records are bounded: see `rebuildAfterStale`.
 *
 * Hot: `allocate`, `link` at decoding; `written` for data beside code (code-cache.bench.ts).
 */
import {
  TraceOwnerId,
  WriteSource,
  tracedPages,
  type MapObserver,
  type PhysicalMemory,
  type TraceOwner,
} from '@ringfence/memory';
import { BlockChains, none } from './block-chains.ts';
import { BlockPool } from './block-pool.ts';
import { BlockField, maxBlocks, maxChunks, maxPageBlocks, RecordField } from './code-block.ts';
import type { CodeCacheOptions, CodeObserver, ExecRevoker, RecordAmender } from './interfaces.ts';
import { hasCodeIn, recordsOn } from './overlaps.ts';
import { zeroStatistics, type CodeCacheStatistics, type InvalidationCause } from './statistics.ts';
import { WatchedBytes } from './watched-bytes.ts';

/** A block with more stale records than this, and more stale than live ones, is retired. */
export const rebuildAfterStale = 64;

/** When less than this part of a pool is free, blocks are evicted until twice as much is. */
export const lowWaterFraction: number = 1 / 16;

const indexWord = BlockField.index >>> 2;

/** The predecoded code of one machine. */
export class CodeCache implements TraceOwner, MapObserver {
  /** Memory is wanted back: the run loop should call `collect` soon. */
  needsCollect = false;
  /** Counters. */
  readonly statistics: CodeCacheStatistics = zeroStatistics();
  private readonly memory: PhysicalMemory;
  private readonly i32: Int32Array;
  private readonly u8: Uint8Array;
  private readonly view: DataView;
  private readonly pool: BlockPool;
  private revoker: ExecRevoker | undefined;
  private observer: CodeObserver | undefined;
  private amender: RecordAmender | undefined;
  private readonly watched = new WatchedBytes();
  private readonly chains: BlockChains;
  private readonly live: Int32Array;
  private readonly stale: Int32Array;
  private readonly inUse: Uint8Array;
  private readonly referenced: Uint8Array;
  private readonly rewriteCount = new Uint16Array(tracedPages);
  private hand = 0;

  constructor(memory: PhysicalMemory, options: CodeCacheOptions = {}) {
    const blocks = Math.max(4, Math.min(options.blocks ?? maxBlocks, maxBlocks));
    const chunks = Math.max(8, Math.min(options.chunks ?? maxChunks, maxChunks));
    this.memory = memory;
    this.i32 = memory.machine.i32;
    this.u8 = memory.machine.u8;
    this.view = memory.machine.view;
    this.pool = new BlockPool(this.i32, this.view, blocks, chunks);
    this.chains = new BlockChains(blocks);
    this.live = new Int32Array(blocks);
    this.stale = new Int32Array(blocks);
    this.inUse = new Uint8Array(blocks);
    this.referenced = new Uint8Array(blocks);
    memory.traces.setOwner(TraceOwnerId.code, this);
    memory.addObserver(this);
  }

  /** Names who is told of pages whose code changes. */
  observe(observer: CodeObserver): void {
    this.observer = observer;
  }

  /** Names who can bring records up to date. */
  amendBy(amender: RecordAmender): void {
    this.amender = amender;
  }

  /** Has the observer told of writes to bytes of a page, with or without records, until `drop`. */
  watch(page: number, offset: number, length: number): void {
    this.watched.add(page, offset, length);
    this.memory.traces.addRange(TraceOwnerId.code, page, offset, length);
  }

  /** Makes every record of a page (canonical) stale, and watches none of its bytes. */
  drop(page: number): void {
    this.watched.drop(page);
    let block = this.chains.head(page);
    while (block >= 0) {
      this.retire(block, 'dropped');
      block = this.chains.head(page);
    }
  }

  /** Names who holds block addresses; shadow paging, usually. */
  attach(revoker: ExecRevoker): void {
    this.revoker = revoker;
  }

  /**
   * Returns the address of the block of a page (canonical) and code mode, created if need be.
   *
   * It becomes the page's current block; if another was, the page is revoked. Returns 0 when there
   * is no room before `collect`.
   */
  block(page: number, mode: number): number {
    const head = this.chains.head(page);
    for (let block = head; block >= 0; block = this.chains.next(block)) {
      const address = this.pool.address(block);
      if (this.i32[address >>> 2] === mode) {
        if (block !== head) {
          this.chains.unlink(page, block);
          this.chains.push(page, block);
          this.revoker?.revokeExec(page);
        }
        this.referenced[block] = 1;
        return address;
      }
    }
    return this.create(page, mode);
  }

  /** Returns the address of the block of a page and code mode, 0 if there is none. */
  find(page: number, mode: number): number {
    for (let block = this.chains.head(page); block >= 0; block = this.chains.next(block)) {
      const address = this.pool.address(block);
      if (this.i32[address >>> 2] === mode) return address;
    }
    return 0;
  }

  /** Returns the address of a page's current block, 0 if it has none. */
  entry(page: number): number {
    const block = this.chains.head(page);
    if (block < 0) return 0;
    this.referenced[block] = 1;
    return this.pool.address(block);
  }

  /** Returns the record that starts at an offset (0 to 4095) of a block, 0 if none. */
  lookup(block: number, offset: number): number {
    this.referenced[this.pool.at(block)] = 1;
    return this.i32[(block >>> 2) + indexWord + offset] ?? 0;
  }

  /**
   * Returns a new record of a block, zeroed but for its offset, or 0 when there is no room before
   * `collect`.
   *
   * Records follow each other, 32 bytes apart. When one does not, the 32 bytes after the one before
   * it are free for a "continue" record. `offset` is that of the instruction, or in a record that
   * only leads to another, that of the instruction there.
   */
  allocate(block: number, offset: number): number {
    const number = this.pool.at(block);
    if (this.inUse[number] !== 1) return 0;
    this.keepRoom(number);
    const record = this.pool.allocate(number, offset);
    if (record === 0) this.needsCollect = true;
    return record;
  }

  /**
   * Makes a record the one of an offset of a block, and traces the `length` bytes that it was
   * decoded from.
   *
   * A record that was there before becomes stale.
   */
  link(block: number, offset: number, record: number, length: number): void {
    const number = this.pool.at(block);
    if (this.inUse[number] !== 1) return;
    const word = (block >>> 2) + indexWord + offset;
    const old = this.i32[word] ?? 0;
    if (old !== 0) this.makeStale(number, old);
    this.i32[word] = record;
    this.view.setUint16(record + RecordField.offset, offset, true);
    this.u8[record + RecordField.length] = length;
    this.u8[record + RecordField.extent] = length;
    this.live[number] = (this.live[number] ?? 0) + 1;
    this.statistics.records += 1;
    const page = this.i32[(block + BlockField.page) >>> 2] ?? 0;
    this.memory.traces.addRange(TraceOwnerId.code, page, offset, length);
  }

  /** Returns how often writes have hit code of a page, up to 65535. */
  rewrites(page: number): number {
    return this.rewriteCount[page] ?? 0;
  }

  /** Uses the memory of retired blocks again; only while nobody stands in a record or keeps one. */
  collect(): void {
    this.pool.collect();
    this.needsCollect = false;
  }

  /** Makes every record stale. */
  flush(): void {
    for (let block = 0; block < this.pool.blocks; block += 1) this.retire(block, 'flush');
  }

  /** TraceOwner: makes the records that overlap the written bytes stale. */
  written(physical: number, size: number): void {
    const page = physical >>> 12;
    const first = physical & 0xfff;
    const device = this.memory.traces.source === WriteSource.device;
    const cause: InvalidationCause = device ? 'device' : 'write';
    let from = 4096;
    let to = -1;
    let block = this.chains.head(page);
    while (block >= 0) {
      const next = this.chains.next(block);
      const lowest = this.staleRange(block, first, first + size - 1, cause);
      if (lowest < 4096) {
        if (lowest < from) from = lowest;
        to = Math.max(to, this.highest);
        this.rebuildIfStale(block);
      }
      block = next;
    }
    // Data behind code are decoded too, where a run of instructions was taken to go on: that they
    // are written is no reason to let go of what was made from the code.
    if (this.watched.hits(page, first, size)) {
      this.observer?.codeChanged(page, first, size, cause);
    } else if (to < 0) this.statistics.nearMisses += 1;
    if (to < 0) return;
    const count = this.rewriteCount[page] ?? 0;
    if (count < 0xffff) this.rewriteCount[page] = count + 1;
    if (this.chains.head(page) !== none) this.dropTraces(page, from >>> 6, Math.min(to >>> 6, 63));
  }

  /** MapObserver: other memory stands at these pages. */
  remapped(first: number, count: number): void {
    for (let page = first; page < first + count; page += 1) {
      let block = this.chains.head(page);
      while (block >= 0) {
        this.retire(block, 'remap');
        block = this.chains.head(page);
      }
    }
  }

  /** MapObserver: pages are canonical here, so the A20 gate changes nothing. */
  gateChanged(): void {}

  /** Last byte of the last record that `staleRange` hit. */
  private highest = 0;
  private readonly hits: number[] = [];

  /**
   * Makes records of a block that overlap first..last stale, unless they can be amended; returns
   * the lowest start, 4096 none.
   */
  private staleRange(block: number, first: number, last: number, cause: InvalidationCause): number {
    const { hits, i32 } = this;
    const address = this.pool.address(block);
    const highest = recordsOn(i32, this.u8, address, first, last, hits);
    if (highest < 0) return 4096;
    this.highest = highest;
    if (this.amender?.amend(address, hits, first, last) === true) {
      this.statistics.amendments += 1;
      return 4096;
    }
    for (const offset of hits) {
      const word = (address >>> 2) + indexWord + offset;
      this.makeStale(block, i32[word] ?? 0);
      i32[word] = 0;
    }
    this.statistics.invalidations[cause] += hits.length;
    return hits[0] ?? 4096;
  }

  private makeStale(block: number, record: number): void {
    this.view.setUint16(record + RecordField.handler, 0, true);
    this.live[block] = (this.live[block] ?? 0) - 1;
    this.stale[block] = (this.stale[block] ?? 0) + 1;
  }

  private rebuildIfStale(block: number): void {
    const live = this.live[block] ?? 0;
    const stale = this.stale[block] ?? 0;
    if (stale <= rebuildAfterStale || stale <= live) return;
    this.statistics.rebuilds += 1;
    this.retire(block, 'rewritten');
  }

  /** Removes the traces of those chunks from..to of a page that no record covers any more. */
  private dropTraces(page: number, from: number, to: number): void {
    for (let chunk = from; chunk <= to; chunk += 1) {
      if (this.chunkCovered(page, chunk * 64)) continue;
      const bit = 1 << (chunk & 31);
      this.memory.traces.remove(
        TraceOwnerId.code,
        page,
        chunk < 32 ? bit : 0,
        chunk < 32 ? 0 : bit,
      );
    }
  }

  private chunkCovered(page: number, first: number): boolean {
    if (this.watched.hits(page, first, 64)) return true;
    let block = this.chains.head(page);
    while (block >= 0) {
      if (hasCodeIn(this.i32, this.u8, this.pool.address(block), first)) return true;
      block = this.chains.next(block);
    }
    return false;
  }

  private create(page: number, mode: number): number {
    this.keepRoom(none);
    const block = this.pool.take();
    if (block < 0) {
      this.needsCollect = true;
      return 0;
    }
    this.retire(this.chains.surplus(page, maxPageBlocks), 'evicted');
    const address = this.pool.address(block);
    this.i32[(address + BlockField.mode) >>> 2] = mode;
    this.i32[(address + BlockField.page) >>> 2] = page;
    const wasEmpty = this.chains.head(page) === none;
    this.chains.push(page, block);
    this.live[block] = 0;
    this.stale[block] = 0;
    this.inUse[block] = 1;
    this.referenced[block] = 1;
    this.statistics.blocks += 1;
    if (!wasEmpty) this.revoker?.revokeExec(page);
    return address;
  }

  /** Evicts blocks, the least recently entered first, when little memory is left. */
  private keepRoom(keep: number): void {
    const { freeBlocks, freeChunks, blocks, chunks } = this.pool;
    if (freeBlocks >= blocks * lowWaterFraction && freeChunks >= chunks * lowWaterFraction) return;
    this.needsCollect = true;
    if (this.pool.hasRoom(lowWaterFraction)) return;
    for (let step = 0; step < 2 * blocks; step += 1) {
      if (this.pool.hasRoom(2 * lowWaterFraction)) return;
      this.evictAtHand(keep);
    }
  }

  /** Gives the block at the clock hand a second chance, or retires it. */
  private evictAtHand(keep: number): void {
    this.hand = (this.hand + 1) % this.pool.blocks;
    const block = this.hand;
    if (this.inUse[block] !== 1 || block === keep) return;
    if (this.referenced[block] === 1) {
      // Revoked, the page comes back through `entry` or `block` if it is still in use.
      this.referenced[block] = 0;
      this.revoker?.revokeExec(this.pageOf(block));
      return;
    }
    this.statistics.evictions += 1;
    this.retire(block, 'evicted');
  }

  private retire(block: number, cause: InvalidationCause): void {
    if (this.inUse[block] !== 1) return;
    const page = this.pageOf(block);
    this.statistics.invalidations[cause] += this.live[block] ?? 0;
    this.chains.unlink(page, block);
    this.inUse[block] = 0;
    this.pool.retire(block);
    this.revoker?.revokeExec(page);
    if (cause === 'rewritten') this.observer?.recordsRebuilt(page);
    else this.observer?.codeChanged(page, 0, 0, cause);
    if (this.chains.head(page) === none && !this.watched.has(page)) {
      this.memory.traces.remove(TraceOwnerId.code, page, -1, -1);
    } else {
      this.dropTraces(page, 0, 63);
    }
  }

  private pageOf(block: number): number {
    return this.i32[(this.pool.address(block) + BlockField.page) >>> 2] ?? 0;
  }
}
