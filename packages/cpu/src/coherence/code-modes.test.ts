/** The same bytes in other modes and rings mean something else, and nobody mixes them up. */
import { expect, it } from 'vitest';
import { gate, System } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** Below 64 KiB, so that 16-bit and virtual-8086 code reach it with a base of 0. */
const place = 0x9000;

/**
 * A loop that means one thing in 32-bit and another in 16-bit code:
 *
 *     b8 05 00 90 90    mov eax, 90900005h      mov ax, 5; nop; nop
 *     40                inc eax                 inc ax
 *     66 40             inc ax                  inc eax
 *     05 01 00 43 43    add eax, 43430001h      add ax, 1; inc bx; inc bx
 *     d1 c8             ror eax, 1              ror ax, 1
 *     03 d0             add edx, eax            add dx, ax
 *     e2 ee             loop to the first
 *     cd 80             int 80h
 */
const bytes = [
  0xb8, 0x05, 0x00, 0x90, 0x90, 0x40, 0x66, 0x40, 0x05, 0x01, 0x00, 0x43, 0x43, 0xd1, 0xc8, 0x03,
  0xd0, 0xe2, 0xed, 0xcd, 0x80,
];

interface Machine16 {
  eax: number;
  ebx: number;
  edx: number;
}

/** What the loop does, told a second time. */
function expected(is32: boolean, state: Machine16, count: number): void {
  for (let round = 0; round < count; round++) {
    if (is32) {
      state.eax = 0x9090_0006;
      state.eax = (state.eax & 0xffff_0000) | ((state.eax + 1) & 0xffff);
      state.eax = (state.eax + 0x4343_0001) >>> 0;
      state.eax = ((state.eax >>> 1) | (state.eax << 31)) >>> 0;
      state.edx = (state.edx + state.eax) >>> 0;
    } else {
      state.eax = ((state.eax & 0xffff_0000) | 6) >>> 0;
      state.eax = (state.eax + 1) >>> 0;
      state.eax = ((state.eax & 0xffff_0000) | ((state.eax + 1) & 0xffff)) >>> 0;
      state.ebx = ((state.ebx & 0xffff_0000) | ((state.ebx + 2) & 0xffff)) >>> 0;
      const low = state.eax & 0xffff;
      state.eax = ((state.eax & 0xffff_0000) | ((low >>> 1) | ((low << 15) & 0x8000))) >>> 0;
      state.edx = ((state.edx & 0xffff_0000) | ((state.edx + state.eax) & 0xffff)) >>> 0;
    }
  }
}

const count = 60;
const rounds = 12;

/** Frames for IRETD into each mode, and whether its code is 32-bit. */
const modes: readonly (readonly [string, readonly number[], boolean])[] = [
  ['32-bit code, ring 0', [2, System.code, place], true],
  ['16-bit code, ring 0', [2, System.code16, place], false],
  ['32-bit code, ring 3', [System.userData, 0x6000, 2, System.userCode, place], true],
  ['16-bit code, ring 3', [System.userData, 0x6000, 2, System.userCode16, place], false],
  ['virtual-8086 mode', [0, 0, 0, 0, 0, 0x6000, 0x2_3002, 0, place], false],
  ['32-bit code, ring 3, again', [System.userData, 0x6000, 2, System.userCode, place], true],
];

it('runs the same bytes as each mode reads them, in turn', () => {
  const turn = ([, frame]: (typeof modes)[number], number: number): string => `
        mov [saved_stack], esp
        mov dword [back], turn_${number}
        ${frame.map((value) => `push ${value}`).join('\n        ')}
        mov ecx, ${count}
        iretd
turn_${number}:
        mov ecx, ${System.data}
        mov ds, ecx
        mov es, ecx
        mov fs, ecx
        mov gs, ecx
        mov esp, [saved_stack]`;
  const text = `
main:   ${gate(0x80, 'system_call')}
        mov esi, code
        mov edi, ${place}
        mov ecx, ${bytes.length}
        rep movsb
        mov ebp, ${rounds}
        xor eax, eax
        xor ebx, ebx
        xor edx, edx
round:  ${modes.map(turn).join('')}
        dec ebp
        jnz round
        hlt
system_call:
        ; Data segments are not to be relied on here, so the way back is read through CS.
        jmp [cs:back]
code:   db ${bytes.join(', ')}
        align 4
back:   dd 0
saved_stack: dd 0`;
  const state = { eax: 0, ebx: 0, edx: 0 };
  for (let round = 0; round < rounds; round++) {
    for (const [, , is32] of modes) expected(is32, state, count);
  }
  for (const parts of runEverywhere({ text }).values()) {
    expect(registersOf(parts)).toMatchObject(state);
  }
});
