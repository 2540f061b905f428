/** Packed conversions and rounding of SSE to SSE4.1: SDM vol. 1, 10.4.3, 11.4.1.6, 12.10.8. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { f32, f64 } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import {
  allLanes,
  eachLane,
  fastOrSlow,
  floatLanes,
  isDefaultControl,
  isInexactSet,
  laneCount,
  ordinaryLanes,
  rawLane,
  splatBits,
  zeroLanes,
} from './float-lanes.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { laneBytes, readVector, shuffle, vectors, writeVector, zeroVector } from './vector.ts';

/** MXCSR.RC. */
function roundingMode(c: InstructionContext): Value {
  return c.b.and(c.b.shrU(c.b.load('i32.load', CpuState.mxcsr), 13), 3);
}

const towardsZero = 3;

/** Only the low quadword; the other is zero. */
function lowQuad(c: InstructionContext, value: Value): Value {
  return shuffle(c, value, zeroVector(c), laneBytes([0, 2], 8));
}

/** CVTDQ2PS, and CVTPI2PS, which keeps the upper half of its destination. */
function integersToSingles(count: 2 | 4): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 1);
    const rounded = b.op('f32x4.convert_i32x4_s', value);
    const result = fastOrSlow(c, isDefaultControl(c, true), rounded, () =>
      eachLane(c, f32, value, count, (index) => {
        const lane = b.opLanes('i32x4.extract_lane', [index], value);
        return b.call('f32FromI64', 'i64', b.extendS(lane));
      }),
    );
    if (count === 4) writeVector(c, 0, result);
    else writeVector(c, 0, shuffle(c, result, readVector(c, 0), laneBytes([0, 3], 8)));
  };
}

/** CVTDQ2PD, CVTPI2PD: always exact. */
const integersToDoubles: Semantics = (c) => {
  writeVector(c, 0, c.b.op('f64x2.convert_low_i32x4_s', readVector(c, 1)));
};

/** Numbers that a conversion to 32-bit integers takes whatever the rounding: below this size. */
function limitOf(c: InstructionContext, f: FloatFormat): Value {
  return splatBits(c, f, f.name === 'f32' ? 0x4f00_0000n : 0x41df_ffff_ffc0_0000n);
}

/** The integers of the lanes, in the low lanes of an i32x4. */
function toIntegers(
  c: InstructionContext,
  f: FloatFormat,
  value: Value,
  count: number,
  truncate: boolean,
): Value {
  const b = c.b;
  const lanes = floatLanes(f);
  const whole = b.op(`${lanes}.${truncate ? 'trunc' : 'nearest'}`, value);
  const fits = b.op(`${lanes}.lt`, b.op(`${lanes}.abs`, value), limitOf(c, f));
  const exact = b.op('i32x4.all_true', b.op(`${lanes}.eq`, whole, value));
  const silent = b.or(isInexactSet(c), exact);
  const nearest = truncate ? b.i32(1) : b.eqz(roundingMode(c));
  const allowed = b.and(b.and(silent, nearest), allLanes(c, fits));
  const convert = f.name === 'f32' ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero';
  const mode = truncate ? b.i32(towardsZero) : roundingMode(c);
  return fastOrSlow(c, allowed, b.op(convert, whole), () =>
    eachLane(c, f32, zeroVector(c), count, (index) =>
      b.call(`${f.name}ToI64`, 'i64', rawLane(c, f, value, index), mode, b.i32(32)),
    ),
  );
}

/** CVTPS2DQ, CVTPD2DQ and their truncating forms. */
function packedToIntegers(f: FloatFormat, truncate: boolean): Semantics {
  return (c) => writeVector(c, 0, toIntegers(c, f, readVector(c, 1), laneCount(f), truncate));
}

/** CVTPS2PI, CVTPD2PI: two integers to an MMX register. */
function packedToMmx(f: FloatFormat, truncate: boolean): Semantics {
  return (c) => {
    const value = readVector(c, 1);
    const used = f.name === 'f32' ? lowQuad(c, value) : value;
    writeVector(c, 0, toIntegers(c, f, used, 2, truncate));
  };
}

/** CVTPS2PD: exact. */
const singlesToDoubles: Semantics = (c) => {
  const b = c.b;
  const used = lowQuad(c, readVector(c, 1));
  const wide = b.op('f64x2.promote_low_f32x4', used);
  const result = fastOrSlow(c, allLanes(c, ordinaryLanes(c, f32, used)), wide, () =>
    eachLane(c, f64, zeroVector(c), 2, (index) =>
      b.call('f32ToF64', 'i64', rawLane(c, f32, used, index)),
    ),
  );
  writeVector(c, 0, result);
};

/**
 * CVTPD2PS: the fast path between the normal singles and clear of both ends, 2^-125 up to 2^127.
 */
const doublesToSingles: Semantics = (c) => {
  const b = c.b;
  const value = readVector(c, 1);
  const narrow = b.op('f32x4.demote_f64x2_zero', value);
  const field = b.op('v128.and', value, splatBits(c, f64, f64.infinity));
  const from = splatBits(c, f64, BigInt(f64.bias - 126) << 52n);
  const below = splatBits(c, f64, BigInt(f64.bias + 127) << 52n);
  const above = b.op('i64x2.gt_s', field, from);
  const inside = b.op('v128.and', above, b.op('i64x2.lt_s', field, below));
  const safe = b.op('v128.or', inside, zeroLanes(c, f64, value));
  const allowed = b.and(isDefaultControl(c, true), allLanes(c, safe));
  const result = fastOrSlow(c, allowed, narrow, () =>
    eachLane(c, f32, zeroVector(c), 2, (index) =>
      b.call('f64ToF32', 'i64', rawLane(c, f64, value, index)),
    ),
  );
  writeVector(c, 0, result);
};

/**
 * ROUNDPS and its family: bits 1:0 are the mode unless bit 2 takes MXCSR's; bit 3: never inexact.
 */
function roundToInteger(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 1);
    const immediate = c.immediate(1);
    const mode = b.select(b.and(immediate, 4), roundingMode(c), b.and(immediate, 3));
    const quiet = b.and(b.shrU(immediate, 3), 1);
    const rounded = (op: string): Value => b.op(`${floatLanes(f)}.${op}`, value);
    const upOrZero = b.select(b.and(mode, 1), rounded('trunc'), rounded('ceil'));
    const nearestOrDown = b.select(b.and(mode, 1), rounded('floor'), rounded('nearest'));
    const whole = b.select(b.and(mode, 2), upOrZero, nearestOrDown);
    const silent = b.or(quiet, isInexactSet(c));
    const allowed = b.and(silent, allLanes(c, ordinaryLanes(c, f, value)));
    const result = fastOrSlow(c, allowed, whole, () =>
      eachLane(c, f, value, laneCount(f), (index) =>
        b.call(`${f.name}RoundToInteger`, 'i64', rawLane(c, f, value, index), mode, quiet),
      ),
    );
    writeVector(c, 0, result);
  };
}

/** Conversions between packed integers, single and double precision; rounding to whole numbers. */
export const floatConversion: SemanticsTable = vectors({
  CVTDQ2PS: integersToSingles(4),
  CVTPI2PS: integersToSingles(2),
  CVTDQ2PD: integersToDoubles,
  CVTPI2PD: integersToDoubles,
  CVTPS2DQ: packedToIntegers(f32, false),
  CVTTPS2DQ: packedToIntegers(f32, true),
  CVTPD2DQ: packedToIntegers(f64, false),
  CVTTPD2DQ: packedToIntegers(f64, true),
  CVTPS2PI: packedToMmx(f32, false),
  CVTTPS2PI: packedToMmx(f32, true),
  CVTPD2PI: packedToMmx(f64, false),
  CVTTPD2PI: packedToMmx(f64, true),
  CVTPS2PD: singlesToDoubles,
  CVTPD2PS: doublesToSingles,
  ROUNDPS: roundToInteger(f32),
  ROUNDPD: roundToInteger(f64),
});
