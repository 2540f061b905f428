/**
 * Instructions whose immediate the guest writes again and again, as texture mappers and sound
 * mixers do: a region reads it from the code where it stands, each time, and is no worse for it.
 */
import { type Instruction, OperandKind } from '@ringfence/decoder';
import type { Variant } from '../semantics/variant.ts';
import { unpackVariant } from '../semantics/variant.ts';

/** How a changing immediate is read. */
export interface ChangingImmediate {
  /** Bytes of it, the last ones of the instruction. */
  readonly bytes: number;
  /** The WebAssembly instruction that loads and extends it as the decoder does. */
  readonly load: 'i32.load8_u' | 'i32.load8_s' | 'i32.load16_u' | 'i32.load16_s' | 'i32.load';
}

/**
 * How the immediate of an instruction is read from code; undefined if it has none, or two, or if
 * the variant depends on it.
 */
export function immediateOf(
  instruction: Instruction,
  variant: Variant,
): ChangingImmediate | undefined {
  const { operandKind, operandBytes } = instruction;
  const { form, counted } = unpackVariant(variant);
  const kinds = [...operandKind];
  const at = kinds.indexOf(OperandKind.immediate);
  if (at < 0 || kinds.includes(OperandKind.immediate2) || counted) return undefined;
  const bytes = operandBytes[at] ?? 0;
  // `Ib` and `Iw` are zero-extended, all others sign-extended.
  const size = form.operands[at]?.size;
  const isUnsigned = size === 'b' || size === 'w';
  if (bytes === 1) return { bytes, load: isUnsigned ? 'i32.load8_u' : 'i32.load8_s' };
  if (bytes === 2) return { bytes, load: isUnsigned ? 'i32.load16_u' : 'i32.load16_s' };
  return bytes === 4 ? { bytes, load: 'i32.load' } : undefined;
}
