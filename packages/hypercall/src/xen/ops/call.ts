import { DomainId, machineToPhysicalStart, XenError } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import type { GuestCopy } from '../guest-copy.ts';

/** What may still be done before the guest is let run; about as many elements of lists. */
export interface CallWork {
  left: number;
}

/** What a hypercall may do at once: some 50 ms. */
export const callWork = 0x1_0000;

/** One hypercall being served. */
export interface XenCall {
  readonly work: CallWork;
  /**
   * Has the guest make the call again with these arguments once it was let run, and returns what
   * the call then has as its result.
   */
  readonly again: (args: readonly number[]) => number;
  readonly domain: XenDomain;
  /** The five or six arguments, unsigned. */
  readonly args: readonly number[];
  /** The caller's memory. */
  readonly copy: GuestCopy;
}

/** Serves a call and returns its result, negative for errors. */
export type XenHandler = (call: XenCall) => number;

/**
 * Takes note of some work of a list; whether it is to go on later, as Xen's calls do that are
 * preempted. What was begun is always taken a step further, so that each time something is done.
 */
export function isSpent(call: XenCall, done: number, units: number = 1): boolean {
  const isOver = done > 0 && call.work.left <= 0;
  call.work.left -= units;
  return isOver;
}

/**
 * The error for a list as a whole, before it is looked at, or 0: a paravirtual guest's lies below
 * Xen. It may be as long as the guest likes, as the call goes on later.
 */
export function listError(call: XenCall, list: number, count: number, bytes: number): number {
  const isXens = list + count * bytes > machineToPhysicalStart;
  return call.domain.kind === 'pv' && isXens ? -XenError.fault : 0;
}

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
