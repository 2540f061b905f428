/** A place that an indirect jump may lead to. */
export interface Choice {
  /** Number of the block. */
  readonly number: number;
  /** Its offset from the region's page. */
  readonly offset: number;
}

/** Numbers by `(offset * multiplier) >>> shift`, -1 for none; numbers that had no room are out. */
export interface ChoiceHash {
  readonly multiplier: number;
  readonly shift: number;
  readonly slots: readonly number[];
}

/** How many multipliers are tried. */
const attempts = 256;

/**
 * A multiplicative hash in which as many choices as can be found have a slot of their own: a
 * `br_table` of few entries finds the one that an offset may be, and one comparison whether it is.
 */
export function hashOf(choices: readonly Choice[]): ChoiceHash {
  const bits = Math.ceil(Math.log2(Math.max(choices.length, 2))) + 1;
  let best = fill(choices, 1, bits);
  for (let attempt = 0; attempt < attempts && best.missing > 0; attempt++) {
    // Odd numbers spread over 32 bits, by the golden ratio.
    const next = fill(choices, Math.imul(attempt * 2 + 1, 0x9e37_79b1) | 1, bits);
    if (next.missing < best.missing) best = next;
  }
  return best;
}

function fill(
  choices: readonly Choice[],
  multiplier: number,
  bits: number,
): ChoiceHash & { readonly missing: number } {
  const shift = 32 - bits;
  const slots = new Array<number>(1 << bits).fill(-1);
  let missing = 0;
  for (const { number, offset } of choices) {
    const slot = Math.imul(offset, multiplier) >>> shift;
    if (slots[slot] === -1) slots[slot] = number;
    else missing += 1;
  }
  return { multiplier, shift, slots, missing };
}
