/**
 * XENMEM_exchange: a guest gives machine frames and gets others for them, in extents of another
 * size (public/memory.h, "struct xen_memory_exchange").
 *
 *     0   in: extent_start, nr_extents, extent_order, mem_flags, domid
 *     20  out: the same
 *     40  nr_exchanged
 */
import { mostListElements, XenError } from '../constants.ts';
import { isSelf } from './call.ts';
import type { XenCall } from './call.ts';

const wordsOf = { all: 11, out: 5, exchanged: 10 } as const;
const exchangedAt = 40;

interface Extents {
  readonly list: number;
  readonly count: number;
  readonly order: number;
}

/** Exchanges frames; the number of extents that was done is told, whatever the result. */
export function exchangeMemory(call: XenCall, at: number, mostOrder: number): number {
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
  if (give.order > mostOrder || get.order > mostOrder) {
    return -XenError.notPermitted;
  }
  const isSame = give.count * 2 ** give.order === get.count * 2 ** get.order;
  if (exchanged > give.count || giver !== getter || !isSame) {
    return -XenError.invalid;
  }
  if (!isSelf(giver)) {
    return -XenError.notPermitted;
  }
  if (give.count > mostListElements || get.count > mostListElements) {
    return -XenError.tooBig;
  }
  return exchanged === give.count ? 0 : exchangeAll(call, give, get, at);
}

function exchangeAll(call: XenCall, give: Extents, get: Extents, at: number): number {
  const { pool } = call.domain;
  const given = call.copy.words(give.list, give.count);
  const wanted = call.copy.words(get.list, get.count);
  if (given === undefined || wanted === undefined) {
    return -XenError.fault;
  }
  if (!call.copy.canWrite(get.list, get.count * 4)) {
    return -XenError.fault;
  }
  // With translated memory the frames are numbers of the guest's own, and nothing moves.
  const frames =
    pool === undefined ? wanted : pool.exchange(runsOf(given, give.order), wanted, get.order);
  if (typeof frames === 'number') {
    return frames;
  }
  call.copy.writeWords(get.list, frames);
  call.copy.writeWords(at + exchangedAt, [give.count]);
  return 0;
}

const runsOf = (starts: readonly number[], order: number): readonly number[] =>
  starts.flatMap((start) => Array.from({ length: 2 ** order }, (_nothing, index) => start + index));
