import type { Value } from '../ir/value.ts';
import { interpreterIr } from '../interpreter/interpreter.ts';
import type { Variant } from '../semantics/variant.ts';
import { unpackVariant } from '../semantics/variant.ts';

/** How an instruction fits into a region. */
export const Suitability = {
  /** Its registers are in locals. */
  full: 0,
  /** It calls functions that use the CPU state: registers are written back around it. */
  spilled: 1,
  /** It needs the interpreter: callouts, repeated strings. */
  unsuitable: 2,
} as const;

const unsuitableOps: ReadonlySet<string> = new Set(['callout', 'repeat', 'next']);

/** The suitability of variants, remembered: reading one off its IR costs more than decoding. */
export class Suitabilities {
  readonly #known = new Map<Variant, number>();
  readonly #supported: Uint8Array | undefined;

  /** `supported` says by form number what the CPU model has; without it, everything. */
  constructor(supported?: Uint8Array) {
    this.#supported = supported;
  }

  /** One of `Suitability`. */
  of(variant: Variant): number {
    const known = this.#known.get(variant);
    if (known !== undefined) return known;
    const has = this.#supported?.[unpackVariant(variant).form.index] !== 0;
    const fresh = has ? classify(variant) : Suitability.unsuitable;
    this.#known.set(variant, fresh);
    return fresh;
  }
}

function classify(variant: Variant): number {
  const { form, operandSize } = unpackVariant(variant);
  // A 16-bit transfer truncates EIP; rare enough to leave to the interpreter.
  if (operandSize === 16 && form.flow !== 'next') return Suitability.unsuitable;
  return Math.max(...suitabilities(interpreterIr(variant)), Suitability.full);
}

function* suitabilities(list: readonly Value[]): Generator<number> {
  for (const value of list) {
    if (unsuitableOps.has(value.op)) yield Suitability.unsuitable;
    else if (value.op === 'call') yield Suitability.spilled;
    for (const block of value.blocks ?? []) yield* suitabilities(block);
  }
}
