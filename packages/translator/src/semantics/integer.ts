/** Small pieces that the integer families share: sizes, sign extension, byte order. */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { signExtend } from './context.ts';
import type { StateAddress } from './operand-source.ts';

/** A constant of the IR type that holds `bytes`. */
export function constant(b: IrBuilder, value: number, bytes: number): Value {
  return bytes === 8 ? b.i64(value) : b.i32(value);
}

/** A value of `from` bytes widened, by its sign or by zeros, or narrowed to `to` bytes. */
export function resize(
  b: IrBuilder,
  value: Value,
  from: number,
  to: number,
  signed: boolean,
): Value {
  if (from === 8) return to === 8 ? value : b.wrap(value);
  const low = signed ? signExtend(b, value, from) : value;
  if (to !== 8) return low;
  return signed ? b.extendS(low) : b.extendU(low);
}

/** The highest bit of a value of `bytes`, as i32 0 or 1. */
export function topBit(b: IrBuilder, value: Value, bytes: number): Value {
  return bitAt(b, value, bytes * 8 - 1);
}

/** Bit number `position` of an i32 or i64, as i32 0 or 1. */
export function bitAt(b: IrBuilder, value: Value, position: number): Value {
  if (value.type === 'i64') return b.wrap(b.and(b.shrU(value, position), 1));
  return b.and(b.shrU(value, position), 1);
}

/** The bytes of a value in the other order; of 2 bytes too. */
export function swapBytes(b: IrBuilder, value: Value, bytes: number): Value {
  if (bytes === 2) return b.or(b.and(b.shrU(value, 8), 0xff), b.shl(b.and(value, 0xff), 8));
  if (bytes === 4) {
    const outer = b.and(b.op('i32.rotl', value, b.i32(8)), 0x00ff_00ff);
    const inner = b.and(b.op('i32.rotr', value, b.i32(8)), 0xff00_ff00 | 0);
    return b.or(outer, inner);
  }
  const low = swapBytes(b, b.wrap(value), 4);
  const high = swapBytes(b, b.wrap(b.shrU(value, 32)), 4);
  return b.or(b.shl(b.extendU(low), 32), b.extendU(high));
}

/** What a callout left in `CpuState.transfer`: its low 1, 2, 4 or 8 bytes. */
export function transferred(c: InstructionContext, bytes: number): Value {
  return c.loadState({ offset: CpuState.transfer }, bytes);
}

/**
 * Argument `c` of the callouts that write a register for the semantics once they have succeeded
 * (see `callout-numbers.ts`), with the value to write put into `CpuState.transfer`.
 */
export function deferWrite(
  c: InstructionContext,
  address: StateAddress,
  value: Value,
  bytes: number,
): Value {
  const b = c.b;
  c.storeState({ offset: CpuState.transfer }, value, bytes);
  const base = b.i32(address.offset);
  const at = address.dynamic === undefined ? base : b.add(address.dynamic, base);
  return b.or(b.shl(at, 8), bytes);
}
