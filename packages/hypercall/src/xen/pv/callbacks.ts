/**
 * Where a paravirtual guest is entered for events, non-maskable interrupts, system calls, and where
 * its segments cannot be loaded (public/callback.h; Xen, arch/x86/pv/callback.c).
 */
import { XenError } from '../constants.ts';
import { argument } from '../ops/call.ts';
import type { XenCall } from '../ops/call.ts';
import { guestSelector } from './descriptors.ts';
import type { PvGuest } from './guest.ts';
import { Selector } from './hypervisor-area.ts';

/** Kinds of callbacks (CALLBACKTYPE_*) that a 32-bit guest can have. */
const Type = { event: 0, failsafe: 1, nmi: 4, sysenter: 5, syscall32: 7 } as const;
/** CALLBACKF_mask_events. */
const maskEvents = 1;
const nonMaskable = 2;

/** `set_callbacks`: selector and address for events, and for selectors that cannot be loaded. */
export function setCallbacks(guest: PvGuest, call: XenCall): number {
  const [selector, offset] = [guestSelector(argument(call, 0)), argument(call, 1)];
  guest.eventCallback = { selector, offset };
  const [failsafe, failsafeAt] = [guestSelector(argument(call, 2)), argument(call, 3)];
  guest.failsafeCallback = { selector: failsafe, offset: failsafeAt, masks: false };
  return 0;
}

/** `callback_op`: 0 registers, 1 unregisters; type u16, flags u16, selector, address. */
export function callbackOp(guest: PvGuest, call: XenCall): number {
  const operation = argument(call, 0);
  if (operation > 1) {
    return -XenError.invalid;
  }
  const words = call.copy.words(argument(call, 1), operation === 0 ? 3 : 1);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [head = 0, selector = 0, offset = 0] = words;
  const type = head & 0xffff;
  if (operation === 1) {
    return unregister(guest, type);
  }
  const masks = ((head >>> 16) & maskEvents) !== 0;
  const pointer = { selector: guestSelector(selector & 0xffff), offset, masks };
  switch (type) {
    case Type.event:
      guest.eventCallback = pointer;
      return 0;
    case Type.failsafe:
      guest.failsafeCallback = pointer;
      return 0;
    case Type.nmi:
      setNmiHandler(guest, offset);
      return 0;
    case Type.sysenter:
      guest.sysenterCallback = pointer;
      return 0;
    case Type.syscall32:
      // SYSCALL is undefined outside of 64-bit mode here, as on Intel's processors.
      return 0;
    default:
      return -XenError.noSuchCall;
  }
}

function unregister(guest: PvGuest, type: number): number {
  switch (type) {
    case Type.nmi:
      guest.traps[nonMaskable] = undefined;
      return 0;
    case Type.event:
    case Type.failsafe:
    case Type.sysenter:
    case Type.syscall32:
      return -XenError.invalid;
    default:
      return -XenError.noSuchCall;
  }
}

function setNmiHandler(guest: PvGuest, address: number): void {
  const selector = Selector.kernelCode;
  guest.traps[nonMaskable] = { selector, address, level: 0, masks: true };
}

/** `nmi_op`: 0 registers the handler of non-maskable interrupts, 1 takes it away. */
export function nmiOp(guest: PvGuest, call: XenCall): number {
  switch (argument(call, 0)) {
    case 0: {
      const address = call.copy.words(argument(call, 1), 1)?.[0];
      if (address === undefined) {
        return -XenError.fault;
      }
      setNmiHandler(guest, address);
      return 0;
    }
    case 1:
      return unregister(guest, Type.nmi);
    default:
      return -XenError.noSuchCall;
  }
}
