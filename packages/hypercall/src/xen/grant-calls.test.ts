/** What `grant_table_op` tells of arguments that make no sense, and changes of its version. */
import { describe, expect, it } from 'vitest';

import { DomainId, XenCallNumber, XenError } from './constants.ts';
import { makeHvmGuest } from './test-guest.ts';
import { xenFrames } from './xen-frames.ts';

const { grantTableOp } = XenCallNumber;
const { self, guest: own, backend } = DomainId;
const at = 0x1000;
const Op = {
  map: 0,
  setup: 2,
  transfer: 4,
  copy: 5,
  query: 6,
  setVersion: 8,
  status: 9,
  flush: 12,
} as const;

function made() {
  const guest = makeHvmGuest();
  const { call, put, memory, domain } = guest;
  const entries = domain.frame(xenFrames.grants);
  const statuses = domain.frame(xenFrames.grantStatus);
  const status = (offset: number): number => (memory.read16(at + offset) << 16) >> 16;
  const one = (op: number, ...words: readonly number[]): number =>
    call(grantTableOp, op, put(at, ...words), 1);
  const version = (wanted: number): readonly number[] => [
    one(Op.setVersion, wanted),
    guest.word(at),
  ];
  return { ...guest, entries, statuses, status, one, version };
}

describe('versions of a grant table', () => {
  it('are told whatever came of a change', () => {
    const { version, domain, put, entries } = made();
    expect([version(3), version(0)]).toEqual([
      [-XenError.invalid, 1],
      [-XenError.invalid, 1],
    ]);
    put(entries + 9 * 8, 1, 5);
    domain.grants.use(9, false);
    expect(version(2)).toEqual([-XenError.busy, 1]);
    domain.grants.release(9, false);
    expect(version(2)).toEqual([0, 2]);
  });

  it('take along the first entries, which may be in use, and clear the others', () => {
    const { version, domain, memory, word, entries, statuses, put } = made();
    const console = domain.consolePage / 4096;
    expect([word(entries), word(entries + 4)]).toEqual([1, console]);
    expect([word(entries + 8), word(entries + 12)]).toEqual([1, domain.storePage / 4096]);
    domain.grants.use(0, false);
    put(entries + 2 * 8, 3 | (9 << 16), 7);
    put(entries + 8 * 8, 1, 5);
    expect(version(2)).toEqual([0, 2]);
    expect([word(entries), word(entries + 8), memory.read16(statuses)]).toEqual([1, console, 8]);
    expect([word(entries + 2 * 16), word(entries + 8 * 16)]).toEqual([3 | (9 << 16), 0]);
    // Part of a page has no form in the first version.
    put(entries + 3 * 16, 0x101, 0x40_0010, 6);
    expect(version(1)).toEqual([0, 1]);
    expect([0, 4, 16, 24].map((offset) => word(entries + offset))).toEqual([9, console, 0, 0]);
    domain.grants.release(0, false);
    expect(word(entries)).toBe(1);
  });
});

describe('a grant in use', () => {
  it('is what it was when that began, and of one domain', () => {
    const { domain, put, entries, word } = made();
    const { grants } = domain;
    put(entries + 9 * 8, 1, 5);
    expect(grants.use(9, false)?.physical).toBe(0x5000);
    put(entries + 9 * 8, 1 | 8, 6);
    expect(grants.use(9, false)?.physical).toBe(0x5000);
    expect([grants.use(9, false, own), grants.look(9, false, own)]).toEqual([undefined, undefined]);
    // To write, the entry has to allow it; the page stays the same.
    put(entries + 9 * 8, 1 | 4, 6);
    expect(grants.use(9, true)).toBeUndefined();
    put(entries + 9 * 8, 1, 6);
    expect(grants.use(9, true)?.physical).toBe(0x5000);
    // From now on nothing of the entry matters.
    put(entries + 9 * 8, 0, 7);
    expect(grants.look(9, true)?.physical).toBe(0x5000);
    expect(grants.heldToWrite).toEqual([5]);
    for (const write of [true, false, false]) grants.release(9, write);
    expect([grants.inUse, word(entries + 9 * 8), grants.use(9, false)]).toEqual([0, 0, undefined]);
  });
});

describe('status words of a translated guest', () => {
  it('are gone from where they stood with the version that has them', () => {
    const { version, put, call, memory, statuses } = made();
    version(2);
    const place = (index: number, frame: number): number =>
      call(XenCallNumber.memoryOp, 7, put(at, self, 1, index, frame));
    expect([place(0x8000_0000, 9), memory.aliases.get(0x9000)]).toEqual([0, statuses]);
    expect([version(1), memory.aliases.has(0x9000)]).toEqual([[0, 1], false]);
    expect(place(0x8000_0000, 9)).toBe(-XenError.invalid);
  });
});

describe('grant calls', () => {
  it('have statuses for domains that are another, or are not', () => {
    const { one, status } = made();
    const asked = (domain: number): readonly number[] => {
      const results = [one(Op.setup, domain, 1, 0, at + 64), status(8)];
      results.push(one(Op.query, domain, 0, 0, 0), status(12));
      results.push(one(Op.status, 0, domain, at + 64), status(6));
      return results;
    };
    expect([asked(self), asked(backend), asked(9)]).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0, -8, 0, -8, 0, -8],
      [0, -2, 0, -2, 0, -2],
    ]);
  });

  it('tell of frames at no address that it is none', () => {
    const { one, status, version } = made();
    version(2);
    expect([one(Op.status, 1, self, 0xfff0_0000), status(6)]).toEqual([0, -5]);
  });

  it('map nothing for devices, for programs or by entries with translated memory', () => {
    const { one, status, put, entries } = made();
    put(entries + 9 * 8, 1 | (own << 16), 5);
    for (const flags of [1, 3, 2 | 8, 2 | 0x10]) {
      expect([one(Op.map, 0x80_0000, 0, flags, 9, own, 0, 0, 0), status(18)]).toEqual([0, -1]);
    }
  });

  it('look at what a copy is between before they look at how much', () => {
    const { one, status, put, entries } = made();
    put(entries + 9 * 8, 1 | (own << 16), 5);
    const copy = (reference: number, domain: number, bytes: number): number => {
      expect(one(Op.copy, reference, domain | (4000 << 16), 6, self, bytes | 0x1_0000, 0)).toBe(0);
      return status(20);
    };
    expect([copy(9, own, 96), copy(9, own, 97), copy(5000, own, 97)]).toEqual([0, -10, -3]);
    expect([copy(10, own, 97), copy(9, backend, 97), copy(9, 7, 97)]).toEqual([-1, -1, -2]);
  });

  it('transfer no page to anybody, and look at the page first', () => {
    const { one, status } = made();
    const transfer = (frame: number, domain: number): number => {
      expect(one(Op.transfer, frame, domain, 9, 0)).toBe(0);
      return status(12);
    };
    expect([transfer(0xf_ffff, 7), transfer(5, 7), transfer(5, own), transfer(5, backend)]).toEqual(
      [-9, -2, -1, -1],
    );
  });

  it('serve lists of many thousand', () => {
    const { call, put, word } = made();
    const list = 0x1_0000;
    const count = 4000;
    for (let index = 0; index < count; index += 1) {
      put(list + index * 24, 5, self, 6, self, 4, 0xffff);
    }
    expect(call(grantTableOp, Op.copy, list, count)).toBe(0);
    expect([0, count - 1].map((index) => word(list + index * 24 + 20))).toEqual([0, 0]);
  });

  it('write back lines of a page, and do not drop them', () => {
    const { one } = made();
    const flush = (op: number, frame = 5): number => one(Op.flush, frame * 4096, 0, 16 << 16, op);
    expect([flush(1), flush(3), flush(2), flush(0x8000_0001), flush(4)]).toEqual([
      0,
      0,
      -XenError.notSupported,
      -XenError.notSupported,
      -XenError.invalid,
    ]);
    expect(flush(1, 0xfffff)).toBe(-XenError.notPermitted);
  });
});
