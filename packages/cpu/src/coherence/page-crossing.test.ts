/** An instruction across a page boundary, and code that runs on into the next page. */
import { describe, expect, it } from 'vitest';
import { entryOf, gate } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** MOV EBX, imm32 stands at the last two bytes of a page, three of its immediate in the next. */
const at = 0x40_0ffe;
const secondPage = 0x40_1000;
const otherFrame = 0x50_0000;

/** Copies the code between `body` and `body_end` so that `crossing` stands at `at`. */
const place = `
        mov esi, body
        mov edi, ${at} - 32
        mov ecx, 64
        rep movsb
`;
const enter = at - 32;

/** A loop that ends in the page behind; ECX counts, EDX sums up. */
const body = `
        align 32
body:   times 24 nop
        add edx, 1
        times 5 nop
crossing:
        mov ebx, 0x00000100
        add edx, ebx
        dec ecx
        jnz crossing - 8
        ret
body_end:
        times 64 nop
`;

describe('an instruction across a page boundary', () => {
  it('follows its second page when that is written', () => {
    const text = `
main:   ${place}
        mov ebp, 40
        xor edx, edx
round:  mov eax, ebp
        mov [${secondPage + 0}], al
        mov ecx, 100
        mov eax, ${enter}
        call eax
        dec ebp
        jnz round
        hlt
${body}`;
    // Byte 2 of the immediate is the second page's first.
    let sum = 0;
    for (let count = 40; count > 0; count--) sum += 100 * (1 + 0x100 - 0x100 + count * 0x100);
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('follows its second page when another is mapped there', () => {
    const text = `
main:   ${place}
        mov esi, ${secondPage}
        mov edi, ${otherFrame}
        mov ecx, 64
        rep movsb
        mov byte [${otherFrame}], 7
        call paging_on
        mov ebp, 60
        xor edx, edx
round:  mov ecx, 50
        mov eax, ${enter}
        call eax
        xor dword [${entryOf(secondPage)}], ${secondPage ^ otherFrame}
        invlpg [${secondPage}]
        dec ebp
        jnz round
        hlt
${body}`;
    const sum = 60 * 50 + 30 * 50 * (0x100 + 0x700);
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('faults at the second page while that is not mapped', () => {
    const text = `
main:   ${place}
        call paging_on
        ${gate(14, 'fault')}
        mov ebp, 60
        xor edx, edx
        xor esi, esi
round:  mov ecx, 20
        mov eax, ${enter}
        call eax
        mov dword [${entryOf(secondPage)}], 0
        invlpg [${secondPage}]
        dec ebp
        jnz round
        hlt
; The fault is at the second page's first byte; EIP is that of the instruction.
fault:  add esp, 4
        mov eax, cr2
        sub eax, ${secondPage}
        add esi, eax
        mov eax, [esp]
        sub eax, ${at}
        add esi, eax
        add esi, 1000
        mov dword [${entryOf(secondPage)}], ${secondPage + 7}
        iretd
${body}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: 60 * 20 * 0x101, esi: 59 * 1000 });
    }
  });

  it('faults at the second page when that becomes not executable', () => {
    // PAE: four directory pointers, one directory for the low GiB, tables of 512 entries.
    const pointers = 0x20_0000;
    const tables = 0x20_2000;
    const entry = tables + (secondPage >>> 12) * 8;
    const text = `
main:   ${place}
        ${gate(14, 'fault')}
        mov edi, ${pointers}
        xor eax, eax
        mov ecx, 0x2000
        rep stosd
        mov dword [${pointers}], ${pointers + 0x1000 + 1}
        mov eax, ${tables + 7}
        mov edi, ${pointers + 0x1000}
        mov ecx, 8
directory:
        mov [edi], eax
        add edi, 8
        add eax, 4096
        loop directory
        mov edi, ${tables}
        mov eax, 7
        mov ecx, 4096
table:  mov [edi], eax
        add edi, 8
        add eax, 4096
        loop table
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x800
        wrmsr
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, ${pointers}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        mov ebp, 60
        xor edx, edx
        xor esi, esi
round:  mov ecx, 20
        mov eax, ${enter}
        call eax
        or dword [${entry + 4}], 0x80000000
        invlpg [${secondPage}]
        dec ebp
        jnz round
        hlt
; Present, and an instruction fetch: error 11h.
fault:  pop eax
        sub eax, 0x11
        add esi, eax
        add esi, 1000
        and dword [${entry + 4}], 0x7fffffff
        invlpg [${secondPage}]
        iretd
${body}`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: 60 * 20 * 0x101, esi: 59 * 1000 });
    }
  });
});

describe('a function that runs on into the next page', () => {
  it('is another where another page follows', () => {
    // Two linear windows show the same first page and different second ones.
    const first = 0x80_0000;
    const second = 0x90_0000;
    const code = 0x40_0000;
    const text = `
main:   mov esi, tail
        mov edi, ${code + 0xff0}
        mov ecx, 48
        rep movsb
        mov esi, ${code + 0x1000}
        mov edi, ${otherFrame}
        mov ecx, 48
        rep movsb
        mov byte [${otherFrame} + 2], 100
        call paging_on
        mov dword [${entryOf(first)}], ${code + 7}
        mov dword [${entryOf(first) + 4}], ${code + 0x1000 + 7}
        mov dword [${entryOf(second)}], ${code + 7}
        mov dword [${entryOf(second) + 4}], ${otherFrame + 7}
        mov eax, cr3
        mov cr3, eax
        mov ebp, 100
        xor edx, edx
round:  mov ecx, 30
        mov eax, ${first + 0xff0}
        call eax
        mov ecx, 30
        mov eax, ${second + 0xff0}
        call eax
        dec ebp
        jnz round
        hlt
        align 16
tail:   times 12 nop
        inc ebx
        test ecx, ecx
        nop
        ; The next page begins here: ADD EDX, 1.
        add edx, 1
        dec ecx
        jnz tail + 12
        ret
        times 32 nop`;
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject({ edx: 100 * 30 * 101, ebx: 6000 });
    }
  });
});
