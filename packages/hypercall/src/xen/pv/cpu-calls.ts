/**
 * The hypercalls that set the state of a paravirtual guest's virtual CPU (Xen, public/xen.h,
 * public/callback.h).
 */
import { pageBytes } from '@ringfence/memory';
import { XenError } from '../constants.ts';
import { argument, isSpent } from '../ops/call.ts';
import type { XenCall } from '../ops/call.ts';
import { checkDescriptor, guestSelector } from './descriptors.ts';
import { entryAt } from './guest.ts';
import type { PvGuest } from './guest.ts';
import { guestGdtPages, StubAction } from './hypervisor-area.ts';
import { PageOwner, PageType } from './page-info.ts';

const flagMasks = 4;
const entriesPerPage = 512;

/** `set_trap_table`: entries of vector, flags, selector, address, up to one with address 0. */
export function setTrapTable(guest: PvGuest, call: XenCall): number {
  const list = argument(call, 0);
  if (list === 0) {
    guest.traps.length = 0;
    return 0;
  }
  for (let index = 0; ; index += 1) {
    if (isSpent(call, index)) {
      return call.again([list + index * 8]);
    }
    const words = call.copy.words(list + index * 8, 2);
    if (words === undefined) {
      return -XenError.fault;
    }
    const [head = 0, address = 0] = words;
    if (address === 0) {
      return 0;
    }
    guest.traps[head & 0xff] = {
      selector: guestSelector(head >>> 16),
      address,
      level: (head >>> 8) & 3,
      masks: ((head >>> 8) & flagMasks) !== 0,
    };
  }
}

/** `set_gdt`: a list of frames, and the number of entries. */
export function setGdt(guest: PvGuest, call: XenCall): number {
  const [list, entries] = [argument(call, 0), argument(call, 1)];
  if (entries > guestGdtPages * entriesPerPage) {
    return -XenError.invalid;
  }
  const frames = call.copy.words(list, Math.ceil(entries / entriesPerPage));
  return frames === undefined ? -XenError.fault : guest.setGdt(frames);
}

/** `update_descriptor`: machine address, descriptor. */
export function updateDescriptor(guest: PvGuest, call: XenCall): number {
  const { low, high } = entryAt(call, 0);
  const value = entryAt(call, 2);
  const frame = (low >>> 12) + (high >>> 0) * 2 ** 20;
  const fixed = checkDescriptor(value.low, value.high);
  if (fixed === undefined || (low & 7) !== 0 || guest.info.owner(frame) !== PageOwner.guest) {
    return -XenError.invalid;
  }
  const type = guest.info.type(frame);
  if (type !== PageType.descriptors && type !== PageType.writable && type !== PageType.none) {
    return -XenError.invalid;
  }
  const { memory } = guest.domain.services;
  const at = frame * pageBytes + (low & 0xff8);
  memory.write32(at, fixed[0]);
  memory.write32(at + 4, fixed[1]);
  return 0;
}

/** `stack_switch`: the stack on which the kernel is entered from ring 3. */
export function stackSwitch(guest: PvGuest, call: XenCall): number {
  const [selector, offset] = [guestSelector(argument(call, 0)), argument(call, 1)];
  guest.setKernelStack({ selector, offset });
  return 0;
}

/** `fpu_taskswitch`: whether the next use of the FPU traps. */
export function fpuTaskswitch(guest: PvGuest, call: XenCall): number {
  guest.taskSwitched = argument(call, 0) !== 0;
  guest.actions |= StubAction.loadCr0;
  return 0;
}

/** `set_debugreg`: number, value. */
export function setDebugreg(guest: PvGuest, call: XenCall): number {
  return guest.debug.write(argument(call, 0), argument(call, 1));
}

/** `get_debugreg`: returns a register by its number. */
export function getDebugreg(guest: PvGuest, call: XenCall): number {
  return guest.debug.read(argument(call, 0)) ?? -XenError.noDevice;
}

/** `hvm_op` is for translated guests; the highest of its sub-operations is 25. */
export function hvmOp(_guest: PvGuest, call: XenCall): number {
  return argument(call, 0) > 25 ? -XenError.noSuchCall : -XenError.invalid;
}
