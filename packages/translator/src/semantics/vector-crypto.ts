/** AES-NI, PCLMULQDQ and SHA: SDM vol. 1, 12.13 and 5.18; rounds are runtime functions. */
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { laneBytes, readVector, shuffle, vectors, writeVector, zeroVector } from './vector.ts';

function round(name: string): Semantics {
  return (c) => {
    const key = readVector(c, 1);
    const state = c.b.call(name, 'v128', readVector(c, 0));
    writeVector(c, 0, c.b.op('v128.xor', state, key));
  };
}

/** SubWord of the odd doublewords, and the same rotated, with the round constant. */
const keyAssist: Semantics = (c) => {
  const b = c.b;
  const words = b.call('aesSubstitute', 'v128', readVector(c, 1));
  const lanes = [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12];
  const arranged = shuffle(c, words, words, lanes);
  const constant = b.op('i32x4.splat', c.immediate(1));
  const placed = shuffle(c, constant, zeroVector(c), laneBytes([4, 0, 4, 0], 4));
  writeVector(c, 0, b.op('v128.xor', arranged, placed));
};

/** The quadword of a vector that a bit of the immediate chooses. */
function chosenQuad(c: InstructionContext, value: Value, bit: number): Value {
  const lane = (index: number): Value => c.b.opLanes('i64x2.extract_lane', [index], value);
  return c.b.select(c.b.and(c.immediate(1), bit), lane(1), lane(0));
}

const carrylessMultiply: Semantics = (c) => {
  const right = chosenQuad(c, readVector(c, 1), 0x10);
  const left = chosenQuad(c, readVector(c, 0), 0x01);
  writeVector(c, 0, c.b.call('carrylessMultiply', 'v128', left, right));
};

/** Memory operands of SHA need no alignment on an AMD EPYC, against SDM 2A, table 2-21. */
const messageOf = (c: InstructionContext): Value => readVector(c, 1, false);

function shaCall(name: string): Semantics {
  return (c) => {
    const others = messageOf(c);
    writeVector(c, 0, c.b.call(name, 'v128', readVector(c, 0), others));
  };
}

const sha1Rounds: Semantics = (c) => {
  const message = messageOf(c);
  const kind = c.b.and(c.immediate(1), 3);
  writeVector(c, 0, c.b.call('sha1Rounds', 'v128', readVector(c, 0), message, kind));
};

/** The message with the fifth variable, which is the first of the rounds before, rotated. */
const sha1Next: Semantics = (c) => {
  const b = c.b;
  const message = messageOf(c);
  const top = b.opLanes('i32x4.extract_lane', [3], readVector(c, 0));
  const placed = b.opLanes(
    'i32x4.replace_lane',
    [3],
    zeroVector(c),
    b.op('i32.rotl', top, b.i32(30)),
  );
  writeVector(c, 0, b.op('i32x4.add', message, placed));
};

const sha1First: Semantics = (c) => {
  const other = messageOf(c);
  const state = readVector(c, 0);
  const moved = shuffle(c, other, state, laneBytes([1, 2], 8));
  writeVector(c, 0, c.b.op('v128.xor', state, moved));
};

const sha256Rounds: Semantics = (c) => {
  const [second, message] = [messageOf(c), readVector(c, 2)];
  writeVector(c, 0, c.b.call('sha256Rounds', 'v128', readVector(c, 0), second, message));
};

/** AES rounds, key expansion, carry-less multiplication, SHA. */
export const vectorCrypto: SemanticsTable = vectors({
  AESENC: round('aesEncrypt'),
  AESENCLAST: round('aesEncryptLast'),
  AESDEC: round('aesDecrypt'),
  AESDECLAST: round('aesDecryptLast'),
  AESIMC: (c) => writeVector(c, 0, c.b.call('aesInverseMix', 'v128', readVector(c, 1))),
  AESKEYGENASSIST: keyAssist,
  PCLMULQDQ: carrylessMultiply,
  SHA1RNDS4: sha1Rounds,
  SHA1NEXTE: sha1Next,
  SHA1MSG1: sha1First,
  SHA1MSG2: shaCall('sha1Message'),
  SHA256RNDS2: sha256Rounds,
  SHA256MSG1: shaCall('sha256First'),
  SHA256MSG2: shaCall('sha256Second'),
});
