import { describe, expect, it } from 'vitest';
import { fromBase64 } from './base64.ts';

describe('base64', () => {
  it('gives back bytes of every value and every length modulo three', () => {
    for (let length = 253; length <= 260; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
    }
  });

  it('gives nothing for nothing', () => {
    expect(fromBase64('')).toHaveLength(0);
  });
});
