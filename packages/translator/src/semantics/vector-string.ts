/** String comparison of SSE4.2: SDM vol. 2B, 4.1; the comparison is a runtime function. */
import { CpuState, Gpr } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { fromInteger, lanesOf, readVector, vectors, zeroVector } from './vector.ts';

/** Elements of a vector: 8 words or 16 bytes. */
function capacity(c: InstructionContext): Value {
  return c.b.shrU(c.b.i32(16), c.b.and(c.immediate(1), 1));
}

function atMost(c: InstructionContext, value: Value, limit: Value): Value {
  return c.b.select(c.b.ltU(value, limit), value, limit);
}

/** The magnitude of a signed count in a register. */
function explicitCount(c: InstructionContext, register: number): Value {
  const b = c.b;
  const count = c.gpr(register, 4);
  const sign = b.shrS(count, 31);
  return atMost(c, b.sub(b.xor(count, sign), sign), capacity(c));
}

/** The number of elements before the first that is zero. */
function implicitCount(c: InstructionContext, value: Value): Value {
  const b = c.b;
  const zeros = (lane: string): Value =>
    b.op('i32.ctz', b.op(`${lane}.bitmask`, b.op(`${lane}.eq`, value, zeroVector(c))));
  const count = b.select(b.and(c.immediate(1), 1), zeros('i16x8'), zeros('i8x16'));
  return atMost(c, count, capacity(c));
}

function compare(
  explicit: boolean,
  finish: (c: InstructionContext, result: Value) => void,
): Semantics {
  return (c) => {
    const b = c.b;
    const second = readVector(c, 1, false);
    const first = readVector(c, 0);
    const firstCount = explicit ? explicitCount(c, Gpr.rax) : implicitCount(c, first);
    const secondCount = explicit ? explicitCount(c, Gpr.rdx) : implicitCount(c, second);
    const control = c.immediate(1);
    const result = b.call('compareStrings', 'i32', first, second, control, firstCount, secondCount);
    finish(c, result);
    const flag = (value: Value, bit: number): Value => b.shl(value, bit);
    const zero = flag(b.ltU(secondCount, capacity(c)), 6);
    const sign = flag(b.ltU(firstCount, capacity(c)), 7);
    const overflow = flag(b.and(result, 1), 11);
    c.flags.fromEflags(b.or(b.or(b.ne(result, 0), overflow), b.or(zero, sign)));
  };
}

/** ECX = the lowest or highest bit set, or the number of elements. */
function storeIndex(c: InstructionContext, result: Value): void {
  const b = c.b;
  const highest = b.sub(b.i32(31), b.op('i32.clz', result));
  const found = b.select(b.and(c.immediate(1), 0x40), highest, b.op('i32.ctz', result));
  c.setGpr(Gpr.rcx, b.select(result, found, capacity(c)), 4);
}

/** XMM0 = the bits, or a mask of bytes or words. */
function storeMask(c: InstructionContext, result: Value): void {
  const b = c.b;
  const store = (value: Value): void => b.store('v128.store', CpuState.xmm, value);
  const bytesOf = (first: number, count: number): number[] =>
    Array.from({ length: 16 }, (_, at) => (at < count ? 1 << at : 1 << (at - first)) & 0xff);
  b.if(
    b.and(c.immediate(1), 0x40),
    () =>
      b.if(
        b.and(c.immediate(1), 1),
        () => {
          const bits = lanesOf(c, 2, [1, 2, 4, 8, 16, 32, 64, 128]);
          const used = b.op('v128.and', b.op('i16x8.splat', result), bits);
          store(b.op('i16x8.eq', used, bits));
        },
        () => {
          const both = b.op('i16x8.splat', result);
          const spread = b.opLanes(
            'i8x16.shuffle',
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
            both,
            both,
          );
          const bits = b.v128(bytesOf(8, 8));
          store(b.op('i8x16.eq', b.op('v128.and', spread, bits), bits));
        },
      ),
    () => store(fromInteger(c, result, 4)),
  );
}

/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. */
export const vectorStrings: SemanticsTable = vectors({
  PCMPESTRI: compare(true, storeIndex),
  PCMPESTRM: compare(true, storeMask),
  PCMPISTRI: compare(false, storeIndex),
  PCMPISTRM: compare(false, storeMask),
});
