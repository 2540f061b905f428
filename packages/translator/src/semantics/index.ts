import { arithmetic } from './arithmetic.ts';
import { avx } from './avx.ts';
import { bits } from './bit.ts';
import { bitManipulation } from './bit-manipulation.ts';
import { control } from './control.ts';
import { extendedStates } from './extended-state.ts';
import { flagControl } from './flag-control.ts';
import { floatArithmetics } from './float-arithmetic.ts';
import { floatConversion } from './float-convert.ts';
import { floatScalars } from './float-scalar.ts';
import { moves } from './move.ts';
import { multiply } from './multiply.ts';
import { packedInteger } from './packed-integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { shifts } from './shift.ts';
import { stack } from './stack.ts';
import { strings } from './string.ts';
import { system } from './system.ts';
import { vectorCrypto } from './vector-crypto.ts';
import { vectorFields } from './vector-field.ts';
import { vectorMoves } from './vector-move.ts';
import { vectorShuffles } from './vector-shuffle.ts';
import { vectorStrings } from './vector-string.ts';
import { x87Control } from './x87-control.ts';
import { x87Semantics } from './x87.ts';

/** All families. */
const families: readonly SemanticsTable[] = [
  arithmetic,
  moves,
  stack,
  multiply,
  shifts,
  bits,
  bitManipulation,
  control,
  strings,
  flagControl,
  system,
  extendedStates,
  packedInteger,
  vectorFields,
  vectorMoves,
  vectorShuffles,
  vectorCrypto,
  vectorStrings,
  floatArithmetics,
  floatConversion,
  floatScalars,
  avx,
  x87Control,
  x87Semantics,
];

/** What each operation of the instruction tables does; operations without semantics are absent. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map(
  families.flatMap((family) => Object.entries(family)),
);
