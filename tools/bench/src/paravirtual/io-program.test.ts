import { expect, it } from 'vitest';
import { ioProgram } from './io-program.ts';

it('is an ELF executable for i386 that fits into the first page of a disk', () => {
  const program = ioProgram();
  expect([...program.subarray(0, 5)]).toEqual([0x7f, 0x45, 0x4c, 0x46, 1]);
  expect(new DataView(program.buffer, program.byteOffset).getUint16(18, true)).toBe(3);
  expect(program.length).toBeLessThan(4096);
});
