/**
 * What shadow paging costs: a fill after its entry became unknown, a fill that shares a leaf, a CR3
 * load of a known address space, a CPL change, a write to a page table.
 *
 * Run with `npx vitest bench packages/shadow-paging`. Each task does 1000 operations per iteration.
 * vitest turns imported constants into property loads, so that its times are several times those of
 * the same code elsewhere (README "Testing" has those); compare them with each other.
 */
import { bench, describe } from 'vitest';
import { Access, Privilege } from './paging-bits.ts';
import { TestGuest } from './test-guest.ts';

const { read } = Access;
const { supervisor } = Privilege;
const pages = 500;

function mapped(): TestGuest {
  const guest = new TestGuest().enable();
  for (let page = 0; page < pages; page += 1) guest.map(page + 8, page + 8, 0x67);
  for (let page = 0; page < pages; page += 1) guest.shadow.fill((page + 8) << 12, read, supervisor);
  for (const root of [0x4000, 0x5000]) guest.physical.write32(root, guest.table | 0x67);
  return guest;
}

describe('1000 operations of shadow paging', () => {
  const filled = mapped();
  bench('fill: the entry is there', () => {
    for (let count = 0; count < 1000; count += 1) {
      filled.shadow.fill(((count % pages) + 8) << 12, read, supervisor);
    }
  });

  const walked = mapped();
  bench('translate: a walk and the entries written', () => {
    for (let count = 0; count < 1000; count += 1) {
      walked.shadow.translate(((count % pages) + 8) << 12, read, supervisor);
    }
  });

  const written = mapped();
  bench('page-table write, then fill', () => {
    for (let count = 0; count < 1000; count += 1) {
      const page = (count % pages) + 8;
      written.map(page, page, 0x67);
      written.shadow.fill(page << 12, read, supervisor);
    }
  });

  const switched = mapped();
  bench('CR3 load of a known address space', () => {
    for (let count = 0; count < 1000; count += 1) {
      switched.shadow.loadCr3((count & 1) === 0 ? 0x4000 : 0x5000);
    }
  });

  const crossing = mapped();
  bench('change of CPL', () => {
    for (let count = 0; count < 1000; count += 1) {
      crossing.shadow.setPrivilege((count & 1) === 0, false);
    }
  });
});
