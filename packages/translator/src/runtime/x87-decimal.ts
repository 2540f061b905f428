/** Packed decimal, 18 digits and a sign: SDM vol. 1, 4.7 and 8.2.1. */
import type { RuntimeFunction } from './runtime-function.ts';
import { pendingWord, resultSlot, X87Builder, X87Flag } from './x87-format.ts';

const digits = 18;
const most = 999_999_999_999_999_999n;

/** `x87FromDecimal(low, high)`: 80 bits of packed decimal, exactly, to the memory slot. */
const fromDecimal: RuntimeFunction = {
  name: 'x87FromDecimal',
  parameters: ['i64', 'i32'],
  results: [],
  build: (b, low, high) => {
    if (!low || !high) return;
    const value = b.variable('i64', b.i64(0));
    const rest = b.variable('i64', low);
    // The two highest digits first, then the sixteen of the low word.
    const tens = b.and(b.shrU(high, 4), 15);
    b.set(value, b.extendU(b.add(b.mul(tens, 10), b.and(high, 15))));
    const left = b.variable('i32', b.i32(16));
    b.loop((loop) => {
      const digit = b.shrU(b.get(rest), 60);
      b.set(value, b.add(b.mul(b.get(value), 10), digit));
      b.set(rest, b.shl(b.get(rest), 4));
      b.set(left, b.sub(b.get(left), 1));
      b.if(b.get(left), () => b.continue(loop));
    });
    b.call('x87FromSize', 'void', b.and(high, 0x8000), b.get(value));
  },
};

/** `x87ToDecimal()`: ST(0) as packed decimal in the result slot; its exceptions are pending. */
const toDecimal: RuntimeFunction = {
  name: 'x87ToDecimal',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    const integer = b.call('x87ToInteger', 'i64', b.i32(64), b.i32(0));
    const mask = b.shrS(integer, 63);
    const size = b.sub(b.xor(integer, mask), mask);
    const pending = b.load('i32.load', pendingWord);
    b.if(b.or(b.gtU(size, b.i64(most)), b.and(pending, X87Flag.invalid)), () => {
      b.store('i32.store', pendingWord, b.and(pending, X87Flag.stackFault));
      x.raise(X87Flag.invalid);
      x.setIndefinite();
      b.return();
    });
    const rest = b.variable('i64', size);
    const low = b.variable('i64', b.i64(0));
    const high = b.variable('i64', b.i64(0));
    const left = b.variable('i32', b.i32(digits));
    b.loop((loop) => {
      const digit = b.op('i64.rem_u', b.get(rest), b.i64(10));
      b.set(rest, b.op('i64.div_u', b.get(rest), b.i64(10)));
      // A register of 18 digits that is filled from above: 64 bits and the lowest 8 of `high`.
      b.set(low, b.or(b.shrU(b.get(low), 4), b.shl(b.get(high), 60)));
      b.set(high, b.or(b.shrU(b.get(high), 4), b.shl(digit, 4)));
      b.set(left, b.sub(b.get(left), 1));
      b.if(b.get(left), () => b.continue(loop));
    });
    const sign = x.parts(x.address(b.i32(0))).sign;
    b.store('i64.store', resultSlot, b.get(low));
    b.store('i32.store', resultSlot + 8, b.or(sign, b.wrap(b.get(high))));
  },
};

/** Conversions of packed decimal. */
export const x87Decimal: readonly RuntimeFunction[] = [fromDecimal, toDecimal];
