import type { CallLog } from '../call-log.ts';
import type {
  GuestClock,
  GuestMemory,
  HypercallEvents,
  HypercallRegisters,
  WallClock,
} from '../interfaces.ts';
import { KvmError, KvmHypercall } from './constants.ts';
import { clockPairingBytes, unixNs, writeClockPairing } from './time-structures.ts';

/** What the hypercalls of the KVM interface work on. */
export interface KvmHypercallContext {
  readonly memory: GuestMemory;
  readonly clock: GuestClock;
  readonly wallClock: WallClock;
  readonly events: HypercallEvents;
  /** Who counts and traces calls. */
  readonly log?: CallLog;
}

const rax = 0;
const rcx = 1;
const rbx = 3;

/** The one clock that KVM_HC_CLOCK_PAIRING knows: the time of day. */
const pairingWallClock = 0;

/**
 * Serves one hypercall: the number is in RAX, arguments in RBX, RCX, RDX, RSI, the result goes to
 * RAX.
 *
 * Other registers stay. Calls that need a feature bit which is not offered (kick, IPI, yield: there
 * is one virtual CPU and no APIC) are refused as unknown, as KVM does (Linux, hypercalls.rst).
 */
export function serveKvmHypercall(
  registers: HypercallRegisters,
  context: KvmHypercallContext,
): void {
  const serve = (): number => resultOf(registers, context);
  const result =
    context.log?.run('kvm', nameOf(registers.low(rax) >>> 0), () => describe(registers), serve) ??
    serve();
  registers.set(rax, result, registers.long ? result >> 31 : 0);
}

/** Names of calls by number, as Linux has them. */
const names: Readonly<Record<number, string>> = {
  [KvmHypercall.vapicPollIrq]: 'vapic_poll_irq',
  [KvmHypercall.kickCpu]: 'kick_cpu',
  [KvmHypercall.clockPairing]: 'clock_pairing',
  [KvmHypercall.sendIpi]: 'send_ipi',
  [KvmHypercall.schedYield]: 'sched_yield',
  [KvmHypercall.mapGpaRange]: 'map_gpa_range',
};

/**
 * A name for every number; unknown ones share one, since a guest could make up any number of them.
 */
function nameOf(number: number): string {
  return names[number] ?? 'unknown';
}

function describe(registers: HypercallRegisters): string {
  const args = [rbx, rcx].map((register) => `0x${argument(registers, register).toString(16)}`);
  return args.join(' ');
}

function resultOf(registers: HypercallRegisters, context: KvmHypercallContext): number {
  if (registers.cpl !== 0) {
    return -KvmError.permission;
  }
  if (registers.long && registers.high(rax) !== 0) {
    return -KvmError.noSuchCall;
  }
  switch (registers.low(rax) >>> 0) {
    case KvmHypercall.vapicPollIrq:
      context.events.pollInterrupts();
      return 0;
    case KvmHypercall.clockPairing:
      return clockPairing(registers, context);
    default:
      return -KvmError.noSuchCall;
  }
}

function clockPairing(registers: HypercallRegisters, context: KvmHypercallContext): number {
  if (argument(registers, rcx) !== pairingWallClock) {
    return -KvmError.notSupported;
  }
  const physical = argument(registers, rbx);
  if (physical >= 2 ** 52 || !context.memory.isRam(physical, clockPairingBytes)) {
    return -KvmError.fault;
  }
  const tsc = context.clock.tscAt(Math.floor(context.clock.now()));
  writeClockPairing(context.memory, physical, unixNs(context.wallClock), tsc);
  return 0;
}

/** Returns an argument as a number; above 2^53 it is inexact, and too large for every use. */
function argument(registers: HypercallRegisters, register: number): number {
  const high = registers.long ? registers.high(register) >>> 0 : 0;
  return high * 2 ** 32 + (registers.low(register) >>> 0);
}
