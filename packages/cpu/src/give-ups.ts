/**
 * Finds instructions that regions give up again and again, and has them done otherwise.
 *
 * What was given up last in a slice in which too much was is a hint only: a program that comes to
 * many new pages gives up anything once. So it takes several such slices of the same instruction.
 * The same code may be in other regions, too, which do it otherwise already: what counts is how it
 * was done by the region that gave it up.
 */
import { CpuState } from '@ringfence/memory';
import { GivenUpLevel } from './given-up-code.ts';
import { type Place, placeOf } from './place.ts';
import { baseOf, levelOf, type RegionCode } from './region-code.ts';
import type { PageRegions, Region } from './region-record.ts';

/** Slices that are remembered, and how many have to be of one instruction. */
const remembered = 8;
const enough = 3;

/** Regions that are made anew at one time. */
const mostAtOnce = 4;

const esp = 4;

/** The regions that give up. */
export interface GivingRegions {
  /** What is known of the regions of a page, undefined if there are none. */
  page(number: number): PageRegions | undefined;
  /** Makes a region anew. */
  rebuild(region: Region, linear: number, starts: readonly number[], why: string): void;
  /** Has regions do an instruction otherwise: `level` is a `GivenUpLevel`. */
  ease(page: number, offset: number, level: number): void;
}

/** What one CPU's regions give up. */
export class GiveUps {
  readonly #state: Int32Array;
  readonly #translate: (linear: number) => number;
  readonly #regions: GivingRegions;
  /** What the last slices gave up: its address, and whether its look-up was its own. */
  #last: number[] = [];

  /** `translate` gives the guest-physical address of a linear one, -1 if there is none. */
  constructor(state: Int32Array, translate: (linear: number) => number, regions: GivingRegions) {
    this.#state = state;
    this.#translate = translate;
    this.#regions = regions;
  }

  /** Looks at what was given up last, after a slice in which too much was. */
  look(): void {
    const by = this.#state[CpuState.gaveUpIn >> 2] ?? 0;
    const at = this.#place(this.#state[CpuState.gaveUpAt >> 2] ?? 0);
    const home = this.#place(by & ~1);
    if (at === undefined || home === undefined) return;
    const isApart = (by & 1) !== 0;
    if (!this.#isOften(at.physical * 2 + (by & 1))) return;
    const offset = (at.linear - home.linear) | 0;
    const giving = this.#giving(home, offset, isApart);
    const [first] = giving;
    if (first === undefined) return;
    if (isApart) this.#regions.ease(at.page, at.offset, GivenUpLevel.hosted);
    else this.#easeAlike(first.code, offset, home);
    for (const region of giving) {
      const why = `0x${at.physical.toString(16)} is often given up`;
      const linear = (home.linear + (region.starts[0] ?? 0)) | 0;
      this.#regions.rebuild(region, linear, region.starts, why);
    }
  }

  /** Counts a slice; whether there were enough of them. */
  #isOften(key: number): boolean {
    this.#last.push(key);
    if (this.#last.length > remembered) this.#last.shift();
    if (this.#last.filter((other) => other === key).length < enough) return false;
    this.#last = this.#last.filter((other) => other !== key);
    return true;
  }

  /** The regions of a page that do an instruction so; what is under way does not know of it. */
  #giving({ page }: Place, offset: number, isApart: boolean): Region[] {
    const level = isApart ? GivenUpLevel.apart : GivenUpLevel.none;
    const giving = [...(this.#regions.page(page)?.regions ?? [])].filter((region) => {
      if (region.page !== page || region.state !== 'entered') return false;
      if (region.renewal?.state === 'compiling') return false;
      const index = region.code.offsets.indexOf(offset);
      return index >= 0 && levelOf(region.code, index) === level;
    });
    return giving.slice(0, mostAtOnce);
  }

  /**
   * Has accesses looked up apart that go by the same register as that of the instruction at an
   * offset: they lie across the same two pages.
   */
  #easeAlike(code: RegionCode, offset: number, home: Place): void {
    const base = usedBase(code, code.offsets.indexOf(offset));
    code.offsets.forEach((other, index) => {
      if (usedBase(code, index) !== base) return;
      const place = this.#place(home.linear + other);
      if (place !== undefined) this.#regions.ease(place.page, place.offset, GivenUpLevel.apart);
    });
  }

  #place(eip: number): Place | undefined {
    return placeOf(this.#state, this.#translate, eip);
  }
}

/** The register that an instruction accesses memory by: that of the stack if it names none. */
function usedBase(code: RegionCode, instruction: number): number {
  const base = baseOf(code, instruction);
  return base < 0 ? esp : base;
}
