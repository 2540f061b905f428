import { tracedPages } from '@ringfence/memory';

/** In place of a block number: no block. */
export const none: number = -1;

/** The blocks of each page, one for each code mode, the current one first. */
export class BlockChains {
  /** For each page 1 + its current block, 0 none. */
  private readonly heads = new Int32Array(tracedPages);
  private readonly links: Int32Array;

  /** `blocks`: how many blocks there can be. */
  constructor(blocks: number) {
    this.links = new Int32Array(blocks).fill(none);
  }

  /** The current block of a page, or `none`. */
  head(page: number): number {
    return (this.heads[page] ?? 0) - 1;
  }

  /** The block after one of the same page, or `none`. */
  next(block: number): number {
    return this.links[block] ?? none;
  }

  /** Makes a block that is in no chain the current one of a page. */
  push(page: number, block: number): void {
    this.links[block] = this.head(page);
    this.heads[page] = block + 1;
  }

  /** The block of a page that was current longest ago where there are `most`, else `none`. */
  surplus(page: number, most: number): number {
    let count = 0;
    let last: number = none;
    for (let block = this.head(page); block >= 0; block = this.next(block)) {
      count += 1;
      last = block;
    }
    return count < most ? none : last;
  }

  /** Takes a block out of the chain of its page. */
  unlink(page: number, block: number): void {
    const next = this.next(block);
    let at = this.head(page);
    if (at === block) {
      this.heads[page] = next + 1;
      return;
    }
    while (at >= 0 && this.links[at] !== block) at = this.next(at);
    if (at >= 0) this.links[at] = next;
  }
}
