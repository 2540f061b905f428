import { expect, it } from 'vitest';
import { SharedLine } from './shared-line.ts';
import { ProbeLine } from './test-fuzz.ts';

it('is high while any of its sources is', () => {
  const target = new ProbeLine();
  const line = new SharedLine(target);
  const [first, second] = [line.source(), line.source()];
  first.set(true);
  second.set(true);
  first.set(false);
  expect(target.level).toBe(true);
  second.set(false);
  expect([target.level, target.rises]).toEqual([false, 1]);
});

it('refuses more sources than it has bits', () => {
  const line = new SharedLine(new ProbeLine());
  for (let source = 0; source < 32; source += 1) {
    line.source();
  }
  expect(() => line.source()).toThrow(/more than 32 sources/);
});
