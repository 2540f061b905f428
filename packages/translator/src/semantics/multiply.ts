/**
 * Multiplication, division and decimal adjustment: SDM vol. 1, 5.1.2 and 5.1.3. Undefined flags are
 * those of an AMD EPYC: multiplication keeps SF, ZF, AF and PF, division keeps CF and OF.
 */
import { Gpr } from '@ringfence/memory';
import type { IrBuilder, LoopHandle } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { signExtend } from './context.ts';
import { resize, topBit } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const divideError = 0;

/** Upper 64 bits of an unsigned 64 by 64-bit product. */
function highProduct(b: IrBuilder, left: Value, right: Value): Value {
  const low32 = b.i64(0xffff_ffff);
  const [a0, a1] = [b.and(left, low32), b.shrU(left, 32)];
  const [b0, b1] = [b.and(right, low32), b.shrU(right, 32)];
  const first = b.shrU(b.mul(a0, b0), 32);
  const middle = b.add(b.mul(a1, b0), first);
  const other = b.add(b.mul(a0, b1), b.and(middle, low32));
  return b.add(b.add(b.mul(a1, b1), b.shrU(middle, 32)), b.shrU(other, 32));
}

function signedHighProduct(b: IrBuilder, left: Value, right: Value): Value {
  const high = highProduct(b, left, right);
  const less = b.and(b.shrS(left, 63), right);
  return b.sub(b.sub(high, less), b.and(b.shrS(right, 63), left));
}

/** Both halves of the product, each of `bytes`; only the low `bytes` of each count. */
export function product(
  b: IrBuilder,
  left: Value,
  right: Value,
  bytes: number,
  signed: boolean,
): { low: Value; high: Value } {
  if (bytes === 8) {
    const high = signed ? signedHighProduct(b, left, right) : highProduct(b, left, right);
    return { low: b.mul(left, right), high };
  }
  if (bytes === 4) {
    const wide = (value: Value): Value => (signed ? b.extendS(value) : b.extendU(value));
    const result = b.mul(wide(left), wide(right));
    return { low: b.wrap(result), high: b.wrap(b.shrU(result, 32)) };
  }
  const wide = (value: Value): Value => (signed ? signExtend(b, value, bytes) : value);
  const result = b.mul(wide(left), wide(right));
  return { low: result, high: b.shrS(result, bytes * 8) };
}

/** Whether the upper half says anything that the lower does not: CF and OF. */
function isWide(b: IrBuilder, low: Value, high: Value, bytes: number, signed: boolean): Value {
  if (!signed) return b.ne(bytes < 4 ? b.and(high, bytes === 1 ? 0xff : 0xffff) : high, 0);
  const sign = bytes === 8 ? b.shrS(low, 63) : b.shrS(signExtend(b, low, bytes), 31);
  return b.ne(high, sign);
}

function multiplyAccumulator(signed: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const { low, high } = product(b, c.gpr(Gpr.rax, bytes), c.read(0), bytes, signed);
    c.flags.setCarryOverflow(() => {
      const wide = isWide(b, low, high, bytes, signed);
      return { carry: wide, overflow: wide };
    });
    c.setGpr(Gpr.rax, low, bytes === 1 ? 2 : bytes);
    if (bytes !== 1) c.setGpr(Gpr.rdx, high, bytes);
  };
}

function multiplySigned(c: InstructionContext): void {
  if (c.form.operands.length === 1) {
    multiplyAccumulator(true)(c);
    return;
  }
  const b = c.b;
  const bytes = c.bytes(0);
  const three = c.form.operands.length === 3;
  const left = c.read(three ? 1 : 0);
  const right = three ? c.read(2, bytes) : c.read(1);
  const { low, high } = product(b, left, right, bytes, true);
  c.flags.setCarryOverflow(() => {
    const wide = isWide(b, low, high, bytes, true);
    return { carry: wide, overflow: wide };
  });
  c.write(0, low);
}

/** Stores quotient and remainder where the size has them, and sets flags. */
function storeDivision(
  c: InstructionContext,
  quotient: Value,
  remainder: Value,
  bytes: number,
): void {
  c.flags.divided();
  c.setGpr(Gpr.rax, quotient, bytes);
  if (bytes === 1) c.setAh(remainder);
  else c.setGpr(Gpr.rdx, remainder, bytes);
}

/** The dividend of 2, 4 or 8 bytes as i32 (sizes 1 and 2) or i64 (size 4). */
function dividendOf(c: InstructionContext, bytes: number, signed: boolean): Value {
  const b = c.b;
  if (bytes === 1) {
    const value = c.gpr(Gpr.rax, 2);
    return signed ? signExtend(b, value, 2) : value;
  }
  if (bytes === 2) return b.or(b.shl(c.gpr(Gpr.rdx, 2), 16), c.gpr(Gpr.rax, 2));
  const high = b.shl(b.extendU(c.gpr(Gpr.rdx, 4)), 32);
  return b.or(high, b.extendU(c.gpr(Gpr.rax, 4)));
}

function divide(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const divisor = c.read(0);
  b.faultIf(b.eqz(divisor), divideError);
  if (bytes === 8) {
    b.faultIf(b.geU(c.gpr(Gpr.rdx, 8), divisor), divideError);
    const { quotient, remainder } = divideWide(b, c.gpr(Gpr.rdx, 8), c.gpr(Gpr.rax, 8), divisor);
    storeDivision(c, quotient, remainder, 8);
    return;
  }
  const dividend = dividendOf(c, bytes, false);
  const type = dividend.type;
  const wide = bytes === 4 ? b.extendU(divisor) : divisor;
  const quotient = b.op(`${type}.div_u`, dividend, wide);
  b.faultIf(b.ne(b.shrU(quotient, bytes * 8), 0), divideError);
  const remainder = b.sub(dividend, b.mul(quotient, wide));
  const narrow = (value: Value): Value => (bytes === 4 ? b.wrap(value) : value);
  storeDivision(c, narrow(quotient), narrow(remainder), bytes);
}

/** The most negative dividend by -1 traps in WebAssembly; its quotient is too large anyway. */
function divideSigned(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const divisor = c.read(0);
  b.faultIf(b.eqz(divisor), divideError);
  if (bytes === 8) {
    divideSigned64(c, divisor);
    return;
  }
  const dividend = dividendOf(c, bytes, true);
  const type = dividend.type;
  const wide = resize(b, divisor, bytes, bytes === 4 ? 8 : 4, true);
  const lowest = type === 'i64' ? b.i64(-(2n ** 63n)) : b.i32(0x8000_0000 | 0);
  if (bytes !== 1) {
    const traps = b.and(b.eq(wide, -1), b.eq(dividend, lowest));
    b.faultIf(traps, divideError);
  }
  const quotient = b.op(`${type}.div_s`, dividend, wide);
  const narrow = (value: Value): Value => (bytes === 4 ? b.wrap(value) : value);
  const fits = b.eq(resize(b, narrow(quotient), bytes, bytes === 4 ? 8 : 4, true), quotient);
  b.faultIf(b.eqz(fits), divideError);
  const remainder = b.sub(dividend, b.mul(quotient, wide));
  storeDivision(c, narrow(quotient), narrow(remainder), bytes);
}

/** 128 by 64 bits, bit by bit; the quotient fits because high < divisor. */
function divideWide(
  b: IrBuilder,
  high: Value,
  low: Value,
  divisor: Value,
): { quotient: Value; remainder: Value } {
  const rest: Variable = b.variable('i64', high);
  const bits: Variable = b.variable('i64', low);
  const left: Variable = b.variable('i32', b.i32(64));
  b.loop((loop: LoopHandle) => {
    const old = b.get(rest);
    const word = b.get(bits);
    const shifted = b.or(b.shl(old, 1), b.shrU(word, 63));
    // A bit shifted out of the rest makes it larger than any divisor.
    const fits = b.or(b.wrap(b.shrU(old, 63)), b.geU(shifted, divisor));
    b.set(rest, b.select(fits, b.sub(shifted, divisor), shifted));
    b.set(bits, b.or(b.shl(word, 1), b.extendU(fits)));
    b.set(left, b.sub(b.get(left), 1));
    b.if(b.get(left), () => b.continue(loop));
  });
  return { quotient: b.get(bits), remainder: b.get(rest) };
}

function divideSigned64(c: InstructionContext, divisor: Value): void {
  const b = c.b;
  const high = c.gpr(Gpr.rdx, 8);
  const low = c.gpr(Gpr.rax, 8);
  const negative = b.shrS(high, 63);
  const negativeDivisor = b.shrS(divisor, 63);
  const absolute = (value: Value, sign: Value): Value => b.sub(b.xor(value, sign), sign);
  const size = absolute(divisor, negativeDivisor);
  // The 128-bit dividend negated where it is negative.
  const lowSize = absolute(low, negative);
  const carry = b.and(b.extendU(b.eqz(low)), b.shrU(negative, 63));
  const highSize = b.add(b.xor(high, negative), carry);
  b.faultIf(b.geU(highSize, size), divideError);
  const { quotient, remainder } = divideWide(b, highSize, lowSize, size);
  const sign = b.xor(negative, negativeDivisor);
  const result = absolute(quotient, sign);
  // A magnitude of 2^63 or more fits only as exactly -2^63.
  const fits = b.or(b.eqz(quotient), b.eqz(b.wrap(b.shrU(b.xor(result, sign), 63))));
  b.faultIf(b.eqz(fits), divideError);
  storeDivision(c, result, absolute(remainder, negative), 8);
}

/**
 * AAA and AAS: SDM vol. 2A; the undefined OF, SF, ZF and PF are those of the addition to AX, as an
 * AMD EPYC leaves them.
 */
function asciiAdjust(subtract: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const ax = c.gpr(Gpr.rax, 2);
    const adjust = b.or(b.gtU(b.and(ax, 15), 9), c.flags.adjust());
    const moved = subtract ? b.sub(ax, 0x106) : b.add(ax, 0x106);
    const result = b.and(b.select(adjust, moved, ax), 0xff0f);
    c.setGpr(Gpr.rax, result, 2);
    const sum = b.select(adjust, moved, ax);
    // Only the sign that 0x106 does not have can appear, or disappear.
    const changed = subtract ? b.and(ax, b.not(sum)) : b.and(sum, b.not(ax));
    c.flags.setExplicit(b.and(sum, 0xffff), 2, () => ({
      carry: adjust,
      overflow: topBit(b, changed, 2),
      adjust,
    }));
  };
}

function asciiAfterMultiply(c: InstructionContext): void {
  const b = c.b;
  const base = c.immediate(1);
  b.faultIf(b.eqz(base), divideError);
  const al = c.gpr(Gpr.rax, 1);
  const low = b.op('i32.rem_u', al, base);
  c.setAh(b.op('i32.div_u', al, base));
  c.setGpr(Gpr.rax, low, 1);
  c.flags.logic(low, 1);
}

/** The undefined OF, AF and CF are those of the addition, as an AMD EPYC leaves them. */
function asciiBeforeDivide(c: InstructionContext): void {
  const b = c.b;
  const al = c.gpr(Gpr.rax, 1);
  const product = b.and(b.mul(c.ah(), c.immediate(1)), 0xff);
  const sum = b.add(al, product);
  c.setGpr(Gpr.rax, b.and(sum, 0xff), 2);
  c.flags.add(al, product, sum, 1);
}

/** DAA and DAS: SDM vol. 2A; the undefined OF is that of the addition or subtraction. */
function decimalAdjust(subtract: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const al = c.gpr(Gpr.rax, 1);
    const oldCarry = c.flags.carry();
    const adjust = b.or(b.gtU(b.and(al, 15), 9), c.flags.adjust());
    const high = b.or(b.gtU(al, 0x99), oldCarry);
    const amount = b.or(b.mul(adjust, 6), b.mul(high, 0x60));
    const result = subtract ? b.sub(al, amount) : b.add(al, amount);
    // DAS reports the borrow of the first step too.
    const borrow = b.and(adjust, b.ltU(al, 6));
    const carry = subtract ? b.or(high, borrow) : high;
    c.setGpr(Gpr.rax, result, 1);
    const other = subtract ? b.xor(al, amount) : b.not(b.xor(al, amount));
    c.flags.setExplicit(b.and(result, 0xff), 1, () => ({
      carry,
      overflow: topBit(b, b.and(other, b.xor(al, result)), 1),
      adjust,
    }));
  };
}

/** MUL, DIV and their families, and the decimal adjustments. */
export const multiply: SemanticsTable = {
  MUL: multiplyAccumulator(false),
  IMUL: multiplySigned,
  DIV: divide,
  IDIV: divideSigned,
  AAA: asciiAdjust(false),
  AAS: asciiAdjust(true),
  AAM: asciiAfterMultiply,
  AAD: asciiBeforeDivide,
  DAA: decimalAdjust(false),
  DAS: decimalAdjust(true),
};
