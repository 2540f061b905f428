import { mostGrantFrames, mostStatusFrames } from './grant-table.ts';

/**
 * Xen's own pages of a guest, in this order from a page-aligned address on.
 *
 *     0       shared page
 *     1..32   grant entries
 *     33..36  grant status words
 *     37      console ring
 *     38      store ring
 */
export const xenFrames: Readonly<
  Record<'shared' | 'grants' | 'grantStatus' | 'console' | 'store' | 'count', number>
> = {
  shared: 0,
  grants: 1,
  grantStatus: 1 + mostGrantFrames,
  console: 1 + mostGrantFrames + mostStatusFrames,
  store: 2 + mostGrantFrames + mostStatusFrames,
  count: 3 + mostGrantFrames + mostStatusFrames,
};
