/**
 * The regions of one virtual CPU by the pages of their code: which there are, what they cover, and
 * where the interpreter's records lead into them.
 *
 * A region is first *compiling*: it covers its code, so that no other is made of it, and goes when
 * that code changes, but nothing leads into it. `enter` puts its entries into the records; from
 * then on the handler number of an entry's record is the region's.
 */
import type { CodeCache } from '@ringfence/code-cache';
import type { Interpreter, RegionSource } from '@ringfence/translator';
import { pageIndexOf, RecordField } from '@ringfence/translator';
import { fixedPlacesOf } from './region-code.ts';
import type { Entry, PageRegions, Region } from './region-record.ts';
import { translatedMode } from './region-record.ts';

/** The table of regions. */
export class RegionTable {
  readonly #halves: Uint16Array;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #pages = new Map<number, PageRegions>();
  /** How many regions there are, those that are being compiled among them. */
  count: number = 0;

  constructor(memory: WebAssembly.Memory, cache: CodeCache, interpreter: Interpreter) {
    this.#halves = new Uint16Array(memory.buffer);
    this.#cache = cache;
    this.#interpreter = interpreter;
  }

  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined {
    return this.#pages.get(number);
  }

  /** How many regions have their entries in a page; others have only copies of its functions. */
  enteredIn(page: number): number {
    let count = 0;
    for (const region of this.#pages.get(page)?.regions ?? []) if (region.page === page) count += 1;
    return count;
  }

  /** The way into the region that is entered at an offset of a page, undefined if none is. */
  entry(page: number, offset: number): Entry | undefined {
    return this.#pages.get(page)?.entered.get(offset)?.entries.get(offset);
  }

  /** Takes a region up that is being compiled. */
  add(region: Region, source: RegionSource): void {
    this.count += 1;
    for (const number of region.pages) this.#pageRegions(number).regions.add(region);
    for (const [offset, end] of fixedPlacesOf(region.code)) {
      this.#watch(region.page, offset, end, source);
    }
    this.#cover(region, (covered, offset) => !covered.has(offset));
  }

  /** Has the interpreter enter a region, instead of those that were entered at the same places. */
  enter(region: Region): void {
    const { page } = region;
    region.state = 'entered';
    this.#cover(region, () => true);
    const home = this.#pageRegions(page);
    for (const { offset, slot } of region.entries.values()) {
      const before = home.entered.get(offset);
      const old = before?.entries.get(offset);
      before?.entries.delete(offset);
      home.entered.set(offset, region);
      this.#setHandler(page, offset, slot);
      if (old !== undefined) this.#interpreter.releaseSlot(old.slot);
    }
  }

  /** Takes a region out; the records of the page `changed` are dropped by the caller. */
  remove(region: Region, changed: number): void {
    const { page } = region;
    const home = this.#pages.get(page);
    this.count -= 1;
    for (const { offset, slot, variant } of region.entries.values()) {
      if (region.state === 'entered') {
        if (page !== changed) this.#setHandler(page, offset, this.#interpreter.handler(variant));
        home?.entered.delete(offset);
      }
      this.#interpreter.releaseSlot(slot);
    }
    region.state = 'dropped';
    for (const [offset, owner] of home?.covered ?? []) {
      if (owner === region || owner === undefined) home?.covered.delete(offset);
    }
    for (const other of region.pages) this.#pages.get(other)?.regions.delete(region);
  }

  /** Forgets a page, whose code changed; returns what was known of it. */
  forget(page: number): PageRegions | undefined {
    const known = this.#pages.get(page);
    this.#pages.delete(page);
    return known;
  }

  /** Notes offsets of a page that cannot be in a region, unless they are in one. */
  exclude(page: number, offsets: Iterable<number>): void {
    const { covered } = this.#pageRegions(page);
    for (const offset of offsets) if (!covered.has(offset)) covered.set(offset, undefined);
  }

  /** Covers the instructions of the region's own page that `may` be. */
  #cover(region: Region, may: (covered: PageRegions['covered'], offset: number) => boolean): void {
    const { covered } = this.#pageRegions(region.page);
    for (const offset of region.code.offsets) {
      if (pageIndexOf(offset) === 0 && may(covered, offset)) covered.set(offset, region);
    }
  }

  /** Writes to any byte of a block must be seen, decoded by the interpreter or not. */
  #watch(page: number, offset: number, end: number, source: RegionSource): void {
    const index = pageIndexOf(offset);
    const length = end - offset;
    const [first, here] = [offset & 4095, Math.min(length, 4096 - (offset & 4095))];
    this.#cache.watch(source.page(index)?.page ?? page, first, here);
    const next = source.page(index + 1);
    if (length > here && next !== undefined) this.#cache.watch(next.page, 0, length - here);
  }

  #pageRegions(page: number): PageRegions {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const fresh: PageRegions = { entered: new Map(), covered: new Map(), regions: new Set() };
    this.#pages.set(page, fresh);
    return fresh;
  }

  /** Writes a handler number into the record of an offset, if there is one. */
  #setHandler(page: number, offset: number, handler: number): void {
    const block = this.#cache.find(page, translatedMode);
    if (block === 0) return;
    const record = this.#cache.lookup(block, offset);
    if (record !== 0) this.#halves[(record + RecordField.handler) >> 1] = handler;
  }
}
