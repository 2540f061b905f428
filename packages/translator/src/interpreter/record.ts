/**
 * The 32-byte record of one predecoded instruction, in linear memory.
 *
 * | bytes | field |
 * | --- | --- |
 * | 0..1 | handler number; 0 = stale |
 * | 2..3 | offset of the instruction in its page; 4096 and more: begins in the next page |
 * | 4 | length of the instruction |
 * | 5 | left shift of the index register |
 * | 6 | offset of the memory operand's segment register in the state's segments |
 * | 7 | bytes from the instruction's first that must not change; the code cache's |
 * | 8..9, 10..11 | register operands 0 and 1: state address, or number (ST, segment, CR, DR) |
 * | 10..11 | operand 1 in memory with a vector register for its index: state address of that |
 * | 10..11 | one operand, in memory: ModRM without its reg field |
 * | 12..13 | state address of the base register, or of zero |
 * | 14..15 | state address of the index register, or of zero |
 * | 16..19 | displacement |
 * | 20..23 | immediate, or branch displacement |
 * | 24..27 | branches: address of the target's record if in the same page, else 0 |
 * | 24..27 | others: high half of the immediate |
 * | 28..31 | branches: mask of EIP (0xffff or all ones); others: second immediate |
 * | 28..29 | register operand 2, where there is one: state address |
 */
import { FORMS } from '@ringfence/isa';
import { CpuState, segmentBytes } from '@ringfence/memory';
import type { Instruction } from '@ringfence/decoder';
import { OperandKind } from '@ringfence/decoder';

/** Byte offsets of the fields. */
export const RecordField = {
  handler: 0,
  offset: 2,
  length: 4,
  scale: 5,
  segment: 6,
  extent: 7,
  register0: 8,
  register1: 10,
  base: 12,
  index: 14,
  displacement: 16,
  immediate: 20,
  link: 24,
  immediateHigh: 24,
  mask: 28,
  immediate2: 28,
  register2: 28,
} as const;

/** Bytes of a record. */
export const recordBytes = 32;

/** Handler numbers with a meaning of their own; the others are given out by the interpreter. */
export const SpecialHandler = {
  /** The instruction is looked up again at `eipBase + offset`. */
  stale: 0,
  /** The run goes on at the record in `link`. */
  continue: 1,
} as const;

const branches: ReadonlySet<string> = new Set(['branch', 'jump', 'call']);

/** Writes records through views of the linear memory. */
export class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  /** Writes the record of a decoded instruction that begins at `offset` of its page. */
  write(address: number, instruction: Instruction, handler: number, offset: number): void {
    const half = address >> 1;
    const word = address >> 2;
    this.#halves[half] = handler;
    this.#halves[half + 1] = offset;
    this.#bytes[address + RecordField.length] = instruction.length;
    this.#bytes[address + RecordField.scale] = instruction.scale;
    this.#halves[half + 3] = segmentBytes * Math.max(0, instruction.segment);
    this.#halves[half + 4] = registerField(instruction, 0);
    this.#halves[half + 5] = hasMemoryOnly(instruction)
      ? (instruction.mod << 6) | instruction.rm
      : registerField(instruction, 1);
    this.#halves[half + 6] = gprField(instruction.base);
    this.#halves[half + 7] = gprField(instruction.vectorIndex === 0 ? instruction.index : -1);
    this.#words[word + 4] = instruction.displacement;
    this.#words[word + 5] = instruction.immediate;
    const flow = FORMS[instruction.form]?.flow ?? 'next';
    if (branches.has(flow) && instruction.immediate2 === 0 && isRelative(instruction)) {
      this.#words[word + 6] = 0;
      this.#words[word + 7] = instruction.operandSize === 16 ? 0xffff : -1;
    } else {
      this.#words[word + 6] = instruction.immediateHigh;
      this.#words[word + 7] = hasThirdRegister(instruction)
        ? registerField(instruction, 2)
        : instruction.immediate2;
    }
  }

  /** Writes a record without operands: the end of a page, an invalid opcode. */
  writeBare(address: number, handler: number, offset: number, link = 0): void {
    const word = address >> 2;
    this.#words[word] = (handler & 0xffff) | (offset << 16);
    for (let index = 1; index < 8; index++) this.#words[word + index] = 0;
    this.#words[word + 6] = link;
  }
}

function isRelative(instruction: Instruction): boolean {
  return instruction.operandKind[0] === OperandKind.relative;
}

/** MASKMOVQ and its like, instructions with a VEX prefix: there is no second immediate then. */
function hasThirdRegister({ operandKind }: Instruction): boolean {
  const kind = operandKind[2] ?? OperandKind.none;
  const isGeneral = kind >= OperandKind.gpr8 && kind <= OperandKind.gpr64;
  const isVector = kind === OperandKind.xmm || kind === OperandKind.ymm;
  return isGeneral || kind === OperandKind.mm || isVector;
}

function hasMemoryOnly({ operandCount, operandKind }: Instruction): boolean {
  return operandCount === 1 && operandKind[0] === OperandKind.memory;
}

function gprField(register: number): number {
  return register < 0 || register > 15 ? CpuState.zero : CpuState.gpr + 8 * register;
}

function registerField(instruction: Instruction, index: number): number {
  const register = instruction.operandRegister[index] ?? 0;
  switch (instruction.operandKind[index]) {
    case OperandKind.gpr8High:
      return CpuState.gpr + 8 * register + 1;
    case OperandKind.gpr8:
    case OperandKind.gpr16:
    case OperandKind.gpr32:
    case OperandKind.gpr64:
      return CpuState.gpr + 8 * register;
    case OperandKind.xmm:
    case OperandKind.ymm:
      return CpuState.xmm + 16 * register;
    case OperandKind.mm:
      return CpuState.fpu + 16 * (register & 7);
    case OperandKind.memory:
      return instruction.vectorIndex === 0 ? register : CpuState.xmm + 16 * register;
    default:
      return register;
  }
}
