import { XenError } from '../constants.ts';
import type { ShutdownReason } from '../interfaces.ts';
import { timeInfoBytes } from '../../kvm/time-structures.ts';
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
      return 0;
    case Sched.poll:
      return poll(call, at);
    case Sched.remoteShutdown:
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
    // A byte is the reason; GNU Mach gives an address. Numbers without a meaning stop the guest.
    const reason = argument(call, 1) & 0xff;
    return shutdown(call, reason < reasons.length ? reason : 0);
  }
  return op < Sched.shutdown ? serveSched(call) : -XenError.noSuchCall;
};

function shutdown(call: XenCall, reason: number): number {
  const found = reasons[reason];
  if (found === undefined) {
    return -XenError.invalid;
  }
  call.domain.services.machine.shutdown(found);
  // Nobody takes a suspended guest elsewhere: it is as if that had been called off (sched.h).
  return found === 'suspend' ? 1 : 0;
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

/** Sub-operations (public/vcpu.h, VCPUOP_*). */
const Vcpu = {
  initialise: 0,
  up: 1,
  down: 2,
  isUp: 3,
  runstateInfo: 4,
  registerRunstate: 5,
  setPeriodic: 6,
  stopPeriodic: 7,
  setSingleshot: 8,
  stopSingleshot: 9,
  registerInfo: 10,
  sendNmi: 11,
  physicalId: 12,
  registerTime: 13,
} as const;

/** A one-shot timer whose time must lie ahead (VCPU_SSHOTTMR_future). */
const mustBeFuture = 1;
/** The shortest period of the periodic timer: 1 ms. */
const leastPeriodNs = 1e6;
const pageBytes = 4096;

/** `vcpu_op`: there is one virtual CPU, number 0. */
export const serveVcpu: XenHandler = (call) => {
  const { domain } = call;
  const at = argument(call, 2);
  if (argument(call, 1) !== 0) {
    return -XenError.noEntry;
  }
  switch (argument(call, 0)) {
    case Vcpu.initialise:
      return -XenError.exists;
    case Vcpu.up:
      return 0;
    case Vcpu.isUp:
      return 1;
    case Vcpu.runstateInfo:
      return runstateInfo(call, at);
    case Vcpu.registerRunstate:
      return registerRunstate(call, at);
    case Vcpu.setPeriodic:
      return setPeriodic(call, at);
    case Vcpu.stopPeriodic:
      domain.setPeriod(0);
      return 0;
    case Vcpu.setSingleshot:
      return setSingleshot(call, at);
    case Vcpu.stopSingleshot:
      domain.setTimer(0);
      return 0;
    case Vcpu.registerInfo:
      return registerInfo(call, at);
    case Vcpu.registerTime:
      return registerTime(call, at);
    case Vcpu.sendNmi:
      if (at !== 0) {
        return -XenError.invalid;
      }
      domain.raiseNmi();
      return 0;
    case Vcpu.physicalId:
      return -XenError.invalid;
    case Vcpu.down:
      // The last one that runs: the guest is off.
      domain.services.machine.shutdown('poweroff');
      return 0;
    default:
      return -XenError.noSuchCall;
  }
};

function runstateInfo(call: XenCall, at: number): number {
  const { runstate, services } = call.domain;
  return call.copy.write(at, runstate.bytes(services.clock.now())) ? 0 : -XenError.fault;
}

/** A linear address that is kept: what the CPU spends its time with is told there. */
function registerRunstate(call: XenCall, at: number): number {
  const linear = call.copy.words(at, 1)?.[0];
  if (linear === undefined || !call.copy.write(linear, call.domain.runstate.bytes())) {
    return -XenError.fault;
  }
  call.domain.runstateArea = linear;
  return 0;
}

/** A linear address that is kept: it gets a copy of the time as `vcpu_info` has it. */
function registerTime(call: XenCall, at: number): number {
  const linear = call.copy.words(at, 1)?.[0];
  if (linear === undefined || !call.copy.canWrite(linear, timeInfoBytes)) {
    return -XenError.fault;
  }
  call.domain.timeArea = linear;
  call.domain.writeTimeArea();
  return 0;
}

function setPeriodic(call: XenCall, at: number): number {
  const words = call.copy.words(at, 2);
  if (words === undefined) {
    return -XenError.fault;
  }
  const periodNs = (words[1] ?? 0) * 2 ** 32 + (words[0] ?? 0);
  if (periodNs < leastPeriodNs || periodNs > Number.MAX_SAFE_INTEGER) {
    return -XenError.invalid;
  }
  call.domain.setPeriod(periodNs);
  return 0;
}

/** timeout (64), flags. */
function setSingleshot(call: XenCall, at: number): number {
  const words = call.copy.words(at, 3);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [low = 0, high = 0, flags = 0] = words;
  const deadline = high * 2 ** 32 + low;
  if ((flags & mustBeFuture) !== 0 && deadline < call.domain.services.clock.now()) {
    // ETIME
    return -62;
  }
  call.domain.setTimer(Math.min(Math.max(deadline, 1), Number.MAX_SAFE_INTEGER));
  return 0;
}

/** mfn (64), offset u32, 0. */
function registerInfo(call: XenCall, at: number): number {
  const words = call.copy.words(at, 3);
  if (words === undefined) {
    return -XenError.fault;
  }
  const [frame = 0, high = 0, offset = 0] = words;
  if (call.domain.shared.isMoved || offset >= pageBytes || high !== 0) {
    return -XenError.invalid;
  }
  return call.domain.registerVcpuInfo(frame * pageBytes + offset) ? 0 : -XenError.invalid;
}

/** `set_timer_op`: a time of the machine's clock in two words; 0 stops the timer. */
export const serveSetTimer: XenHandler = (call) => {
  const deadline = argument(call, 1) * 2 ** 32 + argument(call, 0);
  call.domain.setTimer(Math.min(deadline, Number.MAX_SAFE_INTEGER));
  return 0;
};

/** `console_io`: op 0 writes to the console; all else is the privileged guest's. */
export const serveConsoleIo: XenHandler = (call) => {
  const [op, count, at] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  if (op !== 0) {
    return -XenError.notPermitted;
  }
  for (let done = 0; done < Math.min(count, 0x1_0000); done += 1024) {
    const bytes = Math.min(1024, count - done);
    const view = call.copy.read(at + done, bytes);
    if (view === undefined) {
      return -XenError.fault;
    }
    for (let index = 0; index < bytes; index += 1) {
      call.domain.services.console.write(view.getUint8(index));
    }
  }
  return 0;
};

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
