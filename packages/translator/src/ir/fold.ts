/** Constant folding of i32 operations; the semantics are those of WebAssembly. */

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  'i32.add': (a, b) => (a + b) | 0,
  'i32.sub': (a, b) => (a - b) | 0,
  'i32.mul': (a, b) => Math.imul(a, b),
  'i32.and': (a, b) => a & b,
  'i32.or': (a, b) => a | b,
  'i32.xor': (a, b) => a ^ b,
  'i32.shl': (a, b) => a << b,
  'i32.shr_u': (a, b) => (a >>> b) | 0,
  'i32.shr_s': (a, b) => a >> b,
  'i32.eq': (a, b) => (a === b ? 1 : 0),
  'i32.ne': (a, b) => (a !== b ? 1 : 0),
  'i32.lt_s': (a, b) => (a < b ? 1 : 0),
  'i32.lt_u': (a, b) => (a >>> 0 < b >>> 0 ? 1 : 0),
  'i32.gt_s': (a, b) => (a > b ? 1 : 0),
  'i32.gt_u': (a, b) => (a >>> 0 > b >>> 0 ? 1 : 0),
  'i32.le_s': (a, b) => (a <= b ? 1 : 0),
  'i32.le_u': (a, b) => (a >>> 0 <= b >>> 0 ? 1 : 0),
  'i32.ge_s': (a, b) => (a >= b ? 1 : 0),
  'i32.ge_u': (a, b) => (a >>> 0 >= b >>> 0 ? 1 : 0),
  'i32.rotl': (a, b) => (a << b) | (a >>> (-b & 31)),
  'i32.rotr': (a, b) => (a >>> b) | (a << (-b & 31)),
};

const unary: Readonly<Record<string, (a: number) => number>> = {
  'i32.eqz': (a) => (a === 0 ? 1 : 0),
  'i32.extend8_s': (a) => (a << 24) >> 24,
  'i32.extend16_s': (a) => (a << 16) >> 16,
  'i32.clz': (a) => Math.clz32(a),
};

/** The result of an i32 operation on constants, or undefined when it is not folded here. */
export function foldI32(op: string, a: number, b: number | undefined): number | undefined {
  if (b === undefined) return unary[op]?.(a);
  return binary[op]?.(a, b);
}

/** Operations for which `x op 0` is x. */
export const zeroIsIdentity: ReadonlySet<string> = new Set([
  'i32.add',
  'i32.sub',
  'i32.or',
  'i32.xor',
  'i32.shl',
  'i32.shr_u',
  'i32.shr_s',
  'i32.rotl',
  'i32.rotr',
]);
