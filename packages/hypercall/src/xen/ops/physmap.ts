/**
 * Operations of `memory_op` that say what stands at the frames of a translated guest
 * (public/memory.h, XENMEM_add_to_physmap, _batch, XENMEM_remove_from_physmap).
 */
import { pageBytes } from '@ringfence/memory';
import { XenError } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import { argument, domainError, isSpent, ownWords } from './call.ts';
import type { XenCall } from './call.ts';

/** Bits of the number of an operation; above them are the elements that were done before. */
const extentShift = 6;
const operationMask = 2 ** extentShift - 1;

/** The last frame below 4 GiB, at which nothing can stand, nor above. */
const lastFrame = 0xf_ffff;
/** What add_to_physmap can place (XENMAPSPACE_*); pages of others only in a batch. */
const Space = { shared: 0, grants: 1, frame: 2, frameRange: 3, foreign: 4 } as const;
/** Bit of an index into the grant table: status frames (XENMAPIDX_grant_table_status). */
const statusIndex = 0x8000_0000;

/** What an element counts for: it changes where a page is found. */
const elementUnits = 16;
/** Elements are counted in 16 bits. */
const mostElements = 0xffff;

/** domid u16, size u16, space u32, idx, gpfn; the elements up to `start` were done before. */
export function addOne(call: XenCall, start: number, at: number): number {
  if (start > mostElements) {
    return -XenError.domain;
  }
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [domain = 0, space = 0, index = 0, frame = 0] = words;
  if (space === Space.foreign) {
    return -XenError.noSuchCall;
  }
  const stranger = domainError(domain & 0xffff);
  if (stranger !== 0) {
    return stranger;
  }
  if (call.domain.kind === 'pv') {
    return -XenError.access;
  }
  if (space !== Space.frameRange) {
    return place(call.domain, space, index, frame);
  }
  const count = domain >>> 16;
  if (count < start) {
    return -XenError.sequence;
  }
  for (let moved = start; moved < count; moved += 1) {
    if (isSpent(call, moved - start, elementUnits)) {
      return goesOn(call, moved, at);
    }
    const result = place(call.domain, Space.frame, index + moved, frame + moved);
    if (result !== 0) {
      return result;
    }
  }
  return 0;
}

/** Has the elements from `done` on be served later. */
function goesOn(call: XenCall, done: number, at: number): number {
  const operation = argument(call, 0) & operationMask;
  return call.again([operation | (done << extentShift), at]);
}

/** domid u16, space u16, size u16, extra u16, idxs, gpfns, errs; up to `start` done before. */
export function addBatch(call: XenCall, start: number, at: number): number {
  if (start > mostElements) {
    return -XenError.domain;
  }
  const words = call.copy.words(at, 5);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [domainAndSpace = 0, size = 0, indexes = 0, frames = 0, errors = 0] = words;
  const space = domainAndSpace >>> 16;
  const count = size & 0xffff;
  if (space === Space.frameRange) {
    return -XenError.notSupported;
  }
  const stranger = domainError(domainAndSpace & 0xffff);
  if (stranger !== 0) {
    return stranger;
  }
  if (call.domain.kind === 'pv') {
    return -XenError.access;
  }
  if (count < start) {
    return -XenError.sequence;
  }
  for (let element = start; element < count; element += 1) {
    if (isSpent(call, element - start, elementUnits)) {
      return goesOn(call, element, at);
    }
    const index = call.copy.words(indexes + element * 4, 1)?.[0];
    const frame = call.copy.words(frames + element * 4, 1)?.[0];
    if (
      index === undefined ||
      frame === undefined ||
      !call.copy.canWrite(errors + element * 4, 4)
    ) {
      return -XenError.fault;
    }
    const result = place(call.domain, space, index, frame);
    call.copy.writeWords(errors + element * 4, [result]);
  }
  return 0;
}

/** Lets one of Xen's pages stand at a frame of the guest. */
function place(domain: XenDomain, space: number, index: number, frame: number): number {
  if (space === Space.frame && frame < lastFrame) {
    return domain.move(index, frame) ? 0 : -XenError.invalid;
  }
  const page = xenPage(domain, space, index);
  if (page === undefined) {
    return -XenError.invalid;
  }
  if (frame >= lastFrame) {
    return -XenError.noMemory;
  }
  return domain.place(frame, page) ? 0 : -XenError.invalid;
}

function xenPage(domain: XenDomain, space: number, index: number): number | undefined {
  switch (space) {
    case Space.shared:
      return index === 0 ? domain.shared.page : undefined;
    case Space.grants:
      return index >= statusIndex
        ? domain.grants.statusAddress(index - statusIndex)
        : domain.grants.frameAddress(index);
    default:
      return undefined;
  }
}

/** domid u16, gpfn. */
export function remove(call: XenCall, at: number): number {
  const words = ownWords(call, at, 2);
  if (typeof words === 'number') {
    return words;
  }
  const [, frame = 0] = words;
  const { domain: guest } = call;
  if (guest.kind === 'pv') {
    return -XenError.access;
  }
  // Memory that is given back stays where it is.
  const isRam = guest.services.memory.isRam(frame * pageBytes, pageBytes);
  return guest.placed.unplace(frame) || isRam ? 0 : -XenError.noEntry;
}
