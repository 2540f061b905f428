import { XenError } from '../constants.ts';
import { mostGrantFrames } from '../grant-table.ts';
import { argument, isSelf } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

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
} as const;

/** Status numbers of grant operations (GNTST_*). */
const Status = { okay: 0, general: -1, badDomain: -2, badHandle: -4, permission: -8 } as const;

/** The most operations in one call. */
const mostOperations = 1024;

interface Shape {
  /** Bytes of one element. */
  readonly bytes: number;
  serve(call: XenCall, at: number): number;
}

/** `grant_table_op`: each sub-operation takes a list. */
export const serveGrantTable: XenHandler = (call) => {
  const [op, list, count] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  const shape = shapes[op];
  if (shape === undefined) {
    return -XenError.noSuchCall;
  }
  if (count > mostOperations) {
    return -XenError.tooBig;
  }
  for (let index = 0; index < count; index += 1) {
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
      return Status.badDomain;
    }
    if (count > mostGrantFrames) {
      return Status.general;
    }
    const frames = Array.from({ length: count }, (_nothing, index) => {
      return Math.floor((call.domain.grants.frameAddress(index) ?? 0) / 4096);
    });
    // With translated memory the frames are only reserved; add_to_physmap places them.
    const isTold = call.domain.kind === 'hvm' || call.copy.writeWords(list, frames);
    return isTold ? Status.okay : Status.general;
  });
}

/** dom u16, nr_frames u32, max_nr_frames u32, status s16. */
function querySize(call: XenCall, at: number): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const known = isSelf((words[0] ?? 0) & 0xffff);
  words[1] = known ? call.domain.grants.frames : 0;
  words[2] = known ? mostGrantFrames : 0;
  return finish(call, at, words, 3, () => (known ? Status.okay : Status.badDomain));
}

function setVersion(call: XenCall, at: number): number {
  const version = call.copy.words(at, 1)?.[0];
  if (version === undefined || !call.copy.canWrite(at, 4)) {
    return -XenError.fault;
  }
  if (version !== 1 && version !== 2) {
    return -XenError.invalid;
  }
  if (!call.domain.grants.setVersion(version)) {
    return -XenError.busy;
  }
  return call.copy.writeWords(at, [version]) ? 0 : -XenError.fault;
}

/** dom u16, version u32. */
function getVersion(call: XenCall, at: number): number {
  const words = call.copy.words(at, 2);
  if (words === undefined) {
    return -XenError.fault;
  }
  if (!isSelf((words[0] ?? 0) & 0xffff)) {
    return -XenError.notPermitted;
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
      return Status.badDomain;
    }
    if (count > grants.statusFrames) {
      return Status.general;
    }
    const frames = Array.from({ length: count }, (_nothing, index) => {
      return [Math.floor((grants.statusAddress(index) ?? 0) / 4096), 0];
    }).flat();
    return call.copy.writeWords(low, frames) ? Status.okay : Status.general;
  })();
  words[1] = (domainAndStatus & 0xffff) | (result << 16);
  return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
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

/**
 * Mapping, unmapping, transfer and copy are about other guests' grants, and there is none. Only the
 * status at the byte `statusAt` is written.
 */
function refused(bytes: number, statusAt: number, status: number): Shape {
  const answer = new Uint8Array(Int16Array.of(status).buffer);
  return {
    bytes,
    serve: (call, at) => (call.copy.write(at + statusAt, answer) ? 0 : -XenError.fault),
  };
}

const shapes: Readonly<Record<number, Shape>> = {
  [Op.mapGrantRef]: refused(32, 18, Status.badDomain),
  [Op.unmapGrantRef]: refused(24, 20, Status.badHandle),
  [Op.setupTable]: { bytes: 16, serve: setupTable },
  [Op.transfer]: refused(16, 12, Status.badDomain),
  [Op.copy]: refused(24, 20, Status.badDomain),
  [Op.querySize]: { bytes: 16, serve: querySize },
  [Op.unmapAndReplace]: refused(24, 20, Status.badHandle),
  [Op.setVersion]: { bytes: 4, serve: setVersion },
  [Op.getStatusFrames]: { bytes: 12, serve: statusFrames },
  [Op.getVersion]: { bytes: 8, serve: getVersion },
};
