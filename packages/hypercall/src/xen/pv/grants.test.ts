import { describe, expect, it } from 'vitest';

import { pageBytes } from '@ringfence/memory';
import { DomainId, XenCallNumber, XenError } from '../constants.ts';
import { xenFrames } from '../xen-frames.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';

const self = 0x7ff0;

describe('a paravirtual guest with a grant of its own', () => {
  const { grantTableOp } = XenCallNumber;
  const okay = 0;
  /** A grant to itself: reference 8, of a spare page. */
  function granted(flags = 1) {
    const guest = begun();
    const { memory, domain, spare, put, call, argumentsAt } = guest;
    const entry = domain.frame(xenFrames.grants) + 8 * 8;
    put(entry, flags | (DomainId.guest << 16), spare);
    const map = (address: number, mapFlags: number, domainId: number = DomainId.guest) => {
      put(argumentsAt, address, 0, mapFlags, 8, domainId, 0, 0, 0);
      expect(call(grantTableOp, 0, argumentsAt, 1)).toBe(0);
      const status = memory.read16(argumentsAt + 18);
      return { status: (status << 16) >> 16, handle: memory.read32(argumentsAt + 20) };
    };
    const unmap = (address: number, handle: number): number => {
      put(argumentsAt, address, 0, 0, 0, handle, 0);
      expect(call(grantTableOp, 1, argumentsAt, 1)).toBe(0);
      return (memory.read16(argumentsAt + 20) << 16) >> 16;
    };
    const check = (): readonly string[] => checkPages(guest.abi.guest, memory);
    return { ...guest, entry, map, unmap, check };
  }
  const place = 0xc000_0000;

  it('maps it, keeps the page writable and the grant in use meanwhile, and unmaps it', () => {
    const { map, unmap, check, leaf, memory, spare, extend, entry } = granted();
    const { status, handle } = map(place, 2);
    expect([status, memory.read32(leaf(place)) >>> 12]).toEqual([okay, spare]);
    expect(memory.read16(entry) & 0x18).toBe(0x18);
    expect(extend(0, spare)).toBe(-XenError.invalid);
    expect(check()).toEqual([]);
    expect(unmap(place + pageBytes, handle)).toBe(-1);
    expect(unmap(place, handle)).toBe(okay);
    expect([memory.read32(leaf(place)), memory.read16(entry) & 0x18]).toEqual([0, 0]);
    expect(unmap(place, handle)).toBe(-4);
    expect(check()).toEqual([]);
  });

  it('maps it by the address of an entry, whole entries of tables alone', () => {
    const { map, leaf, check, spare } = granted();
    const at = leaf(place);
    expect(map(at + 4, 0x12).status).toBe(-1);
    expect(map(spare * pageBytes, 0x12).status).toBe(-1);
    expect(map(at, 0x12).status).toBe(okay);
    expect(check()).toEqual([]);
  });

  it('refuses a mapping to write of one to read, of nothing, and of domains that are not', () => {
    const { map } = granted(1 | 4);
    expect([map(place, 2).status, map(place, 2 | 4).status]).toEqual([-1, okay]);
    expect(map(place, 4).status).toBe(-3);
    expect(map(place, 2 | 4, 77).status).toBe(-2);
    expect(map(place, 2 | 4, DomainId.backend).status).toBe(-1);
  });

  it('unmaps it only where the entry still allows what the grant does', () => {
    const { map, unmap, update, leaf, spare, check } = granted();
    const { handle } = map(place, 2);
    expect(update(leaf(place), spare * pageBytes + 1)).toBe(0);
    expect(unmap(place, handle)).toBe(-1);
    expect(update(leaf(place), spare * pageBytes + 3)).toBe(0);
    expect([unmap(place, handle), check()]).toEqual([okay, []]);
  });

  it('loses a page that it transfers, though nobody takes it, unless it is in use', () => {
    const { call, put, argumentsAt, memory, spare, firstFrame, info, check } = granted();
    const transfer = (frame: number): number => {
      expect(call(grantTableOp, 4, put(argumentsAt, frame, 7, 9, 0), 1)).toBe(0);
      return (memory.read16(argumentsAt + 12) << 16) >> 16;
    };
    expect([transfer(firstFrame), transfer(0), transfer(spare - 1)]).toEqual([-9, -9, -2]);
    expect([transfer(spare - 1), info.uses(firstFrame) > 0, check()]).toEqual([-9, true, []]);
  });

  it('finds bits of its own in the entry, and ends a mapping of devices by its address', () => {
    const { map, unmap, memory, leaf, spare, put, call, argumentsAt } = granted();
    const { handle } = map(place, 1 | 2 | (5 << 16));
    expect(memory.read32(leaf(place)) & 0xe00).toBe(5 << 9);
    const endDevice = (address: number): number => {
      put(argumentsAt, 0, 0, address, 0, handle, 0);
      expect(call(grantTableOp, 1, argumentsAt, 1)).toBe(0);
      return (memory.read16(argumentsAt + 20) << 16) >> 16;
    };
    expect(endDevice((spare - 1) * pageBytes)).toBe(-1);
    expect(endDevice(spare * pageBytes)).toBe(okay);
    expect(unmap(place, handle)).toBe(okay);
    expect(unmap(place, handle)).toBe(-4);
  });

  it('copies from it, into pages that are no tables', () => {
    const { put, call, argumentsAt, memory, spare, firstFrame, abi } = granted();
    put(spare * pageBytes + 16, 0x1234_5678);
    const copy = (frame: number, bytes: number): number => {
      put(argumentsAt, 8, DomainId.guest | (16 << 16), frame, self | (32 << 16), bytes | 0x1_0000);
      expect(call(grantTableOp, 5, argumentsAt, 1)).toBe(0);
      return (memory.read16(argumentsAt + 20) << 16) >> 16;
    };
    expect(copy(firstFrame, 4)).toBe(okay);
    expect(memory.read32(firstFrame * pageBytes + 32)).toBe(0x1234_5678);
    expect([copy(firstFrame, 4090), copy(abi.guest.base, 4)]).toEqual([-10, -9]);
  });
});
