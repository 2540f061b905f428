/**
 * XENMEM_exchange: a guest gives machine frames and gets others for them, in extents of another
 * size (public/memory.h, "struct xen_memory_exchange").
 *
 *     0   in: extent_start, nr_extents, extent_order, mem_flags, domid
 *     20  out: the same
 *     40  nr_exchanged
 */
import { machineToPhysicalStart, XenError } from '../constants.ts';
import { domainError, isSpent } from './call.ts';
import type { XenCall } from './call.ts';

const wordsOf = { all: 11, out: 5, exchanged: 10 } as const;
const exchangedAt = 40;

interface Extents {
  readonly list: number;
  readonly count: number;
  readonly order: number;
}

/** Flags of reservations (XENMEMF_*): a node and one more, that node alone, a virtual node. */
const Flag = { node: 0xff00, exactNode: 1 << 17, virtualNode: 1 << 18 } as const;

/** Whether memory is wanted of one node and no other, which only a tool stack may ask for. */
export function isForNodeAlone(flags: number): boolean {
  const isPhysical = (flags & Flag.virtualNode) === 0 && (flags & Flag.node) !== 0;
  return (flags & Flag.exactNode) !== 0 && isPhysical;
}

/**
 * Exchanges frames, a chunk after the other: a chunk is one extent of the larger size. The number
 * of extents that was done is told, whatever the result.
 */
export function exchangeMemory(
  call: XenCall,
  operation: number,
  at: number,
  mostOrder: number,
): number {
  const words = call.copy.words(at, wordsOf.all);
  if (words === undefined || !call.copy.canWrite(at + exchangedAt, 4)) {
    return -XenError.fault;
  }
  const extents = (from: number): Extents => ({
    list: words[from] ?? 0,
    count: words[from + 1] ?? 0,
    order: words[from + 2] ?? 0,
  });
  const [give, get] = [extents(0), extents(wordsOf.out)];
  const [giver = 0, getter = 0] = [words[4], words[wordsOf.out + 4]].map((one = 0) => one & 0xffff);
  const exchanged = words[wordsOf.exchanged] ?? 0;
  // Whole extents of the larger size have been done before.
  const got = (exchanged * 2 ** give.order) / 2 ** get.order;
  const isSame = give.count * 2 ** give.order === get.count * 2 ** get.order;
  if (exchanged > give.count || !isSame || !Number.isInteger(got) || !fitsWord(give)) {
    return -XenError.invalid;
  }
  if (call.domain.kind === 'pv' && !(isBelowXen(give) && isBelowXen(get))) {
    return -XenError.fault;
  }
  if (give.order > mostOrder || get.order > mostOrder) {
    return -XenError.notPermitted;
  }
  if (giver !== getter || isForNodeAlone(words[wordsOf.out + 3] ?? 0)) {
    return -XenError.invalid;
  }
  const stranger = exchanged === give.count ? 0 : domainError(giver);
  if (stranger !== 0) {
    return stranger;
  }
  return exchangeChunks(call, give, get, exchanged, (done, result) => {
    call.copy.writeWords(at + exchangedAt, [done]);
    return result ?? call.again([operation, at]);
  });
}

/** Exchanges chunks; calls `end` with the extents that were done, and the result if it is over. */
function exchangeChunks(
  call: XenCall,
  give: Extents,
  get: Extents,
  exchanged: number,
  end: (done: number, result: number | undefined) => number,
): number {
  const order = Math.max(give.order, get.order);
  const [given, wanted] = [2 ** (order - give.order), 2 ** (order - get.order)];
  const { pool } = call.domain;
  const units = 2 ** order + Math.floor((pool?.free ?? 0) / 4);
  for (let done = exchanged; done < give.count; done += given) {
    if (isSpent(call, done - exchanged, units)) {
      return end(done, undefined);
    }
    const from = { ...give, list: give.list + done * 4, count: given };
    const to = { ...get, list: get.list + (done / given) * wanted * 4, count: wanted };
    const result = exchangeChunk(call, from, to);
    if (result !== 0) {
      return end(done, result);
    }
  }
  return end(give.count, 0);
}

/**
 * Whether a whole list is in the guest's part of the address space, however much of it has been
 * done before: nothing of it is looked at else (XSA-212).
 */
const isBelowXen = ({ list, count }: Extents): boolean =>
  list + Math.max(count * 4 - 1, 0) < machineToPhysicalStart;

/** Whether the frames of extents can be counted in a word. */
const fitsWord = ({ count, order }: Extents): boolean => count * 2 ** order < 2 ** 32;

function exchangeChunk(call: XenCall, give: Extents, get: Extents): number {
  const { pool } = call.domain;
  const given = call.copy.words(give.list, give.count);
  const wanted = call.copy.words(get.list, get.count);
  if (given === undefined || wanted === undefined) {
    return -XenError.fault;
  }
  if (!call.copy.canWrite(get.list, get.count * 4)) {
    return -XenError.fault;
  }
  // With translated memory the guest has no frames that it could give.
  const frames =
    pool?.exchange(runsOf(given, give.order), wanted, get.order) ?? -XenError.notSupported;
  if (typeof frames === 'number') {
    return frames;
  }
  call.copy.writeWords(get.list, frames);
  return 0;
}

const runsOf = (starts: readonly number[], order: number): readonly number[] =>
  starts.flatMap((start) => Array.from({ length: 2 ** order }, (_nothing, index) => start + index));
