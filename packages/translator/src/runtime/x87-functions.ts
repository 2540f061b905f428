import type { RuntimeFunction } from './runtime-function.ts';
import { x87Arctangents } from './x87-arctangent.ts';
import { x87Arithmetic } from './x87-arithmetic.ts';
import { x87Comparisons } from './x87-compare.ts';
import { x87Conversions } from './x87-convert.ts';
import { x87Decimal } from './x87-decimal.ts';
import { x87FastArithmetic } from './x87-fast-arithmetic.ts';
import { x87FastMoves } from './x87-fast-move.ts';
import { x87Fractions } from './x87-fraction.ts';
import { x87Logarithms } from './x87-logarithm.ts';
import { x87Rounding } from './x87-round.ts';
import { x87Scaling } from './x87-scale.ts';
import { x87Stack } from './x87-stack.ts';
import { x87Trigonometry } from './x87-trigonometry.ts';
import { divideWide } from './x87-wide.ts';

/** All runtime functions of the x87. */
export const x87Functions: readonly RuntimeFunction[] = [
  divideWide,
  ...x87Rounding,
  ...x87Stack,
  ...x87Arithmetic,
  ...x87Conversions,
  ...x87Decimal,
  ...x87FastArithmetic,
  ...x87FastMoves,
  ...x87Comparisons,
  ...x87Scaling,
  ...x87Fractions,
  ...x87Trigonometry,
  ...x87Logarithms,
  ...x87Arctangents,
];
