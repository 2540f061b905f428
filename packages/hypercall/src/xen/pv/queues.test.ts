import { describe, expect, it } from 'vitest';

import { DomainId, XenCallNumber, XenError } from '../constants.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';

const { eventChannelOp, schedOp } = XenCallNumber;
const Op = { bindIpi: 7, reset: 10, initControl: 11, expandArray: 12 } as const;
const masked = 0x4000_0000;

describe('queues of events in pages of a paravirtual guest', () => {
  it('hold the pages as writable, so that they serve as nothing else', () => {
    const { call, put, abi, memory, argumentsAt, spare, extend } = begun();
    const begin = (frame: number): number =>
      call(eventChannelOp, Op.initControl, put(argumentsAt, frame, 0, 0x80, 0, 0, 0));
    expect(begin(abi.guest.base)).toBe(-XenError.invalid);
    expect(begin(spare)).toBe(0);
    expect(extend(0, spare)).toBe(-XenError.invalid);
    expect(checkPages(abi.guest, memory)).toEqual([]);
    expect(call(eventChannelOp, Op.reset, put(argumentsAt, DomainId.self))).toBe(0);
    expect(extend(0, spare)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it('are held again after a restore', () => {
    const { call, put, abi, memory, argumentsAt, spare, extend } = begun();
    call(eventChannelOp, Op.initControl, put(argumentsAt, spare, 0, 0, 0, 0, 0));
    abi.restore(JSON.parse(JSON.stringify(abi.save())));
    expect(checkPages(abi.guest, memory)).toEqual([]);
    expect(extend(0, spare)).toBe(-XenError.invalid);
  });

  it('end a wait for a masked port', () => {
    const { call, put, memory, domain, argumentsAt, spare, trap } = begun();
    call(eventChannelOp, Op.initControl, put(argumentsAt, spare, 0, 0, 0, 0, 0));
    call(eventChannelOp, Op.expandArray, put(argumentsAt, spare - 1, 0));
    call(eventChannelOp, Op.bindIpi, put(argumentsAt, 0, 0));
    const port = memory.read32(argumentsAt + 4);
    put((spare - 1) * 4096 + port * 4, masked);
    put(argumentsAt + 0x100, port);
    domain.shared.upcallMasked = true;
    call(schedOp, 3, put(argumentsAt, argumentsAt + 0x100, 1, 0, 0));
    // The virtual CPU waits (2), or goes on (0).
    expect(trap(0x82)).toBe(2);
    domain.events.raise(port);
    expect(trap(0x82)).toBe(0);
  });
});
