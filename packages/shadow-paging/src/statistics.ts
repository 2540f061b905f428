/** Counters of one `ShadowPaging`, since it was made. */
export interface ShadowStatistics {
  /** Shadow entries filled after a walk. */
  fills: number;
  /** CR3 loads and mode changes that changed the address space. */
  switches: number;
  /** Switches to an address space whose shadow directories were still there. */
  kept: number;
  /** Directory slots filled with a leaf that was already there. */
  shared: number;
  /** Leaves created. */
  leaves: number;
  /** Writes to traced page-table pages. */
  traces: number;
  /** Leaves and directories taken from their owner because a pool was full. */
  evictions: number;
  /** Guest pages that stopped being treated as page tables because they were only written. */
  retired: number;
  /** Page faults found by walks. */
  faults: number;
}

/** Returns counters at zero. */
export function zeroStatistics(): ShadowStatistics {
  return {
    fills: 0,
    switches: 0,
    kept: 0,
    shared: 0,
    leaves: 0,
    traces: 0,
    evictions: 0,
    retired: 0,
    faults: 0,
  };
}
