import type { IrBuilder } from './builder.ts';
import type { Value } from './value.ts';

/** Marks vectors that push an error code. */
const hasError = 0x100;

/** The arguments of `fault`: vector and error code, which is absent for vectors without one. */
export function faultArguments(
  b: IrBuilder,
  vector: Value | number,
  error: Value | number | undefined,
): Value[] {
  const number = typeof vector === 'number' ? b.i32(vector) : vector;
  if (error === undefined) return [number, b.i32(0)];
  return [b.or(number, hasError), typeof error === 'number' ? b.i32(error) : error];
}
