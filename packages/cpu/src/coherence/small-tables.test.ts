/** Small tables in hot code, whose look-up does not wait for the index: every tier agrees. */
import { describe, expect, it } from 'vitest';
import { entryOf, gate } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** EDX at the end, which all tiers agree on. */
function checksum(text: string): number {
  const sums = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts)['edx'] ?? 0);
  expect(new Set(sums).size).toBe(1);
  return sums[0] ?? 0;
}

const page = 0x80_0000;

/** A loop that reads and writes a table of 256 words at an address by indexes at random. */
const loop = (address: (index: string) => string): string => `
        mov ebp, 4000
        mov eax, 12345
round:  imul eax, eax, 0x343fd
        add eax, 0x269ec3
        movzx ecx, ah
        mov ebx, [${address('ecx')}]
        xor edx, ebx
        rol edx, 3
        shr ebx, 24
        add [${address('ebx')}], edx
        movzx ecx, dl
        mov [${address('ecx')}], eax
        dec ebp
        jnz round
        xor ecx, ecx
mix:    rol edx, 5
        xor edx, [${address('ecx')}]
        inc ecx
        cmp ecx, 256
        jb mix
        hlt`;

describe('a small table', () => {
  it.each([0xa000, 0xac00, 0xac04, 0xaffd])('at %i', (at) => {
    const text = `main:\n xor edx, edx\n ${loop((index) => `${index} * 4 + ${at}`)}`;
    expect(checksum(text)).not.toBe(0);
  });

  it.each([0xa000, 0xac00, 0xac04, 0xaffd])('at a register that is %i', (at) => {
    const text = `main:\n mov edi, ${at - 16}\n xor edx, edx
        ${loop((index) => `edi + ${index} * 4 + 16`)}`;
    expect(checksum(text)).not.toBe(0);
  });

  it('that is mapped when it is first touched, and taken away again', () => {
    const text = `
main:   call paging_on
        ${gate(14, 'fault')}
        xor edx, edx
        mov ebp, 4000
        mov eax, 12345
round:  imul eax, eax, 0x343fd
        add eax, 0x269ec3
        movzx ecx, ah
        mov ebx, [ecx * 4 + ${page}]
        add edx, ebx
        rol edx, 3
        mov [ecx * 4 + ${page}], edx
        test ebp, 127
        jnz mapped
        mov dword [${entryOf(page)}], 0
        invlpg [${page}]
mapped: dec ebp
        jnz round
        hlt
fault:  add esp, 4
        mov dword [${entryOf(page)}], ${page + 7}
        mov esi, cr2
        add edx, esi
        iretd`;
    expect(checksum(text)).not.toBe(0);
  });
});
