import { AssemblerError } from './error.ts';
import type { Expression } from './expression.ts';

/** How a value must fit its field. */
export type Range =
  /** Any value that the field can hold, signed or unsigned. */
  | 'plain'
  /** The field is sign-extended to `width` bits by the instruction. */
  | 'extended'
  /** The field holds the distance from the end of the instruction, modulo `width` bits. */
  | 'relative';

/** A field of an instruction that holds the value of an expression. */
export interface Fixup {
  /** Position of the field in the instruction. */
  readonly at: number;
  /** Bytes of the field. */
  readonly size: number;
  readonly expression: Expression;
  readonly range: Range;
  /** Bits that the processor extends the field to, or in which distances wrap around. */
  readonly width: 8 | 16 | 32 | 64;
}

/**
 * The number to store for `value` in a field of `size` bytes, or undefined if it does not fit.
 *
 * For `relative` the value is the distance, not the target. Negative results stand for two's
 * complement.
 */
export function fieldValue(
  value: bigint,
  size: number,
  range: Range,
  width: 8 | 16 | 32 | 64,
): bigint | undefined {
  const bits = size * 8;
  if (range === 'plain') {
    return value >= -(1n << BigInt(bits - 1)) && value < 1n << BigInt(bits) ? value : undefined;
  }
  if (range === 'extended') {
    if (value < -(1n << BigInt(width - 1)) || value >= 1n << BigInt(width)) return undefined;
  }
  const wrapped = BigInt.asIntN(width, value);
  return BigInt.asIntN(bits, wrapped) === wrapped ? wrapped : undefined;
}

/** Writes the low `size` bytes of `value`, low byte first, to `target` at `at`. */
export function storeField(
  target: number[] | Uint8Array,
  at: number,
  size: number,
  value: bigint,
): void {
  let rest = BigInt.asUintN(64, value);
  for (let i = 0; i < size; i++) {
    target[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/**
 * The bytes of an instruction at `address`, with the values of labels filled in; undefined where a
 * value does not fit. Without `resolve` there may be no labels.
 */
export function bytesAt(
  encoded: { readonly bytes: ArrayLike<number>; readonly fixups: readonly Fixup[] },
  address: number | bigint,
  resolve: (name: string) => bigint = unknownLabel,
): Uint8Array | undefined {
  const bytes = Uint8Array.from(encoded.bytes);
  const end = BigInt(address) + BigInt(bytes.length);
  for (const { at, size, expression, range, width } of encoded.fixups) {
    const value = expression.evaluate(resolve);
    const distance = range === 'relative' ? value - end : value;
    const stored = fieldValue(distance, size, range, width);
    if (stored === undefined) return undefined;
    storeField(bytes, at, size, stored);
  }
  return bytes;
}

function unknownLabel(name: string): never {
  throw new AssemblerError('unknown-label', name, 'unknown label');
}
