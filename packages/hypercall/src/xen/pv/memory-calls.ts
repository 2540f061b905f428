/**
 * The hypercalls that change a paravirtual guest's page tables (Xen, public/xen.h, "mmu_update",
 * "mmuext_op").
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId, XenError } from '../constants.ts';
import { argument, isSpent, listError } from '../ops/call.ts';
import type { XenCall } from '../ops/call.ts';
import { entryAt } from './guest.ts';
import type { PvGuest } from './guest.ts';
import { PageOwner, PageType } from './page-info.ts';
import { levelOf } from './page-tables.ts';
import type { Entry } from './page-tables.ts';

/** Kinds of updates, in the low bits of an address (MMU_*). */
const Update = { normal: 0, machineToPhysical: 1, keepAccessed: 2, noTranslate: 3 } as const;

/** Bytes of an update: address and entry. */
const updateBytes = 16;
/** Set in a count that continues an earlier call (MMU_UPDATE_PREEMPTED). */
const preempted = 0x8000_0000;

/**
 * Whose pages the updates are about, and whose page tables (its number and 1 in the upper half, 0
 * for the caller's own): 0, or a negative error. The caller may not name itself by its number as
 * the owner of pages.
 */
function foreignError(call: XenCall, isUpdate: boolean): number {
  const word = argument(call, 3);
  const [owner, tables] = [word & 0xffff, word >>> 16];
  if (isUpdate && tables !== 0 && tables !== DomainId.guest + 1) {
    return tables === DomainId.backend + 1 ? -XenError.notPermitted : -XenError.noDomain;
  }
  return isUpdate && owner === DomainId.io ? 0 : ownerError(owner);
}

function ownerError(owner: number): number {
  switch (owner) {
    case DomainId.self:
      return 0;
    case DomainId.backend:
    case DomainId.io:
    case DomainId.xen:
      return -XenError.notPermitted;
    default:
      return -XenError.noDomain;
  }
}

/** `mmu_update`: a list of addresses with entries; the number that was done is told. */
export function mmuUpdate(guest: PvGuest, call: XenCall): number {
  const [list, count, doneAt] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  const most = (count & ~preempted) >>> 0;
  const unfit = listError(call, list, most, updateBytes);
  if (unfit !== 0) {
    return unfit;
  }
  const foreign = foreignError(call, true);
  if (foreign !== 0) {
    return foreign;
  }
  const ofDevices = (argument(call, 3) & 0xffff) === DomainId.io;
  const before = doneBefore(call, count, doneAt);
  let result = 0;
  let done = 0;
  while (done < most && result === 0) {
    if (isSpent(call, done)) {
      return goOnLater(call, done, updateBytes, before);
    }
    const words = call.copy.words(list + done * updateBytes, 4);
    if (words === undefined) {
      result = -XenError.fault;
    } else {
      const [low = 0, high = 0, valueLow = 0, valueHigh = 0] = words;
      const entry = { low: valueLow | 0, high: valueHigh | 0 };
      result = updateOne(guest, [low, high], entry, ofDevices);
    }
    done += result === 0 ? 1 : 0;
  }
  return tellDone(call, doneAt, before + done) ?? result;
}

/** What a call that goes on had done before, as it told. */
function doneBefore(call: XenCall, count: number, doneAt: number): number {
  return (count & preempted) === 0 ? 0 : (call.copy.words(doneAt, 1)?.[0] ?? 0);
}

/** Tells what was done of a list of updates or operations, and has the rest done later. */
function goOnLater(call: XenCall, done: number, bytes: number, before: number): number {
  const [list, count, doneAt, domain] = [0, 1, 2, 3].map((index) => argument(call, index));
  const told = tellDone(call, doneAt ?? 0, before + done);
  const rest = (((count ?? 0) - done) | preempted) >>> 0;
  const args = [((list ?? 0) + done * bytes) >>> 0, rest, doneAt ?? 0, domain ?? 0];
  return told ?? call.again(args);
}

/** Tells how many were done, where that is wanted; an error where it cannot be told. */
function tellDone(call: XenCall, doneAt: number, done: number): number | undefined {
  const isTold = doneAt === 0 || call.copy.writeWords(doneAt, [done]);
  return isTold ? undefined : -XenError.fault;
}

function updateOne(
  guest: PvGuest,
  [low, high]: readonly [number, number],
  value: Entry,
  ofDevices: boolean,
): number {
  const kind = low & 7;
  const frame = (low >>> 12) + high * 2 ** 20;
  if (kind <= Update.noTranslate && frame >= guest.info.frames) {
    return -XenError.invalid;
  }
  switch (kind) {
    case Update.normal:
    case Update.keepAccessed:
    case Update.noTranslate: {
      const index = (low & (pageBytes - 1)) >>> 3;
      const keepsAccessed = kind === Update.keepAccessed;
      return guest.writeEntry(frame, index, value, { keepsAccessed, ofDevices });
    }
    case Update.machineToPhysical:
      if (ofDevices || guest.info.owner(frame) !== PageOwner.guest) {
        return -XenError.invalid;
      }
      guest.area.setMachineFrame(frame, value.low);
      return 0;
    default:
      return -XenError.noSuchCall;
  }
}

/**
 * What to flush behind an update (UVMF_*): nothing, everything or one address; above it where it is
 * to be done, on this processor, on all, or on those of a set in the guest's memory.
 */
const Flush = { kinds: 3, all: 4 } as const;

/** `update_va_mapping`: linear address, entry, what to flush. */
export function updateVaMapping(guest: PvGuest, call: XenCall): number {
  return updateLinear(guest, call, false);
}

function updateLinear(guest: PvGuest, call: XenCall, ofDevices: boolean): number {
  const found = guest.findLeaf(argument(call, 0));
  if (found === undefined || guest.info.type(found[0]) !== PageType.l1) {
    return -XenError.invalid;
  }
  const result = guest.tables.change(found[0], found[1], entryAt(call, 1), { ofDevices });
  const flags = argument(call, 3);
  const set = (flags & ~Flush.kinds) >>> 0;
  const isSet = (flags & Flush.kinds) !== 0 && set !== 0 && set !== Flush.all;
  // The entry stands when the set turns out to be none.
  return result === 0 && isSet && call.copy.read(set, 4) === undefined ? -XenError.fault : result;
}

/** `update_va_mapping_otherdomain`: the same with the domain whose page it is behind it. */
export function updateVaMappingOther(guest: PvGuest, call: XenCall): number {
  const owner = argument(call, 4) & 0xffff;
  const ofDevices = owner === DomainId.io;
  return ofDevices
    ? updateLinear(guest, call, true)
    : ownerError(owner) || updateVaMapping(guest, call);
}

/** Sub-operations of `mmuext_op` (MMUEXT_*). */
const Extended = {
  pinL1: 0,
  pinL2: 1,
  pinL3: 2,
  pinL4: 3,
  unpin: 4,
  newBase: 5,
  flushLocal: 6,
  invalidateLocal: 7,
  flushMulti: 8,
  invalidateMulti: 9,
  flushAll: 10,
  invalidateAll: 11,
  flushCache: 12,
  setLdt: 13,
  newUserBase: 15,
  clearPage: 16,
  copyPage: 17,
  flushCacheGlobal: 18,
  markSuper: 19,
  unmarkSuper: 20,
} as const;

const operationBytes = 12;

/** `mmuext_op`: a list of operations; the number that was done is told. */
export function mmuExtended(guest: PvGuest, call: XenCall): number {
  const [list, count, doneAt] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  const most = (count & ~preempted) >>> 0;
  const unfit = listError(call, list, most, operationBytes);
  if (unfit !== 0) {
    return unfit;
  }
  const foreign = foreignError(call, false);
  if (foreign !== 0) {
    return foreign;
  }
  const before = doneBefore(call, count, doneAt);
  let result = 0;
  let done = 0;
  while (done < most && result === 0) {
    if (isSpent(call, done)) {
      return goOnLater(call, done, operationBytes, before);
    }
    const words = call.copy.words(list + done * operationBytes, 3);
    if (words === undefined) {
      result = -XenError.fault;
    } else {
      const [operation = 0, first = 0, second = 0] = words;
      result = extendOne(guest, call, operation, first, second);
    }
    done += result === 0 ? 1 : 0;
  }
  return tellDone(call, doneAt, before + done) ?? result;
}

function extendOne(
  guest: PvGuest,
  call: XenCall,
  operation: number,
  first: number,
  second: number,
): number {
  switch (operation) {
    case Extended.pinL1:
      return pin(guest, first, PageType.l1);
    case Extended.pinL2:
      return pin(guest, first, PageType.l2);
    case Extended.pinL3:
      return pin(guest, first, PageType.l3);
    case Extended.unpin:
      return unpin(guest, first);
    case Extended.newBase:
      return guest.setBase(first);
    case Extended.flushLocal:
      guest.ldt.drop();
      return 0;
    case Extended.flushMulti:
    case Extended.invalidateMulti:
      // The set of virtual CPUs for which it is to be done.
      return call.copy.read(second, 4) === undefined ? -XenError.invalid : 0;
    case Extended.invalidateLocal:
    case Extended.flushAll:
    case Extended.invalidateAll:
      // Shadow tables follow the page tables at once, and no memory is cached apart.
      return 0;
    case Extended.setLdt:
      return setLdt(guest, first, second);
    case Extended.clearPage:
      return fillPage(guest, first, undefined);
    case Extended.copyPage:
      return fillPage(guest, first, second);
    case Extended.flushCache:
    case Extended.flushCacheGlobal:
      // Only for guests with devices of their own.
      return -XenError.access;
    case Extended.markSuper:
    case Extended.unmarkSuper:
      return -XenError.notSupported;
    case Extended.pinL4:
      // A level that the guest's tables do not have: asked for in vain.
      return 0;
    case Extended.newUserBase:
      return -XenError.invalid;
    default:
      return -XenError.noSuchCall;
  }
}

/** Keeps a page checked as a page table while it is not in use. */
function pin(guest: PvGuest, frame: number, type: number): number {
  if (guest.info.isPinned(frame)) {
    return -XenError.invalid;
  }
  const result = guest.tables.use(frame, type);
  if (result === 0) {
    guest.info.setPinned(frame, true);
  }
  return result;
}

function unpin(guest: PvGuest, frame: number): number {
  const isPinned = guest.info.isPinned(frame) && levelOf(guest.info.type(frame)) > 0;
  if (!isPinned) {
    return -XenError.invalid;
  }
  guest.info.setPinned(frame, false);
  guest.tables.unuse(frame);
  return 0;
}

/** The most entries of an LDT. */
const mostLdtEntries = 8192;

/** Says where the LDT is; its pages are looked at when they are used. */
function setLdt(guest: PvGuest, linear: number, entries: number): number {
  const start = entries === 0 ? 0 : linear;
  if (entries > mostLdtEntries || (start & (pageBytes - 1)) !== 0) {
    return -XenError.invalid;
  }
  guest.ldt.set(start, entries);
  return 0;
}

function fillPage(guest: PvGuest, frame: number, source: number | undefined): number {
  const { memory } = guest.domain.services;
  const isGood = guest.info.owner(frame) === PageOwner.guest && guest.mayTouch(frame, true);
  const isSourceGood = source === undefined || guest.info.owner(source) === PageOwner.guest;
  if (!isGood || !isSourceGood) {
    return -XenError.invalid;
  }
  const page = new Uint8Array(pageBytes);
  if (source !== undefined) {
    memory.read(source * pageBytes, page);
  }
  memory.write(frame * pageBytes, page);
  return 0;
}
