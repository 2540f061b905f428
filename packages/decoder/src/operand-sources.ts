/** How each operand location of the tables is found, and what kind of operand it gives. */
import { Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { OperandKind } from './instruction.ts';

/** How the decoder finds an operand; the common ones come first. */
export const Source = {
  /** ModRM.rm with REX.B, a general or XMM register or memory. */
  rm: 0,
  /** ModRM.rm without REX.B: an MMX register or memory, or ST(i). */
  rmNoRex: 1,
  /** ModRM.reg with REX.R. */
  reg: 2,
  /** A sign-extended immediate or branch displacement of as many bytes as the operand has. */
  signed: 3,
  /** The low three bits of the opcode, with REX.B. */
  opcode: 4,
  /** A zero-extended byte. */
  imm8: 5,
  /** The register that the row names. */
  fixed: 6,
  /** Nothing more to find: memory and strings. */
  none: 7,
  // From here on registers that are found by rareRegister.
  /** ModRM.reg without REX.R: MMX and segment registers. */
  regNoRex: 8,
  /** ModRM.rm, a register whatever mod says. */
  rmRegister: 9,
  control: 10,
  debug: 11,
  /** VEX.vvvv. */
  vex: 12,
  /** The index register of a SIB byte, a vector register. */
  vectorIndex: 13,
  // From here on operands that are found by decodeRare.
  imm16: 14,
  /** The second immediate of ENTER. */
  imm8Second: 15,
  far: 16,
  offset: 17,
  implicitDi: 18,
  implicitBx: 19,
  /** Bits 7 to 4 of an immediate byte, a vector register. */
  immediateRegister: 20,
} as const;

const SOURCES: Readonly<Record<number, number>> = {
  [Location.rmGpr]: Source.rm,
  [Location.rmGprOnly]: Source.rm,
  [Location.memory]: Source.none,
  [Location.regGpr]: Source.reg,
  [Location.opcodeGpr]: Source.opcode,
  [Location.vexGpr]: Source.vex,
  [Location.fixedGpr]: Source.fixed,
  [Location.farPointer]: Source.far,
  [Location.offset]: Source.offset,
  [Location.segment]: Source.regNoRex,
  [Location.fixedSegment]: Source.fixed,
  [Location.control]: Source.control,
  [Location.debug]: Source.debug,
  [Location.stringSource]: Source.none,
  [Location.stringDestination]: Source.none,
  [Location.st0]: Source.fixed,
  [Location.sti]: Source.rmNoRex,
  [Location.regMm]: Source.regNoRex,
  [Location.rmMm]: Source.rmNoRex,
  [Location.rmMmOnly]: Source.rmNoRex,
  [Location.regXmm]: Source.reg,
  [Location.rmXmm]: Source.rm,
  [Location.rmXmmOnly]: Source.rm,
  [Location.xmm0]: Source.fixed,
  [Location.vexXmm]: Source.vex,
  [Location.immediateXmm]: Source.immediateRegister,
  [Location.vectorMemory]: Source.vectorIndex,
  [Location.one]: Source.fixed,
  [Location.implicitDi]: Source.implicitDi,
  [Location.implicitBxAl]: Source.implicitBx,
};

const IMMEDIATES: Readonly<Record<string, number>> = {
  b: Source.imm8,
  bs: Source.signed,
  w: Source.imm16,
  z: Source.signed,
  v: Source.signed,
};

/** The {@link Source} of the operand at this position of a form. */
export function sourceOf(spec: OperandSpec, form: Form, position: number): number {
  if (spec.location === Location.relative) return Source.signed;
  if (spec.location === Location.immediate) {
    const isSecond = form.operands[position - 1]?.location === Location.immediate;
    return isSecond ? Source.imm8Second : (IMMEDIATES[spec.size] ?? Source.none);
  }
  if (spec.location === Location.rmGprOnly && form.mod === 'ignored') return Source.rmRegister;
  return SOURCES[spec.location] ?? Source.none;
}

const GPR_KINDS: Readonly<Record<number, number>> = {
  1: OperandKind.gpr8,
  2: OperandKind.gpr16,
  4: OperandKind.gpr32,
  8: OperandKind.gpr64,
};

const KINDS: Readonly<Record<number, number>> = {
  [Location.memory]: OperandKind.memory,
  [Location.immediate]: OperandKind.immediate,
  [Location.relative]: OperandKind.relative,
  [Location.farPointer]: OperandKind.farPointer,
  [Location.offset]: OperandKind.memory,
  [Location.segment]: OperandKind.segment,
  [Location.fixedSegment]: OperandKind.segment,
  [Location.control]: OperandKind.control,
  [Location.debug]: OperandKind.debug,
  [Location.stringSource]: OperandKind.stringSource,
  [Location.stringDestination]: OperandKind.stringDestination,
  [Location.st0]: OperandKind.st,
  [Location.sti]: OperandKind.st,
  [Location.regMm]: OperandKind.mm,
  [Location.rmMm]: OperandKind.mm,
  [Location.rmMmOnly]: OperandKind.mm,
  [Location.regXmm]: OperandKind.xmm,
  [Location.rmXmm]: OperandKind.xmm,
  [Location.rmXmmOnly]: OperandKind.xmm,
  [Location.xmm0]: OperandKind.xmm,
  [Location.vexXmm]: OperandKind.xmm,
  [Location.immediateXmm]: OperandKind.xmm,
  [Location.vectorMemory]: OperandKind.memory,
  [Location.one]: OperandKind.one,
  [Location.implicitDi]: OperandKind.memory,
  [Location.implicitBxAl]: OperandKind.memory,
};

/** The kind of an operand that is no memory; locations outside the table are general registers. */
export function kindOf(spec: OperandSpec, size: 16 | 32 | 64): number {
  const bytes = operandBytes(spec.size, size);
  const kind = KINDS[spec.location] ?? GPR_KINDS[bytes] ?? OperandKind.none;
  return kind === OperandKind.xmm && bytes === 32 ? OperandKind.ymm : kind;
}
