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
