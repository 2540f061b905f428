import { flushStore, writeBytes, type ByteStore } from '../byte-store.ts';
import { DiskError } from '../error.ts';
import type { DiskFormat } from '../image.ts';
import type { Steps } from '../steps.ts';
import * as layout from './layout.ts';

/** What a new image is to be. */
export interface CreateOptions {
  /** The size of the disk, a multiple of 512. */
  readonly bytes: number;
  /** The size of a cluster, a power of two from 512 bytes to 2 MiB; 64 KiB by default. */
  readonly clusterBytes?: number;
  /** The image that it stands on: everything that is not written here is read there. */
  readonly backing?: { readonly name: string; readonly format: DiskFormat };
}

interface Plan {
  readonly clusterBytes: number;
  readonly tableClusters: number;
  readonly blocks: number;
  readonly l1Entries: number;
  readonly l1Cluster: number;
  /** The number of clusters of the new image. */
  readonly clusters: number;
}

/**
 * Writes an empty qcow2 image of version 3 to an empty store.
 *
 *     header | refcount table | refcount blocks | L1 table
 *
 * The header comes last: an image that was cut off in the making is none.
 *
 * @throws DiskError `bad-option` for a size that cannot be.
 */
export function* createQcow(store: ByteStore, options: CreateOptions): Steps<void> {
  const plan = planOf(options);
  const header = headerOf(options, plan);
  const { clusterBytes, tableClusters, blocks, clusters } = plan;
  const perBlock = clusterBytes / 2;
  const table = new DataView(new ArrayBuffer(tableClusters * clusterBytes));
  const counts = new DataView(new ArrayBuffer(blocks * clusterBytes));
  for (let block = 0; block < blocks; block += 1) {
    layout.write64(table, 8 * block, (1 + tableClusters + block) * clusterBytes);
  }
  for (let cluster = 0; cluster < Math.min(clusters, blocks * perBlock); cluster += 1) {
    counts.setUint16(2 * cluster, 1);
  }
  yield* writeBytes(store, clusterBytes, new Uint8Array(table.buffer));
  yield* writeBytes(store, (1 + tableClusters) * clusterBytes, new Uint8Array(counts.buffer));
  // The last byte gives the file its length; the L1 table is zeros.
  yield* writeBytes(store, clusters * clusterBytes - 1, new Uint8Array(1));
  yield* flushStore(store);
  yield* writeBytes(store, 0, header);
  yield* flushStore(store);
}

function planOf({ bytes, clusterBytes = 0x1_0000 }: CreateOptions): Plan {
  const bits = Math.log2(clusterBytes);
  const [least, most] = layout.clusterBitsRange;
  if (!Number.isInteger(bits) || bits < least || bits > most) {
    const range = `${String(2 ** least)}..${String(2 ** most)}`;
    throw bad('cluster size', `a power of two in ${range}`, clusterBytes);
  }
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes % 512 !== 0) {
    throw bad('disk size', 'a multiple of 512', bytes);
  }
  const l1Entries = Math.max(1, Math.ceil(bytes / (clusterBytes * (clusterBytes / 8))));
  if (8 * l1Entries > layout.maximumL1Bytes) {
    const largest = (layout.maximumL1Bytes / 8) * clusterBytes * (clusterBytes / 8);
    const expected = `at most ${String(largest)} with clusters of ${String(clusterBytes)}`;
    throw bad('disk size', expected, bytes);
  }
  const l1Clusters = Math.ceil((8 * l1Entries) / clusterBytes);
  let tableClusters = 1;
  let blocks = 1;
  for (;;) {
    const used = 1 + tableClusters + blocks + l1Clusters;
    const needed = Math.ceil(used / (clusterBytes / 2));
    const neededTable = Math.ceil((8 * needed) / clusterBytes);
    if (needed <= blocks && neededTable <= tableClusters) break;
    blocks = Math.max(blocks, needed);
    tableClusters = Math.max(tableClusters, neededTable);
  }
  const l1Cluster = 1 + tableClusters + blocks;
  return {
    clusterBytes,
    tableClusters,
    blocks,
    l1Entries,
    l1Cluster,
    clusters: l1Cluster + l1Clusters,
  };
}

function headerOf({ bytes, backing }: CreateOptions, plan: Plan): Uint8Array {
  const { clusterBytes } = plan;
  const header = new Uint8Array(clusterBytes);
  const view = new DataView(header.buffer);
  const { field } = layout;
  view.setUint32(0, layout.magic);
  view.setUint32(field.version, 3);
  view.setUint32(field.clusterBits, Math.log2(clusterBytes));
  layout.write64(view, field.bytes, bytes);
  view.setUint32(field.l1Entries, plan.l1Entries);
  layout.write64(view, field.l1Offset, plan.l1Cluster * clusterBytes);
  layout.write64(view, field.refcountTableOffset, clusterBytes);
  view.setUint32(field.refcountTableClusters, plan.tableClusters);
  view.setUint32(field.refcountOrder, 4);
  view.setUint32(field.headerBytes, layout.headerBytes3);
  if (backing !== undefined) {
    const format = utf8(backing.format);
    const name = utf8(backing.name);
    const extension = layout.headerBytes3;
    const at = extension + 8 + Math.ceil(format.length / 8) * 8 + 8;
    const room = Math.min(layout.maximumBackingName, clusterBytes - at);
    if (name.length === 0 || name.length > room) {
      throw bad('name of the backing image', `1..${String(room)} bytes`, name.length);
    }
    view.setUint32(extension, layout.extension.backingFormat);
    view.setUint32(extension + 4, format.length);
    header.set(format, extension + 8);
    header.set(name, at);
    layout.write64(view, field.backingOffset, at);
    view.setUint32(field.backingBytes, name.length);
  }
  return header;
}

function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text).match(/%[0-9A-F]{2}|[^%]/g) ?? [];
  return Uint8Array.from(escaped, (part) =>
    part.length === 3 ? parseInt(part.slice(1), 16) : part.charCodeAt(0),
  );
}

function bad(what: string, expected: string, found: number): DiskError {
  const message = `qcow2: ${what}: expected ${expected}, found ${String(found)}`;
  return new DiskError('bad-option', message);
}
