import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { GiveUps, type GivingRegions } from './give-ups.ts';
import { GivenUpLevel } from './given-up-code.ts';
import type { PageRegions, Region } from './region-record.ts';

const [esp, ebx] = [4, 3];

/** Offset, base register and level of an instruction. */
type Given = readonly [offset: number, base: number, level: number];

/** A region whose entries are in a page. */
function regionOf(page: number, instructions: readonly Given[]): Region {
  return {
    state: 'entered',
    code: {
      blocks: new Int32Array(),
      offsets: Int32Array.from(instructions, ([offset]) => offset),
      marks: Int32Array.from(instructions, ([, base, level]) => (base + 1) | (level << 8)),
    },
    number: 1,
    address: page * 4096,
    page,
    entries: new Map(),
    pages: [page],
    starts: [0],
    rebuilt: 0,
    renewal: undefined,
    wanted: new Map(),
    wishes: 0,
  };
}

/** Give-ups in memory that is mapped where it lies. */
function setUp(regions: readonly Region[]): {
  giveUps: (count: number, at: number, by: number, isApart: boolean) => void;
  eased: string[];
  rebuilt: Region[];
} {
  const eased: string[] = [];
  const rebuilt: Region[] = [];
  const state = new Int32Array(0x2000);
  const known: GivingRegions = {
    page: (): PageRegions => {
      return { entered: new Map(), covered: new Map(), regions: new Set(regions) };
    },
    rebuild: (region) => void rebuilt.push(region),
    ease: (page, offset, level) => void eased.push(`${page} ${offset.toString(16)} ${level}`),
  };
  const looked = new GiveUps(state, (linear) => linear, known);
  const giveUps = (count: number, at: number, by: number, isApart: boolean): void => {
    for (let slice = 0; slice < count; slice++) {
      state[CpuState.gaveUpAt >> 2] = at;
      state[CpuState.gaveUpIn >> 2] = (by * 4096) | Number(isApart);
      looked.look();
    }
  };
  return { giveUps, eased, rebuilt };
}

describe('an instruction that a region gives up', () => {
  const { none, apart, hosted } = GivenUpLevel;

  it('is done as before where it is now one, now another', () => {
    const { giveUps, eased, rebuilt } = setUp([regionOf(1, [[0x10, esp, none]])]);
    for (let time = 0; time < 100; time++) giveUps(1, 0x1000 + 16 * (time % 8), 1, false);
    expect([eased, rebuilt]).toEqual([[], []]);
  });

  it('has the accesses of its region by its register looked up apart, in all pages', () => {
    const region = regionOf(1, [
      [0x10, esp, none],
      [0x14, ebx, none],
      [0x1ff0, -1, none],
    ]);
    const { giveUps, eased, rebuilt } = setUp([region]);
    giveUps(3, 0x1010, 1, false);
    expect(eased).toEqual([`1 10 ${apart}`, `2 ff0 ${apart}`]);
    expect(rebuilt).toEqual([region]);
  });

  it('is left to its handler where its look-up was its own', () => {
    const region = regionOf(1, [[0x10, esp, apart]]);
    const { giveUps, eased, rebuilt } = setUp([region]);
    giveUps(3, 0x1010, 1, true);
    expect(eased).toEqual([`1 10 ${hosted}`]);
    expect(rebuilt).toEqual([region]);
  });

  it('is looked up apart in every region that still shares its look-up, and not left', () => {
    const regions = [none, apart, none].map((level) => regionOf(1, [[0x10, esp, level]]));
    const { giveUps, eased, rebuilt } = setUp(regions);
    giveUps(3, 0x1010, 1, false);
    expect(eased).toEqual([`1 10 ${apart}`]);
    expect(rebuilt).toEqual([regions[0], regions[2]]);
  });

  it('is the business of the region that has a copy of it', () => {
    const own = regionOf(2, [[0x10, esp, apart]]);
    const caller = regionOf(1, [[0x1010, esp, none]]);
    const { giveUps, eased, rebuilt } = setUp([own, caller]);
    giveUps(3, 0x2010, 1, false);
    expect(eased).toEqual([`2 10 ${apart}`]);
    expect(rebuilt).toEqual([caller]);
  });
});
