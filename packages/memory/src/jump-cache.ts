/**
 * The jump cache: which record stands at a linear address, for jumps of the interpreter and for
 * regions that go on where is known only when they run. Generated code looks here before it goes
 * through exec directory, leaf, block and index, each of which is a load that waits for the one
 * before, from another page; it fills the cache, too.
 *
 *     +0       2048 entries of 16 bytes, chosen by `address ^ address >>> 11`: linear address, exec
 *              directory, record, code mode
 *     +0x8000  not 0 if there may be an entry
 *
 * An entry is true as long as it is there: whoever changes what an exec directory leads to calls
 * `forgetJumps`. A record that went stale says so itself, and is looked up anew.
 */
import { Layout } from './layout.ts';

/** How many entries there are: a power of two. */
export const jumpCacheEntries = 2048;

/** Bytes of an entry. */
export const jumpCacheEntryBytes = 16;

/** Offsets from `Layout.jumpCache`: the first entry's fields, and the word behind the last. */
export const JumpCacheField = {
  eip: 0,
  directory: 4,
  record: 8,
  mode: 12,
  isFilled: 0x8000,
} as const;

/** Empties the jump cache: exec directories lead to something else than they did. */
export function forgetJumps(i32: Int32Array): void {
  const first = Layout.jumpCache >> 2;
  const last = first + (JumpCacheField.isFilled >> 2);
  if (i32[last] === 0) return;
  // No directory is at address 0.
  i32.fill(0, first, last + 1);
}
