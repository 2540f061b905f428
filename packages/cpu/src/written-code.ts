/**
 * Remembers which translated bytes the guest writes to, so that translation does not go on for
 * ever where code changes all the time or data stand among it.
 *
 * A byte that was written while translated a second time is left to the interpreter: what overlaps
 * it is no part of a region any more, and later writes to it drop nothing. A page whose regions
 * were dropped very often all the same is left alone. Both are forgotten when the page has been
 * quiet for long: pages are used again for other programs.
 */

/** Writes to a byte of a region after which the byte is no part of regions. */
const provenWrites = 2;

/** Drops of a page's regions after which it is left alone. */
const maximumDrops = 32;

/** Samples without a drop after which a page's record is clean: about 20 million instructions. */
const quietSamples = 1000;

/** Longer writes are new programs, not changes of one. */
const longestChange = 16;

/** Pages that are remembered at one time; then all is forgotten. */
const maximumPages = 16_384;

interface PageWrites {
  drops: number;
  lastAt: number;
  /** For each byte that was written, how often. */
  readonly counts: Map<number, number>;
}

/** The writes to translated code, by page (canonical). */
export class WrittenCode {
  readonly #pages = new Map<number, PageWrites>();

  /** Notes that a write to `size` bytes at an offset dropped regions; `now` counts samples. */
  note(page: number, offset: number, size: number, now: number): void {
    const known = this.#pages.get(page);
    const isFresh = known !== undefined && now - known.lastAt <= quietSamples;
    if (known === undefined && this.#pages.size >= maximumPages) this.#pages.clear();
    const writes = isFresh ? known : { drops: 0, lastAt: now, counts: new Map<number, number>() };
    this.#pages.set(page, writes);
    writes.drops += 1;
    writes.lastAt = now;
    if (size > longestChange) {
      writes.counts.clear();
      return;
    }
    for (let byte = offset; byte < offset + size; byte++) {
      writes.counts.set(byte, (writes.counts.get(byte) ?? 0) + 1);
    }
  }

  /** Whether the page is to be left to the interpreter. */
  isRefused(page: number, now: number): boolean {
    const writes = this.#pages.get(page);
    if (writes === undefined || writes.drops <= maximumDrops) return false;
    return now - writes.lastAt <= quietSamples;
  }

  /** Whether one of `length` bytes at an offset is written too often to be part of a region. */
  isWritten(page: number, offset: number, length: number): boolean {
    const counts = this.#pages.get(page)?.counts;
    if (counts === undefined || counts.size === 0) return false;
    for (let byte = offset; byte < offset + length; byte++) {
      if ((counts.get(byte) ?? 0) >= provenWrites) return true;
    }
    return false;
  }
}
