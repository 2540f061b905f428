/** Bit tests and scans: SDM vol. 1, 5.1.6; operations from vol. 2. */
import { Location } from '@ringfence/isa';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, signExtend, storeOf } from './context.ts';
import { constant, resize } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

type Change = (b: IrBuilder, old: Value, mask: Value) => Value;

/** Linear address of the unit of memory that holds the bit at a signed offset from the operand. */
function unitAddress(c: InstructionContext, offset: Value, bytes: number, write: boolean): Value {
  const b = c.b;
  const signed = bytes === 8 ? offset : signExtend(b, offset, bytes);
  const shift = bytes === 8 ? 6 : bytes === 4 ? 5 : 4;
  const units = b.shrS(signed, shift);
  const low = bytes === 8 ? b.wrap(units) : units;
  return c.linear(0, bytes, write, b.mul(low, bytes));
}

function testBit(change: Change | undefined): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const offset = c.read(1, bytes);
    const position = b.and(offset, bytes * 8 - 1);
    const report = (old: Value): void => {
      const bit = b.and(b.shrU(old, position), 1);
      c.flags.setCarry(bytes === 8 ? b.wrap(bit) : bit);
    };
    const changed = (old: Value): Value => {
      report(old);
      return change?.(b, old, b.shl(constant(b, 1, bytes), position)) ?? old;
    };
    const indexed = c.isMemory(0) && c.operand(1).location === Location.regGpr;
    if (!indexed) {
      if (change === undefined) report(c.read(0));
      else c.modify(0, changed);
      return;
    }
    const linear = unitAddress(c, offset, bytes, change !== undefined);
    const load = loadOf[bytes] ?? '';
    if (change === undefined) {
      report(b.guestLoad(load, linear));
      return;
    }
    const old = b.guestModify(load, linear);
    b.guestCommit(storeOf[bytes] ?? '', old, changed(old));
  };
}

/**
 * A source of 0 keeps the destination (AMD vol. 3, BSF). The undefined flags are those of an AMD
 * EPYC: PF is the parity of the index, the others are clear.
 */
function scan(forward: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const source = c.read(1);
    const old = c.read(0);
    const top = constant(b, bytes === 8 ? 63 : 31, bytes);
    const found = forward
      ? b.op(`${source.type}.ctz`, source)
      : b.sub(top, b.op(`${source.type}.clz`, source));
    const isZero = b.eqz(source);
    c.write(0, b.select(isZero, old, found));
    // Above the byte that PF looks at, 1 says that the source is not 0.
    const index = bytes === 8 ? b.wrap(found) : found;
    c.flags.logic(b.select(isZero, b.i32(0), b.or(index, 0x100)), 4);
  };
}

function populationCount(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const source = c.read(1);
  c.write(0, resize(b, b.op(`${source.type}.popcnt`, source), bytes, bytes, false));
  c.flags.fromEflags(b.shl(b.eqz(source), 6));
}

/**
 * TZCNT and LZCNT: zeros of a source of 0 are all its bits. The undefined flags are those of an AMD
 * EPYC: OF is kept, the others are clear.
 */
function countZeros(trailing: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const source = c.read(1);
    const counted = trailing
      ? b.op(`${source.type}.ctz`, bytes === 2 ? b.or(source, 0x1_0000) : source)
      : b.op(`${source.type}.clz`, source);
    const count = bytes === 2 && !trailing ? b.sub(counted, 16) : counted;
    const zero = b.shl(b.eqz(count), 6);
    const word = b.or(b.or(b.eqz(source), zero), b.shl(c.flags.overflow(), 11));
    c.write(0, count);
    c.flags.fromEflags(word);
  };
}

/** BT and its family, BSF, BSR, TZCNT, LZCNT, POPCNT. */
export const bits: SemanticsTable = {
  BT: testBit(undefined),
  BTS: testBit((b, old, mask) => b.or(old, mask)),
  BTR: testBit((b, old, mask) => b.and(old, b.not(mask))),
  BTC: testBit((b, old, mask) => b.xor(old, mask)),
  BSF: scan(true),
  BSR: scan(false),
  TZCNT: countZeros(true),
  LZCNT: countZeros(false),
  POPCNT: populationCount,
};
