import { expect, it } from 'vitest';
import { progressLines } from './progress-lines.ts';

function lines(reports: readonly (readonly [string, number?])[]): string[] {
  const written: string[] = [];
  const progress = progressLines((line) => written.push(line));
  for (const [message, percent] of reports) progress(message, percent);
  return written;
}

it('writes a step once, however often it is reported', () => {
  expect(lines([['lists'], ['lists'], ['kernel', 0], ['kernel', 3]])).toEqual(['lists', 'kernel']);
});

it('writes a line for each further quarter, and none when the figure falls back', () => {
  const reports = [0, 24, 26, 30, 80, 10, 100].map((percent) => ['kernel', percent] as const);
  expect(lines(reports)).toEqual(['kernel', 'kernel: 25 %', 'kernel: 75 %', 'kernel: 100 %']);
});
