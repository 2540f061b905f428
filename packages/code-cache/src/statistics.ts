/** Why predecoded records became stale. */
export type InvalidationCause =
  'write' | 'device' | 'remap' | 'rewritten' | 'evicted' | 'flush' | 'dropped';

/** Counters of one `CodeCache`, since it was made. */
export interface CodeCacheStatistics {
  /** Code-page blocks created. */
  blocks: number;
  /** Records linked to an offset of a page. */
  records: number;
  /** Records made stale, by cause. */
  invalidations: Record<InvalidationCause, number>;
  /** Blocks let go because the pool was full. */
  evictions: number;
  /** Writes that the records of a block could follow. */
  amendments: number;
  /** Writes to a traced chunk of a page that hit no record. */
  nearMisses: number;
  /** Blocks let go because most of their records were stale. */
  rebuilds: number;
}

/** Returns counters at zero. */
export function zeroStatistics(): CodeCacheStatistics {
  return {
    blocks: 0,
    records: 0,
    invalidations: {
      write: 0,
      device: 0,
      remap: 0,
      rewritten: 0,
      evicted: 0,
      flush: 0,
      dropped: 0,
    },
    evictions: 0,
    amendments: 0,
    nearMisses: 0,
    rebuilds: 0,
  };
}
