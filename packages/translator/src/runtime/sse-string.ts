/**
 * The comparison behind PCMPESTRI and its family: SDM vol. 2B, 4.1, "Imm8 control byte operation".
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder, LoopHandle } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** What the comparison of one width works on. */
interface Comparison {
  readonly b: IrBuilder;
  readonly lane: 'i8x16' | 'i16x8';
  readonly bytes: 1 | 2;
  readonly second: Value;
  /** Elements of the first operand. */
  readonly count: Value;
  /** Bit masks of the valid elements, and of all. */
  readonly validFirst: Value;
  readonly validSecond: Value;
  readonly all: number;
  readonly result: Variable;
}

/** Element `index` of the first operand in all lanes. */
function repeated({ b, lane, bytes }: Comparison, index: Value): Value {
  const load = bytes === 1 ? 'i32.load8_u' : 'i32.load16_u';
  return b.op(`${lane}.splat`, b.load(load, CpuState.temporary, b.mul(index, bytes)));
}

function mask({ b, lane }: Comparison, op: string, left: Value, right: Value): Value {
  return b.op(`${lane}.bitmask`, b.op(`${lane}.${op}`, left, right));
}

/** Runs `body` for the elements of the first operand, `step` at a time. */
function each({ b, count }: Comparison, step: number, body: (index: Value) => void): void {
  const index = b.variable('i32', b.i32(0));
  b.loop((loop: LoopHandle) => {
    const at = b.get(index);
    b.if(b.geU(at, count), () => b.break(loop));
    body(at);
    b.set(index, b.add(at, step));
    b.continue(loop);
  });
}

function equalAny(c: Comparison): void {
  const { b, result } = c;
  b.set(result, b.i32(0));
  each(c, 1, (index) => {
    b.set(result, b.or(b.get(result), mask(c, 'eq', c.second, repeated(c, index))));
  });
  b.set(result, b.and(b.get(result), c.validSecond));
}

/** Pairs of bounds; a pair whose upper bound is not valid holds nothing. */
function ranges(c: Comparison, sign: 's' | 'u'): void {
  const { b, result } = c;
  b.set(result, b.i32(0));
  each(c, 2, (index) => {
    const next = b.add(index, 1);
    const above = mask(c, `ge_${sign}`, c.second, repeated(c, index));
    const below = mask(c, `le_${sign}`, c.second, repeated(c, next));
    const complete = b.neg(b.ltU(next, c.count));
    b.set(result, b.or(b.get(result), b.and(b.and(above, below), complete)));
  });
  b.set(result, b.and(b.get(result), c.validSecond));
}

function equalEach(c: Comparison): void {
  const { b, result, validFirst, validSecond } = c;
  const first = b.load('v128.load', CpuState.temporary);
  const both = b.and(validFirst, validSecond);
  const neither = b.and(b.not(b.or(validFirst, validSecond)), c.all);
  b.set(result, b.or(b.and(mask(c, 'eq', first, c.second), both), neither));
}

/** Where the first operand begins in the second; beyond the end everything matches. */
function equalOrdered(c: Comparison): void {
  const { b, result } = c;
  b.set(result, b.i32(c.all));
  each(c, 1, (index) => {
    const found = b.and(mask(c, 'eq', c.second, repeated(c, index)), c.validSecond);
    const beyond = b.not(b.shrU(b.i32(c.all), index));
    b.set(result, b.and(b.get(result), b.or(b.shrU(found, index), beyond)));
  });
}

/** Builds one of two bodies by a bit of the control byte. */
function byBit(
  b: IrBuilder,
  control: Value,
  bit: number,
  set: () => void,
  clear: () => void,
): void {
  b.if(b.and(control, 1 << bit), set, clear);
}

function aggregate(c: Comparison, control: Value): void {
  const { b } = c;
  const low = (set: () => void, clear: () => void): void => byBit(b, control, 2, set, clear);
  byBit(
    b,
    control,
    3,
    () =>
      low(
        () => equalOrdered(c),
        () => equalEach(c),
      ),
    () =>
      low(
        () =>
          byBit(
            b,
            control,
            1,
            () => ranges(c, 's'),
            () => ranges(c, 'u'),
          ),
        () => equalAny(c),
      ),
  );
}

/** (first, second, control byte, elements in first, elements in second) -> IntRes2. */
export const compareStrings: RuntimeFunction = {
  name: 'compareStrings',
  parameters: ['v128', 'v128', 'i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, first, second, control, firstCount, secondCount) => {
    if (first === undefined || second === undefined || control === undefined) return;
    if (firstCount === undefined || secondCount === undefined) return;
    b.store('v128.store', CpuState.temporary, first);
    const result = b.variable('i32', b.i32(0));
    const bitsBelow = (count: Value): Value => b.sub(b.shl(b.i32(1), count), 1);
    const validSecond = bitsBelow(secondCount);
    const compare = (lane: 'i8x16' | 'i16x8', bytes: 1 | 2): void => {
      const all = bytes === 1 ? 0xffff : 0xff;
      const validFirst = bitsBelow(firstCount);
      const count = firstCount;
      const parts = { b, lane, bytes, second, count, validFirst, validSecond, all, result };
      aggregate(parts, control);
      const inverted = b.select(b.and(control, 0x20), validSecond, b.i32(all));
      b.if(b.and(control, 0x10), () => b.set(result, b.xor(b.get(result), inverted)));
    };
    byBit(
      b,
      control,
      0,
      () => compare('i16x8', 2),
      () => compare('i8x16', 1),
    );
    b.return(b.get(result));
  },
};
