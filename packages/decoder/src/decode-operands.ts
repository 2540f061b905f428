/** Fills the operand fields of a record from the operand tables. Hot: see decoder.bench.ts. */
import { read32 } from './decode-memory.ts';
import { OperandKind } from './instruction.ts';
import type { Instruction } from './instruction.ts';
import { Source } from './operand-sources.ts';
import {
  MEMORY_BYTES,
  OPERAND_COUNT,
  OPERAND_FIXED,
  OPERAND_KIND,
  OPERAND_SOURCE,
  REGISTER_BYTES,
} from './operand-tables.ts';

/** Control registers that exist: CR0, CR2, CR3, CR4, CR8 (SDM vol. 2B, MOV to control registers). */
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
  const { form, rex } = instruction;
  const count = OPERAND_COUNT[form] ?? 0;
  const isRegister = instruction.mod === 3;
  const column = instruction.operandSize >> 5;
  const { operandKind, operandRegister, operandBytes } = instruction;
  instruction.operandCount = count;
  let at = position;
  for (let i = 0; i < count; i++) {
    const operand = form * 4 + i;
    const sized = operand * 4 + column;
    const source = OPERAND_SOURCE[operand] ?? 0;
    let kind = OPERAND_KIND[sized] ?? 0;
    let register = 0;
    let size = REGISTER_BYTES[sized] ?? 0;
    switch (source) {
      case Source.rmGpr:
      case Source.rmNoRex:
      case Source.rmXmm:
        if (isRegister) {
          register = instruction.rm;
          if (source !== Source.rmNoRex) register |= (rex & 1) << 3;
        } else {
          kind = OperandKind.memory;
          size = MEMORY_BYTES[sized] ?? 0;
        }
        break;
      case Source.regGpr:
      case Source.regXmm:
        register = instruction.reg | ((rex & 4) << 1);
        break;
      case Source.opcodeGpr:
        register = (opcode & 7) | ((rex & 1) << 3);
        break;
      case Source.fixed:
        register = OPERAND_FIXED[operand] ?? 0;
        break;
      case Source.memory:
      case Source.stringSource:
      case Source.stringDestination:
        break;
      case Source.regNoRex:
        register = instruction.reg;
        break;
      case Source.rmRegister:
        register = instruction.rm | ((rex & 1) << 3);
        break;
      case Source.control:
        register = instruction.reg | ((rex & 4) << 1);
        if (((CONTROL_REGISTERS >> register) & 1) === 0) return -1;
        break;
      case Source.debug:
        register = instruction.reg;
        if ((rex & 4) !== 0) return -1;
        break;
      case Source.implicitDi:
        instruction.base = 7;
        break;
      case Source.implicitBx:
        instruction.base = 3;
        break;
      case Source.imm8Second:
        kind = OperandKind.immediate2;
        instruction.immediate2 = bytes[at++] ?? 0;
        break;
      case Source.offset:
        at = decodeOffset(instruction, bytes, at);
        break;
      case Source.far:
        at = decodeImmediate(instruction, bytes, at, column === 0 ? 2 : 4);
        instruction.immediateHigh = 0;
        if (column === 0) instruction.immediate &= 0xffff;
        instruction.immediate2 = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
        at += 2;
        break;
      case Source.imm8:
        instruction.immediate = bytes[at++] ?? 0;
        break;
      case Source.imm16:
        instruction.immediate = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
        at += 2;
        break;
      default:
        at = decodeImmediate(instruction, bytes, at, size);
    }
    // Without REX, byte registers 4 to 7 are AH, CH, DH, BH (SDM vol. 2A, 3.1.1.1, table 3-1).
    if (kind === OperandKind.gpr8 && rex === 0 && register >= 4) {
      kind = OperandKind.gpr8High;
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
  } else value = read32(bytes, position);
  instruction.immediate = value;
  instruction.immediateHigh = size === 8 ? read32(bytes, position + 4) : value >> 31;
  return position + size;
}

/** Reads the offset of MOV AL, Ob and its like: as wide as an address (SDM vol. 2D, A.2.1, O). */
function decodeOffset(instruction: Instruction, bytes: Uint8Array, position: number): number {
  if (instruction.addressSize === 16) {
    instruction.displacement = (bytes[position] ?? 0) | ((bytes[position + 1] ?? 0) << 8);
    return position + 2;
  }
  instruction.displacement = read32(bytes, position);
  if (instruction.addressSize === 32) return position + 4;
  instruction.displacementHigh = read32(bytes, position + 4);
  return position + 8;
}
