import { expect, it } from 'vitest';
import { runSequences } from './sequences.ts';

/** Three on an idle computer; a busy one may take twenty times as long. */
const seconds = 240;

it(
  'runs sequences in both tiers to the same ends, some of them in regions',
  () => {
    const result = runSequences(1, 512, seconds);
    expect(result.findings).toEqual([]);
    expect(result.compared).toBeGreaterThan(400);
    expect(result.regions).toBeGreaterThan(40);
    expect(result.translated).toBeGreaterThan(1000);
  },
  1000 * seconds,
);
