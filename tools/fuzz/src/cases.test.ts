import { describe, expect, it } from 'vitest';
import { caseImage } from './case-kernel.ts';
import {
  generateCase,
  localDescriptor,
  localEntries,
  nativeModes,
  randomDescriptors,
} from './cases.ts';
import { differences, recordsOf } from './compare-cases.ts';
import { runRingfence } from './executors.ts';
import { type NativeRecords, readRecords } from './records.ts';

const { seed, records } = readRecords<NativeRecords>('native-cases.json');

describe('cases of the real processor', () => {
  it.each(['interpreter', 'translator'] as const)('come to the same here, %s', async (accel) => {
    const cases = records.map((_, index) => generateCase(seed + index, nativeModes));
    const image = caseImage(
      cases.map(({ bytes }) => bytes),
      randomDescriptors(seed),
      [[0, 0], ...localEntries(seed).map(localDescriptor)],
    );
    const { output, end } = await runRingfence(image, accel, { cpu: 'max' });
    expect(end).toBe('exit 0');
    const here = recordsOf(output);
    const wrong = cases.flatMap((generated, index) => {
      const native = records[index]?.split(' ').map((word) => parseInt(word, 16));
      const one = here[index];
      if (native === undefined || one === undefined) return [];
      const found = differences(one, native, generated, 'native');
      const code = Buffer.from(generated.code).toString('hex');
      return found.length === 0 ? [] : [`${seed + index} ${code}: ${found.join('; ')}`];
    });
    expect(wrong).toEqual([]);
    expect(here).toHaveLength(cases.length);
  });

  it('are made again by their seeds', () => {
    expect(generateCase(7).bytes).toEqual(generateCase(7).bytes);
    expect(generateCase(7).bytes).not.toEqual(generateCase(8).bytes);
  });
});
