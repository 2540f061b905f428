/**
 * Finds hot code: looks where the CPU stands at the end of slices, and where the interpreter has
 * code to run that regions have.
 */
import { CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import { pageIndexOf } from '@ringfence/translator';
import { CallTargets } from './call-targets.ts';
import { GivenUpLevel } from './given-up-code.ts';
import { partShift } from './page-profile.ts';
import { baseOf, levelOf, type RegionCode } from './region-code.ts';
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

/** Parts that are counted at one time; then all counts start anew. */
const maximumCounts = 4096;

/** Samples behind one way out of a region after which there should be an entry. */
const entrySamples = 8;

const esp = 4;

const codeBase = (CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.base) >> 2;

/** The regions that are made of hot code. */
export interface HotCodeRegions {
  readonly log: RegionLog;
  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined;
  /** Makes a region around some offsets of a page; `linear` is an address in it. */
  compile(linear: number, page: number, starts: readonly number[], why: string): void;
  /** Makes a region anew. */
  rebuild(region: Region, linear: number, starts: readonly number[], why: string): void;
  /**
   * Has regions do an instruction otherwise that they often gave up: `level` is a `GivenUpLevel`;
   * false if they do so already.
   */
  ease(page: number, offset: number, level: number): boolean;
  /** The guest was met at a linear address of a page, in code that no region is entered at. */
  sampled(page: number, linear: number): void;
  /** Counts that for later runs; returns the samples of that part of the page with earlier ones. */
  countSample(page: number, offset: number): number;
  /** They have had a region made. */
  forgetSamples(page: number, offset: number): void;
}

/** A place in memory, by its linear and its guest-physical address. */
interface Place {
  readonly linear: number;
  readonly physical: number;
  readonly page: number;
  readonly offset: number;
}

/** The heat of one CPU's code. */
export class HotCode {
  /** Instructions until the next sample. */
  interval: number = sampleInterval;
  readonly callTargets: CallTargets = new CallTargets();
  readonly #state: Int32Array;
  readonly #translate: (linear: number) => number;
  readonly #regions: HotCodeRegions;
  readonly #counts = new Map<number, number>();
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
    const place = this.#placeOf(this.#state[Word.rip] ?? 0);
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
    if (!this.#count(part, this.#hotSamples, before)) return;
    this.#regions.forgetSamples(place.page, place.offset);
    this.#compile(place, `hot, ${this.#hotSamples} samples in ${1 << partShift} bytes`);
  }

  /** Translates the code around the instruction that was given up last once more, otherwise. */
  easeGivenUp(): void {
    const place = this.#placeOf(this.#state[CpuState.gaveUpAt >> 2] ?? 0);
    if (place === undefined) return;
    const region = this.#regions.page(place.page)?.covered.get(place.offset);
    if (region?.state !== 'entered') return;
    // What is under way does not know of it; it will be given up again.
    if (region.renewal?.state === 'compiling') return;
    if (!this.#ease(region, place.offset)) return;
    const why = `0x${place.physical.toString(16)} is often given up`;
    this.#regions.rebuild(region, place.linear, region.starts, why);
  }

  /**
   * Has the instruction at an offset of a region's page done otherwise, and with its look-up those
   * of all that access memory by the same register: they lie across the same two pages.
   */
  #ease({ page, code }: Region, offset: number): boolean {
    const given = code.offsets.indexOf(offset);
    if (given < 0 || levelOf(code, given) !== GivenUpLevel.none) {
      return this.#regions.ease(page, offset, GivenUpLevel.hosted);
    }
    const base = usedBase(code, given);
    code.offsets.forEach((other, index) => {
      const isAlike = usedBase(code, index) === base && pageIndexOf(other) === 0;
      if (isAlike) this.#regions.ease(page, other, GivenUpLevel.apart);
    });
    return true;
  }

  /**
   * Code of regions runs in the interpreter: it was not come to by an entry. Where the last region
   * was left to, there should be one.
   */
  #wantEntry(): void {
    const leftTo = this.#state[CpuState.leftTo >> 2] ?? 0;
    // No region was left yet, or for the one address where code hardly lies.
    if (leftTo === 0) return;
    const place = this.#placeOf(leftTo);
    if (place === undefined) return;
    const { linear, physical, page, offset } = place;
    const known = this.#regions.page(page);
    if (known?.entered.has(offset) === true) return;
    const region = known?.covered.get(offset);
    if (region === undefined) {
      if (known?.covered.has(offset) === true) return;
      this.#regions.sampled(page, linear);
      if (!this.#count(-physical, entrySamples)) return;
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

  /** Makes a region of the function that a place is in, or of the code around it. */
  #compile({ linear, page, offset }: Place, why: string): void {
    const start = this.callTargets.before(linear);
    const physical = start < 0 ? -1 : this.#translate(start | 0);
    if (physical >= 0) {
      const home = Math.floor(physical / 4096);
      const first = physical % 4096;
      const isMade = this.#regions.page(home)?.entered.has(first) === true;
      if (!isMade) this.#regions.compile(start | 0, home, [first], why);
      if (this.#regions.page(page)?.covered.has(offset) === true) return;
    }
    this.#regions.compile(linear, page, [offset], why);
  }

  /** The place of an EIP, undefined if nothing is mapped there. */
  #placeOf(eip: number): Place | undefined {
    const linear = (eip + (this.#state[codeBase] ?? 0)) | 0;
    const physical = this.#translate(linear);
    if (physical < 0) return undefined;
    return { linear, physical, page: Math.floor(physical / 4096), offset: physical % 4096 };
  }

  /**
   * Counts a sample under a key; whether there were `enough`, and counts anew then. `known` are
   * those of all runs, this one among them, 0 without a profile.
   */
  #count(key: number, enough: number, known = 0): boolean {
    const count = Math.max((this.#counts.get(key) ?? 0) + 1, known);
    if (this.#counts.size >= maximumCounts) this.#counts.clear();
    if (count < enough) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return count >= enough;
  }
}

/** The register that an instruction accesses memory by: that of the stack if it names none. */
function usedBase(code: RegionCode, instruction: number): number {
  const base = baseOf(code, instruction);
  return base < 0 ? esp : base;
}
