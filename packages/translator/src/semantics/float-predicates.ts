import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';

/**
 * The relations that make the predicates 0..7 true, 4 bits each (SDM vol. 2A, CMPPD, table 3-1).
 */
const predicates: number = 0x7ced_8312;

/** The same of 0..15, which there are with VEX; 16..31 differ from them in what is quiet only. */
const vexPredicates: bigint = 0xf465_0b9a_7ced_8312n;

/** Bits of the predicates that accept quiet NaNs: EQ, UNORD, NEQ, ORD. */
const quietPredicates: number = 0x99;
const quietVexPredicates: number = 0x9999;

/** The relations (bits 0 to 3) that a comparison accepts, and whether it accepts quiet NaNs. */
export function predicateOf(c: InstructionContext): { accepted: Value; quiet: Value } {
  const b = c.b;
  if (!c.isLane) {
    const predicate = b.and(c.immediate(1), 7);
    const accepted = b.shrU(b.i32(predicates), b.shl(predicate, 2));
    return { accepted, quiet: b.and(b.shrU(b.i32(quietPredicates), predicate), 1) };
  }
  const immediate = c.immediate(1);
  const predicate = b.and(immediate, 15);
  const shift = b.extendU(b.shl(predicate, 2));
  const accepted = b.and(b.wrap(b.shrU(b.i64(vexPredicates), shift)), 15);
  const quiet = b.shrU(b.i32(quietVexPredicates), predicate);
  return { accepted, quiet: b.and(b.xor(quiet, b.shrU(immediate, 4)), 1) };
}
