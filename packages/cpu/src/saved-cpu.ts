import { CpuState } from '@ringfence/memory';
import type { SavedEvents } from './events.ts';

/**
 * A virtual CPU's state as plain data, for snapshots: everything that is not rebuilt from guest
 * memory.
 */
export interface SavedCpu {
  /** The words of `savedRanges`, one range after the other, as int32. */
  readonly words: readonly number[];
  /** Kept MSRs that differ from their reset value: number, low and high word. */
  readonly registers: readonly (readonly [number: number, low: number, high: number])[];
  /** Page directories as CR3 or the PAE pointer registers name them (SDM 3A 4.4.1). */
  readonly pageDirectories: readonly number[];
  /** Retired instructions, and those of them that translated regions retired. */
  readonly retired: number;
  readonly translated: number;
  /** What the guest added to the time-stamp counter: its low and its high word. */
  readonly tscOffset: readonly [low: number, high: number];
  /** Interrupts and traps that wait, and what holds them off. */
  readonly events: SavedEvents;
}

/**
 * The architectural part of the CPU state, as byte addresses `[first, end)`.
 *
 * What lies between belongs to the run loop and to generated code, or follows from the rest.
 */
export const savedRanges: readonly (readonly [first: number, end: number])[] = [
  [CpuState.gpr, CpuState.zero],
  [CpuState.flagsResult, CpuState.codeMode],
  [CpuState.interruptShadow, CpuState.temporary],
];

/** Number of words of `savedRanges`. */
export const savedWords: number = savedRanges.reduce(
  (sum, [first, end]) => sum + ((end - first) >> 2),
  0,
);

/** Returns a copy of the words of `savedRanges`. */
export function saveWords(state: Int32Array): number[] {
  return savedRanges.flatMap(([first, end]) => Array.from(state.subarray(first >> 2, end >> 2)));
}

/** Puts saved words back to where they were. */
export function restoreWords(state: Int32Array, words: readonly number[]): void {
  let index = 0;
  for (const [first, end] of savedRanges) {
    for (let word = first >> 2; word < end >> 2; word += 1) {
      state[word] = words[index] ?? 0;
      index += 1;
    }
  }
}
