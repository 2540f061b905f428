import type { Value } from './value.ts';

/** How deep expressions are looked at. */
const maximumDepth = 6;

/** The largest that an i32 can be, as an unsigned number, as far as its expression says. */
export function maximumOf(value: Value, depth: number = maximumDepth): number {
  const [left, right] = value.args;
  if (value.isConst) return value.imm >>> 0;
  if (value.name.endsWith('8_u')) return 0xff;
  if (value.name.endsWith('16_u')) return 0xffff;
  if (left === undefined || right === undefined || depth === 0) return unknown;
  const of = (part: Value): number => maximumOf(part, depth - 1);
  switch (value.op) {
    case 'i32.and':
      return Math.min(of(left), of(right));
    case 'i32.or':
    case 'i32.xor':
      return 2 ** (32 - Math.clz32(Math.max(of(left), of(right)))) - 1;
    case 'i32.add':
      return limited(of(left) + of(right));
    case 'i32.shl':
      return right.isConst ? limited(of(left) * 2 ** (right.imm & 31)) : unknown;
    case 'i32.shr_u':
      return right.isConst ? Math.floor(of(left) / 2 ** (right.imm & 31)) : unknown;
    default:
      return unknown;
  }
}

const unknown = 0xffff_ffff;

/** What is more may have wrapped around. */
function limited(maximum: number): number {
  return Math.min(maximum, unknown);
}
