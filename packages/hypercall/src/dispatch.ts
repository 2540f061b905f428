import { HypercallError } from './error.ts';
import type {
  AbiState,
  CpuidValues,
  HypercallAbi,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
} from './interfaces.ts';

/** The first CPUID leaf of the range that processors leave to hypervisors (AMD 24594 E.4). */
export const hypervisorLeaf = 0x4000_0000;

/** Leaves from one interface to the next: guests look for signatures in steps of 0x100. */
export const leavesPerAbi = 0x100;

/** The most interfaces side by side: Linux looks for signatures up to leaf 0x4000ff00. */
export const maximumAbis = 0x100;

/**
 * Several paravirtual interfaces behind one door: CPUID leaves, MSRs and hypercalls.
 *
 * The first interface has the leaves from 0x40000000, the next those from 0x40000100, and so on, as
 * hypervisors with several interfaces do. MSRs go to the first that knows them. Hypercalls are
 * offered to the last first: an interface that answers every number, as KVM and Xen do, stands in
 * front of those that know their own by a mark. With no interface the dispatch answers nothing, and
 * guests see bare hardware.
 */
export class HypercallDispatch {
  readonly #abis: readonly HypercallAbi[];

  /**
   * Puts interfaces behind one door, in the order of their CPUID leaves.
   *
   * @throws HypercallError for more than `maximumAbis`, or two of one name.
   */
  constructor(abis: readonly HypercallAbi[]) {
    const names = new Set(abis.map((abi) => abi.name));
    if (abis.length > maximumAbis || names.size !== abis.length) {
      throw new HypercallError(
        'bad-configuration',
        `interfaces: expected up to ${String(maximumAbis)} of different names, found ` +
          `${String(abis.length)} of ${String(names.size)} names`,
      );
    }
    this.#abis = [...abis];
  }

  /** Whether there is any interface: CPUID leaf 1 then has ECX bit 31 set. */
  get present(): boolean {
    return this.#abis.length > 0;
  }

  /** Answers a CPUID leaf from 0x40000000 on, or nothing where no interface has that leaf. */
  cpuid(leaf: number, subleaf: number): CpuidValues | undefined {
    const distance = (leaf >>> 0) - hypervisorLeaf;
    const offset = distance & (leavesPerAbi - 1);
    const abi = distance < 0 ? undefined : this.#abis[Math.floor(distance / leavesPerAbi)];
    return abi?.cpuid(hypervisorLeaf + distance - offset, offset, subleaf);
  }

  /** Whether an interface lets CPUID fault at a privilege level. */
  cpuidFaults(cpl: number): boolean {
    return this.#abis.some((abi) => abi.cpuidFaults?.(cpl) === true);
  }

  /** What of a leaf of the processor's own the interfaces let the guest see. */
  shownCpuid(leaf: number, subleaf: number, values: CpuidValues): CpuidValues {
    return this.#abis.reduce(
      (shown, abi) => abi.shownCpuid?.(leaf, subleaf, shown) ?? shown,
      values,
    );
  }

  /** Returns the value of an MSR that an interface knows; nothing means #GP, or another owner. */
  readMsr(index: number): MsrValue | undefined {
    for (const abi of this.#abis) {
      const value = abi.readMsr(index >>> 0);
      if (value !== undefined) {
        return value;
      }
    }
    return undefined;
  }

  /** Writes an MSR in the first interface that knows it. */
  writeMsr(index: number, low: number, high: number): MsrWriteResult {
    for (const abi of this.#abis) {
      const result = abi.writeMsr(index >>> 0, low, high);
      if (result !== 'absent') {
        return result;
      }
    }
    return 'absent';
  }

  /**
   * Serves a VMCALL or VMMCALL; false means that nobody did, and the instruction is undefined
   * (#UD).
   */
  hypercall(registers: HypercallRegisters): boolean {
    return this.#abis.findLast((abi) => abi.hypercall(registers)) !== undefined;
  }

  /** Bytes of a mark in front of an instruction at a linear address; 0 for none. */
  forcedPrefix(linear: number): number {
    return Math.max(0, ...this.#abis.map((abi) => abi.forcedPrefix?.(linear) ?? 0));
  }

  /** To be called before the virtual CPU runs again after the host did something else. */
  beforeRun(): void {
    for (const abi of this.#abis) {
      abi.beforeRun();
    }
  }

  /** To be called after the clock or the time-stamp counter jumped, or were restored. */
  clockChanged(): void {
    for (const abi of this.#abis) {
      abi.clockChanged();
    }
  }

  /** Forgets everything that the guest set up. */
  reset(): void {
    for (const abi of this.#abis) {
      abi.reset();
    }
  }

  /** Returns copies of all states, in order. */
  save(): readonly AbiState[] {
    return this.#abis.map((abi) => abi.save());
  }

  /**
   * Replaces all states by saved ones of the same interfaces in the same order.
   *
   * @throws HypercallError with code `bad-state` for anything else.
   */
  restore(states: unknown): void {
    if (!Array.isArray(states) || states.length !== this.#abis.length) {
      throw new HypercallError(
        'bad-state',
        `states: expected ${String(this.#abis.length)} of them, found something else`,
      );
    }
    for (const [index, abi] of this.#abis.entries()) {
      abi.restore(states[index]);
    }
  }
}
