import { pageBytes } from '@ringfence/memory';
import { HvmParam, XenError } from '../constants.ts';
import { argument, domainError, ownWords } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

/** Sub-operations (public/hvm/hvm_op.h, HVMOP_*). */
const Op = {
  setParam: 0,
  getParam: 1,
  flushTlbs: 5,
  pagetableDying: 9,
  getTime: 10,
  getMemType: 15,
  setUpcallVector: 23,
  guestRequest: 24,
  alternateMaps: 25,
} as const;

/** HVM_PARAM_X87_FIP_WIDTH: 0, 4 or 8 bytes. */
const pointerWidth = 36;

/**
 * Parameters that a guest may set: how upcalls come, ports of the store and the console, places of
 * a task for virtual-8086 mode, of ACPI's ports and of the generation's number, width of x87
 * pointers (Xen, arch/x86/hvm/hvm.c, "hvm_allow_set_param").
 */
const writable: ReadonlySet<number> = new Set([
  HvmParam.callbackIrq,
  HvmParam.storeEventChannel,
  HvmParam.consoleEventChannel,
  ...[15, 19, 34, pointerWidth, 37],
]);
/** Those that it may read. */
const readable: ReadonlySet<number> = new Set([
  ...writable,
  HvmParam.storePfn,
  HvmParam.consolePfn,
  HvmParam.paeEnabled,
  HvmParam.alternateMaps,
]);

/** Numbers that are no parameter's, and those of parameters that are gone (MEMORY_EVENT_*). */
const gone: ReadonlySet<number> = new Set([3, 7, 8, 20, 21, 22, 23, 25, 30]);

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
    case Op.pagetableDying: {
      const words = ownWords(call, at, 4);
      return typeof words === 'number' ? words : 0;
    }
    case Op.guestRequest:
      // Nobody watches the guest.
      return at === 0 ? 0 : -XenError.invalid;
    case Op.setUpcallVector:
      return upcallVector(call, at);
    case Op.getMemType:
      return memType(call, at);
    case Op.alternateMaps:
      return -XenError.notSupported;
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
  if (index > HvmParam.maximum) {
    return -XenError.invalid;
  }
  const stranger = domainError(domain & 0xffff);
  if (stranger !== 0) {
    return stranger;
  }
  if (gone.has(index)) {
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
    if (index === pointerWidth && (high !== 0 || ![0, 4, 8].includes(low))) {
      return -XenError.invalid;
    }
    call.domain.params.set(index, { low, high });
    return 0;
  }
  const value = call.domain.params.get(index) ?? { low: 0, high: 0 };
  return call.copy.writeWords(at + 8, [value.low, value.high]) ? 0 : -XenError.fault;
}

function setCallback(call: XenCall, low: number, high: number): number {
  const result = call.domain.upcalls.setWay(low, high);
  if (result === 0) {
    call.domain.params.set(HvmParam.callbackIrq, { low, high });
  }
  return result;
}

/** vcpu u32, vector u8: upcalls come through the local APIC, and the guest ends them there. */
function upcallVector(call: XenCall, at: number): number {
  const words = call.copy.words(at, 2);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [vcpu = 0, vectorAndPadding = 0] = words;
  const vector = vectorAndPadding & 0xff;
  if (vector < 16) {
    return -XenError.invalid;
  }
  if (vcpu !== 0) {
    return -XenError.noEntry;
  }
  if (!call.domain.upcalls.hasApic) {
    return -XenError.invalid;
  }
  call.domain.upcalls.setApicVector(vector);
  return 0;
}

/** Kinds of memory that there are (HVMMEM_*). */
const MemType = { ram: 0, none: 2 } as const;

/** domid u16, kind u16, 0, frame (64): whether there is RAM at a frame. */
function memType(call: XenCall, at: number): number {
  const words = ownWords(call, at, 4);
  if (typeof words === 'number') {
    return words;
  }
  const [head = 0, padding = 0, low = 0, high = 0] = words;
  const isRam = high === 0 && call.domain.services.memory.isRam(low * pageBytes, pageBytes);
  const kind = isRam ? MemType.ram : MemType.none;
  return call.copy.writeWords(at, [(head & 0xffff) | (kind << 16), padding]) ? 0 : -XenError.fault;
}
