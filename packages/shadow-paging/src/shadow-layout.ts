import { Layout } from '@ringfence/memory';
import { leafBytes, leafExec } from './leaf-pool.ts';
import { spaceBytes } from './space-pool.ts';

/**
 * Linear-memory address of the data leaf of absent slots: 2048 unknown entries.
 *
 * The shadow pool:
 *
 *     +0        leaf of absent slots: read and write entries, then exec entries
 *     +0x4000   `maxSpaces` spaces of 8 KiB
 *     then      `maxLeaves` leaves of 12 KiB
 */
export const absentData: number = Layout.shadowPool;

/** Linear-memory address of the exec leaf of absent slots: 1024 zeros. */
export const absentExec: number = absentData + leafExec;

/** Linear-memory address of the first space. */
export const spacesBase: number = Layout.shadowPool + 0x4000;

/** The most shadow directories, each for one address space and role. */
export const maxSpaces = 1024;

/** Linear-memory address of the first leaf. */
export const leavesBase: number = spacesBase + maxSpaces * spaceBytes;

/** The most shadow leaves, each for 4 MiB of linear space as one role sees it. */
export const maxLeaves: number = Math.floor(
  (Layout.shadowPool + Layout.shadowPoolBytes - leavesBase) / leafBytes,
);
