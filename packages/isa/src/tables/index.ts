import { integerArithmetic } from './integer-arithmetic.ts';

/** All tables, one per family. */
export const TABLES: readonly string[] = [integerArithmetic];
