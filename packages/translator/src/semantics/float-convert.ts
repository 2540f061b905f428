/** Conversions and rounding of SSE to SSE4.1: SDM vol. 1, 10.4.3, 11.4.1.6, 12.10.8. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { f32, f64, pendingFlags } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import {
  allLanes,
  eachLane,
  fastOrSlow,
  finishFloat,
  floatLanes,
  isDefaultControl,
  isInexactSet,
  laneCount,
  mergeLow,
  ordinaryLanes,
  rawLane,
  readFloats,
  splatBits,
  spread,
  withRawLane,
  writeFloats,
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

/** CVTSI2SS, CVTSI2SD: a general register or memory into lane 0. */
function integerToScalar(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(1);
    const value = c.read(1);
    const rest = readVector(c, 0);
    if (bytes === 4 && f.name === 'f64') {
      const exact = b.op('i64.reinterpret_f64', b.op('f64.convert_i32_s', value));
      writeVector(c, 0, withRawLane(c, f, rest, 0, exact));
      return;
    }
    const wide = bytes === 8 ? value : b.extendS(value);
    const size = bytes === 8 ? 'i64' : 'i32';
    const rounded = b.op(
      `${f.name}x${laneCount(f)}.splat`,
      b.op(`${f.name}.convert_${size}_s`, value),
    );
    const result = fastOrSlow(c, isDefaultControl(c, true), rounded, () =>
      withRawLane(c, f, rest, 0, b.call(`${f.name}FromI64`, 'i64', wide)),
    );
    writeVector(c, 0, mergeLow(c, f, result, rest));
  };
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

/** CVTSS2SI, CVTSD2SI: one integer to a general register. */
function scalarToInteger(f: FloatFormat, truncate: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const bytes = c.bytes(0);
    const value = readVector(c, 1);
    if (bytes !== 8) {
      const result = toIntegers(c, f, spread(c, f, value), 1, truncate);
      c.write(0, b.opLanes('i32x4.extract_lane', [0], result));
      return;
    }
    b.store('i32.store', pendingFlags, b.i32(0));
    const mode = truncate ? b.i32(towardsZero) : roundingMode(c);
    const result = b.call(`${f.name}ToI64`, 'i64', rawLane(c, f, value, 0), mode, b.i32(64));
    finishFloat(c);
    c.write(0, result);
  };
}

/** CVTPS2PD, CVTSS2SD: exact. */
function singlesToDoubles(scalar: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 1);
    const used = scalar ? spread(c, f32, value) : lowQuad(c, value);
    const wide = b.op('f64x2.promote_low_f32x4', used);
    const result = fastOrSlow(c, allLanes(c, ordinaryLanes(c, f32, used)), wide, () =>
      eachLane(c, f64, zeroVector(c), scalar ? 1 : 2, (index) =>
        b.call('f32ToF64', 'i64', rawLane(c, f32, used, index)),
      ),
    );
    writeVector(c, 0, scalar ? mergeLow(c, f64, result, readVector(c, 0)) : result);
  };
}

/** CVTPD2PS, CVTSD2SS. */
function doublesToSingles(scalar: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 1);
    const used = scalar ? spread(c, f64, value) : value;
    const narrow = b.op('f32x4.demote_f64x2_zero', used);
    // Between the normal singles and clear of both ends: 2^-125 up to 2^127.
    const field = b.op('v128.and', used, splatBits(c, f64, f64.infinity));
    const from = splatBits(c, f64, BigInt(f64.bias - 126) << 52n);
    const below = splatBits(c, f64, BigInt(f64.bias + 127) << 52n);
    const above = b.op('i64x2.gt_s', field, from);
    const inside = b.op('v128.and', above, b.op('i64x2.lt_s', field, below));
    const safe = b.op('v128.or', inside, zeroLanes(c, f64, used));
    const allowed = b.and(isDefaultControl(c, true), allLanes(c, safe));
    const result = fastOrSlow(c, allowed, narrow, () =>
      eachLane(c, f32, zeroVector(c), scalar ? 1 : 2, (index) =>
        b.call('f64ToF32', 'i64', rawLane(c, f64, used, index)),
      ),
    );
    writeVector(c, 0, scalar ? mergeLow(c, f32, result, readVector(c, 0)) : result);
  };
}

/**
 * ROUNDPS and its family: bits 1:0 are the mode unless bit 2 takes MXCSR's; bit 3: never inexact.
 */
function roundToInteger(f: FloatFormat, scalar: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const operands = readFloats(c, scalar);
    const value = scalar ? spread(c, f, operands.right) : operands.right;
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
      eachLane(c, f, value, scalar ? 1 : laneCount(f), (index) =>
        b.call(`${f.name}RoundToInteger`, 'i64', rawLane(c, f, value, index), mode, quiet),
      ),
    );
    writeFloats(c, f, operands, result);
  };
}

/** Conversions between integers, single and double precision; rounding to whole numbers. */
export const floatConversion: SemanticsTable = vectors({
  CVTSI2SS: integerToScalar(f32),
  CVTSI2SD: integerToScalar(f64),
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
  CVTSS2SI: scalarToInteger(f32, false),
  CVTTSS2SI: scalarToInteger(f32, true),
  CVTSD2SI: scalarToInteger(f64, false),
  CVTTSD2SI: scalarToInteger(f64, true),
  CVTPS2PD: singlesToDoubles(false),
  CVTSS2SD: singlesToDoubles(true),
  CVTPD2PS: doublesToSingles(false),
  CVTSD2SS: doublesToSingles(true),
  ROUNDPS: roundToInteger(f32, false),
  ROUNDSS: roundToInteger(f32, true),
  ROUNDPD: roundToInteger(f64, false),
  ROUNDSD: roundToInteger(f64, true),
});
