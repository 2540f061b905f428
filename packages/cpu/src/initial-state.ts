import {
  arithmeticFlags,
  CpuState,
  SegmentField,
  segmentBytes,
  SegmentRegister,
  writeEflags,
} from '@ringfence/memory';
import type { ModelSpecificRegisters } from './model-specific-registers.ts';
import { Msr } from './model-specific-registers.ts';
import { Cr0, Word } from './state-view.ts';

/** A segment register with its hidden part (SDM 3A 3.4.3). */
export interface InitialSegment {
  readonly selector: number;
  readonly base: number;
  /** Limit in bytes, after granularity. */
  readonly limit: number;
  /** Descriptor bits 55..40: type, S, DPL, P, AVL, L, D/B, G. */
  readonly attributes: number;
}

/** A descriptor-table register. */
export interface InitialTable {
  readonly base: number;
  readonly limit: number;
}

/**
 * The state in which a boot protocol starts the processor; what it does not name is as after reset,
 * but that x87 is as firmware leaves it.
 */
export interface InitialState {
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI. */
  readonly gpr: readonly number[];
  readonly eip: number;
  readonly eflags: number;
  readonly cr0: number;
  readonly gdtr: InitialTable;
  readonly idtr: InitialTable;
  readonly es: InitialSegment;
  readonly cs: InitialSegment;
  readonly ss: InitialSegment;
  readonly ds: InitialSegment;
  readonly fs: InitialSegment;
  readonly gs: InitialSegment;
  readonly ldtr: InitialSegment;
  readonly tr: InitialSegment;
  /** MSRs that only hold a value: number, low and high word. */
  readonly msrs?: readonly (readonly [number, number, number])[];
}

/** The x87 control word after FNINIT: all exceptions masked, 64 bits of precision. */
export const initialControl = 0x37f;

/** Writes registers as after power-up (SDM 3A table 9-1), except segments. */
export function writeResetState(state: Int32Array, signature: number): void {
  state.fill(0, Word.gpr, CpuState.temporary >> 2);
  state[Word.faultVector] = -1;
  state[Word.eflags] = 2;
  // A last result of 0 would show as ZF and PF.
  writeEflags(state, 0, arithmeticFlags);
  state[Word.cr0] = Cr0.cd | Cr0.nw | Cr0.et;
  state[Word.dr + 12] = 0xffff_0ff0 | 0;
  state[Word.dr + 14] = 0x400;
  state[Word.gpr + 4] = signature;
  state[CpuState.fpuControl >> 2] = 0x40;
  state[CpuState.mxcsr >> 2] = 0x1f80;
}

/**
 * Returns what puts back, behind a reset, what INIT leaves as it is: x87 and SSE registers, MSRs
 * but EFER, and the caches' switches (SDM 3A table 9-1).
 */
export function keptByInit(state: Int32Array, registers: ModelSpecificRegisters): () => void {
  const first = CpuState.fpuControl >> 2;
  const vectors = state.slice(first, CpuState.temporary >> 2);
  const caching = Cr0.cd | Cr0.nw;
  const switches = (state[Word.cr0] ?? 0) & caching;
  const saved = registers.save();
  return () => {
    state.set(vectors, first);
    state[Word.cr0] = ((state[Word.cr0] ?? 0) & ~caching) | switches;
    registers.restore(saved);
    registers.write(Msr.efer, 0, 0);
  };
}

const writableData = 0x2;
const expandDown = 0x4;
const codeSegment = 0x8;
const wideSegment = 0x4000;

/** Writes an initial state's registers and tables into the CPU state. */
export function writeInitialState(state: Int32Array, initial: InitialState): void {
  initial.gpr.forEach((value, register) => {
    state[Word.gpr + 2 * register] = value;
  });
  state[Word.rip] = initial.eip;
  state[Word.cr0] = initial.cr0;
  state[CpuState.fpuControl >> 2] = initialControl;
  writeTable(state, CpuState.gdtr, initial.gdtr);
  writeTable(state, CpuState.idtr, initial.idtr);
  for (const name of ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const) {
    writeSegment(state, SegmentRegister[name], initial[name]);
  }
}

function writeTable(state: Int32Array, address: number, table: InitialTable): void {
  state[address >> 2] = table.base;
  state[(address >> 2) + 2] = table.limit;
}

function writeSegment(state: Int32Array, register: number, segment: InitialSegment): void {
  const at = (CpuState.segments + segmentBytes * register) >> 2;
  const { attributes, limit } = segment;
  state[at + SegmentField.selector / 4] = segment.selector;
  state[at + SegmentField.attributes / 4] = attributes;
  state[at + SegmentField.base / 4] = segment.base;
  state[at + SegmentField.limit / 4] = limit;
  const isCode = (attributes & codeSegment) !== 0;
  const readable = !isCode || (attributes & writableData) !== 0;
  const writable = !isCode && (attributes & writableData) !== 0;
  const down = !isCode && (attributes & expandDown) !== 0;
  const top = (attributes & wideSegment) !== 0 ? 0xffff_ffff : 0xffff;
  const first = down ? limit + 1 : 0;
  state[at + SegmentField.readFirst / 4] = readable ? first : -1;
  state[at + SegmentField.readLast / 4] = readable ? (down ? top : limit) : 0;
  state[at + SegmentField.writeFirst / 4] = writable ? first : -1;
}
