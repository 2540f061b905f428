/**
 * AES rounds (FIPS 197) and carry-less multiplication, for AES-NI and PCLMULQDQ.
 *
 * SubBytes looks bytes up in registers: sixteen swizzles, one for each row of the S-box. A swizzle
 * gives 0 for an index over 15, so row r answers exactly the bytes whose upper digit is r.
 */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** Product in GF(2^8) by the polynomial 11B (FIPS 197, 4.2). */
function multiply(left: number, right: number): number {
  let product = 0;
  for (let a = left, bits = right; bits > 0; bits >>= 1) {
    if ((bits & 1) !== 0) product ^= a;
    a = (a << 1) ^ (a >= 0x80 ? 0x11b : 0);
  }
  return product;
}

/** The S-box: inverse, then the affine transformation (FIPS 197, 5.1.1). */
function substitution(): number[] {
  const box: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    let inverse = 0;
    for (let other = 1; other < 256 && byte !== 0; other++) {
      if (multiply(byte, other) === 1) inverse = other;
    }
    let value = 0x63;
    for (let turn = 0; turn < 5; turn++) value ^= (inverse << turn) | (inverse >> (8 - turn));
    box.push(value & 0xff);
  }
  return box;
}

const box = substitution();
const inverseBox = box.map((_, value) => box.indexOf(value));

function substitute(b: IrBuilder, table: readonly number[], value: Value): Value {
  let result = b.v128(new Array<number>(16).fill(0));
  for (let row = 0; row < 16; row++) {
    const index = b.op('v128.xor', value, b.v128(new Array<number>(16).fill(row << 4)));
    const found = b.op('i8x16.swizzle', b.v128(table.slice(16 * row, 16 * row + 16)), index);
    result = b.op('v128.or', result, found);
  }
  return result;
}

function arrange(b: IrBuilder, value: Value, from: (row: number, column: number) => number): Value {
  const bytes = Array.from({ length: 16 }, (_, at) => from(at & 3, at >> 2));
  return b.opLanes('i8x16.shuffle', bytes, value, value);
}

const shiftRows = (b: IrBuilder, value: Value, by: 1 | -1): Value =>
  arrange(b, value, (row, column) => row + 4 * ((column + by * row) & 3));

/** Rotates the bytes of each column up. */
const rotate = (b: IrBuilder, value: Value, by: number): Value =>
  arrange(b, value, (row, column) => ((row + by) & 3) + 4 * column);

function double(b: IrBuilder, value: Value): Value {
  const high = b.op('i8x16.shr_s', value, b.i32(7));
  const reduce = b.op('v128.and', high, b.v128(new Array<number>(16).fill(0x1b)));
  return b.op('v128.xor', b.op('i8x16.shl', value, b.i32(1)), reduce);
}

function mixColumns(b: IrBuilder, value: Value): Value {
  const next = rotate(b, value, 1);
  const doubled = double(b, b.op('v128.xor', value, next));
  const others = b.op('v128.xor', rotate(b, value, 2), rotate(b, value, 3));
  return b.op('v128.xor', b.op('v128.xor', doubled, next), others);
}

function inverseMixColumns(b: IrBuilder, value: Value): Value {
  const across = b.op('v128.xor', value, rotate(b, value, 2));
  return mixColumns(b, b.op('v128.xor', value, double(b, double(b, across))));
}

type Round = (b: IrBuilder, value: Value) => Value;

function round(name: string, build: Round): RuntimeFunction {
  return {
    name,
    parameters: ['v128'],
    results: ['v128'],
    build: (b, value) => {
      if (value !== undefined) b.return(build(b, value));
    },
  };
}

/** A 64 by 64-bit product without carries: 128 bits. */
const carrylessMultiply: RuntimeFunction = {
  name: 'carrylessMultiply',
  parameters: ['i64', 'i64'],
  results: ['v128'],
  build: (b, left, right) => {
    if (left === undefined || right === undefined) return;
    const zero = b.i64(0);
    const [low, high] = [b.variable('i64', zero), b.variable('i64', zero)];
    const [shiftedLow, shiftedHigh] = [b.variable('i64', left), b.variable('i64', zero)];
    const bits = b.variable('i64', right);
    b.loop((loop) => {
      const rest = b.get(bits);
      b.if(b.eqz(rest), () => b.break(loop));
      const mask = b.neg(b.and(rest, 1));
      const [l, h] = [b.get(shiftedLow), b.get(shiftedHigh)];
      b.set(low, b.xor(b.get(low), b.and(l, mask)));
      b.set(high, b.xor(b.get(high), b.and(h, mask)));
      b.set(shiftedHigh, b.or(b.shl(h, 1), b.shrU(l, 63)));
      b.set(shiftedLow, b.shl(l, 1));
      b.set(bits, b.shrU(rest, 1));
      b.continue(loop);
    });
    const lower = b.op('i64x2.splat', b.get(low));
    b.return(b.opLanes('i64x2.replace_lane', [1], lower, b.get(high)));
  },
};

/** Everything of a round but the key, which is added by XOR. */
export const aesFunctions: readonly RuntimeFunction[] = [
  round('aesEncrypt', (b, value) => mixColumns(b, substitute(b, box, shiftRows(b, value, 1)))),
  round('aesEncryptLast', (b, value) => substitute(b, box, shiftRows(b, value, 1))),
  round('aesDecrypt', (b, value) =>
    inverseMixColumns(b, substitute(b, inverseBox, shiftRows(b, value, -1))),
  ),
  round('aesDecryptLast', (b, value) => substitute(b, inverseBox, shiftRows(b, value, -1))),
  round('aesInverseMix', inverseMixColumns),
  round('aesSubstitute', (b, value) => substitute(b, box, value)),
  carrylessMultiply,
];
