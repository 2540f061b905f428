import { expect, it } from 'vitest';

import { historySeconds, RateHistory } from './rate-history.ts';

it('tells how much counters grow per second, those that grow most first', () => {
  const history = new RateHistory();
  history.add(1, { halt: 10, fault: 100 });
  history.add(3, { halt: 50, fault: 104, nmi: 0 });
  expect(history.rows).toEqual([
    ['halt', 50, [20]],
    ['fault', 104, [2]],
  ]);
});

it('keeps a bounded number of readings, and begins anew with another machine', () => {
  const history = new RateHistory();
  for (let second = 0; second < 200; second += 1) history.add(second, { halt: second });
  expect(history.rows[0]?.[2].length).toBe(historySeconds);
  history.add(0, { halt: 1 });
  history.add(1, { halt: 3 });
  expect(history.rows).toEqual([['halt', 3, [2]]]);
});

it('leaves out the time in which a machine stood still', () => {
  const history = new RateHistory();
  history.add(1, { halt: 1 });
  history.add(1, { halt: 1 });
  expect(history.rows).toEqual([['halt', 1, []]]);
});
