/**
 * Which registers of the instructions of a run are the same one.
 *
 * A case for several instructions keeps guest registers in locals from one to the next, so it has
 * to know which operands name the same register, and not which register it is: `mov a, b; add a, c`
 * is one case for all different a, b and c.
 */
import type { Instruction } from '@ringfence/decoder';
import { OperandKind } from '@ringfence/decoder';

/** Operands of an instruction that can be general registers, in the order in which they count. */
export const registerPlaces = { operand0: 0, operand1: 1, base: 2, index: 3 } as const;

/** Bits of one place: number 0..7, bits 15..8 of it (AH) + 8, or `noRegister`. */
const placeBits = 5;
const placeMask = 31;

/** What a place has that is no general register. */
export const noRegister = 16;

const highByte = 8;

/** The general registers at the places of a 32-bit instruction in one number. */
export function packRegisters(instruction: Instruction): number {
  return (
    operandRegister(instruction, 0) |
    (operandRegister(instruction, 1) << placeBits) |
    (addressRegister(instruction.base) << (2 * placeBits)) |
    (addressRegister(instruction.index) << (3 * placeBits))
  );
}

/** The register at a place of a packed number, as it is in there. */
export function registerAt(registers: number, place: number): number {
  return (registers >>> (place * placeBits)) & placeMask;
}

/** Number of a register at a place, 0..7. */
export function numberOf(register: number): number {
  return register & 7;
}

/** Whether the register at a place is AH, CH, DH or BH. */
export function isHigh(register: number): boolean {
  return (register & highByte) !== 0;
}

/** Names registers by the order in which a run mentions them. */
export class PatternReader {
  readonly #names = new Int8Array(8);
  #count = 0;

  /** Begins at an instruction: no register was mentioned. */
  reset(): void {
    this.#names.fill(-1);
    this.#count = 0;
  }

  /** The names of an instruction's registers, also of those that it uses without an operand. */
  next(registers: number, fixed: readonly number[]): number {
    let pattern = 0;
    for (let place = 0; place < 4; place++) {
      const register = registerAt(registers, place);
      const name = register === noRegister ? noRegister : this.#name(register);
      pattern = pattern * 32 + name;
    }
    for (const register of fixed) pattern = pattern * 32 + this.#name(register);
    return pattern;
  }

  #name(register: number): number {
    const number = numberOf(register);
    const known = this.#names[number] ?? -1;
    if (known >= 0) return known | (register & highByte);
    this.#names[number] = this.#count;
    this.#count += 1;
    return (this.#count - 1) | (register & highByte);
  }
}

function operandRegister(instruction: Instruction, index: number): number {
  const register = instruction.operandRegister[index] ?? 0;
  switch (instruction.operandKind[index]) {
    case OperandKind.gpr8High:
      return numberOf(register) | highByte;
    case OperandKind.gpr8:
    case OperandKind.gpr16:
    case OperandKind.gpr32:
      return numberOf(register);
    default:
      return noRegister;
  }
}

function addressRegister(register: number): number {
  return register < 0 || register > 7 ? noRegister : register;
}
