/**
 * The Xen interface of a translated guest: CPUID leaves, the hypercall page, VMCALL (Xen,
 * public/arch-x86/cpuid.h and public/arch-x86/hvm).
 *
 *     leaf base    highest leaf, "XenVMMXenVMM"
 *     base + 1     version
 *     base + 2     1 hypercall page, the MSR by which the guest places it
 *     base + 3     time: TSC mode, frequency
 *     base + 4     translated: EAX features, EBX number of the virtual CPU, ECX of the domain
 *     base + 5     paravirtual: EBX bits of a machine address
 */
import { pageBytes } from '@ringfence/memory';
import type { CallLog } from '../call-log.ts';
import type {
  AbiState,
  CpuidValues,
  HypercallAbi,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
} from '../interfaces.ts';
import { describeCall, hvmCalls } from './calls.ts';
import { CpuidFaulting } from './cpuid-faulting.ts';
import { DomainId, XenCallNumber, XenError, xenMajor, xenMinor } from './constants.ts';
import type { XenDomain } from './domain.ts';
import { restoreDomain, saveDomain, savedFields, savedList } from './domain-state.ts';
import { GuestCopy } from './guest-copy.ts';
import type { XenAddressSpace } from './interfaces.ts';
import { callWork } from './ops/call.ts';
import { Waiting } from './waiting.ts';

/** The MSR by which a guest places its hypercall page, unless something else has that number. */
export const xenHypercallMsr = 0x4000_0000;

/**
 * Leaf base + 4, EAX: neither APIC nor x2APIC is the processor's own; devices reach pages that are
 * granted, and vcpu id and domain id are there.
 */
const devicesReachGrants = 1 << 2;
const vcpuIdPresent = 1 << 3;
const domainIdPresent = 1 << 4;
/** Upcalls can come through the local APIC (HVMOP_set_evtchn_upcall_vector). */
const upcallVectorPresent = 1 << 6;

const nothing: CpuidValues = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const highestLeaf = 5;
/** Leaf base + 2, ECX: updates of page tables can keep accessed and dirty bits. */
const preservesAccessed = 1;

const stubBytes = 32;
/** EBX, ECX, EDX, ESI, EDI, EBP by the manual's numbers. */
const argumentRegisters: readonly number[] = [3, 1, 2, 6, 7, 5];

/** UD2A, "xen": what follows is to be emulated (public/xen.h, XEN_EMULATE_PREFIX). */
export const forcedEmulation: readonly number[] = [0x0f, 0x0b, 0x78, 0x65, 0x6e];

/** What makes the interface. */
export interface XenHvmOptions {
  readonly domain: XenDomain;
  /** The caller's address space. */
  readonly space: XenAddressSpace;
  readonly log: CallLog;
}

/** The Xen interface of one translated guest. */
export class XenHvmAbi implements HypercallAbi {
  /** Name of the interface. */
  readonly name: string = 'xen';
  readonly domain: XenDomain;
  readonly #copy: GuestCopy;
  readonly #log: CallLog;
  readonly #waiting: Waiting | undefined;

  /** Makes the interface of a guest. */
  constructor(options: XenHvmOptions) {
    this.domain = options.domain;
    this.#log = options.log;
    this.#copy = new GuestCopy(options.domain.services.memory, options.space);
    options.domain.copy = this.#copy;
    const { machine } = options.domain.services;
    if (options.domain.kind === 'hvm' && machine.waitFor !== undefined) {
      const waiting: Waiting = new Waiting(
        options.domain,
        () => options.domain.upcalls.due,
        () => {
          machine.waitFor?.(
            () => waiting.isOver,
            () => {
              waiting.end();
            },
          );
        },
      );
      this.#waiting = waiting;
    }
  }

  cpuid(base: number, offset: number, subleaf: number): CpuidValues | undefined {
    switch (offset) {
      case 0:
        // "XenV", "MMXe", "nVMM"
        return { eax: base + highestLeaf, ebx: 0x566e_6558, ecx: 0x6558_4d4d, edx: 0x4d4d_566e };
      case 1:
        return { eax: (xenMajor << 16) | xenMinor, ebx: 0, ecx: 0, edx: 0 };
      case 2:
        return { eax: 1, ebx: xenHypercallMsr, ecx: this.#isPv ? preservesAccessed : 0, edx: 0 };
      case 3:
        return this.#timeLeaf(subleaf);
      case 4:
        return this.#isPv || subleaf !== 0
          ? nothing
          : { ...nothing, eax: this.#features(), ecx: DomainId.guest };
      case highestLeaf:
        return this.#isPv && subleaf === 0 ? { ...nothing, ebx: this.#addressBits() } : nothing;
      default:
        return undefined;
    }
  }

  /** Whether CPUID faults at a privilege level: outside of ring 0, if the guest said so. */
  cpuidFaults(cpl: number): boolean {
    return this.domain.cpuidFaulting && cpl > 0;
  }

  readMsr(index: number): MsrValue | undefined {
    switch (index) {
      case xenHypercallMsr:
        return { low: 0, high: 0 };
      case CpuidFaulting.platformInfo:
        return { low: CpuidFaulting.available | 0, high: 0 };
      case CpuidFaulting.featureEnables:
        return { low: this.domain.cpuidFaulting ? 1 : 0, high: 0 };
      default:
        return undefined;
    }
  }

  writeMsr(index: number, low: number, high: number): MsrWriteResult {
    if (index === CpuidFaulting.featureEnables) {
      const isKnown = high === 0 && (low & ~1) === 0;
      this.domain.cpuidFaulting = isKnown ? low === 1 : this.domain.cpuidFaulting;
      return isKnown ? 'handled' : 'fault';
    }
    if (index !== xenHypercallMsr) {
      return 'absent';
    }
    const physical = (low & ~(pageBytes - 1)) >>> 0;
    const { memory } = this.domain.services;
    // The low bits number the page, of which there is one.
    if (high !== 0 || (low & (pageBytes - 1)) !== 0 || !memory.isRam(physical, pageBytes)) {
      return 'fault';
    }
    memory.write(physical, hypercallPage());
    return 'handled';
  }

  hypercall(registers: HypercallRegisters): boolean {
    const number = registers.low(0) >>> 0;
    const result = registers.cpl === 0 ? this.#serve(number, registers) : -XenError.notPermitted;
    registers.set(0, result, registers.long ? result >> 31 : 0);
    return true;
  }

  /** The prefix of forced emulation, which means the instruction behind it here. */
  forcedPrefix(linear: number): number {
    const view = this.#copy.read(linear, forcedEmulation.length);
    const isForced = forcedEmulation.every((byte, index) => view?.getUint8(index) === byte);
    return isForced ? forcedEmulation.length : 0;
  }

  beforeRun(): void {
    // Nothing here depends on what the host did.
  }

  clockChanged(): void {
    this.domain.clockChanged();
  }

  reset(): void {
    this.#waiting?.end();
    this.domain.reset();
    this.domain.begin();
  }

  save(): AbiState {
    const waiting = this.#waiting?.save() ?? [];
    return { abi: this.name, version: 1, fields: { ...saveDomain(this.domain), waiting } };
  }

  restore(state: unknown): void {
    const fields = savedFields(state, this.name);
    restoreDomain(this.domain, fields);
    this.#waiting?.restore(savedList(fields)('waiting'));
  }

  #features(): number {
    const vector = this.domain.upcalls.hasApic ? upcallVectorPresent : 0;
    return devicesReachGrants | vcpuIdPresent | domainIdPresent | vector;
  }

  /** Bits of the highest machine address. */
  #addressBits(): number {
    return 32 - Math.clz32(this.domain.services.memory.ramBytes - 1);
  }

  get #isPv(): boolean {
    return this.domain.kind === 'pv';
  }

  /** Whether an upcall is due. */
  get upcallDue(): boolean {
    return this.domain.upcalls.due;
  }

  #serve(number: number, registers: HypercallRegisters): number {
    const found = hvmCalls[number];
    if (found === undefined) {
      return this.#log.run(
        'xen',
        'unknown',
        () => '',
        () => -XenError.noSuchCall,
      );
    }
    const { domain } = this;
    const args = argumentRegisters.map((register) => registers.low(register) >>> 0);
    const again = (later: readonly number[]): number => {
      for (const [index, value] of later.entries()) {
        registers.set(argumentRegisters[index] ?? 5, value | 0, 0);
      }
      registers.again();
      domain.services.machine.yield();
      return number;
    };
    const call = { domain, args, copy: this.#copy, work: { left: callWork }, again };
    return this.#log.run(
      'xen',
      found.name,
      () => describeCall(found, args),
      () => found.serve(call),
    );
  }

  /**
   * Sub-leaf 0: mode, frequency in kHz; 1: offset, multiplier and shift; 2: the host's frequency.
   */
  #timeLeaf(subleaf: number): CpuidValues {
    const kilohertz = Math.floor(this.domain.services.clock.tscHertz / 1000);
    switch (subleaf) {
      case 0:
        return { eax: 0, ebx: 0, ecx: kilohertz, edx: 0 };
      case 2:
        return { eax: kilohertz, ebx: 0, ecx: 0, edx: 0 };
      default:
        return { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    }
  }
}

/**
 * The hypercall page: a stub of 32 bytes for each call, `mov $number, %eax; vmcall; ret`.
 *
 * There is none for `iret`, which does not return: an undefined instruction stands there, as in
 * Xen.
 */
export function hypercallPage(): Uint8Array {
  const page = new Uint8Array(pageBytes);
  for (let number = 0; number < pageBytes / stubBytes; number += 1) {
    const stub =
      number === XenCallNumber.iret
        ? [0x0f, 0x0b]
        : [0xb8, number, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3];
    page.set(stub, number * stubBytes);
  }
  return page;
}
