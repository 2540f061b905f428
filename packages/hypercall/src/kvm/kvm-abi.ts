/**
 * The KVM interface, as a stock Linux guest uses it: clock, time of day, steal time, hypercalls.
 *
 * The guest writes the address of a structure into an MSR; the host fills it in. A machine whose
 * time-stamp counter runs off the machine's own clock needs to write the time structure only when
 * one of the two jumps, so nothing here is on a hot path.
 *
 * An address that is not RAM is taken and not used, as KVM does; bits that KVM reserves are refused
 * with #GP. Each update asks anew whether the structure is RAM, since the guest can move things.
 */
import type { CallLog } from '../call-log.ts';
import { HypercallError } from '../error.ts';
import type {
  AbiState,
  CpuidValues,
  GuestClock,
  GuestMemory,
  HypercallAbi,
  HypercallEvents,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
  StealClock,
  WallClock,
} from '../interfaces.ts';
import { KvmFeature, KvmMsr, supportedKvmFeatures } from './constants.ts';
import { serveKvmHypercall } from './hypercalls.ts';
import { EoiOffer, PvEoi } from './pv-eoi.ts';
import {
  stealTimeBytes,
  timeInfoBytes,
  timeIsStable,
  tscScale,
  unixNs,
  wallClockBytes,
  writeStealTime,
  writeTimeInfo,
  writeWallClock,
} from './time-structures.ts';
import type { TscScale } from './time-structures.ts';

/** What the KVM interface is made from. */
export interface KvmOptions {
  readonly memory: GuestMemory;
  readonly clock: GuestClock;
  readonly wallClock: WallClock;
  readonly steal: StealClock;
  readonly events: HypercallEvents;
  /** Who counts and traces calls. */
  readonly log?: CallLog;
  /** `KvmFeature` bits to offer; the default is all that are supported, and no other can be. */
  readonly features?: number;
  /**
   * Whether a local APIC asks `endOfInterrupt` for its help; without one the feature bit for that
   * is not offered.
   */
  readonly localApic?: boolean;
}

const enabled = 1;
/** Bits 5..1 of the steal time MSR: the structure is aligned to 64 bytes (msr.rst). */
const stealReserved = 0x3e;
const stateVersion = 2;
const msrFields = ['wallClock', 'systemTime', 'stealTime'] as const;
type MsrField = (typeof msrFields)[number];

/** The KVM interface of one virtual CPU. */
export class KvmAbi implements HypercallAbi {
  /** Name of the interface. */
  readonly name: string = 'kvm';
  /** The `KvmFeature` bits that the guest is offered. */
  readonly features: number;
  /** Ends of interrupts by a bit in guest memory, for the local APIC to offer and take back. */
  readonly endOfInterrupt: PvEoi;
  readonly #options: KvmOptions;
  readonly #scale: TscScale;
  #msrs: Record<MsrField, MsrValue> = cleared();
  /** The steal clock's reading when the guest switched steal time on. */
  #stealBaseNs = 0;

  /**
   * Makes the interface with everything switched off.
   *
   * @throws HypercallError for a time-stamp counter whose frequency is no whole number of hertz
   * from 1.
   */
  constructor(options: KvmOptions) {
    const { tscHertz } = options.clock;
    if (!Number.isSafeInteger(tscHertz) || tscHertz < 1) {
      throw new HypercallError(
        'bad-configuration',
        `kvm: expected a whole number of hertz, found ${String(tscHertz)} at tscHertz`,
      );
    }
    this.#options = options;
    this.#scale = tscScale(tscHertz);
    const possible = supportedKvmFeatures & (options.localApic === true ? -1 : ~KvmFeature.pvEoi);
    this.features = (options.features ?? possible) & possible;
    this.endOfInterrupt = new PvEoi(options.memory);
  }

  /** Answers the signature and feature leaves (cpuid.rst). */
  cpuid(base: number, offset: number): CpuidValues | undefined {
    switch (offset) {
      case 0: // "KVMKVMKVM\0\0\0" in EBX, ECX, EDX.
        return { eax: base + 1, ebx: 0x4b4d_564b, ecx: 0x564b_4d56, edx: 0x4d };
      case 1:
        return { eax: this.features, ebx: 0, ecx: 0, edx: 0 };
      default:
        return undefined;
    }
  }

  /** Returns what the guest wrote last. */
  readMsr(index: number): MsrValue | undefined {
    if (this.#isPvEoi(index)) {
      return this.endOfInterrupt.msr;
    }
    const field = this.#fieldOf(index);
    return field === undefined ? undefined : this.#msrs[field];
  }

  /** Takes the address of a structure and fills the structure in. */
  writeMsr(index: number, low: number, high: number): MsrWriteResult {
    if (this.#isPvEoi(index)) {
      return this.endOfInterrupt.write(low, high) ? 'handled' : 'fault';
    }
    const field = this.#fieldOf(index);
    if (field === undefined) {
      return 'absent';
    }
    if (field === 'stealTime' && (low & stealReserved) !== 0) {
      return 'fault';
    }
    this.#msrs[field] = { low: low >>> 0, high: high >>> 0 };
    if (field === 'wallClock') {
      this.#updateWallClock();
    } else if (field === 'systemTime') {
      this.clockChanged();
    } else {
      this.#stealBaseNs = this.#options.steal.stolenNs();
      this.beforeRun();
    }
    return 'handled';
  }

  /** Serves every hypercall: those that it does not know get the error for that. */
  hypercall(registers: HypercallRegisters): boolean {
    serveKvmHypercall(registers, this.#options);
    return true;
  }

  /** Brings steal time up to date. */
  beforeRun(): void {
    const physical = this.#structure('stealTime', ~0x3f, stealTimeBytes);
    if (physical !== undefined) {
      const stolenNs = Math.max(0, this.#options.steal.stolenNs() - this.#stealBaseNs);
      writeStealTime(this.#options.memory, physical, BigInt(Math.floor(stolenNs)));
    }
  }

  /** Brings the time structure up to date. */
  clockChanged(): void {
    const physical = this.#structure('systemTime', ~enabled, timeInfoBytes);
    if (physical === undefined) {
      return;
    }
    const { clock, memory } = this.#options;
    const ns = Math.floor(clock.now());
    writeTimeInfo(memory, physical, {
      tsc: clock.tscAt(ns),
      systemNs: BigInt(ns),
      scale: this.#scale,
      flags: (this.features & KvmFeature.clockSourceStable) === 0 ? 0 : timeIsStable,
    });
  }

  /** Switches everything off. */
  reset(): void {
    this.#msrs = cleared();
    this.#stealBaseNs = 0;
    this.endOfInterrupt.reset();
  }

  /** Returns a copy of the state. */
  save(): AbiState {
    const { msr, offered } = this.endOfInterrupt;
    const fields: Record<string, number | readonly number[]> = {
      pvEoi: [msr.low, msr.high],
      eoiOffered: offered,
      stolenNs: Math.max(0, this.#options.steal.stolenNs() - this.#stealBaseNs),
    };
    for (const field of msrFields) {
      fields[field] = [this.#msrs[field].low, this.#msrs[field].high];
    }
    return { abi: this.name, version: stateVersion, fields };
  }

  /**
   * Replaces the state; the clock must have been restored before.
   *
   * @throws HypercallError with code `bad-state` for a state of anything else.
   */
  restore(state: unknown): void {
    const saved = asFields(state);
    const msrs = cleared();
    for (const field of msrFields) {
      msrs[field] = asMsr(saved, field);
    }
    const pvEoi = asMsr(saved, 'pvEoi');
    const offered = Object.values(EoiOffer).find((value) => value === saved['eoiOffered']);
    if (offered === undefined) {
      throw badState('0, 1 or 2 at eoiOffered');
    }
    const stolenNs = saved['stolenNs'];
    if (typeof stolenNs !== 'number' || !Number.isFinite(stolenNs) || stolenNs < 0) {
      throw badState('nanoseconds at stolenNs');
    }
    this.#msrs = msrs;
    this.endOfInterrupt.msr = pvEoi;
    this.endOfInterrupt.offered = offered;
    this.#stealBaseNs = this.#options.steal.stolenNs() - stolenNs;
    this.clockChanged();
    this.beforeRun();
  }

  #isPvEoi(index: number): boolean {
    return index === KvmMsr.pvEoi && (this.features & KvmFeature.pvEoi) !== 0;
  }

  #fieldOf(index: number): MsrField | undefined {
    const first = (this.features & KvmFeature.clockSource) !== 0;
    const second = (this.features & KvmFeature.clockSource2) !== 0;
    switch (index) {
      case KvmMsr.wallClock:
        return first ? 'wallClock' : undefined;
      case KvmMsr.wallClockNew:
        return second ? 'wallClock' : undefined;
      case KvmMsr.systemTime:
        return first ? 'systemTime' : undefined;
      case KvmMsr.systemTimeNew:
        return second ? 'systemTime' : undefined;
      case KvmMsr.stealTime:
        return (this.features & KvmFeature.stealTime) !== 0 ? 'stealTime' : undefined;
      default:
        return undefined;
    }
  }

  /** Returns the address of a structure that is switched on and in RAM. */
  #structure(field: MsrField, mask: number, bytes: number): number | undefined {
    const { low, high } = this.#msrs[field];
    return (low & enabled) === 0 ? undefined : this.#inRam(low & mask, high, bytes);
  }

  #inRam(low: number, high: number, bytes: number): number | undefined {
    const physical = high * 2 ** 32 + (low >>> 0);
    const { memory } = this.#options;
    return high < 2 ** 20 && memory.isRam(physical, bytes) ? physical : undefined;
  }

  #updateWallClock(): void {
    const { low, high } = this.#msrs.wallClock;
    const physical = this.#inRam(low, high, wallClockBytes);
    if (physical !== undefined) {
      const { clock, memory, wallClock } = this.#options;
      const bootNs = unixNs(wallClock) - BigInt(Math.floor(clock.now()));
      writeWallClock(memory, physical, bootNs < 0n ? 0n : bootNs);
    }
  }
}

function cleared(): Record<MsrField, MsrValue> {
  const zero = { low: 0, high: 0 };
  return { wallClock: zero, systemTime: zero, stealTime: zero };
}

function asFields(state: unknown): Readonly<Record<string, unknown>> {
  if (typeof state === 'object' && state !== null) {
    // Every object can be indexed; what is found is checked before it is used.
    const { abi, version, fields } = state as Readonly<Record<string, unknown>>;
    if (abi === 'kvm' && version === stateVersion && typeof fields === 'object' && fields) {
      return fields as Readonly<Record<string, unknown>>; // As above.
    }
  }
  throw badState(`a state of the interface kvm, version ${String(stateVersion)}`);
}

function asMsr(saved: Readonly<Record<string, unknown>>, field: string): MsrValue {
  const [low, high, ...rest] = asWords(saved[field]);
  if (low === undefined || high === undefined || rest.length > 0) {
    throw badState(`two 32-bit halves at ${field}`);
  }
  return { low, high };
}

function asWords(value: unknown): number[] {
  const words: unknown[] = Array.isArray(value) ? value : [];
  return words.filter(
    (word): word is number =>
      typeof word === 'number' && Number.isInteger(word) && word >= 0 && word < 2 ** 32,
  );
}

function badState(expected: string): HypercallError {
  return new HypercallError('bad-state', `kvm state: expected ${expected}, found something else`);
}
