/**
 * Has code translated again that earlier runs translated: pages are met whose content a profile
 * knows, and the regions that they had are made without waiting for twenty samples.
 *
 * A region takes 0.4 ms of the guest's own thread if the host remembers it (`recipe-book.ts`), else
 * more than one, and six of another for the engine. So while the guest runs, for a part of the
 * time, only regions are made that it came to or whose page a sample met; all others when it rests.
 * A boot comes to hundreds that it has little use for.
 */
import type { CodeCache } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { pageIndexOf, type RegionSource } from '@ringfence/translator';
import type { PageProfile } from './page-profile.ts';
import { type ContentKey, contentKeyOf, type TranslationProfile } from './translation-profile.ts';
import { type Region, translatedMode } from './region-record.ts';

/**
 * Part of the time of a running guest that may go to regions that are lowered: with a fifth a boot
 * took 4.0 to 4.3 seconds instead of 3.4 to 3.7.
 */
const shareOfLowering = 0.07;

/** The same of those that are remembered, which the engine has no work with. */
const shareOfRecalling = 0.15;

/** Pages that wait at one time, and places that are due; what is more is left to be sampled. */
const maximumWaiting = 4096;

/** How often pages of programs that were not running are looked for, in milliseconds. */
const awayMs = 1000;

/** Met pages that are remembered; then all are met anew. */
const maximumMet = 65_536;

/** So many changes of its code have a page met anew. */
const mostChanges = 64;

/** A region that should be made. */
export interface ReplayedRegion {
  /** Linear address of the page, and its number in guest-physical memory. */
  readonly linear: number;
  readonly page: number;
  readonly starts: readonly number[];
}

/** A page with regions to be made. */
interface WaitingPage {
  readonly page: number;
  readonly linear: number;
  readonly key: ContentKey;
  /** The offsets that each region is made around, by the first of them. */
  readonly regions: Map<number, readonly number[]>;
}

/** What pages are looked up in. */
export interface ReplayParts {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly cache: CodeCache;
  /** Guest-physical address of a linear one, -1 if there is none. */
  readonly translate: (linear: number) => number;
  /** Has regions do an instruction otherwise. */
  readonly ease: (page: number, offset: number, level: number) => void;
  readonly monotonicMs: () => number;
}

/** The replay of one CPU. */
export class ProfileReplay {
  readonly #profile: TranslationProfile;
  readonly #parts: ReplayParts;
  /** Waiting pages by number, the next one first. */
  readonly #waiting = new Map<number, WaitingPage>();
  /** Those that another program runs in, which is not running now. */
  readonly #away = new Map<number, WaitingPage>();
  #lookAgainAt = 0;
  /** The block of a page when it was met last, and how often its code had changed. */
  readonly #met = new Map<number, number>();
  /** Its content then. */
  readonly #keys = new Map<number, ContentKey | undefined>();
  #sampled: number | undefined;
  /** Places that the guest came to, of regions that may wait. */
  readonly #due: { readonly page: number; readonly offset: number }[] = [];
  #notBefore = 0;

  constructor(profile: TranslationProfile, parts: ReplayParts) {
    this.#profile = profile;
    this.#parts = parts;
  }

  /** The key of a page's content, undefined where there is no memory. */
  keyOf(page: number): ContentKey | undefined {
    return contentKeyOf(this.#parts.machine, this.#parts.physical, page);
  }

  /** Offsets of a page's instructions that earlier runs had in regions. */
  knownIn(page: number): ReadonlySet<number> | undefined {
    const key = this.keyOf(page);
    return key === undefined ? undefined : this.#profile.find(key)?.known;
  }

  /** The guest fetched from a page with this block, at this linear address. */
  met(page: number, linear: number, block: number): void {
    // Kernels patch their code while they boot: what they leave is what an earlier run had.
    const changes = Math.min(this.#parts.cache.rewrites(page), mostChanges);
    const stamp = block * 128 + changes;
    if (this.#met.get(page) === stamp) return;
    if (this.#met.size >= maximumMet) {
      this.#met.clear();
      this.#keys.clear();
    }
    this.#met.set(page, stamp);
    this.#lookUp(page, linear, block);
  }

  /** Has the regions wait that the profile has for the content of a page. */
  #lookUp(page: number, linear: number, block: number): void {
    const key = this.keyOf(page);
    this.#keys.set(page, key);
    const found = key === undefined ? undefined : this.#profile.find(key);
    if (key === undefined || found === undefined) return;
    for (const [offset, level] of found.eased) this.#parts.ease(page, offset, level);
    const regions = new Map(found.regions.map((starts) => [starts[0] ?? 0, starts]));
    this.#forget(page);
    const waiting = this.#waiting.size + this.#away.size;
    if (regions.size === 0 || waiting >= maximumWaiting) return;
    this.#waiting.set(page, { page, linear: linear & ~4095, key, regions });
    for (const offset of regions.keys()) {
      if (this.#parts.cache.lookup(block, offset) !== 0) this.reached(page, offset);
    }
  }

  /** Has later runs make a region. */
  noteRegion({ code, starts }: Region, source: RegionSource): void {
    const pages = new Map<number, PageProfile | undefined>();
    for (const offset of code.offsets) {
      const index = pageIndexOf(offset);
      if (!pages.has(index)) pages.set(index, this.#profileNow(source.page(index)?.page));
      pages.get(index)?.known.add(offset & 4095);
    }
    pages.get(0)?.noteRegion(starts);
  }

  /** What is remembered of a page with the content that it has now. */
  #profileNow(page: number | undefined): PageProfile | undefined {
    const key = page === undefined ? undefined : this.keyOf(page);
    return key === undefined ? undefined : this.#profile.page(key);
  }

  /** Has later runs do an instruction otherwise from the start: `level` is a `GivenUpLevel`. */
  noteEased(page: number, offset: number, level: number): void {
    this.#profileNow(page)?.noteEased(offset, level);
  }

  /** The guest came to an offset of a page for the first time: a region around it is due. */
  reached(page: number, offset: number): void {
    if (this.#pageOf(page)?.regions.has(offset) !== true) return;
    if (this.#due.length >= maximumWaiting) this.#due.shift();
    this.#due.push({ page, offset });
  }

  /** A page's code was met by a sample, at this linear address: its regions come next. */
  sampled(page: number, linear: number): void {
    if (this.#pageOf(page) === undefined) {
      const block = this.#parts.cache.find(page, translatedMode);
      // Code that nobody had come to may have been patched, too.
      if (block !== 0 && this.keyOf(page) !== this.#keys.get(page)) {
        this.#lookUp(page, linear, block);
      }
    }
    if (this.#pageOf(page) !== undefined) this.#sampled = page;
  }

  /**
   * Counts a sample in code without a region; returns how many there were in that part of the page,
   * in this run and in earlier ones.
   */
  countSample(page: number, offset: number): number {
    return this.#profileOf(page)?.countSample(offset) ?? 0;
  }

  /** The samples around an offset have had a region made, or shown that there is none. */
  forgetSamples(page: number, offset: number): void {
    this.#profileOf(page)?.forgetSamples(offset);
  }

  /** What is remembered of a page with the content that it had when it was met. */
  #profileOf(page: number): PageProfile | undefined {
    const key = this.#keys.get(page);
    return key === undefined ? undefined : this.#profile.page(key);
  }

  /**
   * Whether regions wait to be made while the guest has nothing to do; once in a while those count
   * again whose program was not running.
   */
  hasWork(): boolean {
    const now = this.#parts.monotonicMs();
    if (this.#away.size > 0 && now >= this.#lookAgainAt) {
      this.#lookAgainAt = now + awayMs;
      for (const [page, waiting] of this.#away) this.#waiting.set(page, waiting);
      this.#away.clear();
    }
    return this.#waiting.size > 0;
  }

  /** Whether a region should be made now, and time enough has passed since the last one. */
  get isDue(): boolean {
    if (this.#sampled === undefined && this.#due.length === 0) return false;
    return this.#parts.monotonicMs() >= this.#notBefore;
  }

  /** The next region was made in the guest's time, of which it took some. */
  spent(ms: number, wasRecalled: boolean): void {
    const share = wasRecalled ? shareOfRecalling : shareOfLowering;
    this.#notBefore = this.#parts.monotonicMs() + ms * (1 / share - 1);
  }

  /** Takes a region of the page that was sampled last, else the one that became due last. */
  takeDue(): ReplayedRegion | undefined {
    const sampled = this.#pageOf(this.#sampled ?? -1);
    if (sampled !== undefined && this.#isMapped(sampled)) return this.#take(sampled);
    this.#sampled = undefined;
    for (let due = this.#due.pop(); due !== undefined; due = this.#due.pop()) {
      const page = this.#pageOf(due.page);
      if (page?.regions.has(due.offset) === true && this.#isMapped(page)) {
        return this.#take(page, due.offset);
      }
    }
    return undefined;
  }

  /** Takes the region that waits for longest, undefined if it cannot be made now. */
  takeAny(): ReplayedRegion | undefined {
    const [first] = this.#waiting.values();
    if (first === undefined) return undefined;
    if (this.#isMapped(first)) return this.#take(first);
    this.#waiting.delete(first.page);
    this.#away.set(first.page, first);
    return undefined;
  }

  /** Takes the region around an offset, the first one of the page if none is named. */
  #take(
    { page, linear, key, regions }: WaitingPage,
    offset: number = regions.keys().next().value ?? 0,
  ): ReplayedRegion | undefined {
    const starts = regions.get(offset);
    regions.delete(offset);
    if (regions.size === 0) this.#forget(page);
    if (this.keyOf(page) === key && starts !== undefined) return { linear, page, starts };
    // Other code stands there by now.
    this.#forget(page);
    return undefined;
  }

  #pageOf(page: number): WaitingPage | undefined {
    return this.#waiting.get(page) ?? this.#away.get(page);
  }

  #forget(page: number): void {
    this.#waiting.delete(page);
    this.#away.delete(page);
  }

  #isMapped({ page, linear }: WaitingPage): boolean {
    const { translate, cache } = this.#parts;
    if (translate(linear) !== page * 4096) return false;
    return cache.find(page, translatedMode) !== 0;
  }
}
