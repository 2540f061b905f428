import type { Random } from './random.ts';

/*
 * Values that make instructions interesting: the borders of each format, and random ones between.
 * All are returned as unsigned integers of the width of the format.
 */

/** What an operand of a vector instruction holds in each lane. */
export type LaneKind = 'f16' | 'f32' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64';

/** An integer of `bytes` bytes: a border value or a random one, small ones now and then. */
export function integerValue(random: Random, bytes: number): bigint {
  const bits = BigInt(bytes * 8);
  const top = 1n << (bits - 1n);
  const wide = random.next64();
  const values = [
    0n,
    1n,
    -1n,
    top,
    top - 1n,
    top + 1n,
    BigInt(random.below(256)),
    wide,
    wide,
    wide,
  ];
  return BigInt.asUintN(Number(bits), values[random.below(values.length)] ?? wide);
}

const F16 = { exponentBits: 5, fractionBits: 10 };
const F32 = { exponentBits: 8, fractionBits: 23 };
const F64 = { exponentBits: 11, fractionBits: 52 };

/** A number in an IEEE 754 format of 16, 32 or 64 bits. */
export function floatValue(random: Random, bytes: 2 | 4 | 8): bigint {
  const { exponentBits, fractionBits } = bytes === 2 ? F16 : bytes === 4 ? F32 : F64;
  const ones = (1 << exponentBits) - 1;
  const bias = ones >> 1;
  const fractionMask = (1n << BigInt(fractionBits)) - 1n;
  const anyFraction = random.next64() & fractionMask;
  const quiet = 1n << BigInt(fractionBits - 1);
  const short = (random.next64() << BigInt(fractionBits - 8)) & fractionMask;
  const kinds: readonly [number, bigint][] = [
    [0, 0n],
    [0, anyFraction],
    [1, 0n],
    [ones - 1, fractionMask],
    [ones, 0n],
    [ones, quiet | (anyFraction >> 1n)],
    [ones, (anyFraction & (quiet - 1n)) | 1n],
    [bias, 0n],
    [random.below(ones), anyFraction],
    [random.below(ones), anyFraction],
    [bias + random.between(-8, 8), anyFraction],
    [bias + random.between(-8, 8), anyFraction],
    [bias + random.between(-2, 34), short],
    [bias + random.between(-2, 34), short],
    [bias + random.between(-40, 70), anyFraction],
  ];
  const [chosen, fraction] = kinds[random.below(kinds.length)] ?? [0, 0n];
  // Of 16 bits, some are beyond the range.
  const exponent = Math.min(ones, Math.max(0, chosen));
  const sign = BigInt(random.below(2));
  const high = (sign << BigInt(exponentBits)) | BigInt(exponent);
  return (high << BigInt(fractionBits)) | fraction;
}

const INTEGER_BIT = 1n << 63n;

/** A number in the 80-bit format of the x87 (SDM vol. 1, table 8-3), unsupported ones too. */
export function extendedValue(random: Random): bigint {
  const fraction = random.next64() & (INTEGER_BIT - 1n);
  const short = (random.next64() << 52n) & (INTEGER_BIT - 1n);
  const quiet = 1n << 62n;
  const kinds: readonly [number, bigint][] = [
    [0, 0n],
    [0, fraction], // denormal
    [0, INTEGER_BIT | fraction], // pseudo-denormal
    [1, INTEGER_BIT],
    [0x7ffe, INTEGER_BIT | (INTEGER_BIT - 1n)],
    [0x7fff, INTEGER_BIT], // infinity
    [0x7fff, INTEGER_BIT | quiet | (fraction >> 1n)],
    [0x7fff, INTEGER_BIT | (fraction & (quiet - 1n)) | 1n],
    [0x3fff, fraction], // unnormal, not supported since the 387
    [0x3fff, INTEGER_BIT],
    [0x3fff + random.between(-4, 4), INTEGER_BIT | fraction],
    [0x3fff + random.between(-4, 4), INTEGER_BIT | fraction],
    [0x3fff + random.between(-4, 66), INTEGER_BIT | fraction],
    [0x3fff + random.between(-2, 66), INTEGER_BIT | short],
    [0x3fff + random.between(-2, 34), INTEGER_BIT | short],
    [0x3fff + random.between(-1100, 1100), INTEGER_BIT | fraction],
    [random.below(0x7fff), INTEGER_BIT | fraction],
  ];
  const [exponent, significand] = kinds[random.below(kinds.length)] ?? [0, 0n];
  return (BigInt(random.below(2)) << 79n) | (BigInt(exponent) << 64n) | significand;
}

/** Eighteen decimal digits and a sign (SDM vol. 1, 4.7), now and then one that is no digit. */
export function decimalValue(random: Random): bigint {
  let value = BigInt(random.below(2)) << 79n;
  const digits = random.below(19);
  for (let digit = 0; digit < digits; digit++) {
    value |= BigInt(random.below(10)) << BigInt(digit * 4);
  }
  return random.oneIn(16)
    ? value | (BigInt(random.below(16)) << BigInt(4 * random.below(18)))
    : value;
}

/** `bytes` bytes of lanes. */
export function laneValues(random: Random, kind: LaneKind, bytes: number): bigint {
  const laneBytes = Number(kind.slice(1)) / 8;
  let value = 0n;
  for (let at = 0; at < bytes; at += laneBytes) {
    // Lanes of floating point are of 2, 4 or 8 bytes.
    const lane = kind.startsWith('f')
      ? floatValue(random, laneBytes as 2 | 4 | 8)
      : integerValue(random, laneBytes);
    value |= lane << BigInt(at * 8);
  }
  return BigInt.asUintN(bytes * 8, value);
}

/** Stores `bytes` bytes of a value, low byte first. */
export function storeValue(target: Uint8Array, at: number, bytes: number, value: bigint): void {
  let rest = value;
  for (let i = 0; i < bytes; i++) {
    if (at + i >= 0 && at + i < target.length) target[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Reads `bytes` bytes, low byte first; what lies outside counts as zero. */
export function loadValue(source: Uint8Array, at: number, bytes: number): bigint {
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(source[at + i] ?? 0);
  return value;
}
