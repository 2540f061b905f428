import { HvmParam, XenError } from '../constants.ts';
import { argument, domainError } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

/** Sub-operations (public/hvm/hvm_op.h, HVMOP_*). */
const Op = {
  setParam: 0,
  getParam: 1,
  flushTlbs: 5,
  pagetableDying: 9,
  getTime: 10,
  setUpcallVector: 23,
  guestRequest: 24,
} as const;

/** How upcalls reach the guest: bits 63..56 of the parameter (params.h, HVM_PARAM_CALLBACK_IRQ). */
const callbackVector = 2;

/**
 * Parameters that a guest may set: how upcalls come, ports of the store and the console, places of
 * a task for virtual-8086 mode, of ACPI's ports and of the generation's number, width of x87
 * pointers (Xen, arch/x86/hvm/hvm.c, "hvm_allow_set_param").
 */
const writable: ReadonlySet<number> = new Set([
  HvmParam.callbackIrq,
  HvmParam.storeEventChannel,
  HvmParam.consoleEventChannel,
  ...[15, 19, 34, 36, 37],
]);
/** Those that it may read. */
const readable: ReadonlySet<number> = new Set([
  ...writable,
  HvmParam.storePfn,
  HvmParam.consolePfn,
  HvmParam.paeEnabled,
]);

/** `hvm_op`: parameters of a translated guest, and its time. */
export const serveHvm: XenHandler = (call) => {
  const at = argument(call, 1);
  switch (argument(call, 0)) {
    case Op.setParam:
    case Op.getParam:
      return param(call, at, argument(call, 0) === Op.setParam);
    case Op.getTime: {
      const now = Math.floor(call.domain.services.clock.now());
      const words = [now % 2 ** 32, Math.floor(now / 2 ** 32)];
      return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
    }
    case Op.flushTlbs:
      // Shadow tables are kept true by traces: there is nothing to flush.
      return at === 0 ? 0 : -XenError.invalid;
    case Op.pagetableDying:
      return 0;
    case Op.guestRequest:
      // Nobody watches the guest.
      return at === 0 ? 0 : -XenError.invalid;
    case Op.setUpcallVector:
    default:
      return -XenError.noSuchCall;
  }
};

/** domid u16, index u32, value (64). */
function param(call: XenCall, at: number, write: boolean): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [domain = 0, index = 0, low = 0, high = 0] = words;
  const stranger = domainError(domain & 0xffff);
  if (stranger !== 0) {
    return stranger;
  }
  if (index > HvmParam.maximum) {
    return -XenError.invalid;
  }
  if (!write && !readable.has(index)) {
    return -XenError.notPermitted;
  }
  if (write) {
    if (!writable.has(index)) {
      return -XenError.notPermitted;
    }
    if (index === HvmParam.callbackIrq) {
      return setCallback(call, low, high);
    }
    call.domain.params.set(index, low);
    return 0;
  }
  const value = call.domain.params.get(index) ?? 0;
  return call.copy.writeWords(at + 8, [value, 0]) ? 0 : -XenError.fault;
}

function setCallback(call: XenCall, low: number, high: number): number {
  const { domain } = call;
  const type = high >>> 24;
  if (type === callbackVector) {
    const vector = low & 0xff;
    if (vector < 16) {
      return -XenError.invalid;
    }
    domain.upcallVector = vector;
    domain.upcallGsi = -1;
  } else {
    domain.upcallVector = 0;
    // Type 0 names an interrupt of the chipset; 1 names a wire of a PCI device, which is not there.
    domain.upcallGsi = type === 0 && low > 0 && low < 16 ? low : -1;
  }
  domain.services.machine.attention();
  return 0;
}
