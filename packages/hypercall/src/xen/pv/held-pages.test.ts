/**
 * Pages of a paravirtual guest's that are written to on its behalf, by their frames: they stay
 * writable, so that none of them becomes a page table meanwhile.
 */
import { describe, expect, it } from 'vitest';

import { pageBytes } from '@ringfence/memory';
import { XenCallNumber, XenError } from '../constants.ts';
import { begun } from './test-begun.ts';
import type { BegunGuest } from './test-begun.ts';
import { checkPages } from './test-checker.ts';

const register = (guest: BegunGuest, frame: number): number =>
  guest.call(XenCallNumber.vcpuOp, 10, 0, guest.put(guest.argumentsAt, frame, 0, 64));
const again = ({ abi }: BegunGuest): void => {
  abi.restore(JSON.parse(JSON.stringify(abi.save())));
};

describe('the page with vcpu_info', () => {
  it('is none that serves as a table', () => {
    const guest = begun();
    const { abi, leaf } = guest;
    const first = Math.floor(leaf(0xc000_0000) / pageBytes);
    expect(register(guest, first)).toBe(-XenError.invalid);
    expect(register(guest, abi.guest.base)).toBe(-XenError.invalid);
    expect(register(guest, abi.guest.area.machineFrames[0])).toBe(-XenError.invalid);
  });

  it('becomes none, also after a restore', () => {
    const guest = begun();
    const { abi, extend, memory, spare } = guest;
    expect(register(guest, spare)).toBe(0);
    expect(extend(0, spare)).toBe(-XenError.invalid);
    again(guest);
    expect([extend(0, spare), checkPages(abi.guest, memory)]).toEqual([-XenError.invalid, []]);
  });
});

describe('the rings of console and store', () => {
  it('become no tables when the guest does not map them any more', () => {
    const guest = begun();
    const { abi, call, domain, extend, firstFrame, memory } = guest;
    for (const page of [domain.storePage, domain.consolePage]) {
      const frame = page / pageBytes;
      const linear = 0xc000_0000 + (frame - firstFrame) * pageBytes;
      expect(call(XenCallNumber.updateVaMapping, linear, 0, 0, 0)).toBe(0);
      memory.write(page, new Uint8Array(pageBytes));
      expect(extend(0, frame)).toBe(-XenError.invalid);
    }
    again(guest);
    expect(checkPages(abi.guest, memory)).toEqual([]);
    expect(extend(0, domain.storePage / pageBytes)).toBe(-XenError.invalid);
  });
});

describe('the page of interrupts that the guest is to end', () => {
  const give = ({ call, put, argumentsAt }: BegunGuest, operation: number, frame: number): number =>
    call(XenCallNumber.physdevOp, operation, put(argumentsAt, frame));

  it('is given once, and none that serves as a table', () => {
    const guest = begun();
    expect(give(guest, 28, guest.abi.guest.base)).toBe(-XenError.invalid);
    expect(guest.call(XenCallNumber.physdevOp, 17, 0xfc00_0000)).toBe(-XenError.fault);
    expect(give(guest, 28, guest.spare)).toBe(0);
    expect(give(guest, 17, guest.spare - 1)).toBe(-XenError.busy);
    expect(guest.extend(0, guest.spare - 1)).toBe(0);
  });

  it('stays writable, also after a restore', () => {
    const guest = begun();
    const { abi, extend, memory, spare } = guest;
    expect(give(guest, 17, spare)).toBe(0);
    expect(extend(0, spare)).toBe(-XenError.invalid);
    again(guest);
    expect([extend(0, spare), checkPages(abi.guest, memory)]).toEqual([-XenError.invalid, []]);
    expect(give(guest, 17, spare - 1)).toBe(-XenError.busy);
  });
});
