/**
 * BMI1 and BMI2: SDM vol. 2. Their undefined flags are those of an AMD EPYC: PF is that of the
 * result; AF is clear, but set by BEXTR, which clears SF.
 */
import { CpuState, Gpr } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { constant } from './integer.ts';
import { product } from './multiply.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const invalidOpcode = 6;
const protection = 1;
/** Bit 17 of EFLAGS. */
const virtual8086 = 17;

/** #UD in real and virtual-8086 mode, where there is no VEX prefix (SDM vol. 2A, 2.3.1). */
export function requireVex(c: InstructionContext): void {
  const b = c.b;
  if (!b.isFirst('VEX exists')) return;
  const real = b.xor(b.and(b.load('i32.load', CpuState.cr), protection), protection);
  const isVirtual = b.and(b.shrU(b.load('i32.load', CpuState.eflags), virtual8086), 1);
  b.faultIf(b.or(real, isVirtual), invalidOpcode);
}

function vex(table: SemanticsTable): SemanticsTable {
  const wrapped = Object.entries(table).map(([name, semantics]): [string, Semantics] => [
    name,
    (c) => {
      requireVex(c);
      semantics(c);
    },
  ]);
  return Object.fromEntries(wrapped);
}

/** A count of i32 as the type of what it shifts. */
function amount(b: IrBuilder, count: Value, bytes: number): Value {
  return bytes === 8 ? b.extendU(count) : count;
}

/** The bits below a number of them, which counts from 0 to the width and more. */
function bitsBelow(c: InstructionContext, count: Value, bytes: number): Value {
  const b = c.b;
  const all = constant(b, -1, bytes);
  const some = b.sub(b.shl(constant(b, 1, bytes), amount(b, count, bytes)), constant(b, 1, bytes));
  return b.select(b.geU(count, bytes * 8), all, some);
}

const andNot: Semantics = (c) => {
  const result = c.b.and(c.b.not(c.read(1)), c.read(2));
  c.write(0, result);
  c.flags.logic(result, c.bytes(0));
};

const extractField: Semantics = (c) => {
  const b = c.b;
  const bytes = c.bytes(0);
  const source = c.read(1);
  const control = bytes === 8 ? b.wrap(c.read(2)) : c.read(2);
  const start = b.and(control, 0xff);
  const length = b.and(b.shrU(control, 8), 0xff);
  const shifted = b.shrU(source, amount(b, start, bytes));
  const within = b.select(b.geU(start, bytes * 8), constant(b, 0, bytes), shifted);
  const result = b.and(within, bitsBelow(c, length, bytes));
  c.write(0, result);
  const none = b.i32(0);
  // SF is clear: the low byte for PF, and a bit for the rest.
  const rest = b.shrU(result, 8);
  const low = bytes === 8 ? b.wrap(result) : result;
  const seen = b.or(b.and(low, 0xff), b.shl(b.eqz(b.eqz(rest)), 8));
  c.flags.setExplicit(seen, 4, () => ({ carry: none, overflow: none, adjust: b.i32(1) }));
};

/** The lowest bit of a source taken out, alone, or with all below it; CF is of a source of 0. */
function lowestBit(
  compute: (b: IrBuilder, source: Value, less: Value, negative: Value) => Value,
  carryOfZero: number,
): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const source = c.read(1);
    const less = b.sub(source, constant(b, 1, bytes));
    const result = compute(b, source, less, b.sub(constant(b, 0, bytes), source));
    c.write(0, result);
    c.flags.setExplicit(result, bytes, () => {
      const isZero = b.eqz(source);
      return { carry: carryOfZero === 1 ? isZero : b.eqz(isZero), overflow: b.i32(0) };
    });
  };
}

const zeroHigh: Semantics = (c) => {
  const b = c.b;
  const bytes = c.bytes(0);
  const source = c.read(1);
  const control = c.read(2);
  const count = b.and(bytes === 8 ? b.wrap(control) : control, 0xff);
  const result = b.and(source, bitsBelow(c, count, bytes));
  c.write(0, result);
  const carry = b.geU(count, bytes * 8);
  c.flags.setExplicit(result, bytes, () => ({ carry, overflow: b.i32(0) }));
};

/** Where both destinations are the same register, it has the high half. */
const multiplyWithoutFlags: Semantics = (c) => {
  const bytes = c.bytes(0);
  const { low, high } = product(c.b, c.gpr(Gpr.rdx, bytes), c.read(2), bytes, false);
  c.write(1, low);
  c.write(0, high);
};

function byMask(name: string): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const wide = (value: Value): Value => (bytes === 8 ? value : b.extendU(value));
    const result = b.call(name, 'i64', wide(c.read(1)), wide(c.read(2)));
    c.write(0, bytes === 8 ? result : b.wrap(result));
  };
}

const rotate: Semantics = (c) => {
  const source = c.read(1);
  const count = c.b.and(c.immediate(1), c.bytes(0) * 8 - 1);
  c.write(0, c.b.op(`${source.type}.rotr`, source, amount(c.b, count, c.bytes(0))));
};

/** WebAssembly masks counts as these do. */
function shift(name: string): Semantics {
  return (c) => {
    const source = c.read(1);
    c.write(0, c.b.op(`${source.type}.${name}`, source, c.read(2)));
  };
}

/** ANDN and what follows it in the tables. */
export const bitManipulation: SemanticsTable = vex({
  ANDN: andNot,
  BEXTR: extractField,
  BLSI: lowestBit((b, source, _, negative) => b.and(source, negative), 0),
  BLSMSK: lowestBit((b, source, less) => b.xor(source, less), 1),
  BLSR: lowestBit((b, source, less) => b.and(source, less), 1),
  BZHI: zeroHigh,
  MULX: multiplyWithoutFlags,
  PDEP: byMask('depositBits'),
  PEXT: byMask('extractBits'),
  RORX: rotate,
  SARX: shift('shr_s'),
  SHLX: shift('shl'),
  SHRX: shift('shr_u'),
});
