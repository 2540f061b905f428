import { describe, expect, it } from 'vitest';
import { operandBytes } from './operand-size.ts';

describe('operandBytes', () => {
  it.each([
    ['v', 2, 4, 8],
    ['z', 2, 4, 4],
    ['y', 4, 4, 8],
    ['p', 4, 6, 10],
    ['b', 1, 1, 1],
    ['dq', 16, 16, 16],
    ['qq', 32, 32, 32],
    ['yy', 8, 8, 16],
  ] as const)('gives the letter %s %i, %i and %i bytes', (code, at16, at32, at64) => {
    expect([16, 32, 64].map((size) => operandBytes(code, size as 16 | 32 | 64))).toEqual([
      at16,
      at32,
      at64,
    ]);
  });
});
