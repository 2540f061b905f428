/** How each operand location of the tables is found, and what kind of operand it gives. */
import { Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { OperandKind } from './instruction.ts';

/** How the decoder finds an operand; what does not depend on ModRM.mod comes first. */
export const Source = {
  none: 0,
  /** ModRM.rm, a general register or memory. */
  rmGpr: 1,
  /** ModRM.reg, a general register. */
  regGpr: 2,
  /** The low three bits of the opcode. */
  opcodeGpr: 3,
  /** The register that the row names. */
  fixed: 4,
  imm8: 5,
  imm8Signed: 6,
  imm16: 7,
  /** 16 or 32 bits. */
  immZ: 8,
  /** 16, 32 or 64 bits. */
  immV: 9,
  /** The second immediate of ENTER. */
  imm8Second: 10,
  relative8: 11,
  relativeZ: 12,
  far: 13,
  offset: 14,
  memory: 15,
  /** ModRM.reg without REX.R: MMX and segment registers. */
  regNoRex: 16,
  /** ModRM.rm without REX.B: an MMX register or memory, or ST(i). */
  rmNoRex: 17,
  regXmm: 18,
  rmXmm: 19,
  control: 20,
  debug: 21,
  stringSource: 22,
  stringDestination: 23,
  implicitDi: 24,
  implicitBx: 25,
  /** ModRM.rm, a register whatever mod says. */
  rmRegister: 26,
} as const;

const SOURCES: Readonly<Record<number, number>> = {
  [Location.rmGpr]: Source.rmGpr,
  [Location.rmGprOnly]: Source.rmGpr,
  [Location.memory]: Source.memory,
  [Location.regGpr]: Source.regGpr,
  [Location.opcodeGpr]: Source.opcodeGpr,
  [Location.fixedGpr]: Source.fixed,
  [Location.farPointer]: Source.far,
  [Location.offset]: Source.offset,
  [Location.segment]: Source.regNoRex,
  [Location.fixedSegment]: Source.fixed,
  [Location.control]: Source.control,
  [Location.debug]: Source.debug,
  [Location.stringSource]: Source.stringSource,
  [Location.stringDestination]: Source.stringDestination,
  [Location.st0]: Source.fixed,
  [Location.sti]: Source.rmNoRex,
  [Location.regMm]: Source.regNoRex,
  [Location.rmMm]: Source.rmNoRex,
  [Location.rmMmOnly]: Source.rmNoRex,
  [Location.regXmm]: Source.regXmm,
  [Location.rmXmm]: Source.rmXmm,
  [Location.rmXmmOnly]: Source.rmXmm,
  [Location.xmm0]: Source.fixed,
  [Location.one]: Source.fixed,
  [Location.implicitDi]: Source.implicitDi,
  [Location.implicitBxAl]: Source.implicitBx,
};

const IMMEDIATES: Readonly<Record<string, number>> = {
  b: Source.imm8,
  bs: Source.imm8Signed,
  w: Source.imm16,
  z: Source.immZ,
  v: Source.immV,
};

/** The {@link Source} of the operand at this position of a form. */
export function sourceOf(spec: OperandSpec, form: Form, position: number): number {
  if (spec.location === Location.relative) {
    return spec.size === 'b' ? Source.relative8 : Source.relativeZ;
  }
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
  [Location.one]: OperandKind.one,
  [Location.implicitDi]: OperandKind.memory,
  [Location.implicitBxAl]: OperandKind.memory,
};

/** The kind of an operand that is no memory; locations outside the table are general registers. */
export function kindOf(spec: OperandSpec, size: 16 | 32 | 64): number {
  const bytes = operandBytes(spec.size, size);
  return KINDS[spec.location] ?? GPR_KINDS[bytes] ?? OperandKind.none;
}
