import { expect, it } from 'vitest';
import { hashOf } from './choice-hash.ts';

/** Offsets as a compiler puts cases: near each other, at any distance. */
function offsets(count: number, seed: number): number[] {
  let [at, state] = [-300, seed];
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 0x343fd) + 0x26_9ec3) | 0;
    at += 2 + ((state >>> 16) % 60);
    return at;
  });
}

it('gives each of some offsets a slot of its own', () => {
  for (let count = 1; count <= 12; count++) {
    const choices = offsets(count, count).map((offset, number) => ({ offset, number }));
    const { multiplier, shift, slots } = hashOf(choices);
    for (const { offset, number } of choices) {
      expect(slots[Math.imul(offset, multiplier) >>> shift]).toBe(number);
    }
  }
});

it('leaves out few of many offsets, and has at most four slots for each', () => {
  const choices = offsets(24, 5).map((offset, number) => ({ offset, number }));
  const { slots } = hashOf(choices);
  expect(slots.length).toBe(64);
  expect(slots.filter((number) => number >= 0).length).toBeGreaterThanOrEqual(20);
});
