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

it('tells its target of changes only', () => {
  const heard: boolean[] = [];
  const source = new SharedLine({ set: (level) => heard.push(level) }).source();
  for (const level of [false, true, true, false, false, true]) {
    source.set(level);
  }
  expect(heard).toEqual([true, false, true]);
});

it('refuses more sources than it has bits', () => {
  const line = new SharedLine(new ProbeLine());
  for (let source = 0; source < 32; source += 1) {
    line.source();
  }
  expect(() => line.source()).toThrow(/more than 32 sources/);
});
