import { arithmetic } from './arithmetic.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

/** All families. */
const families: readonly SemanticsTable[] = [arithmetic];

/** What each operation of the instruction tables does; operations without semantics are absent. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map(
  families.flatMap((family) => Object.entries(family)),
);
