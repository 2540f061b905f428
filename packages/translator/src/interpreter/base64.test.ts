import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';

describe('base64', () => {
  it('gives back bytes of every value and every length modulo three', () => {
    for (let length = 253; length <= 260; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
      const text = Buffer.from(bytes).toString('base64');
      expect(toBase64(bytes)).toBe(text);
      expect(fromBase64(text)).toEqual(bytes);
    }
  });

  it('gives nothing for nothing', () => {
    expect(fromBase64('')).toHaveLength(0);
    expect(toBase64(new Uint8Array(0))).toBe('');
  });
});
