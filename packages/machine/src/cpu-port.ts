/**
 * What a machine needs of a virtual CPU, and what it offers to one.
 */
import type { PortDevice } from '@ringfence/devices';
import type { HypercallDispatch } from '@ringfence/hypercall';
import type { PhysicalMemory } from '@ringfence/memory';

import type { BootState } from './boot/boot-state.ts';
import type { TimeStampCounter } from './time/time-stamp-counter.ts';

/**
 * Why a virtual CPU stopped running.
 *
 * - `budget`: the instructions that it was given are used up, or somebody asked for attention;
 * - `halt`: it waits for an interrupt, and none is pending that it would take;
 * - `shutdown`: a triple fault (SDM 3A 6.15, interrupt 8).
 */
export type CpuExit = 'budget' | 'halt' | 'shutdown';

/** Counters of a virtual CPU. */
export interface CpuCounters {
  readonly translateSeconds: number;
  readonly compileSeconds: number;
  readonly interpreted: number;
  readonly translated: number;
  readonly regions: number;
  readonly modules: number;
  readonly wasmBytes: number;
  readonly invalidations: Readonly<Record<string, number>>;
  readonly exits: Readonly<Record<string, number>>;
  readonly shadow: {
    readonly fills: number;
    readonly switches: number;
    readonly kept: number;
    readonly traces: number;
  };
}

/** A virtual CPU, as the run loop drives it. */
export interface CpuPort {
  /** Puts the CPU into a state to start from; waiting and shutdown are over. */
  start(state: BootState): void;
  /** Runs at most `budget` instructions. */
  run(budget: number): CpuExit;
  /** Makes a `run` in progress return before its next instruction; callable from devices. */
  requestAttention(): void;
  /** Drives the INTR pin. */
  setInterrupt(level: boolean): void;
  /** Drives the A20 gate. */
  setA20(open: boolean): void;
  /** Instructions retired since the CPU was made, exact at any moment, also within `run`. */
  readonly retired: number;
  /** Whether the CPU would take an interrupt: EFLAGS.IF. */
  readonly interruptible: boolean;
  /** Returns the place of the next instruction for messages, as `0060:c1000000`. */
  describe(): string;
  /** Returns the counters. */
  counters(): CpuCounters;
}

/** What a virtual CPU is made from. */
export interface CpuParts {
  readonly memory: PhysicalMemory;
  readonly ports: PortDevice;
  /** CPUID leaves from 0x40000000, MSRs and VMCALL/VMMCALL. */
  readonly hypercalls: HypercallDispatch;
  readonly timeStampCounter: TimeStampCounter;
  /** Runs the interrupt acknowledge cycle and returns the vector. */
  acknowledgeInterrupt(): number;
  readonly accel: 'interpreter' | 'translator';
  readonly model?: string;
}

/** Makes a virtual CPU. */
export type CpuFactory = (parts: CpuParts) => CpuPort;
