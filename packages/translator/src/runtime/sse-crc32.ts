import type { RuntimeFunction } from './runtime-function.ts';

/** The polynomial 11EDC6F41 with its bits reflected (SDM vol. 2A, CRC32). */
const polynomial = 0x82f6_3b78 | 0;

/** CRC32: the checksum, combined with the data by XOR, moved on by a number of bits. */
export const crc32c: RuntimeFunction = {
  name: 'crc32c',
  parameters: ['i32', 'i32'],
  results: ['i32'],
  build: (b, start, bits) => {
    if (start === undefined || bits === undefined) return;
    const crc = b.variable('i32', start);
    const left = b.variable('i32', bits);
    b.loop((loop) => {
      const old = b.get(crc);
      const feedback = b.and(b.neg(b.and(old, 1)), polynomial);
      b.set(crc, b.xor(b.shrU(old, 1), feedback));
      b.set(left, b.sub(b.get(left), 1));
      b.if(b.get(left), () => b.continue(loop));
    });
    b.return(b.get(crc));
  },
};
