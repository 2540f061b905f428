/**
 * A disk in a qcow2 image, of version 2 or 3, with copy on write over a backing image.
 *
 * What is written first goes to clusters that nothing refers to. The tables that refer to it stay
 * in memory up to a flush, which writes in an order that leaves the image sound wherever it is cut
 * off:
 *
 *     data, reference counts | refcount table | L2 tables | L1 table | counts of what was let go
 *
 * A bar is a flush of the store where both sides have something to write. So what an entry names is
 * on the disk, and counted, before the entry is; being cut off costs at most clusters that are
 * counted and not used, which `check` finds and repairs. A flush that was answered holds.
 */
import { inflateSync } from 'fflate';

import { closeStore, flushStore, readBytes, writeBytes, type ByteStore } from '../byte-store.ts';
import { DiskError } from '../error.ts';
import type { DiskImage } from '../image.ts';
import type { DiskChanges } from '../overlay-image.ts';
import type { Steps } from '../steps.ts';
import { changesOf } from './changes.ts';
import { clusterAt, type Cluster } from './extents.ts';
import type { QcowHeader } from './header.ts';
import * as layout from './layout.ts';
import { LevelOne } from './level-one.ts';
import { MetadataMap } from './metadata-map.ts';
import { Refcounts } from './refcounts.ts';
import { TableCache, type Table } from './table-cache.ts';

/** The most bytes that are allocated, and written, at once. */
const mostAllocatedBytes = 0x10_0000;
/** The most clusters that wait to be let go; more make a flush. */
const mostReleased = 4096;

/** What makes a qcow2 image. */
export interface QcowOptions {
  readonly header: QcowHeader;
  /** What the image stands on. */
  readonly backing?: DiskImage;
  readonly readOnly: boolean;
}

/** A qcow2 image. */
export class QcowImage implements DiskImage {
  readonly format = 'qcow2';
  readonly bytes: number;
  readonly readOnly: boolean;
  /** The header as it was when the image was opened. */
  readonly header: QcowHeader;
  /** What it holds itself, if it is written and stands on another. */
  readonly changes?: DiskChanges;
  readonly #store: ByteStore;
  readonly #backing: DiskImage | undefined;
  readonly #clusterBytes: number;
  readonly #perTable: number;
  readonly #cache: TableCache;
  readonly #l1: LevelOne;
  #refcounts: Refcounts | undefined;
  #metadata: MetadataMap | undefined;
  /** Clusters whose reference goes away with the next flush. */
  #released: number[] = [];
  /** The compressed cluster that was read last. */
  #inflated: { readonly offset: number; readonly bytes: Uint8Array } | undefined;

  private constructor(store: ByteStore, options: QcowOptions, l1: LevelOne) {
    const { header } = options;
    this.header = header;
    this.bytes = Math.ceil(header.bytes / 512) * 512;
    this.readOnly = options.readOnly;
    this.#store = store;
    this.#backing = options.backing;
    if (options.backing !== undefined && !options.readOnly) {
      this.changes = changesOf(this, options.backing);
    }
    this.#clusterBytes = 2 ** header.clusterBits;
    this.#perTable = this.#clusterBytes / 8;
    this.#l1 = l1;
    this.#cache = new TableCache(store, this.#clusterBytes, () => this.#writeBack());
  }

  /** Opens an image whose header was read. */
  static *open(store: ByteStore, options: QcowOptions): Steps<QcowImage> {
    const l1 = yield* LevelOne.open(store, options.header);
    const image = new QcowImage(store, options, l1);
    if (!options.readOnly) yield* image.#openForWriting();
    return image;
  }

  *read(offset: number, target: Uint8Array): Steps<void> {
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const { cluster, bytes } = yield* this.#extent(at, target.length - done);
      const part = target.subarray(done, done + bytes);
      const within = at % this.#clusterBytes;
      if (cluster.kind === 'data') {
        yield* readBytes(this.#store, cluster.offset + within, part);
      } else if (cluster.kind === 'compressed') {
        const whole = yield* this.#inflate(cluster);
        part.set(whole.subarray(within, within + bytes));
      } else if (cluster.kind === 'backing') {
        yield* this.#readBacking(at, part);
      } else {
        part.fill(0);
      }
      done += bytes;
    }
  }

  *write(offset: number, source: Uint8Array): Steps<void> {
    for (let done = 0; done < source.length;) {
      const at = offset + done;
      const { cluster, bytes } = yield* this.#extent(at, source.length - done);
      if (cluster.kind === 'data' && cluster.copied) {
        this.#metadata?.refuse(cluster.offset, bytes + (at % this.#clusterBytes));
        const part = source.subarray(done, done + bytes);
        yield* writeBytes(this.#store, cluster.offset + (at % this.#clusterBytes), part);
        done += bytes;
      } else {
        done += yield* this.#writeNew(at, source.subarray(done));
      }
    }
  }

  *flush(): Steps<void> {
    yield* this.#writeBack();
    yield* flushStore(this.#store);
    const released = this.#released;
    if (released.length === 0 || this.#refcounts === undefined) return;
    this.#released = [];
    for (const cluster of released) yield* this.#refcounts.release(cluster);
    yield* this.#cache.write('refcounts');
  }

  *ownPieces(pieceBytes: number): Steps<number[]> {
    const offsets = new Set<number>();
    for (let at = 0; at < this.bytes;) {
      const { cluster, bytes } = yield* this.#extent(at, this.bytes - at);
      const first = at - (at % pieceBytes);
      for (let own = first; cluster.kind !== 'backing' && own < at + bytes; own += pieceBytes) {
        offsets.add(own);
      }
      at += bytes;
    }
    return [...offsets];
  }

  *close(): Steps<void> {
    if (!this.readOnly) {
      yield* this.flush();
      yield* flushStore(this.#store);
    }
    yield* closeStore(this.#store);
    if (this.#backing !== undefined) yield* this.#backing.close();
  }

  *#openForWriting(): Steps<void> {
    const { header } = this;
    if (header.autoclear) {
      const what = 'autoclear features such as bitmaps (byte 88)';
      throw this.#fault('unsupported', `${what}: the image can be read, not written`);
    }
    if ((header.incompatible & (layout.incompatible.corrupt | layout.incompatible.dirty)) !== 0) {
      const what = 'the image is marked as damaged or not closed (byte 72)';
      throw this.#fault('bad-image', `${what}: repair it first, or open it for reading`);
    }
    const metadata = new MetadataMap(this.#store.name, this.#clusterBytes);
    const host = {
      store: this.#store,
      cache: this.#cache,
      metadata,
      writeBack: () => this.#writeBack(),
    };
    this.#refcounts = yield* Refcounts.open(host, header);
    metadata.add(0, 1);
    metadata.add(header.l1Offset / this.#clusterBytes, this.#l1.clusters);
    for (const [cluster, count] of this.#refcounts.places()) metadata.add(cluster, count);
    for (const offset of this.#l1.tables()) {
      if (offset !== 0) metadata.add(offset / this.#clusterBytes, 1);
    }
    this.#metadata = metadata;
  }

  /**
   * Returns what stands at a place of the disk, and for how many bytes, at most `most`, it goes on
   * as one piece.
   */
  *#extent(at: number, most: number): Steps<{ cluster: Cluster; bytes: number }> {
    const size = this.#clusterBytes;
    const index = Math.floor(at / size);
    const inTable = index % this.#perTable;
    const toEndOfTable = (this.#perTable - inTable) * size - (at % size);
    const bytes = Math.min(most, toEndOfTable);
    const l1Index = Math.floor(index / this.#perTable);
    const tableOffset = this.#l1.offset(l1Index);
    if (tableOffset === 0) {
      return { cluster: { kind: 'backing', offset: 0, compressedBytes: 0, copied: false }, bytes };
    }
    const table = yield* this.#cache.get('l2', tableOffset);
    const first = this.#cluster(table, inTable);
    let length = size - (at % size);
    for (let next = inTable + 1; length < bytes && first.kind !== 'compressed'; next += 1) {
      const other = this.#cluster(table, next);
      const isNext =
        first.kind !== 'data' || other.offset === first.offset + (next - inTable) * size;
      if (other.kind !== first.kind || other.copied !== first.copied || !isNext) break;
      length += size;
    }
    return { cluster: first, bytes: Math.min(length, bytes) };
  }

  #cluster(table: Table, index: number): Cluster {
    const { clusterBits, version } = this.header;
    return clusterAt(table, index, clusterBits, version >= 3, this.#store.name);
  }

  *#inflate({ offset, compressedBytes }: Cluster): Steps<Uint8Array> {
    if (this.#inflated?.offset === offset) return this.#inflated.bytes;
    const data = new Uint8Array(compressedBytes);
    yield* readBytes(this.#store, offset, data);
    const bytes = new Uint8Array(this.#clusterBytes);
    try {
      inflateSync(data, { out: bytes });
    } catch {
      const what = `the compressed cluster at byte ${String(offset)} cannot be unpacked`;
      throw this.#fault('bad-image', what);
    }
    this.#inflated = { offset, bytes };
    return bytes;
  }

  *#readBacking(at: number, target: Uint8Array): Steps<void> {
    const there = Math.max(0, Math.min(target.length, (this.#backing?.bytes ?? 0) - at));
    if (this.#backing !== undefined && there > 0) {
      yield* this.#backing.read(at, target.subarray(0, there));
    }
    target.fill(0, there);
  }

  /**
   * Writes to clusters that are not there yet, or are not this image's own, and returns how many
   * bytes that took.
   */
  *#writeNew(at: number, source: Uint8Array): Steps<number> {
    const refcounts = this.#refcounts;
    const metadata = this.#metadata;
    if (refcounts === undefined || metadata === undefined) {
      throw this.#fault('read-only', 'a write to an image that was opened for reading');
    }
    const size = this.#clusterBytes;
    const index = Math.floor(at / size);
    const l1Index = Math.floor(index / this.#perTable);
    const within = at % size;
    yield* this.#ownTable(l1Index);
    const wanted = Math.min(
      Math.ceil((within + source.length) / size),
      this.#perTable - (index % this.#perTable),
      Math.max(1, mostAllocatedBytes / size),
    );
    const replaced = yield* this.#countReplaced(l1Index, index % this.#perTable, wanted);
    const { first, count } = yield* refcounts.allocate(replaced);
    const bytes = Math.min(source.length, count * size - within);
    const data = yield* this.#wholeClusters(index * size, within, source.subarray(0, bytes), count);
    metadata.refuse(first * size, count * size);
    yield* writeBytes(this.#store, first * size, data);
    const table = yield* this.#cache.get('l2', this.#l1.offset(l1Index));
    for (let done = 0; done < count; done += 1) {
      const entry = (index % this.#perTable) + done;
      this.#release(this.#cluster(table, entry));
      layout.write64(table.view, 8 * entry, (first + done) * size);
      table.view.setUint8(8 * entry, table.view.getUint8(8 * entry) | 0x80);
    }
    table.dirty = true;
    if (this.#released.length > mostReleased) yield* this.flush();
    return bytes;
  }

  /** Returns how many clusters from an entry on, at most `wanted`, cannot be written in place. */
  *#countReplaced(l1Index: number, entry: number, wanted: number): Steps<number> {
    const table = yield* this.#cache.get('l2', this.#l1.offset(l1Index));
    let count = 1;
    for (; count < wanted; count += 1) {
      const { kind, copied } = this.#cluster(table, entry + count);
      if (kind === 'data' && copied) break;
    }
    return count;
  }

  /** Fills what a write leaves of whole clusters with what stands there now. */
  *#wholeClusters(
    start: number,
    within: number,
    source: Uint8Array,
    count: number,
  ): Steps<Uint8Array> {
    const bytes = count * this.#clusterBytes;
    if (source.length === bytes) return source;
    const data = new Uint8Array(bytes);
    if (within > 0) yield* this.read(start, data.subarray(0, within));
    data.set(source, within);
    const end = within + source.length;
    const last = Math.min(bytes, this.bytes - start);
    if (end < last) yield* this.read(start + end, data.subarray(end, last));
    return data;
  }

  /** Makes sure that an L2 table is there and this image's own. */
  *#ownTable(l1Index: number): Steps<void> {
    const refcounts = this.#refcounts;
    if (refcounts === undefined || this.#l1.isOwn(l1Index)) return;
    const old = this.#l1.offset(l1Index);
    const { first: cluster } = yield* refcounts.allocate(1);
    this.#metadata?.add(cluster, 1);
    const source = old === 0 ? undefined : yield* this.#cache.get('l2', old);
    yield* this.#cache.add('l2', cluster * this.#clusterBytes, source);
    this.#l1.set(l1Index, cluster * this.#clusterBytes);
    if (old !== 0) {
      this.#metadata?.remove(old / this.#clusterBytes, 1);
      this.#released.push(old / this.#clusterBytes);
    }
  }

  /** Notes the clusters that an entry referred to. */
  #release({ kind, offset, compressedBytes }: Cluster): void {
    if (offset === 0) return;
    const bytes = kind === 'compressed' ? compressedBytes : this.#clusterBytes;
    const last = Math.floor((offset + bytes - 1) / this.#clusterBytes);
    for (let at = Math.floor(offset / this.#clusterBytes); at <= last; at += 1) {
      this.#released.push(at);
    }
    // Its place may come to hold something else.
    if (this.#inflated?.offset === offset) this.#inflated = undefined;
  }

  /** Writes all tables, each after what it refers to. */
  *#writeBack(): Steps<void> {
    const refcounts = this.#refcounts;
    if (refcounts === undefined) return;
    yield* this.#cache.write('refcounts');
    if (refcounts.tableDirty) {
      yield* flushStore(this.#store);
      yield* refcounts.writeTable();
    }
    if (this.#cache.hasDirty('l2')) {
      yield* flushStore(this.#store);
      yield* this.#cache.write('l2');
    }
    if (this.#l1.dirty) {
      yield* flushStore(this.#store);
      yield* this.#l1.write();
    }
  }

  #fault(code: 'bad-image' | 'unsupported' | 'read-only', what: string): DiskError {
    return new DiskError(code, `${this.#store.name}: qcow2: ${what}`);
  }
}
