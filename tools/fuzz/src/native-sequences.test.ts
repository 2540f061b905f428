/** Kept results of a processor for sequences of x87, MMX, SSE and integer instructions. */
import { expect, it } from 'vitest';
import { runHere } from './native-sequence-bench.ts';
import { sequenceRecord, sequenceSums } from './native-sequences.ts';
import { readRecords, type SequenceRecords } from './records.ts';

const { seed, sums } = readRecords<SequenceRecords>('native-sequences.json');

it.each(['interpreter', 'translator'] as const)('sequences agree with a processor, %s', (accel) => {
  const here = sequenceSums(seed, sums.length, accel);
  expect(sums.length).toBeGreaterThanOrEqual(500);
  expect(here.flatMap((sum, index) => (sum === sums[index] ? [] : [seed + index]))).toEqual([]);
});

it('no sequence moves its pointer to memory that only one side has', () => {
  // In 7020581 MOVD wrote EBX, where a process had memory of its own.
  const seeds = [7020581, ...Array.from({ length: 400 }, (_, index) => index)];
  const ends = runHere(seeds.map(sequenceRecord), 'interpreter');
  const moved = seeds.filter((_, index) => {
    const pointer = ends[index]?.find(({ name }) => name === 'ebx')?.bytes;
    return Buffer.from(pointer ?? []).toString('hex') !== '00040020';
  });
  expect(moved).toEqual([]);
});
