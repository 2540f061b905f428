import type { Variant } from '@ringfence/translator';

/** The variants that are cases of the interpreter loop, most frequent first. */
export function hotVariants(): readonly Variant[] {
  return [];
}
