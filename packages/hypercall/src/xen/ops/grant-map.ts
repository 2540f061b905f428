/**
 * Operations of `grant_table_op` on grants that the guest itself uses: map, unmap, copy, swap
 * (public/grant_table.h). The only grants that there are to use are its own.
 */
import { DomainId } from '../constants.ts';
import { GrantMapFlag, mostMappedGrants } from '../mapped-grants.ts';
import { argument } from './call.ts';
import type { XenCall } from './call.ts';

/** Status numbers of grant operations (GNTST_*). */
export const GrantStatus = {
  okay: 0,
  general: -1,
  badDomain: -2,
  badReference: -3,
  badHandle: -4,
  noSpace: -7,
  permission: -8,
  badPage: -9,
  badCopy: -10,
  again: -12,
} as const;

const pageBytes = 4096;
const CopyFlag = { sourceReference: 1, targetReference: 2 } as const;

/** Whether the domain of a reference is there: the guest, by its number, or the back ends'. */
function domainStatus(domain: number): number {
  if (domain === DomainId.guest) {
    return GrantStatus.okay;
  }
  // The other domain grants nothing.
  return domain === DomainId.backend ? GrantStatus.badReference : GrantStatus.badDomain;
}

/** host_addr (64), flags, ref, dom u16, status s16, handle, dev_bus_addr (64). */
export function mapGrant(call: XenCall, words: number[]): number {
  const { grants, mapped, mapper } = call.domain;
  const [low = 0, high = 0, flags = 0, reference = 0, domainAndStatus = 0] = words;
  const kinds = GrantMapFlag.host | GrantMapFlag.device;
  if ((flags & kinds) === 0) {
    return GrantStatus.badReference;
  }
  const known = domainStatus(domainAndStatus & 0xffff);
  if (known !== 0) {
    return known;
  }
  if (mapped.size >= mostMappedGrants) {
    return GrantStatus.noSpace;
  }
  if (reference >= grants.references) {
    return GrantStatus.badReference;
  }
  const write = (flags & GrantMapFlag.readOnly) === 0;
  const grant = grants.use(reference, write, DomainId.guest);
  if (grant === undefined || grant.bytes !== pageBytes) {
    if (grant !== undefined) {
      grants.release(reference, write);
    }
    return GrantStatus.general;
  }
  const frame = grant.physical / pageBytes;
  if ((flags & GrantMapFlag.host) !== 0 && !mapper.map({ low, high }, frame, flags)) {
    grants.release(reference, write);
    return GrantStatus.general;
  }
  words[5] = mapped.add({ reference, frame, flags });
  words[6] = (frame * pageBytes) % 2 ** 32;
  words[7] = Math.floor((frame * pageBytes) / 2 ** 32);
  return GrantStatus.okay;
}

/** host_addr (64), dev_bus_addr or the new host_addr (64), handle, status s16. */
export function unmapGrant(call: XenCall, words: number[], replaces: boolean): number {
  const { grants, mapped, mapper } = call.domain;
  const [low = 0, high = 0, second = 0, secondHigh = 0, handle = 0] = words;
  const found = mapped.at(handle);
  if (found === undefined) {
    return GrantStatus.badHandle;
  }
  let { flags } = found;
  const isHost = low !== 0 || high !== 0 || replaces;
  if (isHost && (flags & GrantMapFlag.host) !== 0) {
    const place = { low, high };
    const isDone = replaces
      ? (flags & GrantMapFlag.containsEntry) === 0 && mapper.replace(place, found.frame, second)
      : mapper.unmap(place, found.frame, flags);
    if (!isDone) {
      return GrantStatus.general;
    }
    flags &= ~GrantMapFlag.host;
  }
  if (!replaces && (second !== 0 || secondHigh !== 0)) {
    flags &= ~GrantMapFlag.device;
  }
  if ((flags & (GrantMapFlag.host | GrantMapFlag.device)) === 0) {
    grants.release(found.reference, (flags & GrantMapFlag.readOnly) === 0);
    mapped.remove(handle);
  } else {
    mapped.change(handle, flags);
  }
  return GrantStatus.okay;
}

/** A side of a copy: ref or frame, domid u16, offset u16. */
interface CopySide {
  readonly number: number;
  readonly domain: number;
  readonly offset: number;
  readonly isReference: boolean;
}

/** source, dest (8 bytes each), len u16, flags u16, status s16. */
export function copyGrant(call: XenCall, words: number[]): number {
  const [, , , , lengthAndFlags = 0] = words;
  const bytes = lengthAndFlags & 0xffff;
  const flags = lengthAndFlags >>> 16;
  const side = (index: number, flag: number): CopySide => ({
    number: words[index] ?? 0,
    domain: (words[index + 1] ?? 0) & 0xffff,
    offset: (words[index + 1] ?? 0) >>> 16,
    isReference: (flags & flag) !== 0,
  });
  const source = side(0, CopyFlag.sourceReference);
  const target = side(2, CopyFlag.targetReference);
  const refused = sideStatus(source) || sideStatus(target);
  if (refused !== 0) {
    return refused;
  }
  if (source.offset + bytes > pageBytes || target.offset + bytes > pageBytes) {
    return GrantStatus.badCopy;
  }
  const from = beginSide(call, source, bytes, false);
  if (from.end === undefined) {
    return from.status;
  }
  const to = beginSide(call, target, bytes, true);
  if (to.end !== undefined) {
    const { memory } = call.domain.services;
    const buffer = new Uint8Array(bytes);
    memory.read(from.physical, buffer);
    memory.write(to.physical, buffer);
    to.end();
  }
  from.end();
  return to.status;
}

/** Frames may be named only as the caller's own. */
function sideStatus({ domain, isReference }: CopySide): number {
  if (!isReference) {
    return domain === DomainId.self ? GrantStatus.okay : GrantStatus.permission;
  }
  return domain === DomainId.self ? GrantStatus.okay : domainStatus(domain);
}

interface BegunSide {
  readonly status: number;
  readonly physical: number;
  /** Ends the use; absent where there is none. */
  readonly end: (() => void) | undefined;
}

function beginSide(
  call: XenCall,
  { number, offset, isReference }: CopySide,
  bytes: number,
  write: boolean,
): BegunSide {
  const { grants, grantPages } = call.domain;
  const failed = (status: number): BegunSide => ({ status, physical: 0, end: undefined });
  if (!isReference) {
    if (!grantPages.hold(number, write)) {
      return failed(GrantStatus.badPage);
    }
    const end = (): void => {
      grantPages.drop(number, write);
    };
    return { status: 0, physical: number * pageBytes + offset, end };
  }
  if (number >= grants.references) {
    return failed(GrantStatus.badReference);
  }
  const grant = grants.use(number, write, DomainId.guest);
  if (grant === undefined) {
    return failed(GrantStatus.general);
  }
  const first = grant.physical % pageBytes;
  if (offset < first || offset + bytes > first + grant.bytes) {
    grants.release(number, write);
    return failed(GrantStatus.general);
  }
  const end = (): void => {
    grants.release(number, write);
  };
  return { status: 0, physical: grant.physical - first + offset, end };
}

/** ref_a, ref_b, status s16: exchanges two entries that are not in use. */
export function swapGrants(call: XenCall, words: number[]): number {
  const { grants } = call.domain;
  const [one = 0, other = 0] = words;
  if (one >= grants.references || other >= grants.references) {
    return GrantStatus.badReference;
  }
  return grants.swap(one, other) ? GrantStatus.okay : GrantStatus.again;
}

/** Whether a list of one element is wanted, and it has another number. */
export const isNotOne = (call: XenCall): boolean => argument(call, 2) !== 1;
