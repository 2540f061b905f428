export { Assembler, assembleText } from './assembler.ts';
export type { AssemblerOptions } from './assembler.ts';
export type { Bits } from './addressing.ts';
export { encodeForm, operandSizes } from './encode.ts';
export type { EncodeOptions, Encoded, Prefixes } from './encode.ts';
export { AssemblerError } from './error.ts';
export type { AssemblerErrorCode } from './error.ts';
export { Expression, expression, label } from './expression.ts';
export type { ExpressionInput } from './expression.ts';
export { bytesAt } from './fixup.ts';
export type { Fixup, Range } from './fixup.ts';
export type { Mnemonic } from './mnemonics.ts';
export { far, mem, mem128, mem256, mem16, mem32, mem64, mem8, mem80, memory } from './operand.ts';
export type {
  FarPointer,
  Memory,
  MemoryMaker,
  MemoryParts,
  Operand,
  OperandInput,
} from './operand.ts';
export type { Operations } from './operations.ts';
export { registers } from './registers.ts';
export type { Register, RegisterClass, RegisterName } from './registers.ts';
