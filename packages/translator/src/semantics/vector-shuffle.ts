/**
 * Shuffles, blends and widenings of MMX and SSE, and the SSE4.1 integer operations of their own.
 */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import {
  laneBytes,
  lanesOf,
  readVector,
  shuffle,
  vectors,
  writeVector,
  zeroVector,
} from './vector.ts';
import { bitPerLane } from './vector-move.ts';

/** What lane `i` of the result is: from the first or second vector, lane from immediate bits. */
interface Selector {
  readonly second: boolean;
  /** Lowest bit of the lane number in the immediate, or -1 with a constant `lane`. */
  readonly shift: number;
  /** Added to the lane number. */
  readonly lane: number;
}

/**
 * A shuffle by an immediate: constant where it is known, else through scratch memory, where a lane
 * is an address.
 */
function selectLanes(
  c: InstructionContext,
  first: Value,
  second: Value,
  bytes: 2 | 4 | 8,
  choices: number,
  selectors: readonly Selector[],
): Value {
  const b = c.b;
  const immediate = c.immediate(1);
  if (immediate.isConst) {
    const lanes = selectors.map(({ second: from, shift, lane }) => {
      const chosen = shift < 0 ? 0 : (immediate.imm >> shift) & (choices - 1);
      return chosen + lane + (from ? 16 / bytes : 0);
    });
    return shuffle(c, first, second, laneBytes(lanes, bytes));
  }
  const scratch = CpuState.temporary;
  const result = scratch + 32;
  const load = bytes === 2 ? 'i32.load16_u' : bytes === 4 ? 'i32.load' : 'i64.load';
  const store = bytes === 2 ? 'i32.store16' : bytes === 4 ? 'i32.store' : 'i64.store';
  b.store('v128.store', scratch, first);
  b.store('v128.store', scratch + 16, second);
  selectors.forEach(({ second: from, shift, lane }, index) => {
    const at = scratch + (from ? 16 : 0) + lane * bytes;
    const chosen =
      shift < 0 ? undefined : b.mul(b.and(b.shrU(immediate, shift), choices - 1), bytes);
    b.store(store, result + index * bytes, b.load(load, at, chosen));
  });
  return b.load('v128.load', result);
}

const chosen = (shift: number, second = false, lane = 0): Selector => ({ second, shift, lane });
const fixed = (lane: number): Selector => ({ second: false, shift: -1, lane });

const shuffleDwords: Semantics = (c) => {
  const value = readVector(c, 1);
  const selectors = [0, 2, 4, 6].map((shift) => chosen(shift));
  writeVector(c, 0, selectLanes(c, value, value, 4, 4, selectors));
};

/** PSHUFLW, PSHUFHW, and PSHUFW, which is PSHUFLW of an MMX register. */
function shuffleWords(high: boolean): Semantics {
  const moved = [0, 2, 4, 6].map((shift) => chosen(shift, false, high ? 4 : 0));
  const kept = [0, 1, 2, 3].map((lane) => fixed(high ? lane : lane + 4));
  const selectors = high ? [...kept, ...moved] : [...moved, ...kept];
  return (c) => {
    const value = readVector(c, 1);
    writeVector(c, 0, selectLanes(c, value, value, 2, 4, selectors));
  };
}

const shuffleSingles: Semantics = (c) => {
  const selectors = [chosen(0), chosen(2), chosen(4, true), chosen(6, true)];
  writeVector(c, 0, selectLanes(c, readVector(c, 0), readVector(c, 1), 4, 4, selectors));
};

const shuffleDoubles: Semantics = (c) => {
  const selectors = [chosen(0), chosen(1, true)];
  writeVector(c, 0, selectLanes(c, readVector(c, 0), readVector(c, 1), 8, 2, selectors));
};

/** Bit `i` of the immediate takes lane `i` from the source. */
function blendImmediate(bytes: 2 | 4 | 8): Semantics {
  const lane = bytes === 2 ? 'i16x8' : bytes === 4 ? 'i32x4' : 'i64x2';
  return (c) => {
    const b = c.b;
    const immediate = c.immediate(1);
    const bits = bytes === 8 ? b.extendU(immediate) : immediate;
    const used = b.op('v128.and', b.op(`${lane}.splat`, bits), b.v128(bitPerLane(bytes)));
    const mask = b.op(`${lane}.ne`, used, zeroVector(c));
    writeVector(c, 0, b.op('v128.bitselect', readVector(c, 1), readVector(c, 0), mask));
  };
}

/** The sign of each lane of XMM0 takes the lane from the source. */
function blendVariable(lane: 'i8x16' | 'i32x4' | 'i64x2'): Semantics {
  const bits = lane === 'i8x16' ? 7 : lane === 'i32x4' ? 31 : 63;
  return (c) => {
    const b = c.b;
    const mask = b.op(`${lane}.shr_s`, readVector(c, 2), b.i32(bits));
    writeVector(c, 0, b.op('v128.bitselect', readVector(c, 1), readVector(c, 0), mask));
  };
}

/** PMOVSX, PMOVZX: the low lanes widened once, twice or three times. */
function widen(...steps: readonly string[]): Semantics {
  return (c) => {
    const wide = steps.reduce((value, op) => c.b.op(op, value), readVector(c, 1));
    writeVector(c, 0, wide);
  };
}

function widenings(): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [letter, suffix] of [
    ['S', 's'],
    ['Z', 'u'],
  ] as const) {
    const bw = `i16x8.extend_low_i8x16_${suffix}`;
    const wd = `i32x4.extend_low_i16x8_${suffix}`;
    const dq = `i64x2.extend_low_i32x4_${suffix}`;
    table[`PMOV${letter}XBW`] = widen(bw);
    table[`PMOV${letter}XBD`] = widen(bw, wd);
    table[`PMOV${letter}XBQ`] = widen(bw, wd, dq);
    table[`PMOV${letter}XWD`] = widen(wd);
    table[`PMOV${letter}XWQ`] = widen(wd, dq);
    table[`PMOV${letter}XDQ`] = widen(dq);
  }
  return table;
}

/** ZF: source and destination have no bit in common; CF: the source has none outside of it. */
const test: Semantics = (c) => {
  const b = c.b;
  const left = readVector(c, 0);
  const right = readVector(c, 1);
  const none = (value: Value): Value => b.eqz(b.op('v128.any_true', value));
  const zero = none(b.op('v128.and', left, right));
  const carry = none(b.op('v128.andnot', right, left));
  c.flags.fromEflags(b.or(b.shl(zero, 6), carry));
};

/** The smallest word and the first lane that has it. */
const minimumPosition: Semantics = (c) => {
  const b = c.b;
  const value = readVector(c, 1);
  const keyed = (half: 'low' | 'high', first: number): Value => {
    const wide = b.op(`i32x4.extend_${half}_i16x8_u`, value);
    const lanes = lanesOf(c, 4, [first, first + 1, first + 2, first + 3]);
    return b.op('v128.or', b.op('i32x4.shl', wide, b.i32(16)), lanes);
  };
  let least = b.op('i32x4.min_u', keyed('low', 0), keyed('high', 4));
  for (const lanes of [
    [2, 3, 0, 1],
    [1, 0, 3, 2],
  ]) {
    least = b.op('i32x4.min_u', least, shuffle(c, least, least, laneBytes(lanes, 4)));
  }
  const key = b.opLanes('i32x4.extract_lane', [0], least);
  const found = b.or(b.shrU(key, 16), b.shl(b.and(key, 7), 16));
  writeVector(c, 0, b.opLanes('i32x4.replace_lane', [0], zeroVector(c), found));
};

/** Eight sums of four absolute differences, of blocks that the immediate chooses. */
const multipleDifferences: Semantics = (c) => {
  const b = c.b;
  const immediate = c.immediate(1);
  const left = readVector(c, 0);
  const right = readVector(c, 1);
  const leftAt = b.op('i8x16.splat', b.and(immediate, 4));
  const rightAt = b.op('i8x16.splat', b.shl(b.and(immediate, 3), 2));
  let sum = zeroVector(c);
  for (let index = 0; index < 4; index++) {
    const lanes = Array.from({ length: 16 }, (_, at) => index + at);
    const from = b.op('i8x16.add', lanesOf(c, 1, lanes), leftAt);
    const block = b.op('i8x16.add', lanesOf(c, 1, new Array<number>(16).fill(index)), rightAt);
    const a = b.op('i16x8.extend_low_i8x16_u', b.op('i8x16.swizzle', left, from));
    const z = b.op('i16x8.extend_low_i8x16_u', b.op('i8x16.swizzle', right, block));
    sum = b.op('i16x8.add', sum, b.op('i16x8.abs', b.op('i16x8.sub', a, z)));
  }
  writeVector(c, 0, sum);
};

/** Shuffles, blends, widenings, PTEST, PHMINPOSUW, MPSADBW. */
export const vectorShuffles: SemanticsTable = vectors({
  PSHUFD: shuffleDwords,
  PSHUFW: shuffleWords(false),
  PSHUFLW: shuffleWords(false),
  PSHUFHW: shuffleWords(true),
  SHUFPS: shuffleSingles,
  SHUFPD: shuffleDoubles,
  PBLENDW: blendImmediate(2),
  BLENDPS: blendImmediate(4),
  BLENDPD: blendImmediate(8),
  PBLENDVB: blendVariable('i8x16'),
  BLENDVPS: blendVariable('i32x4'),
  BLENDVPD: blendVariable('i64x2'),
  ...widenings(),
  PTEST: test,
  PHMINPOSUW: minimumPosition,
  MPSADBW: multipleDifferences,
});
