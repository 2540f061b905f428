/** Vector registers of hot code: in every tier the same, wherever it is left and come back to. */
import { describe, expect, it } from 'vitest';
import { entryOf, gate } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

const page = 0x80_0000;
const image = 0x9000;
const data = 0xa000;

/** A line for each vector register. */
function each(line: (index: number) => string): string {
  return Array.from({ length: 8 }, (_, index) => `        ${line(index)}`).join('\n');
}

/** Numbers in XMM0 to XMM7, and memory that is read. */
const fill = `
        mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        mov edi, ${data}
        mov ecx, 64
        mov eax, 0x12345678
filled: imul eax, eax, 0x41c64e6d
        add eax, 12345
        stosd
        loop filled
        mov esi, ${data}
${each((index) => `movups xmm${index}, [esi + ${16 * index}]`)}
        xor edx, edx
        mov ebp, 3000`;

/** Mixes all bytes of the vector registers into EDX; a round of a loop ends here. */
const end = `
        dec ebp
        jnz round
${each((index) => `movups [${image + 16 * index}], xmm${index}`)}
        mov esi, ${image}
        mov ecx, 32
mix:    rol edx, 5
        xor edx, [esi]
        add esi, 4
        loop mix
        hlt`;

/** EDX at the end, which all tiers agree on. */
function checksum(text: string): number {
  const sums = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts)['edx'] ?? 0);
  expect(new Set(sums).size).toBe(1);
  return sums[0] ?? 0;
}

const parts: Readonly<Record<string, string>> = {
  'scalars among packed': `
        addsd xmm0, xmm1
        addss xmm1, [esi + 20]
        paddd xmm2, xmm0
        mulsd xmm3, xmm3
        movss xmm4, xmm1
        movsd xmm5, xmm2
        subsd xmm5, xmm0
        pxor xmm6, xmm5`,
  'words and halves': `
        movd eax, xmm0
        rol eax, 7
        movd xmm1, eax
        pinsrw xmm2, eax, 5
        pextrw ebx, xmm2, 3
        pinsrw xmm0, ebx, 0
        movq xmm3, [esi + 8]
        movhps xmm3, [esi + 24]
        movlps xmm4, [esi + 40]
        movhlps xmm4, xmm0
        movq [esi + 200], xmm4
        paddq xmm5, [esi + 192]`,
  'lanes in memory': `
        psrlw xmm5, 3
        pextrd [esi + 208], xmm5, 2
        pxor xmm1, [esi + 208]
        paddw xmm1, xmm5
        pextrb [esi + 213], xmm1, 7
        pextrw eax, xmm1, 6
        extractps ebx, xmm1, 3
        pinsrb xmm2, ebx, 9
        pinsrd xmm2, eax, 1
        insertps xmm3, xmm2, 0x52
        haddps xmm4, xmm3
        pextrd eax, xmm4, 1
        pinsrw xmm5, eax, 4`,
  conversions: `
        cvtsi2sd xmm0, ebp
        cvtsd2ss xmm1, xmm0
        cvtss2sd xmm2, xmm1
        cvttsd2si eax, xmm2
        cvtdq2ps xmm3, xmm4
        movd xmm4, eax
        sqrtsd xmm5, xmm0
        ucomisd xmm0, xmm2
        adc edx, eax`,
  'both halves, by AVX': `
        mov ecx, cr4
        or ecx, 0x40000
        mov cr4, ecx
        mov eax, 7
        xor ebx, ebx
        xchg ebx, edx
        xor ecx, ecx
        xsetbv
        mov edx, ebx
        vinsertf128 ymm1, ymm0, xmm1, 1
        vpaddd ymm2, ymm1, [esi + 36]
        vpermq ymm3, ymm2, 0x4e
        vmovups [esi + 200], ymm3
        vpcmpgtb ymm4, ymm3, ymm2
        vpmaskmovd ymm5, ymm4, [esi + 64]
        vcvtdq2ps ymm6, ymm5
        vfmadd231ps ymm6, ymm6, [esi + 196]
        vmulpd xmm7, xmm6, xmm2
        vextracti128 xmm0, ymm6, 1
        vpand ymm1, ymm4, [esi + 8]
        vpcmpeqd ymm4, ymm4, ymm4
        vpsrld ymm2, ymm3, 26
        vpgatherdd ymm5, [esi + ymm2*4], ymm4
        vpxor ymm1, ymm1, ymm5
        vextractf128 xmm4, ymm5, 1
        vpor ymm1, ymm1, ymm4
        pxor xmm3, xmm4`,
  'a call of another page': `
        paddd xmm0, xmm1
        mov eax, ${page}
        call eax
        psubd xmm2, xmm0`,
  'FXSAVE and FXRSTOR, which handlers do': `
        paddd xmm0, xmm1
        fxsave [0xb000]
        pxor xmm0, xmm0
        add dword [0xb000 + 160], ebp
        fxrstor [0xb000]
        paddw xmm3, xmm0`,
};

describe('vector registers', () => {
  it.each(Object.entries(parts))('%s', (_, round) => {
    const text = `
main:   mov dword [${page}], 0xc8fe0f66  ; PADDD XMM1, XMM0
        mov byte [${page + 4}], 0xc3
        ${fill}
round:  ${round}
        ${end}`;
    expect(checksum(text)).not.toBe(0);
  });

  it('are those of before an instruction that faults, and what its handler made of them', () => {
    const text = `
main:   call paging_on
        ${gate(14, 'fault')}
        ${fill}
round:  paddd xmm0, xmm1
        test ebp, 31
        jnz mapped
        mov dword [${entryOf(page)}], 0
        invlpg [${page}]
mapped: movups xmm2, [${page}]
        paddd xmm1, xmm2
        ${end}
fault:  add esp, 4
        mov dword [${entryOf(page)}], ${page + 7}
        movd eax, xmm0
        xor edx, eax
        paddb xmm1, xmm0
        pxor xmm7, xmm1
        iretd`;
    expect(checksum(text)).not.toBe(0);
  });
});
