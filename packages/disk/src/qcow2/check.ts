/**
 * Looks whether an image's reference counts say what its tables refer to, and sets them right.
 *
 * A count that is too high is a leak: room is lost. One that is too low is an error: the cluster
 * could be given away a second time.
 */
import { flushStore, readBytes, writeBytes, type ByteStore } from '../byte-store.ts';
import { DiskError } from '../error.ts';
import type { Steps } from '../steps.ts';
import { clusterAt } from './extents.ts';
import { headerAreaBytes, parseHeader, type QcowHeader } from './header.ts';
import * as layout from './layout.ts';
import { MetadataMap } from './metadata-map.ts';
import { ReferenceMap } from './reference-map.ts';
import { Refcounts } from './refcounts.ts';
import { TableCache, type Table } from './table-cache.ts';

/** The most findings that are put into words; the others are counted. */
export const mostFindings = 100;
/** The largest snapshot table that is read. */
const maximumSnapshotBytes = 0x400_0000;
const snapshotHeaderBytes = 40;

/** What a check came to. */
export interface CheckResult {
  /** Clusters that are referred to more often than is counted, and entries that cannot be. */
  readonly errors: number;
  /** Clusters that are counted and not referred to. */
  readonly leaks: number;
  /** How many of both were set right. */
  readonly repaired: number;
  /** What was found, in words, up to `mostFindings`. */
  readonly findings: readonly string[];
}

/**
 * Checks an image; with `repair`, sets its reference counts right and takes the mark of an image
 * that was not closed away.
 *
 * @throws DiskError `bad-image` when not even the header or a table can be read.
 */
export function* checkQcow(store: ByteStore, repair: boolean = false): Steps<CheckResult> {
  const check = new Check(store);
  return yield* check.run(repair);
}

class Check {
  readonly #store: ByteStore;
  readonly #references = new ReferenceMap();
  readonly #findings: string[] = [];
  #errors = 0;
  #leaks = 0;
  #unmendable = 0;

  constructor(store: ByteStore) {
    this.#store = store;
  }

  *run(repair: boolean): Steps<CheckResult> {
    const store = this.#store;
    const area = new Uint8Array(headerAreaBytes);
    yield* readBytes(store, 0, area);
    const header = parseHeader(area, store.size, store.name);
    const size = 2 ** header.clusterBits;
    const nothingDirty = function* (): Steps<void> {
      // A check changes counts only at its end, within the cache's bounds.
    };
    const holder: { counts?: Refcounts } = {};
    const cache: TableCache = new TableCache(store, size, () =>
      holder.counts === undefined ? nothingDirty() : writeCounts(cache, holder.counts, store),
    );
    const metadata = new MetadataMap(store.name, size);
    const counts = yield* Refcounts.open(
      { store, cache, metadata, writeBack: nothingDirty },
      header,
    );
    holder.counts = counts;
    this.#add(0, 1);
    for (const [cluster, count] of counts.places()) this.#add(cluster, count);
    yield* this.#level(header, cache, header.l1Offset, header.l1Entries);
    yield* this.#snapshots(header, cache);
    const repaired = yield* this.#compare(counts, size, repair);
    if (repair && repaired > 0) {
      yield* writeCounts(cache, counts, store);
      yield* flushStore(store);
    }
    if (repair && this.#unmendable === 0) yield* this.#clearMarks(header);
    const { dirty, corrupt } = layout.incompatible;
    if (!repair && (header.incompatible & (dirty | corrupt)) !== 0) {
      this.#findings.push('the image is marked as damaged or not closed (byte 72)');
    }
    return { errors: this.#errors, leaks: this.#leaks, repaired, findings: this.#findings };
  }

  #add(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster += 1) this.#references.add(cluster);
  }

  #error(what: string): void {
    this.#errors += 1;
    if (this.#findings.length < mostFindings) this.#findings.push(what);
  }

  /** Counts what an L1 table refers to. */
  *#level(header: QcowHeader, cache: TableCache, l1Offset: number, entries: number): Steps<void> {
    const size = 2 ** header.clusterBits;
    const bytes = new Uint8Array(8 * entries);
    yield* readBytes(this.#store, l1Offset, bytes);
    this.#add(l1Offset / size, Math.ceil(bytes.length / size));
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < entries; index += 1) {
      const high = view.getUint32(8 * index);
      const offset = layout.entryOffset(high, view.getUint32(8 * index + 4));
      if (offset === 0) continue;
      const where = `entry ${String(index)} of the L1 table at byte ${String(l1Offset)}`;
      if (!this.#isCluster(offset, size, where)) continue;
      this.#add(offset / size, 1);
      const table = yield* cache.get('l2', offset);
      this.#table(header, table);
    }
  }

  #table(header: QcowHeader, table: Table): void {
    const size = 2 ** header.clusterBits;
    for (let index = 0; index < size / 8; index += 1) {
      const where = `entry ${String(index)} of the L2 table at byte ${String(table.offset)}`;
      const cluster = this.#cluster(header, table, index);
      if (cluster === undefined || cluster.offset === 0) continue;
      if (cluster.kind === 'compressed') {
        const { offset, compressedBytes } = cluster;
        const last = Math.floor((offset + compressedBytes - 1) / size);
        const first = Math.floor(offset / size);
        if (offset >= this.#store.size) {
          this.#unmendable += 1;
          this.#error(`${where} names byte ${String(offset)}, past the end of the file`);
        } else {
          this.#add(first, last - first + 1);
        }
      } else if (this.#isCluster(cluster.offset, size, where)) {
        this.#add(cluster.offset / size, 1);
      }
    }
  }

  #cluster(header: QcowHeader, table: Table, index: number) {
    try {
      const { clusterBits, version } = header;
      return clusterAt(table, index, clusterBits, version >= 3, this.#store.name);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#unmendable += 1;
      this.#error(error.message);
      return undefined;
    }
  }

  #isCluster(offset: number, size: number, where: string): boolean {
    if (offset % size === 0 && offset < this.#store.size) return true;
    this.#unmendable += 1;
    const what = offset % size === 0 ? 'past the end of the file' : 'which begins no cluster';
    this.#error(`${where} names byte ${String(offset)}, ${what}`);
    return false;
  }

  /** Counts what snapshots refer to: each has an L1 table of its own. */
  *#snapshots(header: QcowHeader, cache: TableCache): Steps<void> {
    const size = 2 ** header.clusterBits;
    let at = header.snapshotsOffset;
    for (let snapshot = 0; snapshot < header.snapshots; snapshot += 1) {
      const fixed = new Uint8Array(snapshotHeaderBytes);
      yield* readBytes(this.#store, at, fixed);
      const view = new DataView(fixed.buffer);
      const l1Offset = layout.read64(view, 0);
      const entries = view.getUint32(8);
      const bytes = snapshotHeaderBytes + view.getUint32(36) + view.getUint16(12);
      at += Math.ceil((bytes + view.getUint16(14)) / 8) * 8;
      const where = `snapshot ${String(snapshot)}`;
      const isTable = 8 * entries <= layout.maximumL1Bytes;
      if (!isTable || at - header.snapshotsOffset > maximumSnapshotBytes) {
        throw new DiskError('bad-image', `${this.#store.name}: qcow2: ${where} is too large`);
      }
      if (this.#isCluster(l1Offset, size, where)) {
        yield* this.#level(header, cache, l1Offset, entries);
      }
    }
    const bytes = at - header.snapshotsOffset;
    if (header.snapshots > 0) this.#add(header.snapshotsOffset / size, Math.ceil(bytes / size));
  }

  *#compare(counts: Refcounts, size: number, repair: boolean): Steps<number> {
    const inFile = Math.ceil(this.#store.size / size);
    const end = Math.max(inFile, this.#references.end());
    let repaired = 0;
    for (let cluster = 0; cluster < end; cluster += 1) {
      const counted = yield* counts.get(cluster);
      const found = this.#references.get(cluster);
      if (counted === found) continue;
      const place = `cluster ${String(cluster)} at byte ${String(cluster * size)}`;
      const words = `${place} has ${String(found)} references, ${String(counted)} counted`;
      if (counted > found) {
        this.#leaks += 1;
        if (this.#findings.length < mostFindings) this.#findings.push(`leak: ${words}`);
      } else {
        this.#error(words);
      }
      if (repair) {
        yield* counts.set(cluster, found);
        repaired += 1;
      }
    }
    return repaired;
  }

  *#clearMarks(header: QcowHeader): Steps<void> {
    const { dirty, corrupt } = layout.incompatible;
    const marks = header.incompatible & (dirty | corrupt);
    if (marks === 0) return;
    const word = new DataView(new ArrayBuffer(4));
    word.setUint32(0, header.incompatible & ~marks);
    const at = layout.field.incompatible + 4;
    yield* writeBytes(this.#store, at, new Uint8Array(word.buffer));
    yield* flushStore(this.#store);
  }
}

function* writeCounts(cache: TableCache, counts: Refcounts, store: ByteStore): Steps<void> {
  yield* cache.write('refcounts');
  if (counts.tableDirty) {
    yield* flushStore(store);
    yield* counts.writeTable();
  }
}
