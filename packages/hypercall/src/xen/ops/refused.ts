/** Calls that are known, and refused in the way of their kind. */
import { XenError } from '../constants.ts';
import { argument } from './call.ts';
import type { XenHandler } from './call.ts';

/** Calls that are known and not for this guest. */
export const serveNothing: XenHandler = () => -XenError.noSuchCall;

/** Calls for what nobody has switched on. */
export const serveUnsupported: XenHandler = () => -XenError.notSupported;

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
