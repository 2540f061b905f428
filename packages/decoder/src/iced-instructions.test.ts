import { describe, expect, it } from 'vitest';
import { randomBatches, structuredBatches } from './test-batches.ts';
import { DECODING_DIFFERENCES } from './test-differences.ts';
import { ICED_OPTIONS, compareBatch } from './test-iced.ts';
import type { Difference } from './test-iced.ts';

const MODES = [16, 32, 64] as const;
const SHOWN = 20;

/** Sorts out the differences that are listed, and keeps the first of the others. */
function newReport(): {
  unexplained: Difference[];
  seen: Set<number>;
  report: (difference: Difference) => void;
} {
  const unexplained: Difference[] = [];
  const seen = new Set<number>();
  const report = (difference: Difference): void => {
    const { what, code, ours, theirs } = difference;
    const position = DECODING_DIFFERENCES.findIndex(
      (known) =>
        known.what === what &&
        known.code.test(code) &&
        ours.startsWith(known.ours) &&
        theirs.startsWith(known.theirs),
    );
    if (position >= 0) seen.add(position);
    else if (unexplained.length < SHOWN) unexplained.push(difference);
  };
  return { unexplained, seen, report };
}

describe('decodeInto and iced-x86', () => {
  it.each(MODES)('agree on a million random instructions of %i-bit code', (bits) => {
    const { unexplained, report } = newReport();
    randomBatches(12345 + bits, (data) => compareBatch(data, bits, ICED_OPTIONS, report));
    expect(unexplained).toEqual([]);
  });

  it.each(MODES)('agree on every opcode, ModRM and prefix of %i-bit code', (bits) => {
    const { unexplained, report } = newReport();
    structuredBatches(54321, bits, (data) => compareBatch(data, bits, ICED_OPTIONS, report));
    expect(unexplained).toEqual([]);
  });

  it('still differ in each way that is listed', () => {
    const { seen, report } = newReport();
    structuredBatches(99, 64, (data) => compareBatch(data, 64, ICED_OPTIONS, report));
    const listed = DECODING_DIFFERENCES.map((_, position) => position);
    expect([...seen].sort()).toEqual(listed);
  });
});
