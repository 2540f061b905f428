/** What the cache asks of those around it, and its settings. */
import type { InvalidationCause } from './statistics.ts';

/** Whoever holds the addresses of blocks and must let go of a page's. */
export interface ExecRevoker {
  /** No block of the page (canonical) that was handed out before may be entered any more. */
  revokeExec(page: number): void;
}

/** Whoever made something of the code of pages, beyond records. */
export interface CodeObserver {
  /**
   * Watched bytes of the page (canonical) were written, `size` at `offset`, or with `size` 0, the
   * page is let go for another reason.
   */
  codeChanged(page: number, offset: number, size: number, cause: InvalidationCause): void;
  /**
   * A block of the page was given up because most of its records were stale: its address may come
   * to stand for another page.
   */
  recordsRebuilt(page: number): void;
}

/** Whoever writes records, and can have them follow a change of their instruction. */
export interface RecordAmender {
  /**
   * Bytes first..last of the page of a block were written, which the records at these offsets
   * depend on. Returns whether all of them are true again; else they become stale.
   */
  amend(block: number, offsets: readonly number[], first: number, last: number): boolean;
}

/** Settings of `CodeCache`. */
export interface CodeCacheOptions {
  /** The most blocks, at least 4. Default and upper bound `maxBlocks`. */
  readonly blocks?: number;
  /** The most record chunks, at least 8. Default and upper bound `maxChunks`. */
  readonly chunks?: number;
}
