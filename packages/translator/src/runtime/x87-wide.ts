/** Integers of 128 bits as two i64, for the x87: sums, products, quotients, shifts. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { secondWord } from './x87-format.ts';

/** An unsigned (or two's complement) integer of 128 bits. */
export interface Wide {
  readonly high: Value;
  readonly low: Value;
}

/** a + b modulo 2^128. */
export function addWide(b: IrBuilder, left: Wide, right: Wide): Wide {
  const low = b.add(left.low, right.low);
  const carry = b.extendU(b.ltU(low, left.low));
  return { high: b.add(b.add(left.high, right.high), carry), low };
}

/** a - b modulo 2^128. */
export function subWide(b: IrBuilder, left: Wide, right: Wide): Wide {
  const borrow = b.extendU(b.ltU(left.low, right.low));
  const high = b.sub(b.sub(left.high, right.high), borrow);
  return { high, low: b.sub(left.low, right.low) };
}

/** The product of two unsigned 64-bit integers. */
export function mulWide(b: IrBuilder, left: Value, right: Value): Wide {
  const low32 = b.i64(0xffff_ffffn);
  const [a0, a1] = [b.and(left, low32), b.shrU(left, 32)];
  const [b0, b1] = [b.and(right, low32), b.shrU(right, 32)];
  const middle = b.add(b.mul(a1, b0), b.shrU(b.mul(a0, b0), 32));
  const other = b.add(b.mul(a0, b1), b.and(middle, low32));
  const high = b.add(b.add(b.mul(a1, b1), b.shrU(middle, 32)), b.shrU(other, 32));
  return { high, low: b.mul(left, right) };
}

/** Shifts right by an i32 count of 0 and more; what falls out stays visible in the lowest bit. */
export function shiftWideRightSticky(b: IrBuilder, value: Wide, count: Value): Wide {
  const by = b.extendU(count);
  const back = b.and(b.neg(by), 63);
  const zero = b.i64(0);
  const some = b.ne(b.and(count, 63), 0);
  // Bits that cross from a word to the one below it, and those that cross out of the lower.
  const cross = b.select(some, b.shl(value.high, back), zero);
  const out = b.select(some, b.shl(value.low, back), zero);
  const [high, low] = [b.shrU(value.high, by), b.or(b.shrU(value.low, by), cross)];
  const far = b.geU(count, 64);
  const farLost = b.or(cross, value.low);
  const lost = b.select(far, farLost, out);
  const beyond = b.geU(count, 128);
  const allLost = b.or(value.high, value.low);
  const shifted = b.select(far, high, low);
  const kept = b.select(beyond, zero, shifted);
  const sticky = b.extendU(b.ne(b.select(beyond, allLost, lost), 0));
  return { high: b.select(far, zero, high), low: b.or(kept, sticky) };
}

/** One digit of 32 bits of a quotient whose divisor has bit 63 set (Knuth, TAOCP 4.3.1, D). */
function quotientDigit(b: IrBuilder, rest: Value, next: Value, divisor: Value): [Value, Value] {
  const low32 = b.i64(0xffff_ffffn);
  const [d1, d0] = [b.shrU(divisor, 32), b.and(divisor, low32)];
  const digit = b.variable('i64', b.op('i64.div_u', rest, d1));
  const left = b.variable('i64', b.sub(rest, b.mul(b.get(digit), d1)));
  b.loop((loop) => {
    const tooLong = b.ne(b.shrU(b.get(digit), 32), 0);
    const tried = b.or(b.shl(b.get(left), 32), next);
    const tooLarge = b.or(tooLong, b.gtU(b.mul(b.get(digit), d0), tried));
    b.if(tooLarge, () => {
      b.set(digit, b.sub(b.get(digit), b.i64(1)));
      b.set(left, b.add(b.get(left), d1));
      b.if(b.eqz(b.shrU(b.get(left), 32)), () => b.continue(loop));
    });
  });
  const taken = b.mul(b.get(digit), divisor);
  return [b.get(digit), b.sub(b.or(b.shl(rest, 32), next), taken)];
}

/**
 * `x87Divide(high, low, divisor)`: the quotient of 128 by 64 bits, the remainder in the second
 * word. The divisor has bit 63 set and is above `high`.
 */
export const divideWide: RuntimeFunction = {
  name: 'x87Divide',
  parameters: ['i64', 'i64', 'i64'],
  results: ['i64'],
  build: (b, high, low, divisor) => {
    if (high === undefined || low === undefined || divisor === undefined) return;
    const [first, rest] = quotientDigit(b, high, b.shrU(low, 32), divisor);
    const [second, left] = quotientDigit(b, rest, b.and(low, b.i64(0xffff_ffffn)), divisor);
    b.store('i64.store', secondWord, left);
    b.return(b.or(b.shl(first, 32), second));
  },
};
