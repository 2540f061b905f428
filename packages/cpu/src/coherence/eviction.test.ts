/** More code than the cache holds: what is used stays, what is not makes room. */
import { maxBlocks } from '@ringfence/code-cache';
import { describe, expect, it } from 'vitest';
import { registersOf, runTier, stateOf, tiers } from './test-tiers.ts';

const pages = maxBlocks + 600;
const base = 0x100_0000;

/** Writes a function to each of many pages and calls each of them three times, in turn. */
const text = `
main:   mov edi, ${base}
        mov ecx, ${pages}
fill:   mov dword [edi], 0x01c28343     ; inc ebx; add edx, 1
        mov byte [edi + 4], 0xc3        ; ret
        mov [edi + 3], cl
        add edi, 4096
        dec ecx
        jnz fill
        xor ebx, ebx
        xor edx, edx
        mov ebp, 3
round:  mov esi, ${base}
        mov ecx, ${pages}
call:   call esi
        call hot
        add esi, 4096
        dec ecx
        jnz call
        dec ebp
        jnz round
        hlt
        align 4096
hot:    inc edi
        ret`;

describe('a guest with code in more pages than the cache has blocks', () => {
  it.each(tiers)('runs all of it and keeps what it uses most: $name', (tier) => {
    const parts = runTier(tier, { text, ramBytes: 64 << 20 });
    const { statistics } = parts.cpu.cache;
    expect(registersOf(parts)['ebx']).toBe(3 * pages);
    expect(statistics.evictions).toBeGreaterThan(600);
    // Everything at once would be all pages at every overflow; here each page is made about once
    // a round and the loop, which runs between, never.
    expect(statistics.blocks).toBeLessThan(3 * pages + 100);
    expect(statistics.invalidations.flush).toBe(0);
  });

  it('ends in the same state in every tier', () => {
    const ends = tiers.map((tier) => stateOf(runTier(tier, { text, ramBytes: 64 << 20 })));
    for (const end of ends) expect(end).toEqual(ends[0]);
  });
});
