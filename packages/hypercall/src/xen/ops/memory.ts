import { pageBytes } from '@ringfence/memory';
import { machineToPhysicalStart, XenError } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import type { FramePool } from '../machine-frames.ts';
import { argument, domainError, isSelf, isSpent, ownWords } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';
import { exchangeMemory, isForNodeAlone } from './exchange.ts';
import {
  accessRights,
  memoryOfDevices,
  nodesOfGuest,
  populateOnDemand,
  resourceOfDomain,
} from './memory-refused.ts';
import { addBatch, addOne, remove } from './physmap.ts';

/** Sub-operations (public/memory.h, XENMEM_*). */
const Op = {
  increaseReservation: 0,
  decreaseReservation: 1,
  maximumRamPage: 2,
  currentReservation: 3,
  maximumReservation: 4,
  machphysMfnList: 5,
  populatePhysmap: 6,
  addToPhysmap: 7,
  memoryMap: 9,
  machineMemoryMap: 10,
  exchange: 11,
  machphysMapping: 12,
  setMemoryMap: 13,
  maximumGpfn: 14,
  removeFromPhysmap: 15,
  setPodTarget: 16,
  getPodTarget: 17,
  sharingFreedPages: 18,
  sharingSharedPages: 19,
  accessOp: 21,
  addToPhysmapBatch: 23,
  vnumaInfo: 26,
  deviceMemory: 27,
  acquireResource: 28,
} as const;

/** Operations on machine memory, which a guest with translated memory does not see. */
const ofMachineMemory: ReadonlySet<number> = new Set([
  Op.machineMemoryMap,
  Op.machphysMapping,
  Op.machphysMfnList,
]);

/** Operations that are done at once, so that none can go on. */
const isWhole: ReadonlySet<number> = new Set([
  ...[Op.maximumRamPage, Op.currentReservation, Op.maximumReservation, Op.maximumGpfn],
  ...[Op.exchange, Op.removeFromPhysmap, Op.vnumaInfo, Op.deviceMemory],
]);

/** Bits of the operation; above them is the extent at which a reservation goes on. */
const extentShift = 6;
/** Bits of the flags of a reservation: how many bits addresses may have, 0 for any. */
const addressBitsMask = 0xff;

const pageShift = 12;
/** The largest extent, 2 MiB. */
const mostOrder = 9;
/** The most entries of a memory map that a guest may set (E820MAX). */
const mostMapEntries = 128;

/** `memory_op`: the memory map, Xen's pages at the guest's frames, reservations. */
export const serveMemory: XenHandler = (call) => {
  const command = argument(call, 0);
  const op = command & (2 ** extentShift - 1);
  const start = command >>> extentShift;
  const at = argument(call, 1);
  const { domain } = call;
  if (domain.kind === 'hvm' && ofMachineMemory.has(op)) {
    return -XenError.noSuchCall;
  }
  if (start !== 0 && isWhole.has(op)) {
    return -XenError.invalid;
  }
  switch (op) {
    case Op.increaseReservation:
    case Op.decreaseReservation:
    case Op.populatePhysmap:
      return reservation(call, op, start, at);
    case Op.maximumRamPage:
      return Math.floor(domain.services.memory.ramBytes / pageBytes) - 1;
    case Op.currentReservation:
    case Op.maximumReservation:
      return ownDomain(call, at) ?? domain.pages;
    case Op.memoryMap:
      return memoryMap(call, at);
    case Op.setMemoryMap:
      return setMemoryMap(call, at);
    case Op.machphysMapping:
    case Op.machphysMfnList:
      return machineTable(call, op, at);
    case Op.addToPhysmap:
      return addOne(call, start, at);
    case Op.addToPhysmapBatch:
      return addBatch(call, start, at);
    case Op.removeFromPhysmap:
      return remove(call, at);
    case Op.exchange:
      return exchangeMemory(call, op, at, mostOrder);
    case Op.maximumGpfn:
      return ownDomain(call, at) ?? maximumFrame(domain);
    case Op.sharingFreedPages:
    case Op.sharingSharedPages:
      return 0;
    case Op.machineMemoryMap:
      return -XenError.notPermitted;
    case Op.setPodTarget:
    case Op.getPodTarget:
      return populateOnDemand(call, at);
    case Op.accessOp:
      return accessRights(call, at);
    case Op.vnumaInfo:
      return nodesOfGuest(call, at);
    case Op.deviceMemory:
      return memoryOfDevices(call, at);
    case Op.acquireResource:
      return resourceOfDomain(call, at);
    default:
      return -XenError.noSuchCall;
  }
};

/** The last frame: a paravirtual guest's is what it says in the shared page. */
function maximumFrame({ kind, pages, shared }: XenDomain): number {
  return kind === 'pv' ? (shared.maximumFrames || 1) - 1 : pages - 1;
}

function ownDomain(call: XenCall, at: number): number | undefined {
  const words = ownWords(call, at, 1);
  return typeof words === 'number' ? words : undefined;
}

/**
 * extent_start, nr_extents, extent_order, mem_flags, domid: returns the number of extents done, of
 * which the first `start` were done before. So it tells of most that is wrong, too.
 */
function reservation(call: XenCall, op: number, start: number, at: number): number {
  const [list = 0, count = 0, order = 0, flags = 0, domain = 0] = call.copy.words(at, 5) ?? [];
  if (count > 0xffff_ffff >>> extentShift || start >= count || !isSelf(domain & 0xffff)) {
    return start;
  }
  const addressBits = flags & addressBitsMask;
  const isLow = addressBits !== 0 && 2 ** addressBits < call.domain.services.memory.ramBytes;
  if ((isLow && addressBits <= pageShift) || isForNodeAlone(flags)) {
    return start;
  }
  // Nothing is kept free below an address.
  const isGone = isLow && op !== Op.decreaseReservation;
  if (order > mostOrder || isGone) {
    return start;
  }
  const { pool } = call.domain;
  for (let done = start; done < count; done += 1) {
    if (isSpent(call, done - start, 2 ** order)) {
      return call.again([op | (done << extentShift), at]);
    }
    const place = list + done * 4;
    const frame = list === 0 && op === Op.increaseReservation ? 0 : call.copy.words(place, 1)?.[0];
    const isDone =
      frame !== undefined &&
      (pool === undefined
        ? keepExtent(call, op, frame, order)
        : moveExtent(call, pool, op, frame, order, list === 0 ? undefined : place));
    if (!isDone) {
      return done;
    }
  }
  return count;
}

/**
 * With translated memory the guest has all that it can have from the start, and what it gives back
 * stays where it is: frame numbers are its own and nothing has to be moved.
 */
function keepExtent(call: XenCall, op: number, frame: number, order: number): boolean {
  const { memory } = call.domain.services;
  const isThere = memory.isRam(frame * pageBytes, pageBytes * 2 ** order);
  return isThere && op !== Op.increaseReservation;
}

/** A paravirtual guest gives machine frames back, and gets others for them. */
function moveExtent(
  call: XenCall,
  pool: FramePool,
  op: number,
  frame: number,
  order: number,
  place: number | undefined,
): boolean {
  if (op === Op.decreaseReservation) {
    const frames = Array.from({ length: 2 ** order }, (_nothing, index) => frame + index);
    return frames.every((one) => pool.release(one));
  }
  if (place !== undefined && !call.copy.canWrite(place, 4)) {
    return false;
  }
  const given = pool.allocate(op === Op.populatePhysmap ? frame : undefined, order);
  if (given !== undefined && place !== undefined) {
    call.copy.writeWords(place, [given]);
  }
  return given !== undefined;
}

/** nr_entries, buffer: the entries are those of an e820 map, 20 bytes each. */
function memoryMap(call: XenCall, at: number): number {
  const words = call.copy.words(at, 2);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [room = 0, buffer = 0] = words;
  const { map } = call.domain;
  if (buffer === 0) {
    return call.copy.writeWords(at, [map.length]) ? 0 : -XenError.fault;
  }
  const told = map.slice(0, room);
  const entries = told.flatMap(({ base, bytes, type }) => [
    ...halves(base),
    ...halves(bytes),
    type,
  ]);
  const isDone = call.copy.writeWords(buffer, entries) && call.copy.writeWords(at, [told.length]);
  return isDone ? 0 : -XenError.fault;
}

const halves = (value: number): readonly number[] => [value % 2 ** 32, Math.floor(value / 2 ** 32)];

/** domid u16, nr_entries, buffer: what the guest wants to be told of its memory from now on. */
function setMemoryMap(call: XenCall, at: number): number {
  const words = call.copy.words(at, 3);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [domain = 0, count = 0, buffer = 0] = words;
  if (count > mostMapEntries) {
    return -XenError.invalid;
  }
  const stranger = domainError(domain & 0xffff);
  if (stranger !== 0) {
    return stranger;
  }
  const fields = call.copy.words(buffer, count * 5);
  if (fields === undefined) {
    return -XenError.fault;
  }
  const wide = (index: number): number => (fields[index + 1] ?? 0) * 2 ** 32 + (fields[index] ?? 0);
  call.domain.map = Array.from({ length: count }, (_nothing, entry) => {
    const index = entry * 5;
    return { base: wide(index), bytes: wide(index + 2), type: fields[index + 4] ?? 0 };
  });
  return 0;
}

function machineTable(call: XenCall, op: number, at: number): number {
  const frames = Math.floor(call.domain.services.memory.ramBytes / pageBytes);
  if (op === Op.machphysMfnList) {
    return machineFrames(call, at);
  }
  const end = machineToPhysicalStart + 0x100_0000;
  return call.copy.writeWords(at, [machineToPhysicalStart, end, frames - 1]) ? 0 : -XenError.fault;
}

/** max_extents, extent_start, nr_extents: the frames of the table, one for each 2 MiB of it. */
function machineFrames(call: XenCall, at: number): number {
  const words = call.copy.words(at, 3);
  const table = call.domain.pool?.machineFrames;
  if (words === undefined || table === undefined) {
    return -XenError.fault;
  }
  const [most = 0, list = 0] = words;
  const [first, end] = table;
  const chunk = 2 ** mostOrder;
  const count = Math.min(most, Math.ceil((end - first) / chunk));
  const frames = Array.from({ length: count }, (_nothing, index) => first + index * chunk);
  const isTold = call.copy.writeWords(list, frames) && call.copy.writeWords(at + 8, [count]);
  return isTold ? 0 : -XenError.fault;
}
