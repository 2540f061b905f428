import { pageBytes } from '@ringfence/memory';
import { timeInfoBytes } from '../../kvm/time-structures.ts';
import { machineToPhysicalStart, XenError } from '../constants.ts';
import { vcpuInfoBytes } from '../shared-info.ts';
import { argument } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

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

/** `vcpu_op`: there is one virtual CPU, number 0. */
export const serveVcpu: XenHandler = (call) => {
  const { domain } = call;
  const at = argument(call, 2);
  if (argument(call, 1) !== 0) {
    return -XenError.noEntry;
  }
  switch (argument(call, 0)) {
    case Vcpu.initialise:
      return initialise(call, at);
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
      return domain.kind === 'pv' ? -XenError.invalid : -XenError.noSuchCall;
    case Vcpu.down:
      // The last one that runs: the guest is off.
      domain.stop('poweroff');
      return 0;
    default:
      return -XenError.noSuchCall;
  }
};

/**
 * Bytes of a state in which a virtual CPU begins: `vcpu_guest_context` of a paravirtual guest,
 * `vcpu_hvm_context`.
 */
const contextBytes = { pv: 2800, hvm: 128 } as const;

/** The state is read before it shows that the only virtual CPU runs. */
function initialise(call: XenCall, at: number): number {
  const state = call.copy.read(at, contextBytes[call.domain.kind]);
  return state === undefined ? -XenError.fault : -XenError.exists;
}

function runstateInfo(call: XenCall, at: number): number {
  const { runstate, services } = call.domain;
  return call.copy.write(at, runstate.bytes(services.clock.now())) ? 0 : -XenError.fault;
}

/** A linear address that is kept: what the CPU spends its time with is told there. */
function registerRunstate(call: XenCall, at: number): number {
  const { runstate } = call.domain;
  const linear = placeToKeep(call, at, runstate.bytes().length);
  if (linear === undefined) {
    return -XenError.fault;
  }
  call.domain.runstateArea = linear;
  call.copy.write(linear, runstate.bytes());
  return 0;
}

/** A linear address that is kept: it gets a copy of the time as `vcpu_info` has it. */
function registerTime(call: XenCall, at: number): number {
  const linear = placeToKeep(call, at, timeInfoBytes);
  if (linear === undefined) {
    return -XenError.fault;
  }
  call.domain.timeArea = linear;
  call.domain.writeTimeArea();
  return 0;
}

/**
 * Reads an address that is written to from now on, whenever there is memory: it only has to lie
 * below Xen where the guest has page tables that Xen is in.
 */
function placeToKeep(call: XenCall, at: number, bytes: number): number | undefined {
  const linear = call.copy.words(at, 1)?.[0];
  const isXens =
    linear !== undefined && call.domain.kind === 'pv' && linear + bytes > machineToPhysicalStart;
  return isXens ? undefined : linear;
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
  if (offset > pageBytes - vcpuInfoBytes || offset % 4 !== 0) {
    return -XenError.noAddress;
  }
  if (call.domain.shared.isMoved || high !== 0) {
    return -XenError.invalid;
  }
  return call.domain.registerVcpuInfo(frame * pageBytes + offset) ? 0 : -XenError.invalid;
}
