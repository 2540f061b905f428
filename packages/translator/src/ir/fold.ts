/** Constant folding of i32 operations; the semantics are those of WebAssembly. */
import { maximumOf } from './maximum.ts';
import { constantI64, constantOf, type Value } from './value.ts';

/** How deep expressions are looked at for what a mask leaves as it is. */
const maskedDepth = 3;

/** What a pure operation is without computing it: a constant or one of its arguments, if it is. */
export function foldOperation(name: string, args: readonly Value[]): Value | undefined {
  const a = args[0];
  const b = args[1];
  if (a === undefined) return undefined;
  if (a.isConst && a.type === 'i32') {
    if (b === undefined || (b.isConst && b.type === 'i32')) {
      const folded = foldI32(name, a.imm, b?.imm);
      if (folded !== undefined) return constantOf('i32', folded);
      if (name === 'i64.extend_i32_u') return constantI64(BigInt(a.imm >>> 0));
      if (name === 'i64.extend_i32_s') return constantI64(BigInt(a.imm));
    }
    if (a.imm === 0 && name === 'i32.add' && b !== undefined) return b;
  }
  if (a.isConst && name === 'i32.wrap_i64') {
    return constantOf('i32', Number(BigInt.asIntN(32, a.big)));
  }
  if (b?.isConst === true && b.type === 'i32') {
    if (b.imm === 0 && zeroIsIdentity.has(name)) return a;
    if (b.imm === 0 && name === 'i32.and') return b;
    if (name === 'i32.and' && isLowMask(b.imm) && maximumOf(a, maskedDepth) <= b.imm >>> 0)
      return a;
  }
  return undefined;
}

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

/** Whether a number has its lowest bits set, some or all, and no others. */
function isLowMask(bits: number): boolean {
  return (bits & (bits + 1)) === 0;
}

/** What a store instruction takes of a value: without a mask that leaves the bytes it stores. */
export function storedPart(store: string, content: Value): Value {
  const bytes = store.endsWith('store8') ? 0xff : store.endsWith('store16') ? 0xffff : 0;
  const [value, mask] = content.args;
  if (bytes === 0 || content.op !== 'i32.and' || value === undefined) return content;
  return mask?.isConst === true && (mask.imm & bytes) === bytes ? value : content;
}

/** The result of an i32 operation on constants, or undefined when it is not folded here. */
function foldI32(op: string, a: number, b: number | undefined): number | undefined {
  if (b === undefined) return unary[op]?.(a);
  return binary[op]?.(a, b);
}

/** Operations for which `x op 0` is x. */
const zeroIsIdentity: ReadonlySet<string> = new Set([
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
