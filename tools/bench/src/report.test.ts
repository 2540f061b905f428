import { describe, expect, it } from 'vitest';
import { renderTable, summarise } from './report.ts';

const timing = (seconds: number, cpuSeconds?: number) => ({ seconds, cpuSeconds });
const results = [
  {
    name: 'ours',
    timings: [timing(5, 6), timing(12, 13), timing(10, 11)],
    counted: [{ instructions: { total: 600e6 }, seconds: { guest: 4 } }],
  },
  { name: 'theirs', timings: [timing(10), timing(20), timing(100)] },
];

describe('summarise', () => {
  it('compares each round with the reference in the same round and takes the median', () => {
    const [ours, theirs] = summarise(results, 'theirs');
    expect(ours).toMatchObject({ name: 'ours', medianSeconds: 10, ratio: 0.5 });
    expect(theirs?.ratio).toBe(1);
  });

  it('gives no CPU time where there is none', () => {
    expect(summarise(results, 'theirs').map((row) => row.medianCpuSeconds)).toEqual([
      11,
      undefined,
    ]);
  });

  it('gives no ratio without the reference', () => {
    expect(summarise(results.slice(0, 1), 'theirs')[0]?.ratio).toBeUndefined();
  });
});

it('renders columns under each other', () => {
  expect(renderTable(summarise(results, 'theirs'), 'theirs')).toBe(
    [
      '        seconds  cpu s  x theirs    mips  rounds',
      'ours      10.00  11.00      0.50  150.00  5.00 12.00 10.00',
      'theirs    20.00      -      1.00       -  10.00 20.00 100.00',
    ].join('\n'),
  );
});
