/** Kept results of a processor for sequences of x87, MMX, SSE and integer instructions. */
import { expect, it } from 'vitest';
import { sequenceSums } from './native-sequences.ts';
import { readRecords, type SequenceRecords } from './records.ts';

const { seed, sums } = readRecords<SequenceRecords>('native-sequences.json');

it.each(['interpreter', 'translator'] as const)('sequences agree with a processor, %s', (accel) => {
  const here = sequenceSums(seed, sums.length, accel);
  expect(sums.length).toBeGreaterThanOrEqual(500);
  expect(here.flatMap((sum, index) => (sum === sums[index] ? [] : [seed + index]))).toEqual([]);
});
