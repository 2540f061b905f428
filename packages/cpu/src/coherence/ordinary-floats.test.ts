/** Scalar floating point of hot code, where numbers are known to be ordinary: all tiers agree. */
import { describe, expect, it } from 'vitest';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** Zeros, ends of the normal numbers, denormal ones, infinities, NaNs, and what lies between. */
const doubles: readonly string[] = [
  ...['0000000000000000', '8000000000000000', '3ff0000000000000', 'bff8000000000000'],
  ...['0010000000000000', '8020000000000000', '0000000000000001', '800fffffffffffff'],
  ...['7fefffffffffffff', 'ffe0000000000001', '7ff0000000000000', 'fff0000000000000'],
  ...['7ff8000000000001', 'fff0000000000123', '3fd5555555555555', '4024000000000000'],
  ...['36a0000000000000', 'b6a1234567890123', '380fffffffffffff', '47efffffe0000000'],
  ...['47efffffffffffff', '41dfffffffc00000', 'c1e0000000000000', '2000000000000000'],
  ...['5ff0000000000000', '3810000000000000', '3800000000000001', '3ff0000000000001'],
  ...['c000000000000000', '4330000000000000', '0018000000000000', '7fd0000000000000'],
];
const singles: readonly string[] = [
  ...['00000000', '80000000', '3f800000', 'bfc00000', '00800000', '81000000', '00000001'],
  ...['807fffff', '7f7fffff', 'ff000001', '7f800000', 'ff800000', '7fc00001', 'ff800123'],
  ...['3eaaaaab', '41200000', '20000000', '5f000000', '4b000000', '4f000000', 'cf000000'],
  ...['3f800001', '00c00000', '7e800000', 'c0000000', '01800000', '3f000000', 'bf7fffff'],
  ...['42c80000', '1e3ce508', '60ad78ec', 'b0000000'],
];

/** Numbers of a table at random into XMM0 to XMM3, and to the place that [edi] is. */
const pick = (suffix: 'sd' | 'ss'): string => `
        imul ebx, ebx, 0x343fd
        add ebx, 0x269ec3
        mov eax, ebx
${[0, 1, 2, 3]
  .map(
    (index) => `
        rol eax, 5
        mov ecx, eax
        and ecx, 31
        mov${suffix} xmm${index}, [${suffix}_table + ecx * ${suffix === 'sd' ? 8 : 4}]
        mov${suffix} [edi + ${16 * index}], xmm${index}`,
  )
  .join('')}`;

/** Mixes what the flags, MXCSR and XMM0 to XMM5 are into EDX. */
const mix = `
        lahf
        seto al
        rol edx, 3
        xor edx, eax
        stmxcsr [edi + 128]
        add edx, [edi + 128]
${[0, 1, 2, 3, 4, 5]
  .map(
    (index) => `
        movups [edi + 144], xmm${index}
        rol edx, 5
        xor edx, [edi + 144]
        rol edx, 7
        add edx, [edi + 148]`,
  )
  .join('')}`;

/** A loop of 6,000 rounds; the exception flags are cleared in some of them, all but inexact. */
function program(suffix: 'sd' | 'ss', round: string, mxcsr: number): string {
  return `
main:   mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        mov edi, 0xa000
        mov dword [edi + 132], ${mxcsr}
        mov ebp, 6000
        mov ebx, 12345
        xor edx, edx
        ldmxcsr [edi + 132]
round:  ${pick(suffix)}
        test ebp, 7
        jnz kept
        ldmxcsr [edi + 132]
kept:   test ebp, 2048
        jz done
        ${round}
done:   ${mix}
        dec ebp
        jnz round
        hlt
        align 8
sd_table: dq ${doubles.map((bits) => `0x${bits}`).join(', ')}
ss_table: dd ${singles.map((bits) => `0x${bits}`).join(', ')}`;
}

const rounds: Readonly<Record<string, readonly ['sd' | 'ss', string]>> = {
  'sums and products of doubles': [
    'sd',
    `   movsd xmm4, xmm0
        subsd xmm4, xmm1
        mulsd xmm0, xmm4
        addsd xmm0, [edi + 32]
        mulsd xmm0, xmm3
        divsd xmm3, xmm0
        sqrtsd xmm5, xmm3
        ucomisd xmm0, xmm1`,
  ],
  'sums and products of singles': [
    'ss',
    `   movss xmm4, xmm0
        subss xmm4, xmm1
        mulss xmm0, xmm4
        addss xmm0, [edi + 32]
        divss xmm0, xmm3
        mulss xmm3, xmm0
        sqrtss xmm5, xmm3
        comiss xmm1, xmm0`,
  ],
  'extremes and conversions of doubles': [
    'sd',
    `   minsd xmm0, xmm1
        maxsd xmm1, xmm2
        addsd xmm0, xmm1
        cvtsd2ss xmm4, xmm0
        addss xmm4, xmm4
        cvtss2sd xmm5, xmm4
        mulsd xmm5, xmm2
        cmpsd xmm2, xmm3, 1
        comisd xmm5, xmm3`,
  ],
  'extremes and conversions of singles': [
    'ss',
    `   cvtss2sd xmm4, xmm0
        mulsd xmm4, xmm4
        cvtsd2ss xmm5, xmm4
        minss xmm1, xmm5
        maxss xmm2, xmm1
        mulss xmm2, xmm3
        cvtsi2ss xmm0, ebp
        subss xmm0, xmm2
        ucomiss xmm0, xmm3`,
  ],
  'controls that change within a block': [
    'sd',
    `   addsd xmm0, xmm1
        mov dword [edi + 136], 0x7fa0
        ldmxcsr [edi + 136]
        addsd xmm0, xmm2
        divsd xmm1, xmm3
        mov dword [edi + 136], 0x1f80
        ldmxcsr [edi + 136]
        mulsd xmm0, xmm1
        roundsd xmm4, xmm0, 4
        cvttsd2si eax, xmm1
        add edx, eax
        ucomisd xmm0, xmm4`,
  ],
  'bits that integers wrote': [
    'sd',
    `   mulsd xmm0, xmm1
        paddq xmm0, xmm2
        addsd xmm0, xmm3
        cvtsi2sd xmm4, ebp
        mulsd xmm4, xmm0
        movlps xmm1, [edi + 32]
        subsd xmm1, xmm4
        unpcklpd xmm5, xmm1
        shufpd xmm5, xmm5, 1
        addsd xmm5, xmm0`,
  ],
};

describe('scalars that are ordinary and such that are not', () => {
  it.each(
    Object.entries(rounds).flatMap(([name, round]) =>
      [0x1f80, 0x1fa0, 0x9fa0].map((mxcsr) => [name, mxcsr.toString(16), round, mxcsr] as const),
    ),
  )('%s, MXCSR %s', (_name, _hex, [suffix, round], mxcsr) => {
    const runs = runEverywhere({ text: program(suffix, round, mxcsr) });
    const sums = [...runs.values()].map((parts) => registersOf(parts)['edx'] ?? 0);
    expect(sums[0]).not.toBe(0);
    expect(new Set(sums).size).toBe(1);
  });
});
