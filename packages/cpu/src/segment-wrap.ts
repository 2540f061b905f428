/**
 * Accesses that go on from the last byte of 4 GiB to the first. In a flat segment they are outside
 * of it: #GP(0) or #SS(0), as an AMD EPYC has it (SDM 3A 5.3 leaves it open). Fast paths do not
 * serve them, and slow paths know linear addresses only, so which segment it was is read off the
 * instruction.
 */
import { decodeInto, Instruction, OperandKind } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import { CodeMode, SegmentRegister } from '@ringfence/memory';
import type { GuestAccess } from './guest-access.ts';
import { Word } from './state-view.ts';

/** The longest instruction (SDM 2A 2.3.11). */
const longestInstruction = 15;
/** Bytes around the stack pointer that pushes and pops of one value touch. */
const nearStack = 8;
const stackPointer = Word.gpr + 8;

/** Whether bytes at a linear address go round the end of a flat segment. */
export function goesRound(state: Int32Array, linear: number, bytes: number): boolean {
  if ((linear >>> 0) + bytes <= 2 ** 32) return false;
  return ((state[Word.codeMode] ?? 0) & CodeMode.flat) !== 0;
}

/** The segment register by which the instruction at EIP has accessed `linear`. */
export function accessedSegment(state: Int32Array, access: GuestAccess, linear: number): number {
  const window = new Uint8Array(longestInstruction);
  const begin = ((state[Word.rip] ?? 0) + access.codeBase) | 0;
  let length = 0;
  for (; length < longestInstruction; length++) {
    window[length] = access.fetch8((begin + length) | 0);
    if (access.fault !== 0) break;
  }
  const decoded = new Instruction();
  const bits = ((state[Word.codeMode] ?? 0) & CodeMode.code32) !== 0 ? 32 : 16;
  if (decodeInto(decoded, window, 0, length, bits) <= 0) return SegmentRegister.ds;
  const hasMemory = decoded.operandKind.some(
    (kind, index) => index < decoded.operandCount && kind === OperandKind.memory,
  );
  const fromStack = (linear - (state[stackPointer] ?? 0)) | 0;
  const isNear = fromStack >= -nearStack && fromStack < nearStack;
  // PUSH, POP and CALL of memory have two accesses; they are those that 64-bit mode widens.
  const isStack = FORMS[decoded.form]?.longSize !== 'default';
  return !hasMemory || (isStack && isNear) ? SegmentRegister.ss : decoded.segment;
}
