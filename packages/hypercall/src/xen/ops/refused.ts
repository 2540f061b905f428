/** Calls that are known, and refused in the way of their kind. */
import { DomainId, XenError } from '../constants.ts';
import { argument } from './call.ts';
import type { XenHandler } from './call.ts';

/** Calls that are known and not for this guest. */
export const serveNothing: XenHandler = () => -XenError.noSuchCall;

/** Calls for what nobody has switched on. */
export const serveUnsupported: XenHandler = () => -XenError.notSupported;

/**
 * Calls on page tables that Xen checks, by a guest whose tables it does not: the fourth argument is
 * the domain that is meant, which is looked for first and may not be named by its own number.
 */
export const serveTranslated: XenHandler = (call) => {
  const domain = argument(call, 3) & 0xffff;
  const isThere = domain === DomainId.self || domain === DomainId.backend;
  if (!isThere) {
    return -XenError.noDomain;
  }
  return domain === DomainId.self ? -XenError.invalid : -XenError.notPermitted;
};

/** Calls that only a privileged guest may make. */
export const servePrivileged: XenHandler = () => -XenError.notPermitted;

/** The most buffers of a call of a device model, and the bytes of each: pointer, size. */
const mostBuffers = 2;
const bufferBytes = 8;

/**
 * Calls of a device model for another guest: its buffers are looked at first, then which domain is
 * meant. The back ends' one has no device model, and nobody is one's own.
 */
export const serveDeviceModel: XenHandler = (call) => {
  const [domain, count, buffers] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  if (count > mostBuffers) {
    return -XenError.tooBig;
  }
  if (call.copy.read(buffers, count * bufferBytes) === undefined) {
    return -XenError.fault;
  }
  switch (domain & 0xffff) {
    case DomainId.guest:
      return -XenError.notPermitted;
    case DomainId.backend:
      return -XenError.invalid;
    default:
      return -XenError.noDomain;
  }
};

/**
 * Calls of a tool stack, whose structures change with versions of Xen: the second word says which
 * is meant, and that is looked at before who calls.
 */
export const serveVersioned =
  (version: number): XenHandler =>
  (call) => {
    const words = call.copy.words(argument(call, 0), 2);
    if (words === undefined) {
      return -XenError.fault;
    }
    return words[1] === version ? -XenError.notPermitted : -XenError.access;
  };
