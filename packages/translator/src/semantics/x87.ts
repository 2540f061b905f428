import type { SemanticsTable } from './registry.ts';
import { x87ArithmeticSemantics } from './x87-arithmetic.ts';
import { x87MoveSemantics } from './x87-move.ts';

/** The x87 instructions that compute; those that control are in `x87-control.ts`. */
export const x87Semantics: SemanticsTable = { ...x87ArithmeticSemantics, ...x87MoveSemantics };
