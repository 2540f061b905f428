import { DiskError } from '../error.ts';
import * as layout from './layout.ts';
import type { Table } from './table-cache.ts';

/** What a cluster of the disk is. */
export type ClusterKind = 'data' | 'zero' | 'backing' | 'compressed';

/** What an L2 entry says. */
export interface Cluster {
  readonly kind: ClusterKind;
  /** Where the bytes stand in the file; 0 where there are none. */
  readonly offset: number;
  /** The number of bytes of compressed data, rounded up to sectors. */
  readonly compressedBytes: number;
  /** Whether the cluster may be written in place. */
  readonly copied: boolean;
}

const backing: Cluster = { kind: 'backing', offset: 0, compressedBytes: 0, copied: false };

/**
 * Reads entry `index` of an L2 table.
 *
 * @throws DiskError `bad-image` for an entry that names a place inside a cluster.
 */
export function clusterAt(
  table: Table,
  index: number,
  clusterBits: number,
  hasZeros: boolean,
  name: string,
): Cluster {
  const high = table.view.getUint32(8 * index);
  const low = table.view.getUint32(8 * index + 4);
  if (high === 0 && low === 0) return backing;
  const copied = (high & layout.copiedHigh) !== 0;
  if ((high & layout.compressedHigh) !== 0) {
    const highBits = 62 - (clusterBits - 8) - 32;
    const offset = (high & (2 ** highBits - 1)) * 2 ** 32 + low;
    const sectors = ((high & 0x3fff_ffff) >>> highBits) + 1;
    const compressedBytes = sectors * 512 - (offset % 512);
    return { kind: 'compressed', offset, compressedBytes, copied: false };
  }
  const offset = layout.entryOffset(high, low);
  if (offset % 2 ** clusterBits !== 0 || offset >= 2 ** 53) {
    throw new DiskError(
      'bad-image',
      `${name}: qcow2: entry ${String(index)} of the L2 table at byte ${String(table.offset)} ` +
        `names byte ${String(offset)}, which begins no cluster`,
    );
  }
  if (hasZeros && (low & layout.zeroLow) !== 0) {
    return { kind: 'zero', offset, compressedBytes: 0, copied };
  }
  return offset === 0 ? backing : { kind: 'data', offset, compressedBytes: 0, copied };
}
