/**
 * The third-level tables that the processor has, beside the guest's. With Xen's four levels an
 * entry of the third may have RW and US, and has them while its table is one; in a table that
 * CR3 names they are reserved (SDM 3A table 4-8). So CR3 names a copy, one for each of the guest's
 * tables that was in use of late, and what is known of an address space is kept with it.
 *
 *     one page: the table of the start, then 127 copies of four entries
 */
import { pageBytes } from '@ringfence/memory';
import type { XenMemory } from '../interfaces.ts';
import { EntryBit, topEntries } from './page-tables.ts';

const tableBytes = 32;
const slots = pageBytes / tableBytes;
/** What the processor is given of an entry: P, and the bits for software. */
const keptLow = 0xffff_fe01 | 0;

/** The copies of one guest. */
export class TopTables {
  readonly #memory: XenMemory;
  readonly #page: number;
  /** Frames of the guest's tables by slots; the first slot is not theirs. */
  readonly #frames = new Int32Array(slots).fill(-1);
  #last = 0;

  /** Uses the page at a physical address. */
  constructor(memory: XenMemory, page: number) {
    this.#memory = memory;
    this.#page = page;
  }

  /** Physical address of the first copy that is made after `reset`. */
  get first(): number {
    return this.#page + tableBytes;
  }

  /** Forgets all copies. */
  reset(): void {
    this.#frames.fill(-1);
    this.#last = 0;
  }

  /** Brings the copy of a table up to date and returns its physical address. */
  load(frame: number): number {
    const to = this.#page + this.#slotOf(frame) * tableBytes;
    for (let at = 0; at < topEntries * 8; at += 8) {
      const low = this.#memory.read32(frame * pageBytes + at);
      const isThere = (low & EntryBit.present) !== 0;
      this.#put(to + at, isThere ? low & keptLow : 0);
      this.#put(to + at + 4, isThere ? this.#memory.read32(frame * pageBytes + at + 4) : 0);
    }
    return to;
  }

  #slotOf(frame: number): number {
    const found = this.#frames.indexOf(frame);
    if (found > 0) {
      return found;
    }
    this.#last = this.#last + 1 === slots ? 1 : this.#last + 1;
    this.#frames[this.#last] = frame;
    return this.#last;
  }

  /** A table that stays as it is is not written to: shadows of it are kept. */
  #put(physical: number, word: number): void {
    if (this.#memory.read32(physical) !== word) {
      this.#memory.write32(physical, word);
    }
  }
}
