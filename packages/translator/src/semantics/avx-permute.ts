/** Permutations, blends and shifts by elements of AVX and AVX2. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { inLanes, readHalves, requireAvx, writeHalves } from './avx-lanes.ts';
import { placedHalves, placeHalves } from './avx-move.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, storeOf } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { lanesOf, named, zeroVector } from './vector.ts';
import { vectorShuffles } from './vector-shuffle.ts';

const vectorBytes = 16;
/** Where permutations put their results; their sources stand before them. */
const resultAt = 64;

/** Semantics of SSE that the vector shuffles have under a name. */
function shuffleOf(name: string): Semantics {
  const build = vectorShuffles[name];
  if (build === undefined) throw new Error(`translator: no semantics of ${name}`);
  return build;
}

/** destination = combine(operand 1, operand 2) in each half. */
function binary(combine: (c: InstructionContext, left: Value, right: Value) => Value): Semantics {
  return (c) => {
    requireAvx(c);
    const [low, high] = readHalves(c, 2);
    const [first, second = first] = readHalves(c, 1);
    const result = combine(c, first, low);
    writeHalves(c, 0, high === undefined ? [result] : [result, combine(c, second, high)]);
  };
}

/** VPERMILPS by a register: bits 1 and 0 of each doubleword choose one of the same half. */
const permuteSingles = binary((c, value, control) => {
  const b = c.b;
  const chosen = b.op('v128.and', control, lanesOf(c, 4, [3, 3, 3, 3]));
  const scaled = b.op('i32x4.mul', chosen, lanesOf(c, 4, new Array<number>(4).fill(0x0404_0404)));
  const first = lanesOf(c, 4, new Array<number>(4).fill(0x0302_0100));
  return b.op('i8x16.swizzle', value, b.op('i32x4.add', scaled, first));
});

/** VPERMILPD by a register: bit 1 of each quadword chooses. */
const permuteDoubles = binary((c, value, control) => {
  const b = c.b;
  const chosen = b.op('v128.and', b.op('i64x2.shl', control, b.i32(2)), quads(c, 0x08n));
  const eights = b.op('i64x2.mul', chosen, quads(c, 0x0101_0101_0101_0101n));
  return b.op('i8x16.swizzle', value, b.op('i64x2.add', eights, quads(c, 0x0706_0504_0302_0100n)));
});

function quads(c: InstructionContext, value: bigint): Value {
  return c.b.op('i64x2.splat', c.b.i64(value));
}

/** VPERMILPD by an immediate: one bit for each quadword. */
const permuteDoublesImmediate: Semantics = (c) => {
  requireAvx(c);
  const source = readHalves(c, 1);
  placeHalves(c, source);
  const isWide = source.length > 1;
  for (let quad = 0; quad < (isWide ? 4 : 2); quad++) {
    const half = vectorBytes * (quad >> 1);
    const chosen = c.b.shl(c.b.and(c.b.shrU(c.immediate(1), quad), 1), 3);
    copyElement(c, 8, half, chosen, quad);
  }
  writeHalves(c, 0, placedHalves(c, isWide, resultAt));
};

/** Copies an element of scratch memory, at an offset plus `chosen`, to place `to` of the result. */
function copyElement(
  c: InstructionContext,
  bytes: 4 | 8 | 16,
  from: number,
  chosen: Value,
  to: number,
): void {
  const value = c.b.load(loadOf[bytes] ?? '', CpuState.lanes + from, chosen);
  c.b.store(storeOf[bytes] ?? '', CpuState.lanes + resultAt + bytes * to, value);
}

/** VPERMD, VPERMPS: doublewords of operand 2 by the numbers in operand 1. */
const permuteAcross: Semantics = (c) => {
  const b = c.b;
  requireAvx(c);
  placeHalves(c, readHalves(c, 2));
  const numbers = readHalves(c, 1);
  for (let element = 0; element < 8; element++) {
    const half = numbers[(element >> 2) as 0 | 1] ?? numbers[0];
    const number = b.opLanes('i32x4.extract_lane', [element & 3], half);
    copyElement(c, 4, 0, b.shl(b.and(number, 7), 2), element);
  }
  writeHalves(c, 0, placedHalves(c, true, resultAt));
};

/** VPERMQ, VPERMPD: quadwords by an immediate. */
const permuteQuads: Semantics = (c) => {
  const b = c.b;
  requireAvx(c);
  placeHalves(c, readHalves(c, 1));
  for (let quad = 0; quad < 4; quad++) {
    copyElement(c, 8, 0, b.shl(b.and(b.shrU(c.immediate(1), 2 * quad), 3), 3), quad);
  }
  writeHalves(c, 0, placedHalves(c, true, resultAt));
};

/** VPERM2F128, VPERM2I128: any half of both sources, or zero. */
const permuteHalves: Semantics = (c) => {
  const b = c.b;
  requireAvx(c);
  const right = readHalves(c, 2);
  placeHalves(c, readHalves(c, 1));
  placeHalves(c, right, 2 * vectorBytes);
  const half = (shift: number): Value => {
    const control = b.shrU(c.immediate(1), shift);
    const at = b.shl(b.and(control, 3), 4);
    const chosen = b.load('v128.load', CpuState.lanes, at);
    return b.select(b.and(control, 8), zeroVector(c), chosen);
  };
  writeHalves(c, 0, [half(0), half(4)]);
};

/** Shifts of each element by its own count: one of its width or more gives 0, or all signs. */
function shiftEach(bytes: 4 | 8, op: 'shl' | 'shr_u' | 'shr_s'): Semantics {
  const shape = bytes === 4 ? 'i32x4' : 'i64x2';
  const type = bytes === 4 ? 'i32' : 'i64';
  return binary((c, value, counts) => {
    const b = c.b;
    let result = value;
    for (let lane = 0; lane < vectorBytes / bytes; lane++) {
      const part = (vector: Value): Value => b.opLanes(`${shape}.extract_lane`, [lane], vector);
      const [element, count] = [part(value), part(counts)];
      const isBeyond = b.gtU(count, 8 * bytes - 1);
      const last = bytes === 4 ? b.i32(31) : b.i64(63);
      const zero = bytes === 4 ? b.i32(0) : b.i64(0);
      const shifted =
        op === 'shr_s'
          ? b.op(`${type}.shr_s`, element, b.select(isBeyond, last, count))
          : b.select(isBeyond, zero, b.op(`${type}.${op}`, element, count));
      result = b.opLanes(`${shape}.replace_lane`, [lane], result, shifted);
    }
    return result;
  });
}

/** VPERMILPS has a form with an immediate, which is PSHUFD, and one without. */
function byForm(immediate: Semantics, register: Semantics): Semantics {
  return (c) => {
    const hasImmediate = c.form.operands.some(({ text }) => text === 'Ib');
    (hasImmediate ? immediate : register)(c);
  };
}

/** A blend by the signs of a fourth register. */
function blendBy(name: string): Semantics {
  return inLanes(shuffleOf(name), { as: name });
}

/** Permutations, blends and shifts that SSE does not have. */
export const avxPermutes: SemanticsTable = {
  VPERMILPS: byForm(inLanes(shuffleOf('PSHUFD'), { as: 'PSHUFD' }), permuteSingles),
  VPERMILPD: byForm(permuteDoublesImmediate, permuteDoubles),
  ...named('VPERMD VPERMPS', permuteAcross),
  ...named('VPERMQ VPERMPD', permuteQuads),
  ...named('VPERM2F128 VPERM2I128', permuteHalves),
  VPBLENDVB: blendBy('PBLENDVB'),
  VBLENDVPS: blendBy('BLENDVPS'),
  VBLENDVPD: blendBy('BLENDVPD'),
  VPBLENDD: inLanes(shuffleOf('BLENDPS'), { as: 'BLENDPS', shift: 4 }),
  VPSLLVD: shiftEach(4, 'shl'),
  VPSLLVQ: shiftEach(8, 'shl'),
  VPSRLVD: shiftEach(4, 'shr_u'),
  VPSRLVQ: shiftEach(8, 'shr_u'),
  VPSRAVD: shiftEach(4, 'shr_s'),
};
