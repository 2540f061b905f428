import { CpuState } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { HotCode, type HotCodeRegions } from './hot-code.ts';
import { RegionLog } from './region-log.ts';
import type { PageRegions, Region } from './region-record.ts';
import { Word } from './state-view.ts';

/** Two functions in one page; more than a region may have is in neither. */
const [first, second] = [0x1100, 0x1800];

/** A region of page 1 that covers some offsets and is entered at the first of them. */
function regionOf(state: Region['state'], offsets: readonly number[]): Region {
  return {
    state,
    code: {
      blocks: new Int32Array(),
      offsets: Int32Array.from(offsets),
      marks: new Int32Array(offsets.length),
    },
    number: 1,
    address: 0x1000,
    page: 1,
    entries: new Map(
      offsets
        .slice(0, 1)
        .map((offset) => [offset, { block: 0, offset, variant: 0, fallback: 0, slot: 1 }]),
    ),
    pages: [1],
    starts: offsets.slice(0, 1),
    rebuilt: 0,
    renewal: undefined,
    wanted: new Map(),
    wishes: 0,
  };
}

/** Hot code in memory that is mapped where it lies, with regions that nothing is done about. */
function setUp(
  regions: readonly Region[],
  count = regions.length,
): {
  /** The CPU stands in code of a region to which the last region did not lead. */
  leave: (count: number, to: number) => void;
  /** The CPU stands in code without a region. */
  meet: (count: number, at: number) => void;
  /** The guest has nothing to do, until there is no warm code left. */
  rest: () => void;
  /** What is mapped nowhere any more. */
  gone: Set<number>;
  made: string[];
} {
  const made: string[] = [];
  const state = new Int32Array(0x2000);
  const inRegions = 0x3000;
  const known: PageRegions = { entered: new Map(), covered: new Map(), regions: new Set(regions) };
  for (const region of regions) {
    for (const offset of region.code.offsets) known.covered.set(offset, region);
    if (region.state !== 'entered') continue;
    for (const offset of region.entries.keys()) known.entered.set(offset, region);
  }
  const elsewhere: PageRegions = {
    ...known,
    covered: new Map([[0, undefined]]),
    regions: new Set(),
  };
  const list = (starts: readonly number[]): string => starts.map((at) => at.toString(16)).join();
  const of: HotCodeRegions = {
    log: new RegionLog(),
    page: (page) => (page === 1 ? known : elsewhere),
    compile: (_linear, page, starts) => void made.push(`${page} ${list(starts)}`),
    rebuild: (region, _linear, starts) => {
      made.push(`${region.page} ${list(region.starts)} to ${list(starts)}`);
    },
    leadsInto: (_region, linear) => linear < 0x1d00,
    sampled: () => undefined,
    countSample: () => 0,
    forgetSamples: () => undefined,
  };
  const gone = new Set<number>();
  const hot = new HotCode(state, (linear) => (gone.has(linear) ? -1 : linear), of);
  for (const start of [first, second]) hot.callTargets.note(start);
  const sample = (count: number, at: number, leftTo: number): void => {
    for (let time = 0; time < count; time++) {
      state[Word.rip] = at;
      state[CpuState.leftTo >> 2] = leftTo;
      hot.sample(0.5);
    }
  };
  return {
    leave: (count, to) => {
      sample(count, inRegions, to);
    },
    meet: (count, at) => {
      sample(count, at, 0);
    },
    rest: () => {
      while (hot.warm(count));
    },
    gone,
    made,
  };
}

describe('a place that regions are left to', () => {
  it('gets a region of its function, and one of its own', () => {
    const { leave, made } = setUp([]);
    leave(7, 0x1900);
    expect(made).toEqual([]);
    leave(1, 0x1900);
    expect(made).toEqual(['1 800', '1 900']);
  });

  it('is added to the region of its function, with others that wait', () => {
    const { leave, made } = setUp([
      regionOf('entered', [0x100, 0x104]),
      regionOf('entered', [0x800, 0x804, 0x808]),
      regionOf('entered', [0x880]),
    ]);
    leave(2, 0x1980);
    leave(1, 0x19c0);
    leave(2, 0x1700);
    leave(8, 0x1900);
    expect(made).toEqual(['1 800 to 800,900,980']);
  });

  it('gets a region of its own where that of its function is large', () => {
    const large = Array.from({ length: 450 }, (_, index) => 0x800 + index);
    const { leave, made } = setUp([regionOf('entered', large)]);
    leave(8, 0x1c00);
    expect(made).toEqual(['1 c00']);
  });

  it('waits while the region of its function is being compiled', () => {
    const { leave, made } = setUp([regionOf('compiling', [0x800, 0x804])]);
    leave(8, 0x1900);
    expect(made).toEqual([]);
  });
});

describe('code without a region', () => {
  it('is added to the region of its function when it is hot', () => {
    const { meet, made } = setUp([regionOf('entered', [0x800, 0x804])]);
    meet(20, 0x1900);
    expect(made).toEqual(['1 800 to 800,900']);
  });

  it('gets a region of its own where it does not lead into that of its function', () => {
    const { meet, made } = setUp([regionOf('entered', [0x800, 0x804])]);
    meet(20, 0x1d00);
    expect(made).toEqual(['1 d00']);
  });
});

describe('warm code', () => {
  it('is translated while the guest rests, the warmest first', () => {
    const { meet, leave, rest, made } = setUp([]);
    meet(3, 0x1900);
    leave(4, 0x1200);
    meet(2, 0x1a00);
    expect(made).toEqual([]);
    rest();
    expect(made).toEqual(['1 100', '1 200', '1 800', '1 900']);
    rest();
    expect(made).toHaveLength(4);
    // What was met twice goes on counting.
    meet(1, 0x1a00);
    rest();
    expect(made.slice(4)).toEqual(['1 800', '1 a00']);
  });

  it('stays with the interpreter where there are many regions', () => {
    const { meet, rest, made } = setUp([], 1200);
    meet(5, 0x1900);
    rest();
    expect(made).toEqual([]);
  });

  it('stays as it is where it is not mapped any more, or has a region by now', () => {
    const { meet, rest, gone, made } = setUp([regionOf('entered', [0x880])]);
    meet(3, 0x1900);
    gone.add(0x1900);
    meet(3, 0x1880);
    rest();
    expect(made).toEqual([]);
  });
});
