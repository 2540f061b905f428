/** Updates of page tables: bits of entries, what is flushed behind them, whose pages they name. */
import { describe, expect, it } from 'vitest';

import { XenCallNumber, XenError } from '../constants.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';

const { updateVaMapping, updateVaMappingOtherDomain } = XenCallNumber;
const { invalid, fault, notPermitted, noDomain, access, notSupported } = XenError;
const place = 0xc000_0000;
const self = 0x7ff0;

describe('entries', () => {
  it('may have bits 52 to 63 in the first two levels, and none in the third', () => {
    const { update, leaf, spare, memory, abi, extend } = begun();
    for (const high of [0x7ff0_0000, 0x8000_0000, 0xfff0_0000]) {
      expect(update(leaf(place), (spare << 12) | 1, high)).toBe(0);
      expect(memory.read32(leaf(place) + 4)).toBe(high | 0);
    }
    expect(update(leaf(place), (spare << 12) | 1, 0x8_0000)).toBe(-notPermitted);
    // The address that is none.
    expect(update(leaf(place), 0xffff_f001, 0xf_ffff)).toBe(-invalid);
    const second = memory.read32(abi.guest.base * 4096 + 24) & 0xffff_f000;
    expect(update(second, 0, 0x7ff0_0000)).toBe(0);
    const third = abi.guest.base * 4096;
    expect(update(third, second | 1, 0x10_0000)).toBe(-invalid);
    expect(extend(0, spare)).toBe(0);
    expect(update(second, (spare << 12) | 7, 0xfff0_0000)).toBe(0);
  });

  it('of the third level can be written and are for all while their table is one', () => {
    const { update, spare, memory, abi, extend, put } = begun();
    const [third, top] = [spare * 4096, (spare - 1) * 4096];
    expect(memory.read32(abi.guest.base * 4096 + 24) & 0xfff).toBe(7);
    put(third, 0, 0, 0, 0, 0, 0, top | 0x21, 0);
    expect(extend(2, spare)).toBe(0);
    expect(memory.read32(third + 24) & 0xfff).toBe(0x27);
    memory.write(top - 4096, new Uint8Array(4096));
    expect(update(third, (top - 4096) | 1)).toBe(0);
    expect([memory.read32(third), memory.read32(third + 8)]).toEqual([(top - 4096) | 7, 0]);
    expect(extend(4, spare)).toBe(0);
    expect([0, 24].map((at) => memory.read32(third + at) & 0xfff)).toEqual([1, 1]);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it('forbid execution only where the processor can', () => {
    const { update, leaf, spare, abi } = begun();
    abi.guest.hasNoExecute = false;
    expect(update(leaf(place), (spare << 12) | 1, 0x8000_0000)).toBe(-invalid);
    expect(update(leaf(place), (spare << 12) | 1, 0x10_0000)).toBe(0);
  });
});

describe('update_va_mapping', () => {
  it('reads the set of processors last, so that the entry stands without one', () => {
    const { call, leaf, memory, spare, argumentsAt } = begun();
    const map = (bits: number, flags: number): number =>
      call(updateVaMapping, place, (spare << 12) | bits, 0, flags);
    expect([map(1, 1), map(1, 2), map(1, 5), map(1, argumentsAt | 1)]).toEqual([0, 0, 0, 0]);
    expect([map(5, 0xfc00_0001), memory.read32(leaf(place)) & 5]).toEqual([-fault, 5]);
    expect(map(1, 0xfc00_0000)).toBe(0);
  });

  it("names the owner of the page otherwise than by the caller's number", () => {
    const { call, spare } = begun();
    const map = (domain: number): number =>
      call(updateVaMappingOtherDomain, place, (spare << 12) | 1, 0, 0, domain);
    expect([self, 1, 0, 9, 0x7ff2].map(map)).toEqual([
      0,
      -noDomain,
      -notPermitted,
      -noDomain,
      -notPermitted,
    ]);
  });
});

describe('updates that may map devices alone', () => {
  const io = 0x7ff1;

  it('take entries away and change their bits, and map nothing', () => {
    const { call, put, argumentsAt, leaf, spare, memory, abi } = begun();
    const map = (entry: number, high = 0): number =>
      call(updateVaMappingOtherDomain, place, entry, high, 0, io);
    const update = (address: number, entry: number): number =>
      call(XenCallNumber.mmuUpdate, put(argumentsAt, address, 0, entry, 0), 1, 0, io);
    const before = memory.read32(leaf(place));
    expect([map((spare << 12) | 1), map(1, 0xf), map((spare << 12) | 0x81)]).toEqual([
      -XenError.busy,
      -notPermitted,
      -invalid,
    ]);
    expect([update(leaf(place), before | 0x200), memory.read32(leaf(place))]).toEqual([
      0,
      before | 0x200,
    ]);
    expect([update(leaf(place), 0), memory.read32(leaf(place))]).toEqual([0, 0]);
    expect([update(abi.guest.base * 4096, 0), update(1, 0)]).toEqual([-invalid, -invalid]);
  });
});

describe('lists of updates', () => {
  const { mmuUpdate, mmuextOp } = XenCallNumber;

  it('tell of an unknown command before they look at the frame', () => {
    const { update } = begun();
    expect([update(0xffff_f004, 0), update(0xffff_f000, 0)]).toEqual([
      -XenError.noSuchCall,
      -invalid,
    ]);
  });

  it('fail where they cannot tell how many were done', () => {
    const { call, put, argumentsAt, abi } = begun();
    const nowhere = abi.guest.base * 4096;
    put(argumentsAt, 6, 0, 0);
    const results = [argumentsAt + 64, nowhere].flatMap((doneAt) => [
      call(mmuUpdate, argumentsAt, 0, doneAt, self),
      call(mmuextOp, argumentsAt, 1, doneAt, self),
    ]);
    expect(results).toEqual([0, 0, -fault, -fault]);
  });
});

describe('operations on the whole address space', () => {
  it('are refused where they are for guests with devices, or are no more', () => {
    const { extend } = begun();
    expect([12, 18, 19, 20, 21].map((command) => extend(command, 0))).toEqual([
      -access,
      -access,
      -notSupported,
      -notSupported,
      -XenError.noSuchCall,
    ]);
  });
});
