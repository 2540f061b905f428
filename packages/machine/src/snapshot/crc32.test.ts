import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { Crc32 } from './crc32.ts';

const bytes = Uint8Array.from({ length: 1000 }, (_nothing, index) => (index * 7919) >> 3);

describe('Crc32', () => {
  it('has the check value of the algorithm catalogues', () => {
    const digits = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));
    expect(new Crc32().add(digits).value).toBe(0xcbf4_3926);
  });

  it.each([0, 1, 7, 8, 9, 999])('agrees with zlib on %i bytes', (length) => {
    expect(new Crc32().add(bytes.subarray(0, length)).value).toBe(crc32(bytes.subarray(0, length)));
  });

  it('takes bytes in parts', () => {
    const parts = new Crc32().add(bytes.subarray(0, 333)).add(bytes.subarray(333));
    expect(parts.value).toBe(crc32(bytes));
  });
});
