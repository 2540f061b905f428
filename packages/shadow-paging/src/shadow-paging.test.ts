import { Layout, TraceOwnerId } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Access, Privilege } from './paging-bits.ts';
import { FillResult } from './shadow-paging.ts';
import { retireAfterWrites } from './shadow-tables.ts';
import { bit, pwu, TestGuest } from './test-guest.ts';

const { read, write, execute } = Access;
const { user, supervisor, system } = Privilege;
const { ok, uncached, fault } = FillResult;
const wp = 0x1_0000;
const pse = 0x10;
const smep = 0x10_0000;
const smap = 0x20_0000;

describe('without paging', () => {
  it('linear addresses are physical addresses', () => {
    const { shadow, machine } = new TestGuest();
    expect(shadow.fill(0x12_3456, write, user)).toBe(ok);
    expect(shadow.address).toBe(Layout.ram + 0x12_3456);
    expect(machine.u8.length).toBeGreaterThan(shadow.address);
    expect(shadow.fill(0xfff0_0000, read, supervisor)).toBe(uncached);
    expect(shadow.physical).toBe(0xfff0_0000);
  });
});

describe('a fill', () => {
  it('leaves an entry that generated code adds to the linear address', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    expect(guest.shadow.fill(0x5123, write, supervisor)).toBe(ok);
    expect(Layout.ram + 0x5123 + guest.entry(0x5123, write)).toBe(Layout.ram + 0x9123);
    expect(guest.entry(0x5000, write) & 0xfff).toBe(0);
  });

  it('sets A on a read, and D only on a write', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    expect(guest.pte(5) & 0x60).toBe(bit.a);
    expect(guest.entry(0x5000, write)).toBe(1);
    guest.shadow.fill(0x5000, write, supervisor);
    expect(guest.pte(5) & 0x60).toBe(bit.a | bit.d);
  });

  it('sets neither A nor D in a page-table entry that forbids the access', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9, bit.p);
    expect(guest.shadow.fill(0x5000, write, user)).toBe(fault);
    expect(guest.pte(5) & 0x60).toBe(0);
  });

  it('of a page without backing sends the access to PhysicalMemory', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 0xb_8000);
    expect(guest.shadow.fill(0x5010, read, supervisor)).toBe(uncached);
    expect(guest.shadow.physical).toBe(0xb800_0010);
    expect(guest.entry(0x5010, read) & 3).toBe(3);
  });

  it('asks for the exec entry of the page and clears it when the page is revoked', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    expect(guest.shadow.fill(0x5000, execute, supervisor)).toBe(ok);
    expect(guest.exec(0x5000)).toBe(160);
    guest.shadow.revokeExec(9);
    expect(guest.exec(0x5000)).toBe(0);
  });
});

describe('page faults', () => {
  const cases: [string, number, number, number, number][] = [
    ['a page that is not present', 0, read, supervisor, 0],
    ['a user write of one', 0, write, user, 6],
    ['a user read of a supervisor page', bit.p | bit.w, read, user, 5],
    ['a user write of a read-only page', bit.p | bit.u, write, user, 7],
    ['a user fetch of a supervisor page', bit.p | bit.w, execute, user, 5],
  ];
  it.each(cases)('say why: %s', (_name, flags, access, privilege, code) => {
    const guest = new TestGuest().enable();
    guest.map(5, 9, flags);
    expect(guest.shadow.fill(0x5000, access, privilege)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(code);
  });

  it.each(cases)(
    'set A in no entry, nor in the directory: %s',
    (_name, flags, access, privilege) => {
      const guest = new TestGuest().enable();
      guest.map(5, 9, flags);
      expect(guest.shadow.fill(0x5000, access, privilege)).toBe(fault);
      expect(guest.physical.read32(guest.directory) & bit.a).toBe(0);
      expect(guest.pte(5) & bit.a).toBe(0);
    },
  );

  it('of supervisor writes to read-only pages come with CR0.WP only', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9, bit.p | bit.u);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(ok);
    guest.shadow.setControl(0x8000_0001 | wp, 0, 0);
    expect(guest.entry(0x5000, write)).toBe(1);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(3);
  });

  it('of fetches carry the I bit with SMEP, and forbid user pages to the supervisor', () => {
    const guest = new TestGuest().enable(0, smep);
    guest.map(5, 9);
    expect(guest.shadow.fill(0x5000, execute, supervisor)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(0x11);
    expect(guest.shadow.fill(0x5000, execute, user)).toBe(ok);
  });

  it('of supervisor data accesses to user pages come with SMAP unless AC is set', () => {
    const guest = new TestGuest().enable(0, smap);
    guest.map(5, 9);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(fault);
    guest.shadow.setPrivilege(false, true);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
    expect(guest.shadow.fill(0x5000, read, system)).toBe(fault);
    guest.shadow.setPrivilege(false, false);
    expect(guest.entry(0x5000, read)).toBe(1);
  });

  it('of reserved bits in a PSE entry have P and RSVD', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, (1 << 21) | bit.ps | pwu);
    expect(guest.shadow.fill(0x40_0000, read, supervisor)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(9);
  });
});

describe('a write to guest page tables', () => {
  it('takes effect at once, though nothing is flushed', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.map(5, 10);
    expect(guest.entry(0x5000, read)).toBe(1);
    guest.shadow.fill(0x5000, read, supervisor);
    expect(guest.shadow.address).toBe(Layout.ram + 0xa000);
  });

  it('leaves the entries of other words alone', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.map(6, 10);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.shadow.fill(0x6000, read, supervisor);
    const kept = guest.entry(0x6000, read);
    guest.map(5, 0, 0);
    expect(guest.entry(0x6000, read)).toBe(kept);
  });

  it('by one byte clears the entry that the byte belongs to', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.physical.write8(guest.table + 23, 0x40);
    expect(guest.entry(0x5000, read)).toBe(1);
  });

  it('cannot bypass the trace: a traced page-table page is not writable by generated code', () => {
    const guest = new TestGuest().enable();
    guest.map(2, 2);
    guest.map(5, 9);
    expect(guest.shadow.fill(0x2000, write, supervisor)).toBe(uncached);
    expect(guest.shadow.physical).toBe(0x2000);
    expect(guest.entry(0x2000, write)).toBe(0x2007);
  });

  it('revokes a write entry that was there before the page became a page table', () => {
    const guest = new TestGuest().enable();
    guest.physical.write32(guest.directory + 4, 0x3000 | pwu);
    guest.map(3, 3);
    expect(guest.shadow.fill(0x3000, write, supervisor)).toBe(ok);
    guest.physical.write32(0x3000, 0x9000 | pwu);
    guest.shadow.fill(0x40_0000, read, supervisor);
    expect(guest.entry(0x3000, write)).toBe(0x3007);
  });

  it('reaches address spaces that are not running', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.shadow.loadCr3(0x4000);
    guest.map(5, 10);
    guest.shadow.loadCr3(guest.directory);
    expect(guest.entry(0x5000, read)).toBe(1);
  });

  it('through a directory that maps itself clears the slot', () => {
    const guest = new TestGuest().enable();
    guest.physical.write32(guest.directory + 4092, guest.directory | pwu);
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    expect(guest.shadow.fill(0xffff_f000, write, supervisor)).toBe(uncached);
    expect(guest.shadow.physical).toBe(guest.directory);
    guest.physical.write32(guest.shadow.physical, 0x6000 | pwu);
    expect(guest.entry(0x5000, read)).toBe(1);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(fault);
  });

  it('of a page that is data again stops being traced after a bounded number of writes', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    for (let count = 0; count <= retireAfterWrites; count += 1) guest.map(7, count);
    expect(guest.physical.traces.has(2)).toBe(false);
    expect(guest.entry(0x5000, read)).toBe(1);
    expect(guest.shadow.statistics.retired).toBe(1);
  });
});

describe('address spaces', () => {
  it('keep their entries while others run', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    const entry = guest.entry(0x5000, read);
    guest.shadow.loadCr3(0x4000);
    expect(guest.entry(0x5000, read)).toBe(1);
    guest.shadow.loadCr3(guest.directory);
    expect(guest.entry(0x5000, read)).toBe(entry);
    expect(guest.shadow.statistics.kept).toBe(1);
  });

  it('share the leaves of page tables that they share', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.map(6, 10);
    guest.shadow.fill(0x5000, read, supervisor);
    const entry = guest.entry(0x5000, read);
    guest.physical.write32(0x4000, guest.table | pwu);
    guest.shadow.loadCr3(0x4000);
    guest.shadow.fill(0x6000, read, supervisor);
    expect(guest.entry(0x5000, read)).toBe(entry);
    expect(guest.shadow.statistics.shared).toBe(1);
  });

  it('do not share leaves when a directory allows less', () => {
    const guest = new TestGuest().enable(wp);
    guest.map(5, 9);
    guest.shadow.fill(0x5000, write, supervisor);
    guest.physical.write32(0x4000, guest.table | bit.p | bit.u);
    guest.shadow.loadCr3(0x4000);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
    expect(guest.entry(0x5000, write)).toBe(1);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(fault);
  });

  it('have other entries for the user than for the supervisor', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9, bit.p | bit.w);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.shadow.setPrivilege(true, false);
    expect(guest.entry(0x5000, read)).toBe(1);
    guest.shadow.setPrivilege(false, false);
    expect(guest.entry(0x5000, read) & 1).toBe(0);
  });

  it('may be more than the pool holds', () => {
    const guest = new TestGuest({ spaces: 8, leaves: 8 }).enable();
    guest.map(5, 9);
    for (let round = 0; round < 3; round += 1) {
      for (let root = 0x10; root < 0x40; root += 1) {
        guest.physical.write32(root << 12, guest.table | pwu);
        guest.shadow.loadCr3(root << 12);
        expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
        expect(guest.shadow.address).toBe(Layout.ram + 0x9000);
      }
    }
    expect(guest.shadow.statistics.evictions).toBeGreaterThan(40);
  });
});

describe('the physical map', () => {
  it('takes entries along when it changes', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, write, supervisor);
    guest.shadow.fill(0x5000, execute, supervisor);
    guest.physical.unmap(0x9000, 0x1000);
    expect([guest.entry(0x5000, read), guest.entry(0x5000, write)]).toEqual([1, 1]);
    expect(guest.exec(0x5000)).toBe(0);
  });

  it('takes page tables along when it changes', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.physical.unmap(0x2000, 0x1000);
    expect(guest.entry(0x5000, read)).toBe(1);
    expect(guest.physical.traces.has(2)).toBe(false);
  });

  it('has other directories while the A20 gate is closed, and keeps both', () => {
    const guest = new TestGuest();
    guest.shadow.fill(0x10_0000, read, supervisor);
    const open = guest.entry(0x10_0000, read);
    guest.physical.setA20(false);
    expect(guest.shadow.fill(0x10_0010, read, supervisor)).toBe(ok);
    expect(guest.shadow.address).toBe(Layout.ram + 0x10);
    guest.physical.setA20(true);
    expect(guest.entry(0x10_0000, read)).toBe(open);
  });

  it('gives a page back to generated code when its last trace is gone', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.physical.traces.addRange(TraceOwnerId.code, 9, 0, 1);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(uncached);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
    guest.physical.traces.remove(TraceOwnerId.code, 9, -1, -1);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(ok);
    expect(guest.entry(0x5000, write) & 1).toBe(0);
  });
});

describe('flush', () => {
  it('forgets every entry', () => {
    const guest = new TestGuest().enable();
    guest.map(5, 9);
    guest.shadow.fill(0x5000, read, supervisor);
    guest.shadow.flush();
    expect(guest.entry(0x5000, read)).toBe(1);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
  });
});
