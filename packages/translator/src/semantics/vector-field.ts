/**
 * Bit fields of SSE4A: AMD vol. 4, EXTRQ and INSERTQ. The upper half is undefined, and clear as in
 * an AMD EPYC; of a field that goes beyond bit 63 there is what fits.
 */
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { fromInteger, low, readVector, vectors, writeVector } from './vector.ts';

interface Field {
  readonly index: Value;
  /** As many bits as the field has. */
  readonly mask: Value;
}

/** The field that two bytes say, from a length and an index of six bits each; 0 bits are 64. */
function fieldOf(c: InstructionContext, length: Value, index: Value): Field {
  const b = c.b;
  const unused = b.and(b.sub(b.i64(0), length), 63);
  return { index: b.and(index, 63), mask: b.shrU(b.i64(-1), unused) };
}

/** The field of immediates, or of the quadword of a register. */
function chosenField(c: InstructionContext, operands: number, quad: () => Value): Field {
  const b = c.b;
  if (c.form.operands.length > operands) {
    return fieldOf(c, b.extendU(c.immediate(1)), b.extendU(c.source.immediate2()));
  }
  const word = quad();
  return fieldOf(c, word, b.shrU(word, 8));
}

const extract: Semantics = (c) => {
  const b = c.b;
  const { index, mask } = chosenField(c, 2, () => low(c, readVector(c, 1), 8));
  const value = b.and(b.shrU(low(c, readVector(c, 0), 8), index), mask);
  writeVector(c, 0, fromInteger(c, value, 8));
};

const insert: Semantics = (c) => {
  const b = c.b;
  const source = readVector(c, 1);
  const { index, mask } = chosenField(c, 2, () => b.opLanes('i64x2.extract_lane', [1], source));
  const kept = b.and(low(c, readVector(c, 0), 8), b.xor(b.shl(mask, index), b.i64(-1)));
  const placed = b.shl(b.and(low(c, source, 8), mask), index);
  writeVector(c, 0, fromInteger(c, b.or(kept, placed), 8));
};

/** EXTRQ and INSERTQ. */
export const vectorFields: SemanticsTable = vectors({ EXTRQ: extract, INSERTQ: insert });
