/** Where a paravirtual guest is entered: callbacks, and software interrupts by their level. */
import { describe, expect, it } from 'vitest';

import { XenCallNumber } from '../constants.ts';
import { guestSelector } from './descriptors.ts';
import { begun } from './test-begun.ts';
import { FrameField } from './traps.ts';

const { callbackOp, setCallbacks } = XenCallNumber;

describe('set_callbacks', () => {
  it('sets a failsafe callback that masks nothing, whatever the one before did', () => {
    const { call, put, argumentsAt, abi } = begun();
    expect(call(callbackOp, 0, put(argumentsAt, 1 | (1 << 16), 0xe019, 0x1000))).toBe(0);
    expect(abi.guest.failsafeCallback?.masks).toBe(true);
    expect(call(setCallbacks, 0xe018, 0x2000, 0xe018, 0x3000)).toBe(0);
    expect([abi.guest.eventCallback, abi.guest.failsafeCallback]).toEqual([
      { selector: 0xe019, offset: 0x2000 },
      { selector: 0xe019, offset: 0x3000, masks: false },
    ]);
  });
});

describe('a software interrupt', () => {
  it('of ring 2 is one of a program', () => {
    const { abi, trap, setField, field, spare } = begun();
    const vector = 0x90;
    abi.guest.traps[13] = { selector: 0xe019, address: 0x1000, level: 0, masks: false };
    abi.guest.setKernelStack({ selector: 0xe021, offset: spare * 4096 + 0x800 });
    const entered = (ring: number, level: number): number => {
      abi.guest.traps[vector] = { selector: 0xe019, address: 0x2000, level, masks: false };
      setField(FrameField.cs, 0xe018 | ring);
      setField(FrameField.eip, 0x5000);
      setField(FrameField.esp, spare * 4096 + 0x400);
      setField(FrameField.error, (vector << 3) | 2);
      trap(13);
      return field(FrameField.eip);
    };
    expect([entered(1, 0), entered(1, 1), entered(2, 2), entered(2, 3), entered(3, 2)]).toEqual([
      0x1000, 0x2000, 0x1000, 0x2000, 0x1000,
    ]);
  });
});

describe('a handler with a null selector', () => {
  it('is none: the guest has crashed', () => {
    const { abi, trap, setField, host, spare } = begun();
    abi.guest.traps[13] = { selector: guestSelector(0), address: 0x1000, level: 0, masks: false };
    setField(FrameField.cs, 0xe019);
    setField(FrameField.esp, spare * 4096 + 0x400);
    setField(FrameField.error, 0x28);
    trap(13);
    expect(host.shutdowns).toEqual(['crash']);
  });
});
