import { DomainId, XenError } from '../constants.ts';
import type { ShutdownReason } from '../interfaces.ts';
import { argument } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

/** Sub-operations (public/sched.h, SCHEDOP_*). */
const Sched = {
  yield: 0,
  block: 1,
  shutdown: 2,
  poll: 3,
  remoteShutdown: 4,
  shutdownCode: 5,
  watchdog: 6,
  pinOverride: 7,
} as const;

const reasons: readonly ShutdownReason[] = [
  'poweroff',
  'reboot',
  'suspend',
  'crash',
  'watchdog',
  'soft-reset',
];

const mostPolledPorts = 128;

/** `sched_op`: yields, waits, polls, stops the guest. */
export const serveSched: XenHandler = (call) => {
  const at = argument(call, 1);
  switch (argument(call, 0)) {
    case Sched.yield:
      call.domain.services.machine.yield();
      return 0;
    case Sched.block:
      call.domain.shared.upcallMasked = false;
      call.domain.wait({ timeoutNs: 0 });
      return 0;
    case Sched.shutdown: {
      const words = call.copy.words(at, 1);
      return words === undefined ? -XenError.fault : shutdown(call, words[0] ?? 0);
    }
    case Sched.shutdownCode:
      return call.copy.words(at, 1) === undefined ? -XenError.fault : 0;
    case Sched.poll:
      return poll(call, at);
    case Sched.remoteShutdown:
      return remoteShutdown(call, at);
    case Sched.pinOverride:
      return -XenError.notPermitted;
    case Sched.watchdog: {
      const words = call.copy.words(at, 2);
      const [id = 0, seconds = 0] = words ?? [];
      const { watchdogs, services } = call.domain;
      return words === undefined
        ? -XenError.fault
        : watchdogs.set(id, seconds, services.clock.now());
    }
    default:
      return -XenError.noSuchCall;
  }
};

/** The first form of the call, with a number as argument. */
export const serveSchedCompat: XenHandler = (call) => {
  const op = argument(call, 0);
  if (op === Sched.shutdown) {
    // GNU Mach gives an address.
    return shutdown(call, argument(call, 1));
  }
  return op < Sched.shutdown ? serveSched(call) : -XenError.noSuchCall;
};

/** A byte is the reason; one without a meaning stops the guest. */
function shutdown(call: XenCall, reason: number): number {
  const found = reasons[reason & 0xff] ?? 'poweroff';
  call.domain.stop(found);
  // Nobody takes a suspended guest elsewhere: it is as if that had been called off (sched.h).
  return found === 'suspend' ? 1 : 0;
}

/** domid u16, reason: nobody but a tool stack stops another domain. */
function remoteShutdown(call: XenCall, at: number): number {
  const words = call.copy.words(at, 2);
  if (words === undefined) {
    return -XenError.fault;
  }
  const domain = (words[0] ?? 0) & 0xffff;
  const isThere = domain === DomainId.guest || domain === DomainId.backend;
  return isThere ? -XenError.notPermitted : -XenError.noDomain;
}

/** ports, nr_ports, timeout (64): waits until one of the ports is pending, or a time. */
function poll(call: XenCall, at: number): number {
  const words = call.copy.words(at, 4);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [list = 0, count = 0, low = 0, high = 0] = words;
  if (count > mostPolledPorts) {
    return -XenError.invalid;
  }
  const ports = call.copy.words(list, count);
  if (ports === undefined) {
    return -XenError.fault;
  }
  const { events } = call.domain;
  if (!ports.every((port) => events.isPort(port))) {
    return -XenError.invalid;
  }
  const timeoutNs = high * 2 ** 32 + low;
  call.domain.wait({ ports, timeoutNs });
  return 0;
}

/** `set_timer_op`: a time of the machine's clock in two words; 0 stops the timer. */
export const serveSetTimer: XenHandler = (call) => {
  const deadline = (argument(call, 1) | 0) * 2 ** 32 + argument(call, 0);
  const now = call.domain.services.clock.now();
  const isFar = deadline < 0 || deadline - now >= farNs;
  call.domain.setTimer(isFar ? Math.floor(now) + soonNs : deadline);
  return 0;
};

/**
 * A time so far ahead, or before all time, is one that a guest has miscounted; it is looked after
 * in 100 ms, neither at once nor never (Xen, common/schedule.c, "do_set_timer_op").
 */
const farNs = 2 ** 50;
const soonNs = 100e6;
