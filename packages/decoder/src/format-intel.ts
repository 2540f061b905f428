import { FORMS, Location } from '@ringfence/isa';
import { BASE_RIP, OperandKind } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import {
  addressRegisterName,
  indexRegisterName,
  instructionPointerName,
  mnemonicOf,
  registerName,
  segmentName,
} from './registers.ts';
import {
  absoluteText,
  branchTarget,
  displacementText,
  hex64,
  immediateText,
  isAbsolute,
  isFar,
  prefixText,
  shownOperands,
  showsSegment,
} from './text-parts.ts';

const SIZE_WORDS: Readonly<Record<number, string>> = {
  1: 'byte ptr ',
  2: 'word ptr ',
  4: 'dword ptr ',
  6: 'fword ptr ',
  8: 'qword ptr ',
  10: 'tbyte ptr ',
  16: 'xmmword ptr ',
  32: 'ymmword ptr ',
};

/**
 * Text of a decoded instruction in Intel's syntax (SDM vol. 2A, 3.1.1.3), in lower case.
 *
 * Memory operands always show their size, numbers are hexadecimal, branches show their target for
 * an instruction at `ip`: `mov eax, dword ptr [ebx+ecx*4+0x10]`.
 */
export function formatIntel(instruction: Instruction, ip: bigint = 0n): string {
  const far = isFar(instruction) ? ' far' : '';
  const name = prefixText(instruction) + mnemonicOf(instruction).toLowerCase() + far;
  const operands = shownOperands(instruction).map((operand) =>
    operandText(instruction, operand, ip),
  );
  return operands.length === 0 ? name : `${name} ${operands.join(', ')}`;
}

function operandText(instruction: Instruction, operand: number, ip: bigint): string {
  const kind = instruction.operandKind[operand] ?? OperandKind.none;
  switch (kind) {
    case OperandKind.memory:
      return sizeWord(instruction, operand) + segmentText(instruction, kind) + address(instruction);
    case OperandKind.stringSource:
      return (
        sizeWord(instruction, operand) + segmentText(instruction, kind) + pointer(instruction, 6)
      );
    case OperandKind.stringDestination:
      return sizeWord(instruction, operand) + pointer(instruction, 7);
    case OperandKind.relative:
      return `0x${branchTarget(instruction, ip).toString(16)}`;
    case OperandKind.farPointer:
      return `${hex64(instruction.immediate2, 0)}:${hex64(instruction.immediate, 0)}`;
    case OperandKind.immediate:
    case OperandKind.immediate2:
    case OperandKind.one:
      return immediateText(instruction, operand);
    case OperandKind.st:
      return stackText(instruction, operand);
    default:
      return registerName(instruction, operand) ?? '';
  }
}

/** ST(0) that the opcode implies is written `st`, one that it encodes `st(0)`. */
function stackText(instruction: Instruction, operand: number): string {
  const location = FORMS[instruction.form]?.operands[operand]?.location;
  return location === Location.st0 ? 'st' : (registerName(instruction, operand) ?? '');
}

function sizeWord(instruction: Instruction, operand: number): string {
  return SIZE_WORDS[instruction.operandBytes[operand] ?? 0] ?? '';
}

function segmentText(instruction: Instruction, kind: number): string {
  return showsSegment(instruction, kind) ? `${segmentName(instruction.segment)}:` : '';
}

function pointer(instruction: Instruction, register: number): string {
  return `[${addressRegisterName(register, instruction.addressSize)}]`;
}

function address(instruction: Instruction): string {
  if (isAbsolute(instruction)) return `[${absoluteText(instruction)}]`;
  const { base, index, scale, addressSize } = instruction;
  const parts: string[] = [];
  if (base === BASE_RIP) parts.push(instructionPointerName(addressSize));
  else if (base >= 0) parts.push(addressRegisterName(base, addressSize));
  if (index >= 0) {
    // An index without a base shows its factor, so that it is not taken for a base.
    const factor = scale === 0 && base >= 0 ? '' : `*${1 << scale}`;
    parts.push(indexRegisterName(instruction) + factor);
  }
  return `[${parts.join('+')}${displacementText(instruction)}]`;
}
