/** Mnemonics of AT&T syntax, as the GNU assembler spells them (its manual, "i386-Mnemonics"). */
import { FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { OperandKind, Prefix } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import { mnemonicOf } from './registers.ts';

/** Names that are not the lower case of the manual's. */
const RENAMED: Readonly<Record<string, string>> = {
  CBW: 'cbtw',
  CWDE: 'cwtl',
  CDQE: 'cltq',
  CWD: 'cwtd',
  CDQ: 'cltd',
  CQO: 'cqto',
  XLATB: 'xlat',
  RETF: 'lret',
  SYSRET: 'sysretl',
  SYSEXIT: 'sysexitl',
};

const LETTERS: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' };

/** Letters of x87 operands in memory: reals, and integers (FILD, FIADD ...). */
const REAL_LETTERS: Readonly<Record<number, string>> = { 4: 's', 8: 'l', 10: 't' };
const INTEGER_LETTERS: Readonly<Record<number, string>> = { 2: 's', 4: 'l', 8: 'll' };

/** Integer instructions that need a letter when only memory (and an immediate) says the size. */
const SUFFIXED: ReadonlySet<string> = new Set(
  (
    'ADD OR ADC SBB AND SUB XOR CMP INC DEC NOT NEG TEST MUL IMUL DIV IDIV MOV PUSH POP JMP CALL ' +
    'ROL ROR RCL RCR SHL SHR SAL SAR BT BTS BTR BTC NOP CVTSI2SS CVTSI2SD VCVTSI2SS VCVTSI2SD'
  ).split(' '),
);

/** Conversions whose destination has one size, whatever that of the source. */
const NARROWING: ReadonlySet<string> = new Set(['VCVTPD2PS', 'VCVTPD2DQ', 'VCVTTPD2DQ']);

/** Instructions whose letter is that of the operand size, always written. */
const SIZED: ReadonlySet<string> = new Set(['PUSHF', 'POPF', 'PUSHA', 'POPA', 'IRET', 'RETF']);

/** Instructions that use the stack, whose size no register need show. */
const STACK: ReadonlySet<string> = new Set('PUSH POP CALL RET'.split(' '));

/** Loops, whose letter is that of their counter. */
const LOOPS: ReadonlySet<string> = new Set(['LOOP', 'LOOPE', 'LOOPNE']);

/** Real-number instructions of the x87 whose memory operand has a letter. */
const REALS: ReadonlySet<string> = new Set(
  'FADD FMUL FCOM FCOMP FSUB FSUBR FDIV FDIVR FLD FST FSTP'.split(' '),
);

/** Integer instructions of the x87. */
const INTEGERS: ReadonlySet<string> = new Set(
  'FIADD FIMUL FICOM FICOMP FISUB FISUBR FIDIV FIDIVR FILD FIST FISTP FISTTP'.split(' '),
);

/**
 * The AT&T assembler of old exchanged these when ST(i) is the destination; all later ones do so.
 */
const EXCHANGED: Readonly<Record<string, string>> = {
  FSUB: 'fsubr',
  FSUBR: 'fsub',
  FSUBP: 'fsubrp',
  FSUBRP: 'fsubp',
  FDIV: 'fdivr',
  FDIVR: 'fdiv',
  FDIVP: 'fdivrp',
  FDIVRP: 'fdivp',
};

/** Mnemonic of a decoded instruction in AT&T syntax, with its size letters. */
export function attMnemonic(instruction: Instruction): string {
  const form = FORMS[instruction.form];
  if (form === undefined) return '(bad)';
  const name = mnemonicOf(instruction);
  const { mnemonic } = form;
  if (form.operands[0]?.location === Location.sti && form.operands.length === 2) {
    return EXCHANGED[mnemonic] ?? name.toLowerCase();
  }
  if (mnemonic === 'MOVZX' || mnemonic === 'MOVSX') return extension(instruction, name);
  if (mnemonic === 'MOVSXD' && instruction.operandSize === 64) return 'movslq';
  if (SIZED.has(mnemonic)) {
    const stem = RENAMED[mnemonic] ?? mnemonic.toLowerCase();
    return stem + (LETTERS[instruction.operandSize >> 3] ?? '');
  }
  if (form.repeat !== 'none') return stringMnemonic(name);
  if (usesWideAddress(instruction, form)) return 'movabs';
  const base = RENAMED[name] ?? name.toLowerCase();
  return base + suffix(instruction, form);
}

/** `movzbl`: from byte to long. */
function extension(instruction: Instruction, name: string): string {
  const from = LETTERS[instruction.operandBytes[1] ?? 0] ?? '';
  const to = LETTERS[instruction.operandBytes[0] ?? 0] ?? '';
  return name.slice(0, -1).toLowerCase() + from + to;
}

/** The manual's D (doubleword) is a long. */
function stringMnemonic(name: string): string {
  return name.toLowerCase().replace(/d$/, 'l');
}

/** MOV with a 64-bit immediate or a 64-bit offset. */
function usesWideAddress(instruction: Instruction, form: Form): boolean {
  if (form.mnemonic !== 'MOV') return false;
  const isWideOffset = form.operands.some(({ location }) => location === Location.offset);
  if (isWideOffset) return instruction.addressSize === 64;
  return form.operands[1]?.text === 'Iv' && instruction.operandSize === 64;
}

function suffix(instruction: Instruction, form: Form): string {
  // The source of CRC32 has its own size, which a register shows.
  if (form.mnemonic === 'CRC32' && instruction.mod !== 3) {
    return LETTERS[instruction.operandBytes[1] ?? 0] ?? '';
  }
  if (LOOPS.has(form.mnemonic) && (instruction.prefixes & Prefix.addressSize) !== 0) {
    return LETTERS[instruction.addressSize >> 3] ?? '';
  }
  return operandSuffix(instruction, form) || stackSuffix(instruction, form);
}

/** Pushes, pops and transfers with a 66 prefix say their size where no register does. */
function stackSuffix(instruction: Instruction, form: Form): string {
  if ((instruction.prefixes & Prefix.operandSize) === 0 || instruction.operandSize === 64)
    return '';
  const kind = instruction.operandKind[0] ?? OperandKind.none;
  const isFar = form.operands[0]?.size === 'p';
  const isStack = STACK.has(form.mnemonic) || form.longSize === 'd64' || isFar;
  if (!isStack || (kind === OperandKind.memory && !isFar)) return '';
  if (kind >= OperandKind.gpr8 && kind <= OperandKind.gpr64) return '';
  return LETTERS[instruction.operandSize >> 3] ?? '';
}

function operandSuffix(instruction: Instruction, form: Form): string {
  const memory = instruction.operandKind.indexOf(OperandKind.memory);
  if (memory < 0) return '';
  const bytes = instruction.operandBytes[memory] ?? 0;
  if (REALS.has(form.mnemonic)) return REAL_LETTERS[bytes] ?? '';
  if (NARROWING.has(form.mnemonic)) return bytes === 32 ? 'y' : 'x';
  if (INTEGERS.has(form.mnemonic)) return INTEGER_LETTERS[bytes] ?? '';
  if (!SUFFIXED.has(form.mnemonic) || form.operands[memory]?.size === 'p') return '';
  return hasSizingRegister(instruction, form) ? '' : (LETTERS[bytes] ?? '');
}

/** Whether a register other than the CL of a shift says the size. */
function hasSizingRegister(instruction: Instruction, form: Form): boolean {
  return form.operands.some((operand, position) => {
    const kind = instruction.operandKind[position] ?? OperandKind.none;
    const isRegister = kind >= OperandKind.gpr8 && kind <= OperandKind.gpr64;
    return (isRegister && operand.text !== 'CL') || kind === OperandKind.segment;
  });
}
