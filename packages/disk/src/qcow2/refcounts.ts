/**
 * Reference counts of clusters: a table of blocks, each counting as many clusters as fit into one.
 *
 * A block that is missing is put at the first of the clusters that it counts, all of which are
 * free: it counts itself. A table that is full is written anew behind everything that it counts.
 */
import { flushStore, readBytes, writeBytes, type ByteStore } from '../byte-store.ts';
import { DiskError } from '../error.ts';
import type { Steps } from '../steps.ts';
import type { QcowHeader } from './header.ts';
import * as layout from './layout.ts';
import type { MetadataMap } from './metadata-map.ts';
import type { Table, TableCache } from './table-cache.ts';

/** What reference counts need of the image. */
export interface RefcountHost {
  readonly store: ByteStore;
  readonly cache: TableCache;
  /** The clusters that hold tables, told of those that come and go. */
  readonly metadata: MetadataMap;
  /** Writes everything that is dirty, in an order that a power cut does no harm to. */
  writeBack(): Steps<void>;
}

/** The reference counts of an image. */
export class Refcounts {
  /** How many clusters one block counts. */
  readonly perBlock: number;
  readonly #host: RefcountHost;
  readonly #clusterBytes: number;
  readonly #order: number;
  /** The places of the blocks; 0 for none. */
  #table: Float64Array;
  #tableOffset: number;
  #tableClusters: number;
  /** Entries of the table that wait to be written. */
  readonly #dirty = new Set<number>();
  /** No cluster before this one is free. */
  #hint = 0;

  private constructor(host: RefcountHost, header: QcowHeader, table: Float64Array) {
    this.#host = host;
    this.#clusterBytes = 2 ** header.clusterBits;
    this.#order = header.refcountOrder;
    this.perBlock = (this.#clusterBytes * 8) / 2 ** this.#order;
    this.#table = table;
    this.#tableOffset = header.refcountTableOffset;
    this.#tableClusters = header.refcountTableClusters;
  }

  /** Reads the table of an image. */
  static *open(host: RefcountHost, header: QcowHeader): Steps<Refcounts> {
    const clusterBytes = 2 ** header.clusterBits;
    const bytes = new Uint8Array(header.refcountTableClusters * clusterBytes);
    yield* readBytes(host.store, header.refcountTableOffset, bytes);
    const view = new DataView(bytes.buffer);
    const table = new Float64Array(bytes.length / 8);
    for (const index of table.keys()) {
      const offset = layout.entryOffset(view.getUint32(8 * index), view.getUint32(8 * index + 4));
      if (offset % clusterBytes !== 0) {
        const at = `entry ${String(index)} of the refcount table`;
        throw damaged(host.store, `${at} names byte ${String(offset)}, which begins no cluster`);
      }
      table[index] = offset;
    }
    return new Refcounts(host, header, table);
  }

  /** Returns the places of the table and of all blocks, as ranges of clusters. */
  *places(): Iterable<readonly [cluster: number, count: number]> {
    yield [this.#tableOffset / this.#clusterBytes, this.#tableClusters];
    for (const offset of this.#table) {
      if (offset !== 0) yield [offset / this.#clusterBytes, 1];
    }
  }

  /** The number of clusters that the table can count. */
  get clusters(): number {
    return this.#table.length * this.perBlock;
  }

  /** Whether entries of the table wait to be written. */
  get tableDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Writes the entries of the table that changed. */
  *writeTable(): Steps<void> {
    for (const index of this.#dirty) {
      const entry = new DataView(new ArrayBuffer(8));
      layout.write64(entry, 0, this.#table[index] ?? 0);
      const at = this.#tableOffset + 8 * index;
      yield* writeBytes(this.#host.store, at, new Uint8Array(entry.buffer));
      this.#dirty.delete(index);
    }
  }

  /** Returns how many references a cluster has. */
  *get(cluster: number): Steps<number> {
    const block = yield* this.#block(Math.floor(cluster / this.perBlock));
    return block === undefined ? 0 : this.#read(block, cluster % this.perBlock);
  }

  /** Sets how many references a cluster has. */
  *set(cluster: number, references: number): Steps<void> {
    const index = Math.floor(cluster / this.perBlock);
    while (index >= this.#table.length) yield* this.#grow();
    let block = yield* this.#block(index);
    if (block === undefined) {
      yield* this.#addBlock(index);
      block = yield* this.#block(index);
    }
    if (block === undefined) return;
    if (references >= 2 ** Math.min(53, 2 ** this.#order)) {
      throw damaged(this.#host.store, `cluster ${String(cluster)} has too many references`);
    }
    this.#write(block, cluster % this.perBlock, references);
    block.dirty = true;
    if (references === 0) this.#hint = Math.min(this.#hint, cluster);
  }

  /** Takes one reference away. */
  *release(cluster: number): Steps<void> {
    const references = yield* this.get(cluster);
    if (references > 0) yield* this.set(cluster, references - 1);
  }

  /** Takes the first free cluster, and up to `most` free ones that follow it. */
  *allocate(most: number): Steps<{ readonly first: number; readonly count: number }> {
    let first = -1;
    let at = this.#hint;
    for (; first < 0 || at < first + most; at += 1) {
      const index = Math.floor(at / this.perBlock);
      if (index >= this.#table.length) {
        if (first >= 0) break;
        yield* this.#grow();
      }
      if (this.#table[index] === 0) {
        if (first >= 0) break;
        yield* this.#addBlock(index);
      }
      const block = yield* this.#block(index);
      const isFree = block !== undefined && this.#read(block, at % this.perBlock) === 0;
      if (isFree && first < 0) first = at;
      if (!isFree && first >= 0) break;
    }
    for (let cluster = first; cluster < at; cluster += 1) yield* this.set(cluster, 1);
    this.#hint = at;
    return { first, count: at - first };
  }

  *#block(index: number): Steps<Table | undefined> {
    const offset = this.#table[index] ?? 0;
    return offset === 0 ? undefined : yield* this.#host.cache.get('refcounts', offset);
  }

  *#addBlock(index: number): Steps<void> {
    const offset = index * this.perBlock * this.#clusterBytes;
    const block = yield* this.#host.cache.add('refcounts', offset);
    this.#write(block, 0, 1);
    this.#table[index] = offset;
    this.#host.metadata.add(offset / this.#clusterBytes, 1);
    this.#dirty.add(index);
  }

  /** Writes a table of twice the size behind all that the present one counts. */
  *#grow(): Steps<void> {
    const { store } = this.#host;
    // What the new table says of the old blocks must be true on the disk first.
    yield* this.#host.writeBack();
    const clusterBytes = this.#clusterBytes;
    const first = this.clusters;
    const tableClusters = this.#tableClusters * 2;
    if (tableClusters * clusterBytes > layout.maximumRefcountTableBytes) {
      throw new DiskError('io', `${store.name}: qcow2: no room is left in the refcount table`);
    }
    let blocks = 1;
    while (blocks * this.perBlock < tableClusters + blocks) blocks += 1;
    const table = new Float64Array((tableClusters * clusterBytes) / 8);
    table.set(this.#table);
    const counts = new Uint8Array(blocks * clusterBytes);
    for (let block = 0; block < blocks; block += 1) {
      table[this.#table.length + block] = (first + tableClusters + block) * clusterBytes;
      const view = new DataView(counts.buffer, block * clusterBytes, clusterBytes);
      const used = Math.min(this.perBlock, tableClusters + blocks - block * this.perBlock);
      for (let at = 0; at < used; at += 1) this.#writeView(view, at, 1);
    }
    const tableView = new DataView(new ArrayBuffer(tableClusters * clusterBytes));
    for (const [index, offset] of table.entries()) layout.write64(tableView, 8 * index, offset);
    yield* writeBytes(store, (first + tableClusters) * clusterBytes, counts);
    yield* writeBytes(store, first * clusterBytes, new Uint8Array(tableView.buffer));
    yield* flushStore(store);
    const entry = new DataView(new ArrayBuffer(12));
    layout.write64(entry, 0, first * clusterBytes);
    entry.setUint32(8, tableClusters);
    yield* writeBytes(store, layout.field.refcountTableOffset, new Uint8Array(entry.buffer));
    yield* flushStore(store);
    const oldFirst = this.#tableOffset / clusterBytes;
    const oldClusters = this.#tableClusters;
    this.#table = table;
    this.#tableOffset = first * clusterBytes;
    this.#tableClusters = tableClusters;
    this.#host.metadata.remove(oldFirst, oldClusters);
    this.#host.metadata.add(first, tableClusters + blocks);
    for (let at = 0; at < oldClusters; at += 1) yield* this.release(oldFirst + at);
  }

  #read(block: Table, at: number): number {
    const { view } = block;
    const order = this.#order;
    if (order === 4) return view.getUint16(2 * at);
    if (order < 3) {
      const bits = 2 ** order;
      const byte = view.getUint8(Math.floor((at * bits) / 8));
      return (byte >> ((at * bits) % 8)) & (2 ** bits - 1);
    }
    if (order === 3) return view.getUint8(at);
    return order === 5 ? view.getUint32(4 * at) : layout.read64(view, 8 * at);
  }

  #write(block: Table, at: number, references: number): void {
    this.#writeView(block.view, at, references);
  }

  #writeView(view: DataView, at: number, references: number): void {
    const order = this.#order;
    if (order < 3) {
      const bits = 2 ** order;
      const byteAt = Math.floor((at * bits) / 8);
      const shift = (at * bits) % 8;
      const mask = (2 ** bits - 1) << shift;
      view.setUint8(byteAt, (view.getUint8(byteAt) & ~mask) | (references << shift));
    } else if (order === 3) {
      view.setUint8(at, references);
    } else if (order === 4) {
      view.setUint16(2 * at, references);
    } else if (order === 5) {
      view.setUint32(4 * at, references);
    } else {
      layout.write64(view, 8 * at, references);
    }
  }
}

function damaged(store: ByteStore, what: string): DiskError {
  return new DiskError('bad-image', `${store.name}: qcow2: ${what}`);
}
