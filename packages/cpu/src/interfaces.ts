import type {
  CpuidValues,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
} from '@ringfence/hypercall';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import type { CpuModel } from './model.ts';

/** The I/O port space, as IN and OUT see it. */
export interface Ports {
  /** Reads 1, 2 or 4 bytes, zero-extended. */
  read(port: number, bytes: 1 | 2 | 4): number;
  write(port: number, bytes: 1 | 2 | 4, value: number): void;
}

/** What asks for interrupts: an 8259 pair or a local APIC. */
export interface InterruptController {
  /** Whether a maskable interrupt is requested now. */
  readonly requested: boolean;
  /**
   * Whether `Cpu.attention` is called each time that `requested` becomes true, so that the CPU need
   * not ask when the guest enables interrupts; absent: it is not.
   */
  readonly announces?: boolean;
  /** Acknowledges the most important request and returns its vector, 0..255. */
  acknowledge(): number;
}

/** The processor's local APIC, as CPUID and RDMSR show it. */
export interface ProcessorApic {
  /** Whether IA32_APIC_BASE has it enabled: the APIC bit of CPUID (SDM 3A 10.4.3). */
  readonly enabled: boolean;
  /** Its identifier, in CPUID leaf 1. */
  readonly id: number;
  /** Returns one of its MSRs, or nothing for any other. */
  readMsr(index: number): MsrValue | undefined;
  /** Writes one of its MSRs. */
  writeMsr(index: number, low: number, high: number): MsrWriteResult;
}

/** The FERR# and IGNNE# pins with what is between them (SDM 1 8.7.2). */
export interface CoprocessorError {
  /** Whether IGNNE# is active: floating-point instructions go on in spite of an error. */
  readonly ignored: boolean;
  /** FERR#: an instruction waits for an error to be handled. */
  raise(): void;
  /** There is no error any more. */
  ended(): void;
}

/** Paravirtual interfaces: `HypercallDispatch` of @ringfence/hypercall fits. */
export interface Hypercalls {
  readonly present: boolean;
  cpuid(leaf: number, subleaf: number): CpuidValues | undefined;
  /** Whether CPUID is #GP(0) at a privilege level; absent where it never is. */
  cpuidFaults?(cpl: number): boolean;
  /** What of the processor's own leaf the guest is shown; absent where it is all of it. */
  shownCpuid?(leaf: number, subleaf: number, values: CpuidValues): CpuidValues;
  readMsr(index: number): MsrValue | undefined;
  writeMsr(index: number, low: number, high: number): MsrWriteResult;
  hypercall(registers: HypercallRegisters): boolean;
  /**
   * Bytes of an undefined instruction at a linear address that are only a mark in front of another
   * one, which is executed instead; 0, or absent, where there is none.
   */
  forcedPrefix?(linear: number): number;
}

/** What the virtual CPU needs from the machine around it. */
export interface CpuHost {
  readonly ports: Ports;
  readonly interrupts: InterruptController;
  /** The local APIC; without one the processor says that it has none. */
  readonly apic?: ProcessorApic;
  readonly hypercalls: Hypercalls;
  /** Where floating-point errors go with CR0.NE clear; without it they are #MF nevertheless. */
  readonly coprocessor?: CoprocessorError;
  /** The time-stamp counter before the guest's own offset: ticks since the machine started. */
  tsc(): number;
  /** Told after the guest wrote the counter: clocks that are counted from it must be set anew. */
  tscWritten?(): void;
  /** The host's clock in milliseconds, for statistics of the translator; absent: they stay 0. */
  monotonicMs?(): number;
  /** 32 random bits for RDRAND and RDSEED. */
  random(): number;
}

/** What a virtual CPU is made of. */
export interface CpuOptions {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly host: CpuHost;
  /** Default: the first of `cpuModels`. */
  readonly model?: CpuModel;
  /** Whether hot code is translated; default `interpreter`. */
  readonly accel?: 'interpreter' | 'translator';
  /** Whether bits 52 to 62 of PAE entries are software's; default false, as the manual has them. */
  readonly softwareBits?: boolean;
}

/** Why `Cpu.run` returned. */
export type CpuStop =
  /** The instructions asked for are done, or `Cpu.attention` was called. */
  | 'budget'
  /** HLT: nothing runs until an interrupt. */
  | 'halt'
  /**
   * A fault while delivering a double fault (SDM 3A 6.15, interrupt 8): the processor shuts down.
   */
  | 'tripleFault'
  /** A breakpoint of the debugger, or its single step: see `Cpu.debug.stop`. */
  | 'debug';

/** Counters of one virtual CPU. */
export interface CpuStatistics {
  /** Retired guest instructions. */
  instructions: number;
  /** Times that generated code returned to the run loop or called the host, by cause. */
  readonly exits: Record<string, number>;
}
