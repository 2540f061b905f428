/**
 * Flags that a region leaves as what they come from: the flag words are computed only if something
 * outside of the region's straight code wants them.
 *
 * `CpuState.flagsKind` says what the two flag words and `flagsAmended` hold:
 *
 * | bits | |
 * | --- | --- |
 * | 7..0 | 0: the words are flag words; else they are the operands of an addition or subtraction |
 * | 15..8 | 0; else an INC or DEC came after that, whose result is `flagsAmended` |
 *
 * `settleFlags` (runtime) turns all of this into flag words, and makes the kind 0.
 */

/** Values of the low byte: an operation and its size. Operands are zero-extended. */
export const LazyFlags = {
  words: 0,
  add8: 1,
  add16: 2,
  add32: 3,
  subtract8: 4,
  subtract16: 5,
  subtract32: 6,
} as const;

/** Values of the next byte, in place. */
export const LazyAmendment = {
  increment8: 0x100,
  increment16: 0x200,
  increment32: 0x300,
  decrement8: 0x400,
  decrement16: 0x500,
  decrement32: 0x600,
} as const;

/** Adds the size to the number of an operation on 1 byte. */
export function lazyKind(first: number, step: number, bytes: number): number {
  return first + step * (bytes >> 1);
}

/** What lazy kinds stand for, for whoever computes the words. */
export const lazyOperations: readonly {
  readonly kind: number;
  readonly operation: 'add' | 'subtract' | 'increment' | 'decrement';
  readonly bytes: 1 | 2 | 4;
}[] = [
  { kind: LazyFlags.add8, operation: 'add', bytes: 1 },
  { kind: LazyFlags.add16, operation: 'add', bytes: 2 },
  { kind: LazyFlags.add32, operation: 'add', bytes: 4 },
  { kind: LazyFlags.subtract8, operation: 'subtract', bytes: 1 },
  { kind: LazyFlags.subtract16, operation: 'subtract', bytes: 2 },
  { kind: LazyFlags.subtract32, operation: 'subtract', bytes: 4 },
  { kind: LazyAmendment.increment8, operation: 'increment', bytes: 1 },
  { kind: LazyAmendment.increment16, operation: 'increment', bytes: 2 },
  { kind: LazyAmendment.increment32, operation: 'increment', bytes: 4 },
  { kind: LazyAmendment.decrement8, operation: 'decrement', bytes: 1 },
  { kind: LazyAmendment.decrement16, operation: 'decrement', bytes: 2 },
  { kind: LazyAmendment.decrement32, operation: 'decrement', bytes: 4 },
];
