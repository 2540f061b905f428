/** Code that changes while it runs, in every tier: state must end the same, and be right. */
import { describe, expect, it } from 'vitest';
import { gate } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** Ways to store EAX's low bytes into the immediate at `site + 1`; EDI and ESI may change. */
const stores: readonly (readonly [string, string])[] = [
  ['MOV of a dword', 'mov [site + 1], eax'],
  ['MOV of a byte', 'mov [site + 1], al'],
  ['ADD to a dword', 'mov dword [site + 1], 0\n add [site + 1], eax'],
  ['OR of a byte', 'mov byte [site + 1], 0\n or [site + 1], al'],
  ['XCHG', 'xchg [site + 1], eax'],
  ['XADD', 'mov dword [site + 1], 0\n lock xadd [site + 1], eax'],
  ['CMPXCHG', 'mov esi, eax\n mov eax, [site + 1]\n lock cmpxchg [site + 1], esi'],
  ['STOSD', 'mov edi, site + 1\n stosd'],
  ['REP STOSB of the low byte', 'push ecx\n mov ecx, 1\n mov edi, site + 1\n rep stosb\n pop ecx'],
  ['MOVSD', 'mov [0x9000], eax\n mov esi, 0x9000\n mov edi, site + 1\n movsd'],
  ['PUSH', 'mov esi, esp\n mov esp, site + 5\n push eax\n mov esp, esi'],
  ['POP', 'push eax\n pop dword [site + 1]'],
  ['MOVD from SSE', 'movd xmm0, eax\n movd [site + 1], xmm0'],
  [
    'MOVQ from MMX',
    'mov esi, [site + 5]\n movd mm0, eax\n movd mm1, esi\n punpckldq mm0, mm1\n' +
      ' movq [site + 1], mm0\n emms',
  ],
  [
    'MOVDQU over the whole of the next instructions',
    'movdqu xmm1, [site]\n movd xmm2, eax\n pslldq xmm2, 1\n mov esi, 0xffffffff\n' +
      ' movd xmm3, esi\n pslldq xmm3, 1\n pandn xmm3, xmm1\n por xmm3, xmm2\n movdqu [site], xmm3',
  ],
  ['FISTP', 'mov [0x9000], eax\n fild dword [0x9000]\n fistp dword [site + 1]'],
  [
    'BTS and BTR of each bit',
    'mov dword [site + 1], 0\n mov esi, 31\nbits: bt eax, esi\n jnc bit_off\n' +
      ' bts [site + 1], esi\nbit_off: dec esi\n jns bits',
  ],
];

describe('a store into the instruction right behind it, in the same block', () => {
  it.each(stores)('takes effect with %s', (_name, store) => {
    const text = `
main:   mov ecx, 1000
        xor edx, edx
again:  mov eax, ecx
        and eax, 0x7f
        ${store}
site:   mov ebx, 0
        add edx, ebx
        rol edx, 1
        dec ecx
        jnz again
        hlt`;
    let sum = 0;
    for (let count = 1000; count > 0; count--) {
      sum = (sum + (count & 0x7f)) | 0;
      sum = (sum << 1) | (sum >>> 31);
    }
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum >>> 0);
    }
  });
});

/** Programs that end with EDX = the second element. */
const otherBlocks: readonly (readonly [string, string, number])[] = [
  [
    'an earlier block of the loop',
    `
main:   mov ecx, 3000
        xor edx, edx
again:  test ecx, 1
        jz even
site:   mov ebx, 0
        add edx, ebx
even:   mov [site + 1], ecx
        dec ecx
        jnz again
        hlt`,
    // At odd counts the site holds the count before, one more.
    Array.from({ length: 1500 }, (_, index) => 2 * index + 2).reduce((sum, each) => sum + each) - 0,
  ],
  [
    'the head of the loop',
    `
main:   mov ecx, 2000
        xor edx, edx
again:  mov ebx, 0
        add edx, ebx
        mov [again + 1], ecx
        dec ecx
        jnz again
        hlt`,
    (2000 * 2001) / 2 - 1,
  ],
  [
    'a later block, rarely',
    `
main:   mov ecx, 300000
        xor edx, edx
again:  test ecx, 0xffff
        jnz skip
        inc byte [site + 1]
skip:   nop
site:   mov ebx, 0
        add edx, ebx
        dec ecx
        jnz again
        hlt`,
    // The byte becomes 1 at 262144, and so on at each multiple of 65536.
    [4, 3, 2, 1].reduce(
      (sum, times, index) => sum + (index + 1) * (times * 65536 - (times - 1) * 65536),
      0,
    ),
  ],
  [
    'a function that the loop calls',
    `
main:   mov ecx, 5000
        xor edx, edx
again:  mov eax, ecx
        and eax, 0x3f
        jnz same
        inc dword [callee + 1]
same:   call callee
        add edx, ebx
        dec ecx
        jnz again
        hlt
callee: mov ebx, 0
        ret`,
    Array.from({ length: 5000 }, (_, index) => 5000 - index).reduce(
      ([sum = 0, value = 0], count) => [
        sum + value + ((count & 0x3f) === 0 ? 1 : 0),
        value + ((count & 0x3f) === 0 ? 1 : 0),
      ],
      [0, 0],
    )[0] ?? 0,
  ],
  [
    'the function that it is called from',
    `
main:   mov ecx, 2000
        xor edx, edx
again:  call callee
site:   mov ebx, 0
        add edx, ebx
        dec ecx
        jnz again
        hlt
callee: mov [site + 1], ecx
        ret`,
    (2000 * 2001) / 2,
  ],
  [
    'the return address of the running call',
    `
main:   mov ecx, 2000
        xor edx, edx
again:  call callee
        add edx, 1
        jmp next
other:  add edx, 2
next:   dec ecx
        jnz again
        hlt
callee: test ecx, 1
        jz stay
        mov dword [esp], other
stay:   ret`,
    3000,
  ],
];

describe('a store into another block of the running region', () => {
  it.each(otherBlocks)('takes effect in %s', (_name, text, sum) => {
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

/** Undefined instructions, the byte that makes them so, and what is there when they are defined. */
const undefinedForms: readonly (readonly [string, string, number, number])[] = [
  ['LEA of a register (8D C3)', '0x8d, 0xc3', 1, 0x03],
  ['an empty place of the table (0F 38 FF 03)', '0x0f, 0x38, 0xff, 0x03', 2, 0xf0],
  ['LOCK on a register (F0 01 D8)', '0xf0, 0x01, 0xd8', 2, 0x1b],
];

describe('an undefined instruction that its handler makes a defined one', () => {
  it.each(undefinedForms)('goes on: %s', (_name, bytes, at, defined) => {
    const list = bytes.split(', ');
    const text = `
main:   ${gate(6, 'handler')}
        mov ecx, 500
        mov ebx, 0x9000
        xor edx, edx
again:  mov byte [site + ${at}], ${list[at] ?? 0}
site:   db ${bytes}, 0x90
        dec ecx
        jnz again
over:   hlt
handler: inc edx
        cmp edx, 501
        ja over
        mov byte [site + ${at}], ${defined}
        iretd`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(500);
    }
  });
});
