import { Layout } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Access, Privilege } from './paging-bits.ts';
import { FillResult } from './shadow-paging.ts';
import { bit, pwu, TestGuest } from './test-guest.ts';

const { read, write, execute } = Access;
const { user, supervisor } = Privilege;
const { ok, fault, hole } = FillResult;
const pse = 0x10;
const pae = 0x20;

describe('large pages', () => {
  it('of 4 MiB map with CR4.PSE, and are page tables without', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, bit.ps | pwu);
    expect(guest.shadow.fill(0x41_2345, read, supervisor)).toBe(ok);
    expect(guest.shadow.address).toBe(Layout.ram + 0x1_2345);
    guest.shadow.setControl(0x8000_0001, 0, 0);
    expect(guest.shadow.fill(0x41_2345, read, supervisor)).toBe(fault);
  });

  it('get D on the first write of each directory entry that maps them', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, bit.ps | pwu);
    guest.physical.write32(guest.directory + 4096 * 3 + 4, bit.ps | pwu);
    guest.shadow.fill(0x40_9000, read, supervisor);
    expect(guest.physical.read32(guest.directory + 4) & 0x60).toBe(bit.a);
    guest.shadow.fill(0x40_9000, write, supervisor);
    expect(guest.physical.read32(guest.directory + 4) & 0x60).toBe(bit.a | bit.d);
    guest.shadow.loadCr3(0x4000);
    guest.shadow.fill(0x40_9000, read, supervisor);
    expect(guest.entry(0x40_9000, write)).toBe(1);
    expect(guest.physical.read32(0x4004) & bit.d).toBe(0);
    guest.shadow.fill(0x40_9000, write, supervisor);
    expect(guest.physical.read32(0x4004) & bit.d).toBe(bit.d);
  });

  it('keep D out of a directory that shares the clean leaf of one that became dirty', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, bit.ps | pwu);
    guest.physical.write32(0x4004, bit.ps | pwu);
    guest.shadow.fill(0x40_9000, read, supervisor);
    guest.shadow.fill(0x40_9000, read, user);
    guest.shadow.loadCr3(0x4000);
    guest.shadow.fill(0x40_9000, read, supervisor);
    guest.shadow.loadCr3(guest.directory);
    guest.shadow.fill(0x40_9000, write, user);
    guest.shadow.fill(0x40_9000, write, supervisor);
    guest.shadow.loadCr3(0x4000);
    expect(guest.entry(0x40_9000, write)).toBe(1);
  });

  it('may be split into a page table', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, bit.ps | pwu);
    guest.shadow.fill(0x40_5000, read, supervisor);
    guest.map(5, 9);
    guest.physical.write32(guest.directory + 4, guest.table | pwu);
    guest.shadow.fill(0x40_5000, read, supervisor);
    expect(guest.shadow.address).toBe(Layout.ram + 0x9000);
  });

  it('above 4 GiB by PSE-36 lead nowhere', () => {
    const guest = new TestGuest().enable(0, pse);
    guest.physical.write32(guest.directory + 4, (1 << 13) | bit.ps | pwu);
    expect(guest.shadow.fill(0x40_0000, write, supervisor)).toBe(hole);
  });
});

describe('PAE', () => {
  function paeGuest(): TestGuest {
    const guest = new TestGuest();
    guest.physical.write64(0x1000, 0x2001, 0);
    guest.physical.write64(0x2000, 0x3007, 0);
    guest.physical.write64(0x3000 + 5 * 8, 0x9007, 0);
    guest.shadow.loadCr3(0x1000);
    expect(guest.shadow.setControl(0x8000_0001, pae, 0x800)).toBe(true);
    return guest;
  }

  it('walks three levels of 64-bit entries', () => {
    const guest = paeGuest();
    expect(guest.shadow.fill(0x5678, write, supervisor)).toBe(ok);
    expect(guest.shadow.address).toBe(Layout.ram + 0x9678);
    expect(guest.shadow.inspect(0x5678)).toBe(0x9678);
    expect(guest.shadow.inspect(0x6000)).toBe(-1);
  });

  it('takes new page-directory pointers when CR3 is loaded, and not when they are written', () => {
    const guest = paeGuest();
    guest.physical.write64(0x1000, 0, 0);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
    guest.shadow.loadCr3(0x1000);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(fault);
  });

  it('takes them too when CD, NW, PGE, PSE, PAE or SMEP change, but not WP', () => {
    const changes = [
      [0xc000_0001, pae],
      [0xa000_0001, pae],
      [0x8000_0001, pae | 0x80],
      [0x8000_0001, pae | 0x10],
      [0x8000_0001, pae | 0x10_0000],
    ] as const;
    for (const [cr0, cr4] of changes) {
      const guest = paeGuest();
      guest.physical.write64(0x1000, 0, 0);
      expect(guest.shadow.setControl(0x8001_0001, pae, 0x800)).toBe(true);
      expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
      expect(guest.shadow.setControl(cr0, cr4, 0x800)).toBe(true);
      expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(fault);
      guest.physical.write64(0x1000, 0x2021, 0);
      expect(guest.shadow.setControl(0x8000_0001, pae, 0x800)).toBe(false);
    }
  });

  it('refuses page-directory pointers with reserved bits and changes nothing', () => {
    const guest = paeGuest();
    guest.shadow.fill(0x5000, read, supervisor);
    for (const [low, high] of [
      [0x2003, 0],
      [0x2021, 0],
      [0x2101, 0],
      [0x2001, 0x100],
      [0x2001, -0x8000_0000],
    ] as const) {
      guest.physical.write64(0x4000, low, high);
      expect(guest.shadow.loadCr3(0x4000)).toBe(false);
    }
    expect(guest.entry(0x5000, read) & 1).toBe(0);
  });

  it('forbids execution by NX, which is reserved without EFER.NXE', () => {
    const guest = paeGuest();
    guest.physical.write32(0x3000 + 5 * 8 + 4, -0x8000_0000);
    expect(guest.shadow.fill(0x5000, execute, user)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(0x15);
    expect(guest.shadow.fill(0x5000, read, user)).toBe(ok);
    guest.shadow.setControl(0x8000_0001, pae, 0);
    expect(guest.shadow.fill(0x5000, read, user)).toBe(fault);
    expect(guest.shadow.errorCode).toBe(0xd);
  });

  it('maps 2 MiB pages, two to a leaf', () => {
    const guest = paeGuest();
    guest.physical.write64(0x2008, 0x20_0000 | bit.ps | pwu, 0);
    expect(guest.shadow.fill(0x5000, read, supervisor)).toBe(ok);
    expect(guest.shadow.fill(0x20_1000, read, supervisor)).toBe(ok);
    expect(guest.shadow.address).toBe(Layout.ram + 0x20_1000);
    guest.physical.write64(0x2008, 0, 0);
    expect(guest.entry(0x20_1000, read)).toBe(1);
  });

  it('leads nowhere above 4 GiB', () => {
    const guest = paeGuest();
    guest.physical.write32(0x3000 + 5 * 8 + 4, 1);
    expect(guest.shadow.fill(0x5000, write, supervisor)).toBe(hole);
  });
});
