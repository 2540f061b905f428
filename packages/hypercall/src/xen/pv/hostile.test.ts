import { describe, expect, it } from 'vitest';

import { HostileDisk } from '../test-hostile-disk.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';
import { hostileCalls } from './test-hostile-calls.ts';

const callsPerCheck = 1000;
/** Calls of one guest; then comes another, with other numbers. */
const callsPerGuest = 20_000;
/** What may be kept of a guest, as text: page types, ports, grants, the store. */
const mostSavedBytes = 0x10_0000;

describe('a hostile paravirtual guest', () => {
  const calls = Number(process.env['RINGFENCE_FUZZ_CALLS'] ?? 60_000);
  const firstSeed = Number(process.env['RINGFENCE_FUZZ_SEED'] ?? 4711);

  it('never makes page types and page tables disagree', { timeout: 36_000_000 }, () => {
    const results = { wild: 0, refused: 0, done: 0 };
    for (let first = 0; first < calls; first += callsPerGuest) {
      const seed = firstSeed + first / callsPerGuest;
      const guest = begun([new HostileDisk()]);
      const one = hostileCalls(guest, Math.imul(seed, 0x9e37_79b1));
      const { abi, memory, host } = guest;
      for (let count = 1; count <= Math.min(callsPerGuest, calls - first); count += 1) {
        results[one()] += 1;
        if (count % callsPerCheck === 0) {
          const where = `seed ${String(seed)}, after ${String(count)} calls`;
          expect(checkPages(abi.guest, memory), where).toEqual([]);
          // What it said is the host's to keep or not.
          host.said = '';
        }
      }
      const saved = JSON.stringify(abi.save());
      expect(saved.length, `what is kept of seed ${String(seed)}`).toBeLessThan(mostSavedBytes);
      abi.restore(JSON.parse(saved));
      expect(checkPages(abi.guest, memory), `seed ${String(seed)}, restored`).toEqual([]);
    }
    // The fuzzer does not only knock: a good part of its calls do something.
    expect(results.done).toBeGreaterThan(calls / 20);
    expect(results.refused).toBeGreaterThan(calls / 20);
  });
});
