/**
 * What FADD, FSUB, FMUL and FDIV give for normal operands with all exceptions masked, from exact
 * integers: SDM vol. 1, 4.8.4 and 8.5. Nothing of it is shared with the runtime functions.
 */

/** A number of the 80-bit format: sign and exponent, significand. */
export interface Extended {
  readonly word: number;
  readonly significand: bigint;
}

/** A result, with the bits PE and C1 of the status word. */
export interface Expected extends Extended {
  readonly status: number;
}

const one = 1n << 63n;
const precisionFlag = 0x20;
const roundedUp = 0x200;

/** A value: numerator / denominator * 2^scale. */
interface Exact {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly scale: number;
}

function exactOf({ word, significand }: Extended): Exact {
  const signed = (word & 0x8000) === 0 ? significand : -significand;
  return { numerator: signed, denominator: 1n, scale: (word & 0x7fff) - 16383 - 63 };
}

function add(a: Exact, z: Exact, sign: bigint): Exact {
  const scale = Math.min(a.scale, z.scale);
  const at = (x: Exact): bigint => x.numerator << BigInt(x.scale - scale);
  return { numerator: at(a) + sign * at(z), denominator: 1n, scale };
}

const operations: Readonly<Record<string, (a: Exact, z: Exact) => Exact>> = {
  fadd: (a, z) => add(a, z, 1n),
  fsub: (a, z) => add(a, z, -1n),
  fmul: (a, z) => ({
    numerator: a.numerator * z.numerator,
    denominator: 1n,
    scale: a.scale + z.scale,
  }),
  fdiv: (a, z) => {
    const sign = z.numerator < 0n ? -1n : 1n;
    return {
      numerator: sign * a.numerator,
      denominator: sign * z.numerator,
      scale: a.scale - z.scale,
    };
  },
};

/**
 * The result rounded to `bits`; `mode` is rounding control. Undefined where it is zero, or where
 * its exponent is outside of those of normal numbers.
 */
export function expectedOf(
  operation: string,
  a: Extended,
  z: Extended,
  bits: number,
  mode: number,
): Expected | undefined {
  const exact = operations[operation]?.(exactOf(a), exactOf(z));
  if (exact === undefined || exact.numerator === 0n) return undefined;
  const isNegative = exact.numerator < 0n;
  let numerator = isNegative ? -exact.numerator : exact.numerator;
  let { denominator } = exact;
  let { scale } = exact;
  // As many bits as asked for before the point.
  const least = 1n << BigInt(bits - 1);
  const grow = bits + 1 + denominator.toString(2).length - numerator.toString(2).length;
  if (grow > 0) numerator <<= BigInt(grow);
  else denominator <<= BigInt(-grow);
  scale -= grow;
  while (numerator / denominator >= least * 2n) {
    denominator <<= 1n;
    scale += 1;
  }
  let whole = numerator / denominator;
  const rest = numerator % denominator;
  const twice = rest * 2n - denominator;
  const nearest = twice > 0n || (twice === 0n && (whole & 1n) === 1n);
  const away = rest !== 0n && (mode === 1 ? isNegative : mode === 2 && !isNegative);
  const isUp = mode === 0 ? nearest : away;
  if (isUp) whole += 1n;
  if (whole === least * 2n) {
    whole = least;
    scale += 1;
  }
  const exponent = scale + bits - 1 + 16383;
  if (exponent < 1 || exponent > 0x7ffe) return undefined;
  const status = rest === 0n ? 0 : precisionFlag | (isUp ? roundedUp : 0);
  const significand = whole << BigInt(64 - bits);
  if (significand < one) throw new Error('x87 oracle: a significand without its highest bit');
  return { word: (isNegative ? 0x8000 : 0) | exponent, significand, status };
}
