/**
 * The relations that make the predicates 0..7 true, 4 bits each (SDM vol. 2A, CMPPD, table 3-1).
 */
export const predicates: number = 0x7ced_8312;

/** Bits of the predicates that accept quiet NaNs: EQ, UNORD, NEQ, ORD. */
export const quietPredicates: number = 0x99;
