/** Packed integers of MMX and SSE: lane by lane, and the operations that combine lanes. */
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import {
  isMm,
  laneBytes,
  lanesOf,
  low,
  readVector,
  shuffle,
  vectors,
  writeVector,
  zeroVector,
} from './vector.ts';

type Combine = (c: InstructionContext, left: Value, right: Value) => Value;

/** destination = combine(destination, source). */
function binary(combine: Combine): Semantics {
  return (c) => writeVector(c, 0, combine(c, readVector(c, 0), readVector(c, 1)));
}

/** destination = convert(source). */
function unary(convert: (c: InstructionContext, value: Value) => Value): Semantics {
  return (c) => writeVector(c, 0, convert(c, readVector(c, 1)));
}

/** Operations that WebAssembly has too, by its name. */
const direct = `
PADDB i8x16.add       PADDW i16x8.add       PADDD i32x4.add      PADDQ i64x2.add
PSUBB i8x16.sub       PSUBW i16x8.sub       PSUBD i32x4.sub      PSUBQ i64x2.sub
PADDSB i8x16.add_sat_s  PADDSW i16x8.add_sat_s  PADDUSB i8x16.add_sat_u  PADDUSW i16x8.add_sat_u
PSUBSB i8x16.sub_sat_s  PSUBSW i16x8.sub_sat_s  PSUBUSB i8x16.sub_sat_u  PSUBUSW i16x8.sub_sat_u
PMINSB i8x16.min_s    PMINSW i16x8.min_s    PMINSD i32x4.min_s
PMINUB i8x16.min_u    PMINUW i16x8.min_u    PMINUD i32x4.min_u
PMAXSB i8x16.max_s    PMAXSW i16x8.max_s    PMAXSD i32x4.max_s
PMAXUB i8x16.max_u    PMAXUW i16x8.max_u    PMAXUD i32x4.max_u
PCMPEQB i8x16.eq      PCMPEQW i16x8.eq      PCMPEQD i32x4.eq     PCMPEQQ i64x2.eq
PCMPGTB i8x16.gt_s    PCMPGTW i16x8.gt_s    PCMPGTD i32x4.gt_s   PCMPGTQ i64x2.gt_s
PAVGB i8x16.avgr_u    PAVGW i16x8.avgr_u    PMULLW i16x8.mul     PMULLD i32x4.mul
PAND v128.and         POR v128.or           PXOR v128.xor        PMADDWD i32x4.dot_i16x8_s
ANDPS v128.and        ORPS v128.or          XORPS v128.xor
ANDPD v128.and        ORPD v128.or          XORPD v128.xor
`;

function directTable(): SemanticsTable {
  const words = direct.trim().split(/\s+/);
  const table: Record<string, Semantics> = {};
  for (let at = 0; at < words.length; at += 2) {
    const op = words[at + 1] ?? '';
    table[words[at] ?? ''] = binary((c, left, right) => c.b.op(op, left, right));
  }
  return table;
}

/** Both operands' low halves as one vector, of MMX operands; else undefined. */
function joined(c: InstructionContext, left: Value, right: Value): Value | undefined {
  return isMm(c, 0) ? shuffle(c, left, right, laneBytes([0, 2], 8)) : undefined;
}

/** Narrowing with saturation: the destination's lanes, then the source's. */
function pack(op: string): Semantics {
  return binary((c, left, right) => {
    const both = joined(c, left, right);
    return both === undefined ? c.b.op(op, left, right) : c.b.op(op, both, both);
  });
}

/** PUNPCKL and PUNPCKH; the upper half of an MMX register is the upper half of the low result. */
function unpack(bytes: number, high: boolean): Semantics {
  const count = 8 / bytes;
  const lanes = (first: number): number[] =>
    laneBytes(
      Array.from({ length: count }, (_, at) => [first + at, first + at + 16 / bytes]).flat(),
      bytes,
    );
  return binary((c, left, right) => {
    if (!isMm(c, 0)) return shuffle(c, left, right, lanes(high ? count : 0));
    const whole = shuffle(c, left, right, lanes(0));
    return high ? shuffle(c, whole, whole, laneBytes([1, 1], 8)) : whole;
  });
}

/** Upper halves of 16-bit products. */
function multiplyHigh(sign: 's' | 'u'): Semantics {
  const upper = laneBytes([1, 3, 5, 7, 9, 11, 13, 15], 2);
  return binary((c, left, right) => {
    const first = c.b.op(`i32x4.extmul_low_i16x8_${sign}`, left, right);
    const second = c.b.op(`i32x4.extmul_high_i16x8_${sign}`, left, right);
    return shuffle(c, first, second, upper);
  });
}

/** 32-bit products of the even lanes as 64 bits. */
function multiplyEven(sign: 's' | 'u'): Semantics {
  const even = laneBytes([0, 2, 0, 2], 4);
  return binary((c, left, right) =>
    c.b.op(
      `i64x2.extmul_low_i32x4_${sign}`,
      shuffle(c, left, left, even),
      shuffle(c, right, right, even),
    ),
  );
}

/** -1 times -1 is the one product that WebAssembly saturates and PMULHRSW does not. */
const multiplyRound = binary((c, left, right) => {
  const b = c.b;
  const lowest = lanesOf(c, 2, new Array<number>(8).fill(0x8000));
  const both = b.op('v128.and', b.op('i16x8.eq', left, lowest), b.op('i16x8.eq', right, lowest));
  return b.op('v128.xor', b.op('i16x8.q15mulr_sat_s', left, right), both);
});

const sumOfDifferences = binary((c, left, right) => {
  const b = c.b;
  const more = b.op('i8x16.sub_sat_u', left, right);
  const less = b.op('i8x16.sub_sat_u', right, left);
  const words = b.op('i16x8.extadd_pairwise_i8x16_u', b.op('v128.or', more, less));
  const sums = b.op('i32x4.extadd_pairwise_i16x8_u', words);
  const upper = b.op('i64x2.shr_u', sums, b.i32(32));
  return b.op('i64x2.add', b.op('v128.and', sums, lanesOf(c, 4, [-1, 0, -1, 0])), upper);
});

/** PHADD, PHSUB: pairs of the destination, then of the source. */
function horizontal(op: string, bytes: 2 | 4): Semantics {
  return binary((c, left, right) => {
    const { even, odd } = pairs(c, left, right, bytes);
    return c.b.op(op, even, odd);
  });
}

function pairs(
  c: InstructionContext,
  left: Value,
  right: Value,
  bytes: 2 | 4,
): { even: Value; odd: Value } {
  const both = joined(c, left, right);
  const perVector = 16 / bytes;
  const lanes = (first: number): number[] =>
    laneBytes(
      Array.from({ length: perVector }, (_, at) => 2 * at + first),
      bytes,
    );
  const [a, z] = both === undefined ? [left, right] : [both, both];
  return { even: shuffle(c, a, z, lanes(0)), odd: shuffle(c, a, z, lanes(1)) };
}

/** Unsigned bytes of the destination times signed bytes of the source, pairs added. */
const multiplyAddBytes = binary((c, left, right) => {
  const b = c.b;
  const product = (half: 'low' | 'high'): Value =>
    b.op(
      'i16x8.mul',
      b.op(`i16x8.extend_${half}_i8x16_u`, left),
      b.op(`i16x8.extend_${half}_i8x16_s`, right),
    );
  const [first, second] = [product('low'), product('high')];
  const lanes = (odd: number): number[] =>
    laneBytes(
      Array.from({ length: 8 }, (_, at) => 2 * at + odd),
      2,
    );
  const even = shuffle(c, first, second, lanes(0));
  return b.op('i16x8.add_sat_s', even, shuffle(c, first, second, lanes(1)));
});

function sign(lane: 'i8x16' | 'i16x8' | 'i32x4'): Semantics {
  return binary((c, left, right) => {
    const b = c.b;
    const negative = b.op(`${lane}.lt_s`, right, zeroVector(c));
    const turned = b.op(`${lane}.sub`, b.op('v128.xor', left, negative), negative);
    return b.op('v128.and', turned, b.op(`${lane}.ne`, right, zeroVector(c)));
  });
}

/** A count of the lane's width or more gives 0, or all signs. */
function shiftLanes(lane: string, op: string, bits: number): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 0);
    const immediate = c.operand(1).text === 'Ib';
    const count = immediate ? c.immediate(1) : low(c, readVector(c, 1), 8);
    const beyond = b.gtU(count, bits - 1);
    const amount = immediate ? count : b.wrap(count);
    if (op === 'shr_s') {
      const used = b.select(beyond, b.i32(bits - 1), amount);
      writeVector(c, 0, b.op(`${lane}.shr_s`, value, used));
      return;
    }
    const shifted = b.op(`${lane}.${op}`, value, amount);
    const keep = b.op('i32x4.splat', b.sub(beyond, 1));
    writeVector(c, 0, b.op('v128.and', shifted, keep));
  };
}

const iota = Array.from({ length: 16 }, (_, at) => at);

/** PSLLDQ, PSRLDQ: a byte index outside of 0..15 gives 0. */
function shiftBytes(left: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const immediate = c.immediate(1);
    const count = b.select(b.gtU(immediate, 15), b.i32(16), immediate);
    const by = b.op('i8x16.splat', count);
    const indices = b.op(left ? 'i8x16.sub' : 'i8x16.add', lanesOf(c, 1, iota), by);
    writeVector(c, 0, b.op('i8x16.swizzle', readVector(c, 0), indices));
  };
}

/** Destination and source as one double-width number shifted right by bytes. */
const alignRight: Semantics = (c) => {
  const b = c.b;
  const destination = readVector(c, 0);
  const source = readVector(c, 1);
  const immediate = c.immediate(1);
  const count = b.select(b.gtU(immediate, 32), b.i32(32), immediate);
  const indices = b.op('i8x16.add', lanesOf(c, 1, iota), b.op('i8x16.splat', count));
  const both = isMm(c, 0) ? shuffle(c, source, destination, laneBytes([0, 2], 8)) : undefined;
  if (both !== undefined) {
    writeVector(c, 0, b.op('i8x16.swizzle', both, indices));
    return;
  }
  const sixteen = lanesOf(c, 1, new Array<number>(16).fill(16));
  const upper = b.op('i8x16.swizzle', destination, b.op('i8x16.sub', indices, sixteen));
  writeVector(c, 0, b.op('v128.or', b.op('i8x16.swizzle', source, indices), upper));
};

/** A set bit 7 of an index gives 0; WebAssembly gives 0 for any index over 15. */
const shuffleBytes = binary((c, left, right) => {
  const mask = lanesOf(c, 1, new Array<number>(16).fill(isMm(c, 0) ? 0x87 : 0x8f));
  return c.b.op('i8x16.swizzle', left, c.b.op('v128.and', right, mask));
});

const andNot = binary((c, left, right) => c.b.op('v128.andnot', right, left));

/** Packed-integer operations that MMX and SSE share. */
export const packedInteger: SemanticsTable = vectors({
  ...directTable(),
  PANDN: andNot,
  ANDNPS: andNot,
  ANDNPD: andNot,
  PACKSSWB: pack('i8x16.narrow_i16x8_s'),
  PACKUSWB: pack('i8x16.narrow_i16x8_u'),
  PACKSSDW: pack('i16x8.narrow_i32x4_s'),
  PACKUSDW: pack('i16x8.narrow_i32x4_u'),
  PUNPCKLBW: unpack(1, false),
  PUNPCKLWD: unpack(2, false),
  PUNPCKLDQ: unpack(4, false),
  PUNPCKLQDQ: unpack(8, false),
  PUNPCKHBW: unpack(1, true),
  PUNPCKHWD: unpack(2, true),
  PUNPCKHDQ: unpack(4, true),
  PUNPCKHQDQ: unpack(8, true),
  UNPCKLPS: unpack(4, false),
  UNPCKLPD: unpack(8, false),
  UNPCKHPS: unpack(4, true),
  UNPCKHPD: unpack(8, true),
  PMULHW: multiplyHigh('s'),
  PMULHUW: multiplyHigh('u'),
  PMULUDQ: multiplyEven('u'),
  PMULDQ: multiplyEven('s'),
  PMULHRSW: multiplyRound,
  PSADBW: sumOfDifferences,
  PHADDW: horizontal('i16x8.add', 2),
  PHADDD: horizontal('i32x4.add', 4),
  PHADDSW: horizontal('i16x8.add_sat_s', 2),
  PHSUBW: horizontal('i16x8.sub', 2),
  PHSUBD: horizontal('i32x4.sub', 4),
  PHSUBSW: horizontal('i16x8.sub_sat_s', 2),
  PMADDUBSW: multiplyAddBytes,
  PSIGNB: sign('i8x16'),
  PSIGNW: sign('i16x8'),
  PSIGND: sign('i32x4'),
  PABSB: unary((c, value) => c.b.op('i8x16.abs', value)),
  PABSW: unary((c, value) => c.b.op('i16x8.abs', value)),
  PABSD: unary((c, value) => c.b.op('i32x4.abs', value)),
  PSLLW: shiftLanes('i16x8', 'shl', 16),
  PSLLD: shiftLanes('i32x4', 'shl', 32),
  PSLLQ: shiftLanes('i64x2', 'shl', 64),
  PSRLW: shiftLanes('i16x8', 'shr_u', 16),
  PSRLD: shiftLanes('i32x4', 'shr_u', 32),
  PSRLQ: shiftLanes('i64x2', 'shr_u', 64),
  PSRAW: shiftLanes('i16x8', 'shr_s', 16),
  PSRAD: shiftLanes('i32x4', 'shr_s', 32),
  PSLLDQ: shiftBytes(true),
  PSRLDQ: shiftBytes(false),
  PALIGNR: alignRight,
  PSHUFB: shuffleBytes,
});
