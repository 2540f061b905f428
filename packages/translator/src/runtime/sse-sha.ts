/** SHA1RNDS4, SHA1MSG2, SHA256RNDS2, SHA256MSG1, SHA256MSG2: SDM vol. 2B and 2D. */
import type { ValueType } from '@ringfence/wasm';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

function left(b: IrBuilder, value: Value, count: number): Value {
  return b.op('i32.rotl', value, b.i32(count));
}

/** The exclusive or of a value rotated right by each count. */
function rotations(b: IrBuilder, value: Value, first: number, ...others: number[]): Value {
  const right = (count: number): Value => b.op('i32.rotr', value, b.i32(count));
  return others.reduce((sum, count) => b.xor(sum, right(count)), right(first));
}

function sum(b: IrBuilder, first: Value, ...others: Value[]): Value {
  return others.reduce((total, value) => b.add(total, value), first);
}

function lane(b: IrBuilder, vector: Value, index: number): Value {
  return b.opLanes('i32x4.extract_lane', [index], vector);
}

/** A vector of doublewords, the lowest first. */
function vectorOf(b: IrBuilder, lanes: readonly [Value, Value, Value, Value]): Value {
  return lanes
    .slice(1)
    .reduce(
      (vector, value, index) => b.opLanes('i32x4.replace_lane', [index + 1], vector, value),
      b.op('i32x4.splat', lanes[0]),
    );
}

const choice = (b: IrBuilder, e: Value, f: Value, g: Value): Value =>
  b.xor(b.and(e, f), b.and(b.not(e), g));
const majority = (b: IrBuilder, x: Value, y: Value, z: Value): Value =>
  b.xor(b.xor(b.and(x, y), b.and(x, z)), b.and(y, z));

/** The value of four that a number of two bits names. */
function among(b: IrBuilder, which: Value, values: readonly [Value, Value, Value, Value]): Value {
  const isOdd = b.and(which, 1);
  const low = b.select(isOdd, values[1], values[0]);
  return b.select(b.and(which, 2), b.select(isOdd, values[3], values[2]), low);
}

type Build = (b: IrBuilder, first: Value, second: Value, third: Value) => Value;

function shaFunction(
  name: string,
  third: 'v128' | 'i32' | undefined,
  build: Build,
): RuntimeFunction {
  const parameters: ValueType[] = ['v128', 'v128'];
  if (third !== undefined) parameters.push(third);
  return {
    name,
    parameters,
    results: ['v128'],
    build: (b, first, second, last) => {
      if (first === undefined || second === undefined) return;
      b.return(build(b, first, second, last ?? second));
    },
  };
}

/** Four rounds, whose function and constant the third argument names. */
const sha1Rounds: Build = (b, first, message, which) => {
  const k = among(b, which, [
    b.i32(0x5a82_7999),
    b.i32(0x6ed9_eba1),
    b.i32(0x8f1b_bcdc | 0),
    b.i32(0xca62_c1d6 | 0),
  ]);
  let [a, c, d, e] = [lane(b, first, 3), lane(b, first, 2), lane(b, first, 1), lane(b, first, 0)];
  // The message's first doubleword has the fifth variable in it (SHA1NEXTE).
  let last = b.i32(0);
  for (let round = 0; round < 4; round++) {
    const parity = b.xor(b.xor(c, d), e);
    const mixed = among(b, which, [choice(b, c, d, e), parity, majority(b, c, d, e), parity]);
    const next = sum(b, mixed, left(b, a, 5), lane(b, message, 3 - round), last, k);
    [a, c, d, e, last] = [next, a, left(b, c, 30), d, e];
  }
  return vectorOf(b, [e, d, c, a]);
};

const sha1Message: Build = (b, first, second) => {
  const next = (index: number, other: Value): Value =>
    left(b, b.xor(lane(b, first, index), other), 1);
  const w16 = next(3, lane(b, second, 2));
  const [w17, w18] = [next(2, lane(b, second, 1)), next(1, lane(b, second, 0))];
  return vectorOf(b, [next(0, w16), w18, w17, w16]);
};

/** Two rounds; the third argument has the message with the constants added. */
const sha256Rounds: Build = (b, first, second, message) => {
  let [a, c, d, e] = [lane(b, second, 3), lane(b, second, 2), lane(b, first, 3), lane(b, first, 2)];
  let [f, g, h, i] = [lane(b, second, 1), lane(b, second, 0), lane(b, first, 1), lane(b, first, 0)];
  for (let round = 0; round < 2; round++) {
    const large = rotations(b, f, 6, 11, 25);
    const added = sum(b, choice(b, f, g, h), large, lane(b, message, round), i);
    const top = sum(b, added, majority(b, a, c, d), rotations(b, a, 2, 13, 22));
    [a, c, d, e, f, g, h, i] = [top, a, c, d, b.add(added, e), f, g, h];
  }
  return vectorOf(b, [g, f, c, a]);
};

const sha256First: Build = (b, first, second) => {
  const small = (value: Value): Value => b.xor(rotations(b, value, 7, 18), b.shrU(value, 3));
  const next = (index: number, other: Value): Value => b.add(lane(b, first, index), small(other));
  const [w1, w2, w3] = [lane(b, first, 1), lane(b, first, 2), lane(b, first, 3)];
  return vectorOf(b, [next(0, w1), next(1, w2), next(2, w3), next(3, lane(b, second, 0))]);
};

const sha256Second: Build = (b, first, second) => {
  const small = (value: Value): Value => b.xor(rotations(b, value, 17, 19), b.shrU(value, 10));
  const next = (index: number, other: Value): Value => b.add(lane(b, first, index), small(other));
  const [w16, w17] = [next(0, lane(b, second, 2)), next(1, lane(b, second, 3))];
  return vectorOf(b, [w16, w17, next(2, w16), next(3, w17)]);
};

/** What takes more than a few operations of vectors. */
export const shaFunctions: readonly RuntimeFunction[] = [
  shaFunction('sha1Rounds', 'i32', sha1Rounds),
  shaFunction('sha1Message', undefined, sha1Message),
  shaFunction('sha256Rounds', 'v128', sha256Rounds),
  shaFunction('sha256First', undefined, sha256First),
  shaFunction('sha256Second', undefined, sha256Second),
];
