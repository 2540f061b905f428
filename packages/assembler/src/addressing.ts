import { AssemblerError } from './error.ts';
import { fieldValue } from './fixup.ts';
import type { Range } from './fixup.ts';
import type { Expression } from './expression.ts';
import { formatOperand } from './operand.ts';
import type { Memory } from './operand.ts';
import { isVector } from './registers.ts';
import type { Register } from './registers.ts';

/** Size of code: the default operand and address size of the mode. */
export type Bits = 16 | 32 | 64;

/** A memory operand as ModRM, SIB and displacement fields (SDM vol. 2A, 2.1.5). */
export interface Addressing {
  readonly mod: number;
  readonly rm: number;
  /** The SIB byte without REX bits, or -1. */
  readonly sib: number;
  /** Bytes of displacement: 0, 1, 2 or 4. */
  readonly displacementBytes: number;
  readonly displacementRange: Range;
  readonly rexX: boolean;
  readonly rexB: boolean;
}

/** Base and index by ModRM.rm of 16-bit addressing (SDM vol. 2A, table 2-1). */
const PAIRS_16 = ['3+6', '3+7', '5+6', '5+7', '6', '7', '5', '3'];

/** Address size that an operand asks for: that of its registers, else its own, else the mode's. */
export function addressBitsOf(memory: Memory, bits: Bits): Bits {
  const { base, index } = memory;
  const isIndexed = index !== undefined && isVector(index);
  const register = base ?? (isIndexed ? undefined : index);
  // Registers of one byte are refused when the operand is made.
  if (register !== undefined) return (register.bytes * 8) as Bits;
  if (memory.addressBits !== 0) return memory.addressBits;
  if (isIndexed && bits === 16) return 32;
  if (bits !== 16 || !memory.displacement.isConstant) return bits;
  return fieldValue(memory.displacement.constant, 2, 'plain', 16) === undefined ? 32 : 16;
}

/** Encodes a memory operand for ModRM; throws {@link AssemblerError} where there is no way to. */
export function encodeAddressing(memory: Memory, bits: Bits): Addressing {
  const addressBits = addressBitsOf(memory, bits);
  if (addressBits === 64 ? bits !== 64 : addressBits === 16 && bits === 64) {
    const reason = `${addressBits}-bit addressing does not exist in ${bits}-bit code`;
    throw new AssemblerError('bad-operand', formatOperand(memory), reason);
  }
  if (addressBits === 16 && memory.index !== undefined && isVector(memory.index)) {
    throw new AssemblerError(
      'bad-operand',
      formatOperand(memory),
      'a gather needs wider addresses',
    );
  }
  return addressBits === 16 ? encode16(memory) : encode32(memory, bits, addressBits);
}

function encode16(memory: Memory): Addressing {
  const { base, index, scale, displacement } = memory;
  const numbers = [base, index].flatMap((part) => (part === undefined ? [] : [part.number]));
  const rexless = { sib: -1, rexX: false, rexB: false, displacementRange: 'plain' as const };
  if (numbers.length === 0) return { mod: 0, rm: 6, displacementBytes: 2, ...rexless };
  const rm = PAIRS_16.indexOf(numbers.sort((a, b) => a - b).join('+'));
  if (rm < 0 || (scale !== 1 && index !== undefined)) {
    throw new AssemblerError('bad-operand', formatOperand(memory), 'no 16-bit addressing mode');
  }
  // Displacements wrap in 16 bits: 0xfffe is a byte of -2.
  const size = displacementSize(displacement, 16, rm === 6);
  const displacementBytes = size === 4 ? 2 : size;
  const mod = displacementBytes === 0 ? 0 : displacementBytes === 1 ? 1 : 2;
  return { mod, rm, displacementBytes, ...rexless };
}

function encode32(memory: Memory, bits: Bits, addressBits: 32 | 64): Addressing {
  const { base, displacement } = memory;
  let { index, scale } = memory;
  const displacementRange: Range = addressBits === 64 ? 'extended' : 'plain';
  if (base?.class === 'ip') {
    if (bits !== 64) throw ripOutside64(memory);
    const rexless = { sib: -1, rexX: false, rexB: false };
    return { mod: 0, rm: 5, displacementBytes: 4, displacementRange: 'relative', ...rexless };
  }
  if (base === undefined && index === undefined && bits !== 64) {
    const rexless = { sib: -1, rexX: false, rexB: false };
    return { mod: 0, rm: 5, displacementBytes: 4, displacementRange, ...rexless };
  }
  let realBase = base;
  if (realBase === undefined && index !== undefined && scale === 1 && !isVector(index)) {
    // [reg * 1 + d] is [reg + d], which needs no SIB byte.
    [realBase, index, scale] = [index, undefined, 1];
  }
  const needsSib = index !== undefined || realBase === undefined || (realBase.number & 7) === 4;
  const displacementBytes =
    realBase === undefined
      ? 4
      : displacementSize(displacement, addressBits, (realBase.number & 7) === 5);
  const mod =
    realBase === undefined || displacementBytes === 0 ? 0 : displacementBytes === 1 ? 1 : 2;
  return {
    mod,
    rm: needsSib ? 4 : (realBase?.number ?? 0) & 7,
    sib: needsSib ? sibByte(realBase, index, scale) : -1,
    displacementBytes,
    displacementRange,
    rexX: index !== undefined && index.number >= 8,
    rexB: realBase !== undefined && realBase.number >= 8,
  };
}

function sibByte(base: Register | undefined, index: Register | undefined, scale: number): number {
  const shift = Math.log2(scale);
  return (shift << 6) | (((index?.number ?? 4) & 7) << 3) | ((base?.number ?? 5) & 7);
}

/** The shortest displacement; those with labels keep full size so that lengths do not move. */
function displacementSize(value: Expression, width: Bits, neverNone: boolean): 0 | 1 | 4 {
  if (!value.isConstant) return 4;
  if (value.constant === 0n && !neverNone) return 0;
  const wide = width === 64 ? 'extended' : 'plain';
  if (fieldValue(value.constant, width === 16 ? 2 : 4, wide, width) === undefined) return 4;
  return fieldValue(value.constant, 1, 'extended', width) === undefined ? 4 : 1;
}

function ripOutside64(memory: Memory): AssemblerError {
  const reason = 'RIP-relative addressing needs 64-bit code';
  return new AssemblerError('bad-operand', formatOperand(memory), reason);
}
