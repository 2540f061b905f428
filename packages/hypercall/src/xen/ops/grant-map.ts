/**
 * Operations of `grant_table_op` on grants that the guest itself uses: map, unmap, copy, swap
 * (public/grant_table.h). The only grants that there are to use are its own.
 */
import { pageBytes } from '@ringfence/memory';
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
  badAddress: -5,
  noSpace: -7,
  permission: -8,
  badPage: -9,
  badCopy: -10,
  again: -12,
} as const;

const CopyFlag = { sourceReference: 1, targetReference: 2 } as const;

/** References that the table of the other domain has room for. */
const backendReferences = 512;

/** Whether the domain of a reference is there: the guest, by its number, or the back ends'. */
function domainStatus(domain: number, reference: number): number {
  if (domain === DomainId.guest) {
    return GrantStatus.okay;
  }
  if (domain !== DomainId.backend) {
    return GrantStatus.badDomain;
  }
  // It grants nothing.
  return reference < backendReferences ? GrantStatus.general : GrantStatus.badReference;
}

/** What makes sense only where the guest has page tables that Xen knows. */
const ofPageTables = GrantMapFlag.device | GrantMapFlag.application | GrantMapFlag.containsEntry;

/** host_addr (64), flags, ref, dom u16, status s16, handle, dev_bus_addr (64). */
export function mapGrant(call: XenCall, words: number[]): number {
  const { grants, mapped, mapper } = call.domain;
  const [low = 0, high = 0, flags = 0, reference = 0, domainAndStatus = 0] = words;
  const kinds = GrantMapFlag.host | GrantMapFlag.device;
  if ((flags & kinds) === 0) {
    return GrantStatus.badReference;
  }
  if (call.domain.kind === 'hvm' && (flags & ofPageTables) !== 0) {
    return GrantStatus.general;
  }
  const known = domainStatus(domainAndStatus & 0xffff, reference);
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
  const busAddress = secondHigh * 2 ** 32 + second;
  if (!replaces && busAddress !== 0 && busAddress !== found.frame * pageBytes) {
    return GrantStatus.general;
  }
  const isHost = low !== 0 || high !== 0 || replaces;
  if (isHost && (flags & GrantMapFlag.host) !== 0) {
    const place = { low, high };
    const isDone = replaces
      ? (flags & GrantMapFlag.containsEntry) === 0 &&
        mapper.replace(place, found.frame, flags, second)
      : mapper.unmap(place, found.frame, flags);
    if (!isDone) {
      return GrantStatus.general;
    }
    flags &= ~GrantMapFlag.host;
  }
  if (!replaces && busAddress !== 0) {
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
  const from = beginSide(call, source, false);
  if (from.end === undefined) {
    return from.status;
  }
  const to = beginSide(call, target, true);
  const status = to.end === undefined ? to.status : copyBetween(call, from, to, bytes);
  to.end?.();
  from.end();
  return status;
}

function copyBetween(call: XenCall, from: BegunSide, to: BegunSide, bytes: number): number {
  const crosses = (side: BegunSide): boolean => side.offset + bytes > pageBytes;
  const isOutside = ({ offset, part: [first, end] }: BegunSide): boolean =>
    offset < first || offset + bytes > end;
  if (crosses(from) || crosses(to)) {
    return GrantStatus.badCopy;
  }
  if (isOutside(from) || isOutside(to)) {
    return GrantStatus.general;
  }
  const { memory } = call.domain.services;
  const buffer = new Uint8Array(bytes);
  memory.read(from.page + from.offset, buffer);
  memory.write(to.page + to.offset, buffer);
  return GrantStatus.okay;
}

/** Frames may be named only as the caller's own. */
function sideStatus({ domain, number, isReference }: CopySide): number {
  if (!isReference) {
    return domain === DomainId.self ? GrantStatus.okay : GrantStatus.permission;
  }
  return domain === DomainId.self ? GrantStatus.okay : domainStatus(domain, number);
}

interface BegunSide {
  readonly status: number;
  /** Address of its page, and the offset in it that is meant. */
  readonly page: number;
  readonly offset: number;
  /** What of the page is granted: the first byte, and the one behind the last. */
  readonly part: readonly [number, number];
  /** Ends the use; absent where there is none. */
  readonly end: (() => void) | undefined;
}

function beginSide(
  call: XenCall,
  { number, offset, isReference }: CopySide,
  write: boolean,
): BegunSide {
  const { grants, grantPages } = call.domain;
  const whole = { status: GrantStatus.okay, offset, part: [0, pageBytes] as const };
  const failed = (status: number): BegunSide => ({ ...whole, status, page: 0, end: undefined });
  if (!isReference) {
    if (!grantPages.hold(number, write)) {
      return failed(GrantStatus.badPage);
    }
    const end = (): void => {
      grantPages.drop(number, write);
    };
    return { ...whole, page: number * pageBytes, end };
  }
  if (number >= grants.references) {
    return failed(GrantStatus.badReference);
  }
  const grant = grants.use(number, write, DomainId.guest);
  if (grant === undefined) {
    return failed(GrantStatus.general);
  }
  const first = grant.physical % pageBytes;
  const end = (): void => {
    grants.release(number, write);
  };
  return { ...whole, page: grant.physical - first, part: [first, first + grant.bytes], end };
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
