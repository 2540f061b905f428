/** Names of registers, sizes and mnemonics as text shows them. */
import { FORMS } from '@ringfence/isa';
import { OperandKind } from './instruction.ts';
import type { Instruction } from './instruction.ts';

const LOW = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const HIGH = ['8', '9', '10', '11', '12', '13', '14', '15'] as const;
const BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'] as const;

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}${number}`);
}

const SEGMENTS: readonly string[] = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const GPR16: readonly string[] = [...LOW, ...HIGH.map((number) => `r${number}w`)];
const GPR32: readonly string[] = [
  ...LOW.map((name) => `e${name}`),
  ...HIGH.map((number) => `r${number}d`),
];
const GPR64: readonly string[] = [
  ...LOW.map((name) => `r${name}`),
  ...HIGH.map((number) => `r${number}`),
];

/** Names by operand kind and register number; ST is left to the caller. */
const NAMES: Readonly<Record<number, readonly string[]>> = {
  [OperandKind.gpr8]: [...BYTES, ...HIGH.map((number) => `r${number}b`)],
  [OperandKind.gpr8High]: ['ah', 'ch', 'dh', 'bh'],
  [OperandKind.gpr16]: GPR16,
  [OperandKind.gpr32]: GPR32,
  [OperandKind.gpr64]: GPR64,
  [OperandKind.st]: numbered('', 8).map((number) => `st(${number})`),
  [OperandKind.mm]: numbered('mm', 8),
  [OperandKind.xmm]: numbered('xmm', 16),
  [OperandKind.ymm]: numbered('ymm', 16),
  [OperandKind.segment]: SEGMENTS,
  [OperandKind.control]: numbered('cr', 16),
  [OperandKind.debug]: numbered('dr', 8),
};

/** Name of the register that an operand is, or undefined if it is none. */
export function registerName(instruction: Instruction, operand: number): string | undefined {
  const kind = instruction.operandKind[operand] ?? OperandKind.none;
  const register = instruction.operandRegister[operand] ?? 0;
  return NAMES[kind]?.[register];
}

/** Name of a general register as a part of an address of 16, 32 or 64 bits. */
export function addressRegisterName(register: number, addressSize: number): string {
  const names = addressSize === 16 ? GPR16 : addressSize === 32 ? GPR32 : GPR64;
  return names[register] ?? '';
}

/** Name of the index register of a memory operand, a vector register where there is VSIB. */
export function indexRegisterName({ index, vectorIndex, addressSize }: Instruction): string {
  if (vectorIndex === 0) return addressRegisterName(index, addressSize);
  return `${vectorIndex === 32 ? 'y' : 'x'}mm${index}`;
}

/** Name of the instruction pointer in an address of 32 or 64 bits. */
export function instructionPointerName(addressSize: number): string {
  return addressSize === 32 ? 'eip' : 'rip';
}

/** Name of the segment register 0..5 = ES CS SS DS FS GS. */
export function segmentName(segment: number): string {
  return SEGMENTS[segment] ?? '';
}

/**
 * Mnemonic of a decoded instruction in capitals, as the manual writes it: that of its operand size
 * (CBW, CWDE, CDQE), or address size (JCXZ, JECXZ, JRCXZ).
 */
export function mnemonicOf(instruction: Instruction): string {
  const form = FORMS[instruction.form];
  if (form === undefined) return '(BAD)';
  const size = form.namedBy === 'address' ? instruction.addressSize : instruction.operandSize;
  // 16, 32 and 64 shifted right by 5 are the positions of the names.
  return form.names[(size >> 5) as 0 | 1 | 2];
}
