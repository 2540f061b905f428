/**
 * Shifts and rotates: SDM vol. 1, 5.1.5; vol. 2B, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD.
 *
 * Counts are masked to 5 bits (6 for 64-bit operands). A masked count of 0 keeps all flags. OF,
 * defined for a count of 1 only, follows the same formula for all counts. AF, undefined, is set by
 * shifts as an AMD EPYC has it.
 */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { signExtend } from './context.ts';
import { bitAt, constant, topBit } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

/** The masked count as i32. */
function countOf(c: InstructionContext, index: number, bytes: number): Value {
  return c.b.and(c.read(index, 1), bytes === 8 ? 63 : 31);
}

/** An i32 count as the type of the operand that it shifts. */
function amount(b: IrBuilder, count: Value, bytes: number): Value {
  return bytes === 8 ? b.extendU(count) : count;
}

interface Shifted {
  readonly result: Value;
  /** CF and OF as 0 or 1; they are built only where the count is not 0. */
  readonly carry: () => Value;
  readonly overflow: (carry: Value) => Value;
}

type Shift = (b: IrBuilder, value: Value, count: Value, bytes: number) => Shifted;

/** Builds what happens only where the masked count is not 0. */
function whereCounted(c: InstructionContext, count: Value, build: () => void): void {
  if (c.info.counted) build();
  else c.b.if(count, build);
}

/** A shift: ZF, SF, PF from the result, AF 1. */
function shiftBy(shift: Shift): Semantics {
  return (c) => {
    const bytes = c.bytes(0);
    const count = countOf(c, 1, bytes);
    c.modify(0, (old) => {
      const { result, carry, overflow } = shift(c.b, old, count, bytes);
      whereCounted(c, count, () => {
        c.flags.setExplicit(result, bytes, () => {
          const out = carry();
          return { carry: out, overflow: overflow(out), adjust: c.b.i32(1) };
        });
      });
      return result;
    });
  };
}

/** A rotate: only CF and OF change. */
function rotateBy(rotate: Shift): Semantics {
  return (c) => {
    const bytes = c.bytes(0);
    const count = countOf(c, 1, bytes);
    c.modify(0, (old) => {
      const { result, carry, overflow } = rotate(c.b, old, count, bytes);
      whereCounted(c, count, () => {
        c.flags.setCarryOverflow(() => {
          const out = carry();
          return { carry: out, overflow: overflow(out) };
        });
      });
      return result;
    });
  };
}

const shiftLeft: Shift = (b, value, count, bytes) => {
  const by = amount(b, count, bytes);
  const result = b.shl(value, by);
  return {
    result,
    // The last bit out: below 32 bits it is still there above the result.
    carry: () => (bytes < 4 ? bitAt(b, result, bytes * 8) : lowBit(b, b.shrU(value, b.neg(by)))),
    overflow: (carry) => b.xor(topBit(b, result, bytes), carry),
  };
};

const shiftRight: Shift = (b, value, count, bytes) => {
  const by = amount(b, count, bytes);
  const result = b.shrU(value, by);
  return {
    result,
    carry: () => lowBit(b, b.shrU(value, b.sub(by, 1))),
    // Of the last bit's step, for every count.
    overflow: () => bitAt(b, result, bytes * 8 - 2),
  };
};

const shiftArithmetic: Shift = (b, value, count, bytes) => {
  const by = amount(b, count, bytes);
  const signed = bytes === 8 ? value : signExtend(b, value, bytes);
  return {
    result: b.shrS(signed, by),
    carry: () => lowBit(b, b.shrS(signed, b.sub(by, 1))),
    overflow: () => b.i32(0),
  };
};

/** A value of 1 or 2 bytes repeated over 32 bits, so that a 32-bit rotate rotates it. */
function repeated(b: IrBuilder, value: Value, bytes: number): Value {
  if (bytes >= 4) return value;
  return b.mul(value, bytes === 1 ? 0x0101_0101 : 0x0001_0001);
}

const rotateLeft: Shift = (b, value, count, bytes) => {
  const wide = repeated(b, value, bytes);
  const result = b.op(`${wide.type}.rotl`, wide, amount(b, count, bytes));
  return {
    result,
    carry: () => lowBit(b, result),
    overflow: (carry) => b.xor(topBit(b, result, bytes), carry),
  };
};

const rotateRight: Shift = (b, value, count, bytes) => {
  const wide = repeated(b, value, bytes);
  const result = b.op(`${wide.type}.rotr`, wide, amount(b, count, bytes));
  return {
    result,
    carry: () => topBit(b, result, bytes),
    overflow: (carry) => b.xor(bitAt(b, result, bytes * 8 - 2), carry),
  };
};

/** Rotates through CF: of `bits + 1` bits, by the count modulo that. */
function rotateThroughCarry(left: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const bits = bytes * 8;
    const count = countOf(c, 1, bytes);
    c.modify(0, (old) => {
      const carryIn = c.flags.carry();
      const build = bytes === 8 ? throughCarry64 : throughCarry;
      const { result, carry } = build(b, old, carryIn, count, bytes, left);
      whereCounted(c, count, () => {
        c.flags.setCarryOverflow(() => {
          const other = left ? carry : bitAt(b, result, bits - 2);
          return { carry, overflow: b.xor(topBit(b, result, bytes), other) };
        });
      });
      return result;
    });
  };
}

interface ThroughCarry {
  readonly result: Value;
  readonly carry: Value;
}

function throughCarry(
  b: IrBuilder,
  value: Value,
  carryIn: Value,
  count: Value,
  bytes: number,
  left: boolean,
): ThroughCarry {
  const bits = bytes * 8;
  const wide = b.or(b.extendU(value), b.shl(b.extendU(carryIn), bits));
  const turns = bytes === 4 ? count : b.op('i32.rem_u', count, b.i32(bits + 1));
  const by = b.extendU(turns);
  const rest = b.sub(b.i64(bits + 1), by);
  const turned = left
    ? b.or(b.shl(wide, by), b.shrU(wide, rest))
    : b.or(b.shrU(wide, by), b.shl(wide, rest));
  return { result: b.wrap(turned), carry: b.wrap(b.and(b.shrU(turned, bits), 1)) };
}

function throughCarry64(
  b: IrBuilder,
  value: Value,
  carryIn: Value,
  count: Value,
  _bytes: number,
  left: boolean,
): ThroughCarry {
  const by = b.extendU(count);
  const carry = b.extendU(carryIn);
  const inverse = b.sub(b.i64(64), by);
  // For a count of 1 to 63; the bits that come around are shifted once more, by the carry between.
  const turned = left
    ? b.or(b.or(b.shl(value, by), b.shl(carry, b.sub(by, 1))), b.shrU(b.shrU(value, 1), inverse))
    : b.or(b.or(b.shrU(value, by), b.shl(carry, inverse)), b.shl(b.shl(value, 1), inverse));
  const last = left ? b.shrU(value, inverse) : b.shrU(value, b.sub(by, 1));
  const some = b.ne(count, 0);
  return {
    result: b.select(some, turned, value),
    carry: b.select(some, lowBit(b, last), carryIn),
  };
}

/**
 * SHLD and SHRD. A 16-bit operand shifted by more than 16 is undefined; here the operands continue
 * with the source once more and CF is clear, as on an AMD EPYC; OF of SHLD by 16 and more is CF.
 */
function shiftDouble(left: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const count = countOf(c, 2, bytes);
    const source = c.read(1);
    c.modify(0, (old) => {
      const by = amount(b, count, bytes);
      const result =
        bytes === 2
          ? double16(b, old, source, count, left)
          : doubleWide(b, old, source, by, bytes, left);
      whereCounted(c, count, () => {
        c.flags.setExplicit(result, bytes, () => {
          const carry =
            bytes === 2
              ? carry16(b, old, source, count, left)
              : lowBit(b, b.shrU(old, left ? b.neg(by) : b.sub(by, 1)));
          // As if the last bit were shifted by itself.
          const before = left ? carry : bitAt(b, result, bytes * 8 - 2);
          const changed = b.xor(topBit(b, result, bytes), before);
          const isAll = left && bytes === 2 ? b.geU(count, 16) : undefined;
          const overflow = isAll === undefined ? changed : b.select(isAll, carry, changed);
          return { carry, overflow, adjust: b.i32(1) };
        });
      });
      return result;
    });
  };
}

function doubleWide(
  b: IrBuilder,
  old: Value,
  source: Value,
  by: Value,
  bytes: number,
  left: boolean,
): Value {
  // The other operand is shifted in two steps, because a count of 0 must bring in nothing.
  const most = b.sub(constant(b, bytes * 8 - 1, bytes), by);
  return left
    ? b.or(b.shl(old, by), b.shrU(b.shrU(source, 1), most))
    : b.or(b.shrU(old, by), b.shl(b.shl(source, 1), most));
}

/** Destination, source, source as 48 bits, from the top to the left and from below to the right. */
function joined16(b: IrBuilder, old: Value, source: Value, left: boolean): Value {
  const twice = b.mul(source, 0x0001_0001);
  return left
    ? b.or(b.extendU(twice), b.shl(b.extendU(old), 32))
    : b.or(b.shl(b.extendU(twice), 16), b.extendU(old));
}

function double16(b: IrBuilder, old: Value, source: Value, count: Value, left: boolean): Value {
  const wide = joined16(b, old, source, left);
  const by = b.extendU(count);
  return b.wrap(left ? b.shrU(b.shl(wide, by), 32) : b.shrU(wide, by));
}

function carry16(b: IrBuilder, old: Value, source: Value, count: Value, left: boolean): Value {
  const wide = joined16(b, old, source, left);
  const by = b.extendU(count);
  const at = left ? b.sub(b.i64(48), by) : b.sub(by, 1);
  const bit = b.wrap(b.and(b.shrU(wide, at), 1));
  return b.select(b.gtU(count, 16), b.i32(0), bit);
}

function lowBit(b: IrBuilder, value: Value): Value {
  return value.type === 'i64' ? b.wrap(b.and(value, 1)) : b.and(value, 1);
}

/** SHL, SHR, SAR, the rotates, SHLD and SHRD. */
export const shifts: SemanticsTable = {
  SHL: shiftBy(shiftLeft),
  SAL: shiftBy(shiftLeft),
  SHR: shiftBy(shiftRight),
  SAR: shiftBy(shiftArithmetic),
  ROL: rotateBy(rotateLeft),
  ROR: rotateBy(rotateRight),
  RCL: rotateThroughCarry(true),
  RCR: rotateThroughCarry(false),
  SHLD: shiftDouble(true),
  SHRD: shiftDouble(false),
};
