import { DomainId, XenError } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import type { GuestCopy } from '../guest-copy.ts';

/** One hypercall being served. */
export interface XenCall {
  readonly domain: XenDomain;
  /** The five or six arguments, unsigned. */
  readonly args: readonly number[];
  /** The caller's memory. */
  readonly copy: GuestCopy;
}

/** Serves a call and returns its result, negative for errors. */
export type XenHandler = (call: XenCall) => number;

/** Returns an argument, 0 where there is none. */
export function argument(call: XenCall, index: number): number {
  return (call.args[index] ?? 0) >>> 0;
}

/** 0 for the guest itself, else the error: it has no say over the other domain, nor is a third. */
export function domainError(domain: number): number {
  if (isSelf(domain)) {
    return 0;
  }
  return domain === DomainId.backend ? -XenError.notPermitted : -XenError.noDomain;
}

/**
 * Reads a structure that begins with the number of the domain that is meant, 16 bits: its words, or
 * the error where it cannot be read, or means another domain than the guest.
 */
export function ownWords(call: XenCall, at: number, count: number): number[] | number {
  const words = call.copy.words(at, count);
  return words === undefined ? -XenError.fault : domainError((words[0] ?? 0) & 0xffff) || words;
}

/** Whether a domain number means the guest itself. */
export function isSelf(domain: number): boolean {
  return domain === DomainId.self || domain === DomainId.guest;
}
