import { pageBytes } from '@ringfence/memory';
import { DomainId, XenError } from '../constants.ts';
import { mostGrantFrames, mostStatusFrames } from '../grant-table.ts';
import { xenFrames } from '../xen-frames.ts';
import { argument, isSelf, isSpent, listError, ownWords } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';
import { copyGrant, GrantStatus, isNotOne, mapGrant, swapGrants, unmapGrant } from './grant-map.ts';

/** Sub-operations (public/grant_table.h, GNTTABOP_*). */
const Op = {
  mapGrantRef: 0,
  unmapGrantRef: 1,
  setupTable: 2,
  transfer: 4,
  copy: 5,
  querySize: 6,
  unmapAndReplace: 7,
  setVersion: 8,
  getStatusFrames: 9,
  getVersion: 10,
  swapGrantRef: 11,
  cacheFlush: 12,
} as const;

const Status = GrantStatus;

/** What an element counts for: it may copy a page. */
const elementUnits = 4;

interface Shape {
  /** Bytes of one element. */
  readonly bytes: number;
  /** Whether a list has exactly one. */
  readonly single?: boolean;
  serve(call: XenCall, at: number): number;
}

/** `grant_table_op`: each sub-operation takes a list. */
export const serveGrantTable: XenHandler = (call) => {
  const [op, list, count] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  const shape = shapes[op];
  if (shape === undefined) {
    return -XenError.noSuchCall;
  }
  if (count >= 0x8000_0000 || (shape.single === true && isNotOne(call))) {
    return -XenError.invalid;
  }
  const unfit = listError(call, list, count, shape.bytes);
  if (unfit !== 0) {
    return unfit;
  }
  for (let index = 0; index < count; index += 1) {
    if (isSpent(call, index, elementUnits)) {
      return call.again([op, list + index * shape.bytes, count - index]);
    }
    const result = shape.serve(call, list + index * shape.bytes);
    if (result !== 0) {
      return result;
    }
  }
  return 0;
};

/** dom u16, nr_frames u32, status s16, frame_list. */
function setupTable(call: XenCall, at: number): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [domain = 0, count = 0, , list = 0] = words;
  return finish(call, at, words, 2, () => {
    if (!isSelf(domain & 0xffff)) {
      return strangerStatus(domain & 0xffff);
    }
    if (count > mostGrantFrames) {
      return Status.general;
    }
    const frames = Array.from({ length: count }, (_nothing, index) => {
      return Math.floor((call.domain.grants.frameAddress(index) ?? 0) / pageBytes);
    });
    // With translated memory the frames are only reserved; add_to_physmap places them.
    const isTold = call.domain.kind === 'hvm' || call.copy.writeWords(list, frames);
    return isTold ? Status.okay : Status.badAddress;
  });
}

/** The status for a domain over whose grants the guest has no say, or that is not there. */
const strangerStatus = (domain: number): number =>
  domain === DomainId.backend ? Status.permission : Status.badDomain;

/** dom u16, nr_frames u32, max_nr_frames u32, status s16. */
function querySize(call: XenCall, at: number): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const domain = (words[0] ?? 0) & 0xffff;
  const known = isSelf(domain);
  words[1] = known ? call.domain.grants.frames : 0;
  words[2] = known ? mostGrantFrames : 0;
  return finish(call, at, words, 3, () => (known ? Status.okay : strangerStatus(domain)));
}

function setVersion(call: XenCall, at: number): number {
  const version = call.copy.words(at, 1)?.[0];
  if (version === undefined || !call.copy.canWrite(at, 4)) {
    return -XenError.fault;
  }
  const { grants } = call.domain;
  const isKnown = version === 1 || version === 2;
  const result = !isKnown ? -XenError.invalid : grants.setVersion(version) ? 0 : -XenError.busy;
  if (grants.version === 1) {
    call.domain.unplaceFrames(xenFrames.grantStatus, xenFrames.grantStatus + mostStatusFrames);
  }
  // Whatever came of it, the caller is told which one there is now.
  return call.copy.writeWords(at, [grants.version]) ? result : -XenError.fault;
}

/** dom u16, version u32. */
function getVersion(call: XenCall, at: number): number {
  const words = ownWords(call, at, 2);
  if (typeof words === 'number') {
    return words;
  }
  return call.copy.writeWords(at, [words[0] ?? 0, call.domain.grants.version])
    ? 0
    : -XenError.fault;
}

/** nr_frames u32, dom u16, status s16, frame_list (64-bit entries). */
function statusFrames(call: XenCall, at: number): number {
  const words = call.copy.words(at, 3);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [count = 0, domainAndStatus = 0, low = 0] = words;
  const { grants } = call.domain;
  const result = ((): number => {
    if (!isSelf(domainAndStatus & 0xffff)) {
      return strangerStatus(domainAndStatus & 0xffff);
    }
    if (count > grants.statusFrames) {
      return Status.general;
    }
    const frames = Array.from({ length: count }, (_nothing, index) => {
      return [Math.floor((grants.statusAddress(index) ?? 0) / pageBytes), 0];
    }).flat();
    return call.copy.writeWords(low, frames) ? Status.okay : Status.badAddress;
  })();
  words[1] = (domainAndStatus & 0xffff) | (result << 16);
  return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
}

/**
 * mfn, domid u16, ref, status s16. Nobody is there to whom a page could go: neither the back ends'
 * domain nor the guest itself waits for one. Unless the page was a bad one it is no longer the
 * caller's all the same (grant_table.h); translated memory stays where it is.
 */
function transfer(call: XenCall, [frame = 0, domain = 0]: number[]): number {
  const { pool, services } = call.domain;
  const isGiven =
    pool === undefined ? services.memory.isRam(frame * pageBytes, pageBytes) : pool.steal(frame);
  const to = domain & 0xffff;
  if (!isGiven) {
    return Status.badPage;
  }
  return to === DomainId.backend || isSelf(to) ? Status.general : Status.badDomain;
}

/** Writes a status, 16 bits in the word `index`, into a structure. */
function finish(
  call: XenCall,
  at: number,
  words: number[],
  index: number,
  status: () => number,
): number {
  if (!call.copy.canWrite(at, words.length * 4)) {
    return -XenError.fault;
  }
  words[index] = ((words[index] ?? 0) & 0xffff_0000) | (status() & 0xffff);
  return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
}

/** An operation whose structure is read, done, and written back with a status. */
function served(
  bytes: number,
  statusWord: number,
  serve: (call: XenCall, words: number[]) => number,
): Shape {
  const isHigh = bytes === 32;
  return {
    bytes,
    serve: (call, at) => {
      const words = call.copy.words(at, bytes / 4);
      if (words === undefined || !call.copy.canWrite(at, bytes)) {
        return -XenError.fault;
      }
      const status = serve(call, words) & 0xffff;
      const word = words[statusWord] ?? 0;
      words[statusWord] = isHigh
        ? ((word & 0xffff) | (status << 16)) >>> 0
        : ((word & 0xffff_0000) | status) >>> 0;
      return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
    },
  };
}

const CacheFlush = { clean: 1, invalidate: 2, reference: 0x8000_0000 } as const;

/** dev_bus_addr (64), offset u16, length u16, op: caches of a page, which are coherent here. */
function cacheFlush(call: XenCall, at: number): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [low = 0, high = 0, range = 0, op = 0] = words;
  const [offset, length] = [range & 0xffff, range >>> 16];
  const known = CacheFlush.clean | CacheFlush.invalidate | CacheFlush.reference;
  if (offset >= pageBytes || offset + length > pageBytes || (op & ~known) !== 0) {
    return -XenError.invalid;
  }
  if (length === 0 || op === 0) {
    return 0;
  }
  if ((op & CacheFlush.reference) !== 0) {
    return -XenError.notSupported;
  }
  const frame = (low >>> 12) + high * 2 ** 20;
  const isOwn = call.domain.grantPages.hold(frame, false);
  if (isOwn) {
    call.domain.grantPages.drop(frame, false);
  }
  if (!isOwn) {
    return -XenError.notPermitted;
  }
  // A processor of this kind does not forget lines without writing them back.
  return (op & CacheFlush.clean) === 0 ? -XenError.notSupported : 0;
}

const shapes: Readonly<Record<number, Shape>> = {
  [Op.mapGrantRef]: served(32, 4, mapGrant),
  [Op.unmapGrantRef]: served(24, 5, (call, words) => unmapGrant(call, words, false)),
  [Op.setupTable]: { bytes: 16, single: true, serve: setupTable },
  [Op.transfer]: served(16, 3, transfer),
  [Op.copy]: served(24, 5, copyGrant),
  [Op.querySize]: { bytes: 16, single: true, serve: querySize },
  [Op.unmapAndReplace]: served(24, 5, (call, words) => unmapGrant(call, words, true)),
  [Op.setVersion]: { bytes: 4, single: true, serve: setVersion },
  [Op.getStatusFrames]: { bytes: 12, single: true, serve: statusFrames },
  [Op.getVersion]: { bytes: 8, single: true, serve: getVersion },
  [Op.swapGrantRef]: served(12, 2, swapGrants),
  [Op.cacheFlush]: { bytes: 16, serve: cacheFlush },
};
