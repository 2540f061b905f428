/** Parts of instruction text that do not depend on the syntax. */
import { FORMS, Location } from '@ringfence/isa';
import { BASE_RIP, OperandKind, Prefix } from './instruction.ts';
import type { Instruction } from './instruction.ts';

const SEGMENT_SS = 2;
const SEGMENT_DS = 3;

/** Hexadecimal text of an unsigned 64-bit value given as two int32. */
export function hex64(low: number, high: number): string {
  const lower = (low >>> 0).toString(16);
  if (high === 0) return `0x${lower}`;
  return `0x${(high >>> 0).toString(16)}${lower.padStart(8, '0')}`;
}

/** The words of LOCK and repeat prefixes that have an effect, each with a space after it. */
export function prefixText(instruction: Instruction): string {
  const { prefixes } = instruction;
  const repeat = FORMS[instruction.form]?.repeat ?? 'none';
  let text = (prefixes & Prefix.lock) !== 0 ? 'lock ' : '';
  if (repeat === 'none') return text;
  if ((prefixes & Prefix.repne) !== 0) text += 'repne ';
  else if ((prefixes & Prefix.rep) !== 0) text += repeat === 'repe' ? 'repe ' : 'rep ';
  return text;
}

/** An immediate operand as the instruction uses it: sign-extended ones at operand size. */
export function immediateText(instruction: Instruction, operand: number): string {
  const { immediate, immediateHigh, operandSize } = instruction;
  const kind = instruction.operandKind[operand];
  if (kind === OperandKind.immediate2) return hex64(instruction.immediate2, 0);
  if (kind === OperandKind.one) return '0x1';
  if (operandSize === 16) return hex64(immediate & 0xffff, 0);
  return hex64(immediate, operandSize === 64 ? immediateHigh : 0);
}

/** Target of a near branch at `ip`, cut to the operand size. */
export function branchTarget(instruction: Instruction, ip: bigint): bigint {
  const next = ip + BigInt(instruction.length);
  return BigInt.asUintN(instruction.operandSize, next + BigInt(instruction.immediate));
}

/**
 * Whether the segment of the memory operand is another than that of its addressing form, and is
 * used: LEA takes the offset alone (SDM vol. 2A, LEA).
 */
export function showsSegment(instruction: Instruction, kind: number): boolean {
  const { base, segment } = instruction;
  if (FORMS[instruction.form]?.mnemonic === 'LEA') return false;
  const isStack = kind === OperandKind.memory && (base === 4 || base === 5);
  return segment !== (isStack ? SEGMENT_SS : SEGMENT_DS);
}

/**
 * Address of a memory operand without base and index: its displacement, cut to the address size.
 */
export function absoluteText(instruction: Instruction): string {
  const { displacement, displacementHigh, addressSize } = instruction;
  if (addressSize === 16) return hex64(displacement & 0xffff, 0);
  return hex64(displacement, addressSize === 64 ? displacementHigh : 0);
}

/** Whether a memory operand has neither base nor index. */
export function isAbsolute(instruction: Instruction): boolean {
  return instruction.base < 0 && instruction.index < 0;
}

/** Displacement with its sign, for an address with base or index; empty if it is zero. */
export function displacementText(instruction: Instruction): string {
  const { displacement, base } = instruction;
  if (displacement === 0 && base !== BASE_RIP) return '';
  const magnitude = hex64(Math.abs(displacement), 0);
  return displacement < 0 ? `-${magnitude}` : `+${magnitude}`;
}

/**
 * Operands of the text: what the mnemonic implies (accumulators of strings, MASKMOVQ's address) is
 * not.
 */
export function shownOperands(instruction: Instruction): readonly number[] {
  const positions = Array.from({ length: instruction.operandCount }, (_, position) => position);
  const form = FORMS[instruction.form];
  if (form === undefined) return positions;
  return positions.filter((position) => {
    const operand = form.operands[position];
    if (operand?.location === Location.implicitDi) return false;
    return (
      form.repeat === 'none' || operand?.location !== Location.fixedGpr || operand.text === 'DX'
    );
  });
}

/** Whether the instruction is a far transfer through memory or to a pointer in it. */
export function isFar(instruction: Instruction): boolean {
  const form = FORMS[instruction.form];
  if (form?.flow !== 'call' && form?.flow !== 'jump') return false;
  const size = form.operands[0]?.size;
  return size === 'p';
}
