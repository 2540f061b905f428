import { FORMS, Location } from '@ringfence/isa';
import { attMnemonic } from './att-mnemonics.ts';
import { BASE_RIP, OperandKind } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import {
  addressRegisterName,
  indexRegisterName,
  instructionPointerName,
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

/** Instructions whose operands AT&T syntax leaves in Intel's order. */
const KEPT_ORDER: ReadonlySet<string> = new Set(['ENTER', 'BOUND']);

/** x87 instructions whose ST(0) AT&T syntax leaves out. */
const WITHOUT_TOP: ReadonlySet<string> = new Set(['FCOM', 'FCOMP', 'FUCOM', 'FUCOMP', 'FXCH']);

/**
 * Text of a decoded instruction in AT&T syntax, as the GNU assembler reads it.
 *
 * Sources come first, and the mnemonic has a size letter where no register says the size; branches
 * show their target for an instruction at `ip`: `addl $0x1, 0x10(%ebx,%ecx,4)`.
 */
export function formatAtt(instruction: Instruction, ip: bigint = 0n): string {
  const form = FORMS[instruction.form];
  const far = isFar(instruction);
  const name = prefixText(instruction) + (far ? 'l' : '') + attMnemonic(instruction);
  const isIndirect = far || form?.flow === 'call' || form?.flow === 'jump';
  const texts = shownOperands(instruction).map((operand) =>
    operandText(instruction, operand, ip, isIndirect ? '*' : ''),
  );
  const mnemonic = form?.mnemonic ?? '';
  if (texts.length === 0) return name;
  if (WITHOUT_TOP.has(mnemonic) && texts.length === 2) texts.shift();
  if (!KEPT_ORDER.has(mnemonic)) texts.reverse();
  return `${name} ${texts.join(', ')}`;
}

function operandText(
  instruction: Instruction,
  operand: number,
  ip: bigint,
  indirect: string,
): string {
  const kind = instruction.operandKind[operand] ?? OperandKind.none;
  switch (kind) {
    case OperandKind.memory:
      return indirect + segmentText(instruction, kind) + address(instruction);
    case OperandKind.stringSource:
      return segmentText(instruction, kind) + pointer(instruction, 6);
    case OperandKind.stringDestination:
      return pointer(instruction, 7);
    case OperandKind.relative:
      return `0x${branchTarget(instruction, ip).toString(16)}`;
    case OperandKind.farPointer:
      return `$${hex64(instruction.immediate2, 0)}, $${hex64(instruction.immediate, 0)}`;
    case OperandKind.immediate:
    case OperandKind.immediate2:
    case OperandKind.one:
      return `$${immediateText(instruction, operand)}`;
    default:
      return `${indirect}%${registerText(instruction, operand)}`;
  }
}

function registerText(instruction: Instruction, operand: number): string {
  const location = FORMS[instruction.form]?.operands[operand]?.location;
  return location === Location.st0 ? 'st' : (registerName(instruction, operand) ?? '');
}

function segmentText(instruction: Instruction, kind: number): string {
  return showsSegment(instruction, kind) ? `%${segmentName(instruction.segment)}:` : '';
}

function pointer(instruction: Instruction, register: number): string {
  return `(%${addressRegisterName(register, instruction.addressSize)})`;
}

function address(instruction: Instruction): string {
  if (isAbsolute(instruction)) return absoluteText(instruction);
  const { base, index, scale, addressSize } = instruction;
  const displacement = displacementText(instruction).replace('+', '');
  let inner = '';
  if (base === BASE_RIP) inner = `%${instructionPointerName(addressSize)}`;
  else if (base >= 0) inner = `%${addressRegisterName(base, addressSize)}`;
  if (index >= 0) {
    inner += `,%${indexRegisterName(instruction)}`;
    if (scale > 0 || base < 0) inner += `,${1 << scale}`;
  }
  return `${displacement}(${inner})`;
}
