import type { Value, Variable } from './value.ts';

/**
 * What a block of a region has found out about floating-point numbers: which of its values are
 * ordinary (`semantics/ordinary-floats.ts`), so that nobody looks again.
 */
export class KnownFloats {
  readonly #ordinary = new Set<Value>();
  readonly #firsts = new Map<Value, Value>();
  readonly #bounds = new Map<string, Variable>();

  /** The local without which nothing that is known of numbers of a format holds. */
  bound(format: string): Variable | undefined {
    return this.#bounds.get(format);
  }

  setBound(format: string, bound: Variable): void {
    this.#bounds.set(format, bound);
  }

  /** Notes that a value is ordinary; false if that was known. */
  add(value: Value): boolean {
    if (this.#ordinary.has(value)) return false;
    this.#ordinary.add(value);
    return true;
  }

  /** The value that took the same lane out of the same vector before, or else this one. */
  first(value: Value): Value {
    const [vector] = value.args;
    if (!value.op.endsWith('.extract_lane') || vector === undefined) return value;
    const known = this.#firsts.get(vector);
    if (known?.op === value.op && known.lanes?.[0] === value.lanes?.[0]) return known;
    this.#firsts.set(vector, value);
    return value;
  }

  /** Knows nothing any more: MXCSR or the registers were changed. */
  forget(): void {
    this.#ordinary.clear();
    this.#firsts.clear();
    this.#bounds.clear();
  }
}
