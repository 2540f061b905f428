/** Runs one guest program in the interpreter and in the translator and compares their ends. */
import { assembleText } from '@ringfence/assembler';
import { CpuState, Layout } from '@ringfence/memory';
import { expect } from 'vitest';
import { Word } from '../state-view.ts';
import { flatState, makeCpu, type TestCpu } from '../test-cpu.ts';
import { systemText } from './test-system.ts';

/** A way to run a program. */
export interface Tier {
  readonly name: string;
  readonly accel: 'interpreter' | 'translator';
  /** Makes code hot at once: a region is made wherever the CPU stands at the end of a slice. */
  readonly atOnce: boolean;
}

/** The tiers that every program is run in. */
export const tiers: readonly Tier[] = [
  { name: 'interpreter', accel: 'interpreter', atOnce: false },
  { name: 'translator, hot at once', accel: 'translator', atOnce: true },
  { name: 'translator', accel: 'translator', atOnce: false },
];

/** Something that the world outside does after so many instructions, in every tier the same. */
export interface HostEvent {
  readonly at: number;
  readonly act: (parts: TestCpu) => void;
}

/** A guest program. */
export interface GuestProgram {
  /** Text for the assembler; `main` is its first instruction, HLT its last. */
  readonly text: string;
  readonly events?: readonly HostEvent[];
  /** Called before the program runs. */
  readonly prepare?: (parts: TestCpu) => void;
  readonly ramBytes?: number;
}

/** Where programs are loaded. */
export const programOrigin = 0x1_0000;

const stackTop = 0x8000;
const instructionLimit = 400_000_000;

/** Samples enough to make a place hot. */
const samplesOfHeat = 64;

/** Lengths of slices with which code is found early; later slices are long. */
const shortSlice = 53;
const shortSlices = 400;
const longSlice = 20_011;

/** Assembles a program behind the common beginning (`test-system.ts`). */
export function assembleProgram(text: string): Uint8Array {
  return assembleText(systemText + text, { bits: 32, origin: programOrigin });
}

/** Runs a program in a tier to its HLT. */
export function runTier(tier: Tier, program: GuestProgram): TestCpu {
  const parts = makeCpu(program.ramBytes ?? 16 << 20, tier.accel);
  const { cpu } = parts;
  parts.physical.write(programOrigin, assembleProgram(program.text));
  program.prepare?.(parts);
  cpu.start(flatState(programOrigin, stackTop));
  const events = [...(program.events ?? [])];
  for (let slices = 0; ; slices++) {
    const next = events[0]?.at ?? Infinity;
    if (cpu.instructions >= next) {
      events.shift()?.act(parts);
      continue;
    }
    const slice = tier.atOnce && slices < shortSlices ? shortSlice : longSlice;
    const stop = cpu.run(Math.min(slice, next - cpu.instructions));
    if (tier.atOnce && cpu.regions !== undefined) {
      for (let sample = 0; sample < samplesOfHeat; sample++) cpu.regions.sample();
    }
    if (stop === 'halt') break;
    if (stop === 'tripleFault' || cpu.instructions > instructionLimit) {
      const eip = ((parts.machine.i32[Word.rip] ?? 0) >>> 0).toString(16);
      throw new Error(`${tier.name}: ${stop} at ${eip} after ${cpu.instructions} instructions`);
    }
  }
  expect(events, 'events that the program did not live to see').toEqual([]);
  cpu.regions?.sample();
  return parts;
}

/** What must be equal in all tiers: registers, flags, SSE and x87 state, retired instructions. */
export function stateOf({ machine, cpu }: TestCpu): Record<string, unknown> {
  return {
    gpr: [...machine.i32.subarray(Word.gpr, Word.gpr + 16)],
    rip: machine.i32[Word.rip],
    eflags: cpu.eflags(),
    xmm: [...machine.i32.subarray(CpuState.xmm >> 2, (CpuState.xmm >> 2) + 32)],
    ymmHigh: [...machine.i32.subarray(CpuState.ymmHigh >> 2, (CpuState.ymmHigh >> 2) + 32)],
    fpu: [...machine.i32.subarray(CpuState.fpu >> 2, (CpuState.fpu >> 2) + 32)],
    instructions: cpu.instructions,
  };
}

/** Runs a program in every tier, compares state and all of RAM, and returns the parts. */
export function runEverywhere(program: GuestProgram): ReadonlyMap<Tier, TestCpu> {
  const ended = new Map(tiers.map((tier) => [tier, runTier(tier, program)]));
  const [first, ...others] = [...ended];
  if (first === undefined) throw new Error('there is no tier');
  for (const [tier, parts] of others) {
    expect(stateOf(parts), tier.name).toEqual(stateOf(first[1]));
    expect(firstDifference(ram(parts), ram(first[1])), `${tier.name}: RAM differs`).toBe(-1);
  }
  return ended;
}

/** General registers by name, as the manual numbers them. */
export function registersOf({ machine }: TestCpu): Record<string, number> {
  const names = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
  return Object.fromEntries(
    names.map((name, index) => [name, (machine.i32[Word.gpr + 2 * index] ?? 0) >>> 0]),
  );
}

function ram({ machine }: TestCpu): Uint8Array {
  const end = machine.u8.length - Layout.ram;
  return machine.u8.subarray(Layout.ram, Layout.ram + Math.min(end, 16 << 20));
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  return a.findIndex((byte, index) => byte !== b[index]);
}
