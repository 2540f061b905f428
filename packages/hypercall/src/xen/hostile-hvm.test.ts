import { describe, expect, it } from 'vitest';

import { restoreDomain, saveDomain } from './domain-state.ts';
import { DomainId } from './constants.ts';
import { guestPath } from './io/store/connection.ts';
import { fromText } from './io/store/wire.ts';
import { hostileHvmCalls, hostileHvmGuest } from './test-hostile-hvm.ts';
import type { HostileHvmGuest } from './test-hostile-hvm.ts';

const callsPerCheck = 1000;
/** Calls of one guest; then comes another, with other numbers. */
const callsPerGuest = 20_000;
const mostSavedBytes = 0x10_0000;
/** Pages that can stand elsewhere: 1,024 of memory, and those of Xen's. */
const mostPlaces = 1024 + 64;

/** What is wrong with a guest; nothing when all holds. */
function faultsOf({ memory, domain }: HostileHvmGuest): readonly string[] {
  const faults: string[] = [];
  for (const [physical, frame] of memory.aliases) {
    if (frame !== -1 && (frame % 4096 !== 0 || !memory.isRam(frame, 4096))) {
      faults.push(`${physical.toString(16)} shows ${frame.toString(16)}, which is no page`);
    }
  }
  if (memory.aliases.size > mostPlaces) faults.push(`${String(memory.aliases.size)} places`);
  if (domain.mapped.size > 1024) faults.push(`${String(domain.mapped.size)} mapped grants`);
  // Each grant in use is mapped, or a ring's.
  if (domain.grants.inUse > domain.mapped.size + 1) faults.push('grants in use by nobody');
  return faults;
}

describe('a hostile translated guest', () => {
  const calls = Number(process.env['RINGFENCE_FUZZ_CALLS'] ?? 60_000);
  const firstSeed = Number(process.env['RINGFENCE_FUZZ_SEED'] ?? 4711);

  it('never throws, and keeps what it has within bounds', { timeout: 36_000_000 }, () => {
    const results = { wild: 0, refused: 0, done: 0 };
    for (let first = 0; first < calls; first += callsPerGuest) {
      const seed = firstSeed + first / callsPerGuest;
      const guest = hostileHvmGuest();
      const one = hostileHvmCalls(guest, Math.imul(seed, 0x9e37_79b1));
      const { domain, host, tools } = guest;
      for (let count = 1; count <= Math.min(callsPerGuest, calls - first); count += 1) {
        results[one()] += 1;
        if (count % callsPerCheck === 0) {
          expect(faultsOf(guest), `seed ${String(seed)}, ${String(count)} calls`).toEqual([]);
          host.said = '';
        }
      }
      const restored = (): readonly string[] => {
        const text = JSON.stringify(saveDomain(domain));
        restoreDomain(domain, JSON.parse(text) as Parameters<typeof restoreDomain>[1]);
        return [text, JSON.stringify(saveDomain(domain))];
      };
      const [text = ''] = restored();
      expect(text.length, `what is kept of seed ${String(seed)}`).toBeLessThan(mostSavedBytes);
      // The disk takes its ring up again, and lets go of it.
      host.advance(1);
      tools.store.write(`${guestPath}/device/vbd/51712/state`, fromText('6'), DomainId.guest);
      host.advance(1);
      expect(faultsOf(guest), `seed ${String(seed)}, at its end`).toEqual([]);
      const [before = '', after = ''] = restored();
      const odd = [...before].findIndex((character, index) => after[index] !== character);
      const shown = odd < 0 ? '' : before.slice(Math.max(0, odd - 40), odd + 9);
      expect(shown, `seed ${String(seed)}, restored`).toBe('');
    }
    // The fuzzer does not only knock: a good part of its calls do something.
    expect(results.done).toBeGreaterThan(calls / 20);
    expect(results.refused).toBeGreaterThan(calls / 20);
  });
});
