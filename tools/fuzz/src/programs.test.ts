import { describe, expect, it } from 'vitest';
import { hasQemu, runQemu, runRingfence } from './executors.ts';
import { labImage } from './lab.ts';
import { programs } from './programs/index.ts';
import { type ProgramRecords, readRecords } from './records.ts';

const expected = readRecords<ProgramRecords>('programs.json');
const lines = (output: Uint8Array, end: string): string[] => [
  ...Buffer.from(output).toString('latin1').split('\n'),
  end,
];

describe.each(programs)('$name', ({ name, program, data }) => {
  const image = labImage(program, data);

  it.each(['interpreter', 'translator'] as const)('%s', async (accel) => {
    const { output, end } = await runRingfence(image, accel, { cpu: 'max' });
    expect(lines(output, end)).toEqual(expected[name]);
  });
});

describe.each(programs.filter(({ qemu }) => qemu === undefined))('$name', (one) => {
  it('on QEMU too', () => {
    if (!hasQemu()) {
      expect(process.env['CI'], 'qemu-system-i386 is missing').toBeUndefined();
      return;
    }
    const { output, end } = runQemu(labImage(one.program, one.data));
    expect(lines(output, end)).toEqual(expected[one.name]);
  });
});
