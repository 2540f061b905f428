/**
 * What one decoded instruction does to the flags, where the count of a shift makes a difference.
 */
import { FORMS, Flag } from '@ringfence/isa';
import type { FlagEffects, Form } from '@ringfence/isa';
import type { Instruction } from './instruction.ts';
import { OperandKind } from './instruction.ts';

const NOTHING: FlagEffects = {
  read: 0,
  written: 0,
  cleared: 0,
  set: 0,
  undefined: 0,
  modified: 0,
  conditional: false,
};

/** Effects of each conditional form when the count is one, and when it is known and greater. */
const BY_COUNT: readonly (readonly [FlagEffects, FlagEffects] | undefined)[] = FORMS.map((form) =>
  form.flags.conditional ? [whenOne(form), { ...form.flags, conditional: false }] : undefined,
);

/** OF is defined for a count of one; SAR clears it (SDM vol. 2B, SAL/SAR/SHL/SHR, RCL, SHLD). */
function whenOne(form: Form): FlagEffects {
  const { flags } = form;
  const undefinedMask = flags.undefined & ~Flag.overflow;
  const one = { ...flags, undefined: undefinedMask, conditional: false };
  return form.mnemonic === 'SAR'
    ? { ...one, cleared: flags.cleared | Flag.overflow }
    : { ...one, written: flags.written | Flag.overflow };
}

/**
 * The flags that a decoded instruction reads and changes: those of its form, or, for a shift by an
 * immediate, those of its count. A count of zero changes nothing (SDM vol. 2B, SAL/SAR/SHL/SHR).
 */
export function flagEffects(instruction: Instruction): FlagEffects {
  const effects = BY_COUNT[instruction.form];
  const form = FORMS[instruction.form];
  if (form === undefined) return NOTHING;
  const last = instruction.operandCount - 1;
  if (effects === undefined || instruction.operandKind[last] !== OperandKind.immediate) {
    return form.flags;
  }
  const bytes = instruction.operandBytes[0] ?? 0;
  const count = instruction.immediate & (bytes === 8 ? 63 : 31);
  // The nine and seventeen bits of RCL and RCR with 8 and 16-bit operands go round.
  const isThroughCarry = form.mnemonic === 'RCL' || form.mnemonic === 'RCR';
  const isFullTurn = isThroughCarry && bytes <= 2 && count % (bytes * 8 + 1) === 0;
  if (count === 0 || isFullTurn) return NOTHING;
  return count === 1 ? effects[0] : effects[1];
}
