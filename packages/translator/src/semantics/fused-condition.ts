/**
 * Conditions straight from the operation that set the flags, where a region knows it: `CMP; JB`
 * becomes one unsigned comparison, and the flag words are computed only if something else needs
 * them.
 */
import type { IrBuilder } from '../ir/builder.ts';
import type { FlagsOrigin } from '../ir/promotion.ts';
import type { Value } from '../ir/value.ts';

/** Whether `result` is `left - right` without a borrow coming in. */
export function isDifference(result: Value, left: Value, right: Value): boolean {
  if (result.op === 'i32.sub') return result.args[0] === left && result.args[1] === right;
  return result === left && right.isConst && right.type === 'i32' && right.imm === 0;
}

/** Whether `result` is `left + right` without a carry coming in. */
export function isSum(result: Value, left: Value, right: Value): boolean {
  return result.op === 'i32.add' && result.args[0] === left && result.args[1] === right;
}

/**
 * Condition pairs 0..7 (O, B, Z, BE, S, P, L, LE) as nonzero or zero; undefined if not known here.
 */
export function conditionFrom(
  b: IrBuilder,
  origin: FlagsOrigin | undefined,
  pair: number,
): Value | undefined {
  if (origin === undefined) return undefined;
  const { kind, left, right, result, bytes } = origin;
  if (kind === 'compared') return comparedCondition(b, origin, pair);
  if (kind === 'add' && pair === 1) return b.ltU(result, right);
  if (kind !== 'sub') {
    if (pair === 2) return b.eqz(result);
    return pair === 4 ? b.ltS(result, 0) : undefined;
  }
  switch (pair) {
    case 1:
      return b.ltU(left, right);
    case 2:
      return b.eq(left, right);
    case 3:
      return b.leU(left, right);
    case 4:
      return b.ltS(signed(b, result, bytes), 0);
    case 6:
      return b.ltS(signed(b, left, bytes), signed(b, right, bytes));
    case 7:
      return b.leS(signed(b, left, bytes), signed(b, right, bytes));
    default:
      return undefined;
  }
}

/** Conditions of `FlagsBuilder.compared`: S, O are clear. */
function comparedCondition(
  b: IrBuilder,
  { left: less, right: unordered, result: equal }: FlagsOrigin,
  pair: number,
): Value {
  switch (pair) {
    case 1:
      return less;
    case 3:
      return b.or(less, equal);
    case 5:
      return unordered;
    case 2:
    case 7:
      return equal;
    default:
      return b.i32(0);
  }
}

/** Operands below four bytes are zero-extended. */
function signed(b: IrBuilder, value: Value, bytes: number): Value {
  if (bytes === 1) return b.op('i32.extend8_s', value);
  return bytes === 2 ? b.op('i32.extend16_s', value) : value;
}
