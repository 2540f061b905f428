/** Fills the operand fields of a record from the operand tables. Hot: see decoder.bench.ts. */
import { read32 } from './decode-memory.ts';
import { OperandKind } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import { Source } from './operand-sources.ts';
import { OPERAND_COUNT, OPERAND_WORDS } from './operand-tables.ts';

// Local names for imported ones, see decode-into.ts.
const FROM_RM = Source.rm;
const FROM_RM_NO_REX = Source.rmNoRex;
const FROM_REG = Source.reg;
const FROM_SIGNED = Source.signed;
const FROM_OPCODE = Source.opcode;
const FROM_IMM8 = Source.imm8;
const FROM_FIXED = Source.fixed;
const FROM_NONE = Source.none;
const FIRST_RARE = Source.imm16;
const IMMEDIATE_REGISTER = Source.immediateRegister;
const KIND_MEMORY = OperandKind.memory;
const KIND_GPR8 = OperandKind.gpr8;
const KIND_GPR8_HIGH = OperandKind.gpr8High;
const operandCounts = OPERAND_COUNT;
const operandWords = OPERAND_WORDS;
const readInt32 = read32;

/**
 * Control registers that exist: CR0, CR2, CR3, CR4, CR8 (SDM vol. 2B, MOV to control registers).
 */
const CONTROL_REGISTERS = 0b1_0001_1101;

/**
 * Decodes the operands of `instruction.form`, whose immediates begin at `position`; `opcode` is the
 * last opcode byte. Returns the position after the instruction, or -1 for a register that does not
 * exist.
 */
export function decodeOperands(
  instruction: Instruction,
  bytes: Uint8Array,
  position: number,
  opcode: number,
): number {
  const { form, rex, operandKind, operandRegister, operandBytes } = instruction;
  const count = operandCounts[form] ?? 0;
  let word = form * 16 + (instruction.operandSize >> 5);
  let at = position;
  instruction.operandCount = count;
  for (let i = 0; i < count; i++, word += 4) {
    const operand = operandWords[word] ?? 0;
    const source = operand & 31;
    let kind = (operand >> 5) & 31;
    let size = (operand >> 10) & 1023;
    let register = 0;
    if (source <= FROM_RM_NO_REX) {
      if (instruction.mod === 3) {
        register = instruction.rm | (source === FROM_RM ? (rex & 1) << 3 : 0);
      } else {
        kind = KIND_MEMORY;
        size = operand >> 20;
      }
    } else if (source === FROM_REG) register = instruction.reg | ((rex & 4) << 1);
    else if (source === FROM_SIGNED) at = decodeImmediate(instruction, bytes, at, size);
    else if (source === FROM_OPCODE) register = (opcode & 7) | ((rex & 1) << 3);
    else if (source === FROM_IMM8) instruction.immediate = bytes[at++] ?? 0;
    else if (source === FROM_FIXED) register = operand >> 20;
    else if (source !== FROM_NONE) {
      if (source >= FIRST_RARE) at = decodeRare(instruction, bytes, at, source);
      else register = rareRegister(instruction, source);
      if (register < 0) return -1;
      if (source === IMMEDIATE_REGISTER) {
        register = (instruction.immediate >> 4) & (rex === 0 ? 7 : 15);
      }
      if (source === Source.imm8Second) kind = OperandKind.immediate2;
    }
    // Without REX, byte registers 4 to 7 are AH, CH, DH, BH (SDM vol. 2A, 3.1.1.1, table 3-1).
    if (kind === KIND_GPR8 && rex === 0 && register >= 4) {
      kind = KIND_GPR8_HIGH;
      register -= 4;
    }
    operandKind[i] = kind;
    operandRegister[i] = register;
    operandBytes[i] = size;
  }
  for (let i = count; i < 4; i++) {
    operandKind[i] = 0;
    operandRegister[i] = 0;
    operandBytes[i] = 0;
  }
  return at;
}

/** Finds a register of the less common classes; -1 if it does not exist. */
function rareRegister(instruction: Instruction, source: number): number {
  const { rex, reg, rm } = instruction;
  switch (source) {
    case Source.control: {
      const register = reg | ((rex & 4) << 1);
      return ((CONTROL_REGISTERS >> register) & 1) === 0 ? -1 : register;
    }
    case Source.debug:
      return (rex & 4) !== 0 ? -1 : reg;
    case Source.vex:
      return instruction.vvvv & (rex === 0 ? 7 : 15);
    case Source.vectorIndex:
      return instruction.index;
    case Source.rmRegister:
      return rm | ((rex & 1) << 3);
    default:
      return reg;
  }
}

/** Decodes an operand of the less common classes; returns the position after it. */
function decodeRare(
  instruction: Instruction,
  bytes: Uint8Array,
  position: number,
  source: number,
): number {
  const word = (bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8);
  switch (source) {
    case Source.imm16:
      instruction.immediate = word;
      return position + 2;
    case Source.imm8Second:
      instruction.immediate2 = bytes[position] ?? 0;
      return position + 1;
    case Source.immediateRegister:
      instruction.immediate = bytes[position] ?? 0;
      return position + 1;
    case Source.far:
      return decodeFar(instruction, bytes, position);
    case Source.offset:
      return decodeOffset(instruction, bytes, position);
    default:
      instruction.base = source === Source.implicitDi ? 7 : 3;
      return position;
  }
}

/** Reads a far pointer: an offset of 16 or 32 bits, then a selector. */
function decodeFar(instruction: Instruction, bytes: Uint8Array, position: number): number {
  const size = instruction.operandSize === 16 ? 2 : 4;
  const offset = readInt32(bytes, position);
  const after = position + size;
  instruction.immediate = size === 2 ? offset & 0xffff : offset;
  instruction.immediate2 = (bytes[after] ?? 0) | ((bytes[after + 1] ?? 0) << 8);
  return after + 2;
}

/** Reads a sign-extended immediate of 1, 2, 4 or 8 bytes. */
function decodeImmediate(
  instruction: Instruction,
  bytes: Uint8Array,
  position: number,
  size: number,
): number {
  let value: number;
  if (size === 1) value = ((bytes[position] ?? 0) << 24) >> 24;
  else if (size === 2) {
    value = (((bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8)) << 16) >> 16;
  } else value = readInt32(bytes, position);
  instruction.immediate = value;
  instruction.immediateHigh = size === 8 ? readInt32(bytes, position + 4) : value >> 31;
  return position + size;
}

/** Reads the offset of MOV AL, Ob and its like: as wide as an address (SDM vol. 2D, A.2.1, O). */
function decodeOffset(instruction: Instruction, bytes: Uint8Array, position: number): number {
  if (instruction.addressSize === 16) {
    instruction.displacement = (bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8);
    return position + 2;
  }
  instruction.displacement = readInt32(bytes, position);
  if (instruction.addressSize === 32) return position + 4;
  instruction.displacementHigh = readInt32(bytes, position + 4);
  return position + 8;
}
