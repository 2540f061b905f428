import type { ValueType } from '@ringfence/wasm';

const comparisons = /^(i32|i64|f32|f64)\.(eqz?|ne|[lg][te](_[su])?)$/;

const resultTypes = new Map<string, ValueType>();

/** Type of the result of a pure instruction, a load or a guest load, by its name. */
export function resultType(op: string): ValueType {
  let type = resultTypes.get(op);
  if (type === undefined) {
    type = computeType(op);
    resultTypes.set(op, type);
  }
  return type;
}

function computeType(op: string): ValueType {
  if (comparisons.test(op) || op === 'code.block') return 'i32';
  if (op.endsWith('.any_true') || op.endsWith('.all_true') || op.endsWith('.bitmask')) return 'i32';
  const family = op.slice(0, op.indexOf('.'));
  if (op.includes('.extract_lane')) {
    return family === 'i64x2'
      ? 'i64'
      : family === 'f32x4'
        ? 'f32'
        : family === 'f64x2'
          ? 'f64'
          : 'i32';
  }
  if (family === 'i32' || family === 'i64' || family === 'f32' || family === 'f64') return family;
  return 'v128';
}
