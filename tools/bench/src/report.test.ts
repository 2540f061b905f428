import { describe, expect, it } from 'vitest';
import { noCounters } from './counters.ts';
import type { Sample } from './engines/session.ts';
import {
  efficiency,
  geometricMean,
  renderExits,
  renderTable,
  type Result,
  summarise,
} from './report.ts';

const sample = (seconds: number, translated?: number): Sample => ({
  seconds,
  cpuSeconds: undefined,
  output: '',
  counters:
    translated === undefined
      ? undefined
      : {
          before: { ...noCounters, exits: { halt: 1 } },
          after: {
            instructions: { interpreted: 4e6 - translated, translated, total: 4e6 },
            exits: { halt: 1, fault: 2, portIn: 6 },
            seconds: { translate: 0.5, compile: 0.25 },
            translations: { regions: 3, wasmBytes: 9000, invalidations: { write: 7, remap: 0 } },
          },
        },
});

const results: readonly Result[] = [
  {
    workload: 'loop',
    cpuBound: true,
    samples: { ours: [sample(2, 1e6), sample(4, 3e6)], theirs: [sample(4), sample(40)] },
  },
  {
    workload: 'fork',
    cpuBound: false,
    samples: { ours: [sample(1, 0)], theirs: [undefined, sample(3)] },
  },
];

describe('summarise', () => {
  it('compares each round with the peer in the same round and takes the median', () => {
    const [loop] = summarise(results, 'ours');
    expect(loop?.timesAsFast).toEqual({ theirs: 6 });
    expect(loop?.seconds).toEqual({ ours: 3, theirs: 22 });
  });

  it('gives no ratio where one of the two failed', () => {
    expect(summarise(results, 'ours')[1]?.timesAsFast).toEqual({ theirs: undefined });
  });

  it('counts what happened in the last round', () => {
    expect(summarise(results, 'ours')[0]?.counted).toEqual({
      millions: 4,
      translatedShare: 0.75,
      exitsPerMillion: { portIn: 1.5, fault: 0.5 },
      regions: 3,
      wasmBytes: 9000,
      translateSeconds: 0.5,
      compileSeconds: 0.25,
      invalidations: { write: 7 },
    });
  });
});

it('takes the geometric mean over the workloads that have a ratio', () => {
  const rows = summarise(
    [
      { workload: 'a', cpuBound: true, samples: { ours: [sample(1)], theirs: [sample(2)] } },
      { workload: 'b', cpuBound: true, samples: { ours: [sample(1)], theirs: [sample(8)] } },
    ],
    'ours',
  );
  expect(geometricMean(rows, 'theirs')).toBeCloseTo(4);
  expect(geometricMean(rows, 'nobody')).toBeUndefined();
});

it('counts efficiency over the CPU-bound workloads only', () => {
  expect(efficiency(summarise(results, 'ours'))).toBe(0.75);
});

it('renders columns under each other', () => {
  expect(renderTable(summarise(results, 'ours'), 'ours')).toBe(
    [
      '                ours s  theirs s  x theirs  million  translated',
      'loop              3.00     22.00      6.00        4     75.00 %',
      'fork              1.00      3.00         -        4      0.00 %',
      'geometric mean                        6.00                     ',
    ].join('\n'),
  );
});

it('renders the exits of each workload, the most frequent first', () => {
  expect(renderExits(summarise(results, 'ours'))).toBe(
    'loop  portIn 1.5  fault 0.5\nfork  portIn 1.5  fault 0.5',
  );
});
