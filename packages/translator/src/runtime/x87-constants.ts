/**
 * Mathematical constants and series coefficients for the transcendental instructions, computed with
 * integers of more bits than are used: nothing is copied from a table.
 */

/** Bits that constants are computed with. */
const workingBits = 192n;
const one: bigint = 1n << workingBits;

/**
 * The sum of ratio^(2k+1) / (2k+1), with alternating signs or not: arctangent, or its hyperbolic.
 */
function arcSeries(numerator: bigint, denominator: bigint, alternating: boolean): bigint {
  let power = (one * numerator) / denominator;
  let sum = 0n;
  for (let k = 0n; power !== 0n; k++) {
    const term = power / (2n * k + 1n);
    sum += alternating && (k & 1n) === 1n ? -term : term;
    power = (power * numerator * numerator) / (denominator * denominator);
  }
  return sum;
}

/** A fraction of `workingBits` as an integer of `bits` below the point. */
function scaledTo(value: bigint, bits: bigint): bigint {
  return value >> (workingBits - bits);
}

/** Machin's formula. */
const piWorking = 16n * arcSeries(1n, 5n, true) - 4n * arcSeries(1n, 239n, true);
/** ln 2 = 2 artanh(1/3). */
const ln2Working = 2n * arcSeries(1n, 3n, false);

/** pi as an integer with 126 bits below the point: 128 bits, the highest of them set. */
export const pi: bigint = scaledTo(piWorking, 126n);

/** ln 2 with 128 bits below the point. */
export const ln2: bigint = scaledTo(ln2Working, 128n);

/** 1 / ln 2 with 127 bits below the point. */
export const log2e: bigint = scaledTo((one * one) / ln2Working, 127n);

/** atan(k / 8) for k = 0..8, with 126 bits below the point. */
export const arctangents: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].map((k) => scaledTo(arcSeries(k, 8n, true), 126n)),
  scaledTo(piWorking / 4n, 126n),
];

/** The first `count` reciprocals of divisors, with 127 bits below the point. */
function reciprocals(count: number, divisor: (k: bigint) => bigint): bigint[] {
  return Array.from({ length: count }, (_, k) => (1n << 127n) / divisor(BigInt(k)));
}

function factorial(n: bigint): bigint {
  return n < 2n ? 1n : n * factorial(n - 1n);
}

/** 1 / (2k+1)!, down to 2^-128 at z^k for z below 0.62. */
export const sineCoefficients: readonly bigint[] = reciprocals(18, (k) => factorial(2n * k + 1n));
/** 1 / (2k)!, down to 2^-128 at z^k for z below 0.62. */
export const cosineCoefficients: readonly bigint[] = reciprocals(18, (k) => factorial(2n * k));
/** 1 / (k+1)!, for arguments below 0.7. */
export const exponentialCoefficients: readonly bigint[] = reciprocals(33, (k) => factorial(k + 1n));
/** 1 / (2k+1), for squares below 0.0295: logarithms, and arctangents, whose squares are smaller. */
export const oddReciprocals: readonly bigint[] = reciprocals(26, (k) => 2n * k + 1n);
