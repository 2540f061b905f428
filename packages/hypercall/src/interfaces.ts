/**
 * What the paravirtual interfaces need from whoever hosts them, and what one of them offers.
 *
 * 64-bit values (MSRs, registers) travel as two 32-bit halves; either half may be given signed or
 * unsigned.
 */

/** Guest-physical memory, as far as a hypervisor writes into it. Nothing here may throw. */
export interface GuestMemory {
  /**
   * Tells whether all of `bytes` bytes from `physical` are RAM; false for any address that is none.
   */
  isRam(physical: number, bytes: number): boolean;
  /** Reads four little-endian bytes of RAM, at any alignment. */
  read32(physical: number): number;
  /**
   * Writes four little-endian bytes of RAM, at any alignment, as a device would (traces see it).
   */
  write32(physical: number, value: number): void;
}

/** The machine's clock and the time-stamp counter that the guest derives from it. */
export interface GuestClock {
  /** Returns nanoseconds since the machine started; never decreases. */
  now(): number;
  /** Ticks of the guest's time-stamp counter per second. */
  readonly tscHertz: number;
  /**
   * Returns what RDTSC gives at the clock reading `ns`, with the guest's own changes to the
   * counter.
   */
  tscAt(ns: number): bigint;
}

/** The time of day. */
export interface WallClock {
  /** Returns milliseconds since 1970-01-01 00:00 UTC; fractions welcome. */
  unixTimeMs(): number;
}

/** How long the virtual CPU was ready to run and did not. */
export interface StealClock {
  /** Returns nanoseconds in total; never decreases. Idle time is not stolen. */
  stolenNs(): number;
}

/** Where a paravirtual interface asks for attention. */
export interface HypercallEvents {
  /** The guest asks that pending interrupts be looked at before its next instruction. */
  pollInterrupts(): void;
}

/** A caller in virtual-8086 mode: where it stands, and the memory that its kernel lets it have. */
export interface Virtual8086Caller {
  /** Guest-physical address of the instruction that makes the call. */
  readonly at: number;
  /**
   * Returns the guest-physical address of a linear one, -1 where an access would be a page fault.
   */
  physical(linear: number, isWrite: boolean): number;
}

/**
 * The registers of a virtual CPU that makes a hypercall, by the manual's numbers (SDM 2A table
 * 2-2).
 */
export interface HypercallRegisters {
  /** Privilege level of the caller. */
  readonly cpl: number;
  /** Present in virtual-8086 mode. */
  readonly virtual8086?: Virtual8086Caller;
  /**
   * Whether the caller is in 64-bit mode; outside of it high halves are neither read nor written.
   */
  readonly long: boolean;
  /** Returns the low 32 bits of a general register. */
  low(register: number): number;
  /** Returns the high 32 bits of a general register. */
  high(register: number): number;
  /** Writes a general register. */
  set(register: number, low: number, high: number): void;
  /** Has the instruction come by again once this call is over, as a REP that was interrupted. */
  again(): void;
}

/** What CPUID returns for one leaf. */
export interface CpuidValues {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** The value of an MSR in halves. */
export interface MsrValue {
  readonly low: number;
  readonly high: number;
}

/**
 * What became of a write to an MSR: done, refused with #GP(0), or of none of the MSRs that are
 * known here.
 */
export type MsrWriteResult = 'handled' | 'fault' | 'absent';

/** A copy of an interface's state, plain data. */
export interface AbiState {
  /** Name of the interface. */
  readonly abi: string;
  /** Version of the layout. */
  readonly version: number;
  /** The fields; MSRs as `[low, high]`. */
  readonly fields: Readonly<Record<string, number | readonly number[]>>;
}

/** One paravirtual interface: a set of CPUID leaves, MSRs and hypercalls with one owner. */
export interface HypercallAbi {
  /** Name of the interface, such as `kvm`. */
  readonly name: string;
  /** Answers the leaf `base + offset`, offset 0 to 0xff, or nothing where it has no leaf. */
  cpuid(base: number, offset: number, subleaf: number): CpuidValues | undefined;
  /** Whether CPUID is #GP(0) at a privilege level; absent where it never is. */
  cpuidFaults?(cpl: number): boolean;
  /** What of the processor's own leaf the guest is shown; absent where it is all of it. */
  shownCpuid?(leaf: number, subleaf: number, values: CpuidValues): CpuidValues;
  /** Returns an MSR's value, or nothing for one that it does not know. */
  readMsr(index: number): MsrValue | undefined;
  /** Writes an MSR; a refused write changes nothing. */
  writeMsr(index: number, low: number, high: number): MsrWriteResult;
  /**
   * Serves a hypercall and puts the result into the registers; false leaves it to the next
   * interface.
   */
  hypercall(registers: HypercallRegisters): boolean;
  /**
   * Bytes of an undefined instruction at a linear address that are only a mark of this interface in
   * front of another instruction; absent where there are no such marks.
   */
  forcedPrefix?(linear: number): number;
  /** To be called before the virtual CPU runs again after the host did something else. */
  beforeRun(): void;
  /** To be called after the clock or the time-stamp counter jumped, or were restored. */
  clockChanged(): void;
  /** Forgets everything that the guest set up. */
  reset(): void;
  /** Returns a copy of the state. */
  save(): AbiState;
  /**
   * Replaces the state by a saved one.
   *
   * @throws HypercallError for anything else; the state is then unchanged.
   */
  restore(state: unknown): void;
}
