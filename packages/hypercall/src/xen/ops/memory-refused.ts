/**
 * Operations of `memory_op` that a guest of its own accord gets nothing by: those of a tool stack,
 * and what is told of nodes and of devices' memory. What is looked at before the refusal, and in
 * which order, is as for 32-bit guests of Xen (public/memory.h; Xen, common/compat/memory.c).
 */
import { DomainId, machineToPhysicalStart, XenError } from '../constants.ts';
import { domainError, isSelf } from './call.ts';
import type { XenCall } from './call.ts';

/** Words of the structures of XENMEM_set_pod_target, _access_op, _get_vnumainfo and so on. */
const wordsOf = { populate: 8, access: 6, nodes: 10, devices: 4, resource: 7 } as const;

/** domid u16 in front: memory that is populated on demand is a tool stack's to manage. */
export function populateOnDemand(call: XenCall, at: number): number {
  const words = call.copy.words(at, wordsOf.populate);
  if (words === undefined) {
    return -XenError.fault;
  }
  const isSelfMeant = isSelf((words[0] ?? 0) & 0xffff);
  return isSelfMeant ? -XenError.notPermitted : domainError((words[0] ?? 0) & 0xffff);
}

/** op u8, access u8, domid u16: rights of another domain's pages, never of the caller's own. */
export function accessRights(call: XenCall, at: number): number {
  const words = call.copy.words(at, wordsOf.access);
  return words === undefined ? -XenError.fault : remoteError((words[0] ?? 0) >>> 16);
}

/** domid u16, 0 u16, counts, handles: the guest has no nodes of its own. */
export function nodesOfGuest(call: XenCall, at: number): number {
  const words = call.copy.words(at, wordsOf.nodes);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [head = 0] = words;
  if (head >>> 16 !== 0) {
    return -XenError.invalid;
  }
  return domainError(head & 0xffff) || -XenError.notSupported;
}

/** XENMEM_RDM_ALL: of all devices. */
const ofAllDevices = 1;

/** flags, number of entries, buffer, device: no device has memory of its own that is reserved. */
export function memoryOfDevices(call: XenCall, at: number): number {
  const words = call.copy.words(at, wordsOf.devices);
  const [flags = 0, count = 0, buffer = 0] = words ?? [];
  const end = buffer + count * 8;
  const isXens = call.domain.kind === 'pv' && end > machineToPhysicalStart;
  if (words === undefined || isXens) {
    return -XenError.fault;
  }
  if ((flags & ~ofAllDevices) !== 0) {
    return -XenError.invalid;
  }
  return call.copy.writeWords(at + 4, [0]) ? 0 : -XenError.fault;
}

/**
 * domid u16, kind u16, id, frames, 0, first frame (64), list: pages of another domain's. With
 * translated memory they could not be kept apart from the guest's own.
 */
export function resourceOfDomain(call: XenCall, at: number): number {
  const words = call.copy.words(at, wordsOf.resource);
  if (words === undefined) {
    return -XenError.fault;
  }
  if (call.domain.kind === 'hvm') {
    return -XenError.access;
  }
  const [head = 0, , frames = 0, padding = 0, first = 0, firstHigh = 0] = words;
  if (padding !== 0 || firstHigh !== 0 || first + frames >= 2 ** 32) {
    return -XenError.invalid;
  }
  return remoteError(head & 0xffff);
}

/** The error for a domain that is to be another: the guest may not, nor over the back ends'. */
function remoteError(domain: number): number {
  const isThere = domain === DomainId.guest || domain === DomainId.backend;
  return isThere ? -XenError.notPermitted : -XenError.noDomain;
}
