/**
 * Finds hot code: looks where the CPU stands at the end of slices, and where the interpreter has
 * code to run that regions have.
 */
import { CpuState } from '@ringfence/memory';
import { CallTargets } from './call-targets.ts';
import { partShift } from './page-profile.ts';
import { type Place, placeOf } from './place.ts';
import type { RegionLog } from './region-log.ts';
import type { PageRegions, Region } from './region-record.ts';
import { Word } from './state-view.ts';

/** Instructions between samples. */
export const sampleInterval = 20_000;

/**
 * Samples in one part of a page that make it hot: by then the interpreter has spent twice as long
 * there as finding and lowering a region takes.
 */
const hotSamples = 20;

/** The same where the engine runs a new region without optimizing it for a while. */
const hotSamplesUnoptimized = 64;

/**
 * Instructions between samples when nearly all are translated: around the end of a slice a few
 * hundred are interpreted.
 */
const longInterval = 400_000;

/** Share of a slice in regions from which the next is a long one. */
const mostlyTranslated = 0.95;

/** Share with which a sample is not worth its time. */
const whollyTranslated = 0.998;

/** Of slices that were spent in regions, the part that is looked at. */
const lookAtOneIn = 8;

/**
 * Samples that make code warm: it is translated when the guest has nothing to do. What a program
 * does for a tenth of a second is never hot, and still a tenth of the next program like it.
 */
const warmSamples = 3;

/**
 * Regions from which on warm code stays with the interpreter: at 10 KB of machine code each, more
 * leave the processor's caches too little for those that are hot.
 */
const mostWithWarm = 1100;

/** Parts that are counted at one time; then all counts start anew. */
const maximumCounts = 4096;

/** Samples behind one way out of a region after which there should be an entry. */
const entrySamples = 8;

/** Instructions from which on a region gets no more parts of its function, and how often it may. */
const mostGrowing = 400;
const maximumGrowths = 10;

/** The regions that are made of hot code. */
export interface HotCodeRegions {
  readonly log: RegionLog;
  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined;
  /** Makes a region around some offsets of a page; `linear` is an address in it. */
  compile(linear: number, page: number, starts: readonly number[], why: string): void;
  /** Makes a region anew. */
  rebuild(region: Region, linear: number, starts: readonly number[], why: string): void;
  /** Whether the code at a linear address of a region's page leads into the region. */
  leadsInto(region: Region, linear: number): boolean;
  /** The guest was met at a linear address of a page, in code that no region is entered at. */
  sampled(page: number, linear: number): void;
  /** Counts that for later runs; returns the samples of that part of the page with earlier ones. */
  countSample(page: number, offset: number): number;
  /** They have had a region made. */
  forgetSamples(page: number, offset: number): void;
}

/** Samples of one key, and where the last of them was. */
interface Heat {
  count: number;
  place: Place;
}

/** The heat of one CPU's code. */
export class HotCode {
  /** Instructions until the next sample. */
  interval: number = sampleInterval;
  readonly callTargets: CallTargets = new CallTargets();
  readonly #state: Int32Array;
  readonly #translate: (linear: number) => number;
  readonly #regions: HotCodeRegions;
  readonly #heats = new Map<number, Heat>();
  /** Whether there may be warm code. */
  #isWarm = false;
  #samples = 0;
  #hotSamples = hotSamples;

  /** `translate` gives the guest-physical address of a linear one, -1 if there is none. */
  constructor(state: Int32Array, translate: (linear: number) => number, regions: HotCodeRegions) {
    this.#state = state;
    this.#translate = translate;
    this.#regions = regions;
  }

  /** Code has to be hotter, since new regions are not optimized at first. */
  waitLonger(): void {
    this.#hotSamples = hotSamplesUnoptimized;
  }

  /** Looks where the CPU stands after a slice of which `share` was retired in regions. */
  sample(share: number): void {
    this.#samples += 1;
    this.interval = share > mostlyTranslated ? longInterval : sampleInterval;
    // A slice that was spent in regions says nothing about other code; some are looked at all the
    // same, for what is told of regions.
    if (share > whollyTranslated && this.#samples % lookAtOneIn !== 0) return;
    const place = placeOf(this.#state, this.#translate, this.#state[Word.rip] ?? 0);
    if (place === undefined) return;
    const known = this.#regions.page(place.page);
    if (known?.covered.has(place.offset) === true) {
      const region = known.covered.get(place.offset);
      if (region !== undefined) this.#regions.log.count(region);
      if (share <= whollyTranslated) this.#wantEntry();
      return;
    }
    this.#regions.sampled(place.page, place.linear);
    const part = Math.floor(place.physical / (1 << partShift));
    const before = this.#regions.countSample(place.page, place.offset);
    if (!this.#count(part, place, this.#hotSamples, before)) return;
    this.#regions.forgetSamples(place.page, place.offset);
    this.#compile(place, `hot, ${this.#hotSamples} samples in ${1 << partShift} bytes`);
  }

  /**
   * Translates the warmest code, while the guest rests; whether there was any. `regions`: how many
   * there are.
   */
  warm(regions: number): boolean {
    if (!this.#isWarm || regions >= mostWithWarm) return false;
    let warmest: number | undefined;
    let most = warmSamples - 1;
    for (const [key, { count }] of this.#heats) {
      if (count > most) [warmest, most] = [key, count];
    }
    if (warmest === undefined) {
      this.#isWarm = false;
      return false;
    }
    const place = this.#heats.get(warmest)?.place;
    this.#heats.delete(warmest);
    if (place !== undefined && this.#isUntranslated(place)) {
      this.#regions.forgetSamples(place.page, place.offset);
      this.#compile(place, `${most} samples, and the guest rests`);
    }
    return true;
  }

  /** Whether a place is still where it was met, and no region has it. */
  #isUntranslated({ linear, physical, page, offset }: Place): boolean {
    if (this.#translate(linear) !== physical) return false;
    return this.#regions.page(page)?.covered.has(offset) !== true;
  }

  /**
   * Code of regions runs in the interpreter: it was not come to by an entry. Where the last region
   * was left to, there should be one.
   */
  #wantEntry(): void {
    const leftTo = this.#state[CpuState.leftTo >> 2] ?? 0;
    // No region was left yet, or for the one address where code hardly lies.
    if (leftTo === 0) return;
    const place = placeOf(this.#state, this.#translate, leftTo);
    if (place === undefined) return;
    const { linear, physical, page, offset } = place;
    const known = this.#regions.page(page);
    if (known?.entered.has(offset) === true) return;
    const region = known?.covered.get(offset);
    if (region === undefined) {
      if (known?.covered.has(offset) === true) return;
      this.#regions.sampled(page, linear);
      if (!this.#count(-physical, place, entrySamples)) return;
      this.#compile(place, `${entrySamples} samples after a region was left to it`);
      return;
    }
    if (region.state !== 'entered') return;
    region.wanted.set(offset, (region.wanted.get(offset) ?? 0) + 1);
    region.wishes += 1;
    if (region.wishes < entrySamples << (region.rebuilt + 1)) return;
    const wanted = [...region.wanted].filter(([, count]) => count > 1);
    const starts = [...region.starts, ...wanted.map(([start]) => start)];
    if (wanted.length > 0) {
      this.#regions.rebuild(region, linear, starts, 'more entries are wanted');
    }
  }

  /**
   * Makes a region of the function that a place is in, or of the code around it. A region of that
   * function gets it in addition, if it leads there: to others it would only be more to compile.
   */
  #compile(place: Place, why: string): void {
    const { linear, page, offset } = place;
    const start = this.callTargets.before(linear);
    const physical = start < 0 ? -1 : this.#translate(start | 0);
    if (physical >= 0) {
      const home = Math.floor(physical / 4096);
      const first = physical % 4096;
      if (!this.#isMade(home, first)) this.#regions.compile(start | 0, home, [first], why);
      if (this.#regions.page(page)?.covered.has(offset) === true) return;
    }
    const part = start < 0 ? undefined : this.#partOf(start, linear, page);
    if (part === undefined || !this.#regions.leadsInto(part, linear)) {
      this.#regions.compile(linear, page, [offset], why);
    } else if (part.state === 'entered' && part.renewal?.state !== 'compiling') {
      const starts = [...part.starts, ...this.#around(place, start)];
      this.#regions.rebuild(part, linear, starts, why);
    }
  }

  /** Whether a region is entered at an offset of a page, or will be. */
  #isMade(page: number, offset: number): boolean {
    const known = this.#regions.page(page);
    if (known?.entered.has(offset) === true) return true;
    return [...(known?.regions ?? [])].some((region) => {
      return region.page === page && region.state === 'compiling' && region.entries.has(offset);
    });
  }

  /** The region of a page with most code of the function at `start`, if it has room for more. */
  #partOf(start: number, linear: number, page: number): Region | undefined {
    let best: Region | undefined;
    for (const region of this.#regions.page(page)?.regions ?? []) {
      const { length } = region.code.offsets;
      if (region.page !== page || region.state === 'dropped' || length > mostGrowing) continue;
      const first = (linear & ~4095) + (region.starts[0] ?? 0);
      if (region.rebuilt >= maximumGrowths || this.callTargets.before(first) !== start) continue;
      if (length > (best?.code.offsets.length ?? 0)) best = region;
    }
    return best;
  }

  /** The offset of a place, and those of others of its page and function that were left to. */
  #around({ linear, physical, page, offset }: Place, start: number): number[] {
    const offsets = [offset];
    for (const [key, { count }] of this.#heats) {
      const other = -key - page * 4096;
      if (other < 0 || other >= 4096 || count < 2 || -key === physical) continue;
      if (this.callTargets.before((linear & ~4095) + other) !== start) continue;
      offsets.push(other);
      this.#heats.delete(key);
    }
    return offsets;
  }

  /**
   * Counts a sample under a key; whether there were `enough`, and counts anew then. `known` are
   * those of all runs, this one among them, 0 without a profile.
   */
  #count(key: number, place: Place, enough: number, known = 0): boolean {
    const count = Math.max((this.#heats.get(key)?.count ?? 0) + 1, known);
    if (this.#heats.size >= maximumCounts) this.#heats.clear();
    if (count < enough) this.#heats.set(key, { count, place });
    else this.#heats.delete(key);
    this.#isWarm ||= count >= warmSamples;
    return count >= enough;
  }
}
