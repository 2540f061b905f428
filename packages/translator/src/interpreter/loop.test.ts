import { describe, expect, it } from 'vitest';
import { caseIr } from './hot-case.ts';
import { hotCases } from './hot-variants.ts';
import { buildLoop } from './loop.ts';

/**
 * V8 allocates registers for functions of more than 8,192 virtual registers in a simpler way
 * (`turbo_use_mid_tier_regalloc_for_huge_functions`): the loop then keeps nothing in processor
 * registers, which cost a quarter of the speed. Node 20 does that at 43,251 bytes of code and not
 * yet at 41,891.
 */
const mostBytes = 38_000;

describe('the interpreter loop', () => {
  it('is small enough for the engine to keep its locals in registers', () => {
    const body = buildLoop(hotCases().map(caseIr), 0, () => 0);
    expect(body.code.length).toBeLessThan(mostBytes);
  });
});
