/**
 * Calls and jumps from region to region by address, where the address comes to mean other code: in
 * every tier, so with what the jump cache remembers of it.
 */
import { CpuState, JumpCacheField, Layout } from '@ringfence/memory';
import { maxSpaces } from '@ringfence/shadow-paging';
import { describe, expect, it } from 'vitest';
import type { TestCpu } from '../test-cpu.ts';
import { entryOf, gate, manyDirectories, manySpaces, System } from './test-system.ts';
import { registersOf, runEverywhere, runTier, tiers } from './test-tiers.ts';

const page = 0x80_0000;
const other = 0x90_0000;
const entry = entryOf(page);
/** A second page directory, and page table of what it has at 8 MiB. */
const secondDirectory = 0xa0_0000;
const secondTable = 0xa0_1000;
/** The directory entry of what is at 8 MiB, and one that makes it a large page. */
const usual = System.tables + 0x2007;
const large = 0xc0_0087;

/** ADD EDX, 1 and RET at one place, ADD EDX, 100 and RET at the other. */
const functions = `
        mov dword [${page}], 0xc301c283
        mov dword [${other}], 0xc364c283`;

const rounds = 4096;

/** A loop that calls what is at `page`, and does something before every 64th call. */
const calls = (change: string): string => `
        xor edx, edx
        mov ecx, ${rounds}
round:  test ecx, 63
        jnz same
        ${change}
same:   mov eax, ${page}
        call eax
        dec ecx
        jnz round
        hlt`;

const begin = `
main:   call paging_on
${functions}`;

/** EDX where the first 64 calls and every second 64 behind them come to the other function. */
const halves = (rounds / 2) * 101;

interface Case {
  readonly name: string;
  readonly text: string;
}

const cases: readonly Case[] = [
  {
    name: 'a page-table entry is written and its page invalidated',
    text: `${begin}${calls(`xor dword [${entry}], ${page ^ other}
        invlpg [${page}]`)}`,
  },
  {
    name: 'a directory entry leads to another table',
    text: `${begin}
        mov dword [${secondTable}], ${other + 7}
        ${calls(`xor dword [${System.directory + 8}], ${(System.tables + 0x2000) ^ secondTable}
        mov eax, cr3
        mov cr3, eax`)}`,
  },
  {
    name: 'CR3 names another directory',
    text: `${begin}
        mov esi, ${System.directory}
        mov edi, ${secondDirectory}
        push ecx
        mov ecx, 1024
        rep movsd
        pop ecx
        mov dword [${secondDirectory + 8}], ${secondTable + 7}
        mov dword [${secondTable}], ${other + 7}
        ${calls(`mov eax, cr3
        xor eax, ${System.directory ^ secondDirectory}
        mov cr3, eax`)}`,
  },
  {
    name: 'a directory entry is a large page',
    text: `${begin}
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov dword [0xc00000], 0xc364c283
        ${calls(`xor dword [${System.directory + 8}], ${usual ^ large}
        mov eax, cr3
        mov cr3, eax`)}`,
  },
  {
    name: 'the page is absent, and a fault handler maps it',
    text: `${begin}
        ${gate(14, 'fault')}
        xor ebx, ebx
        ${calls(`mov dword [${entry}], 0
        xor ebx, ${page ^ other}
        invlpg [${page}]`)}
fault:  add esp, 4
        mov esi, ${page + 7}
        xor esi, ebx
        mov [${entry}], esi
        iretd`,
  },
  {
    name: 'the function itself is written over',
    text: `${begin}${calls(`xor dword [${page}], ${0xc301_c283 ^ 0xc364_c283}`)}`,
  },
];

describe('a function that regions call is another one when', () => {
  it.each(cases)('$name', ({ text }) => {
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)['edx']).toBe(halves);
    }
  });

  it('address spaces come and go, more than there is room for', () => {
    // Each has a page of its own at 8 MiB, whose function adds the number of the space.
    const spaces = maxSpaces + 40;
    const text = `
main:   ${manySpaces(
      spaces,
      `mov word [ebx], 0xc281          ; ADD EDX, immediate
        mov [ebx + 2], ebp
        mov byte [ebx + 6], 0xc3`,
    )}
        call paging_on
        xor edx, edx
        mov ebp, 3
turn:   xor esi, esi
space:  mov eax, esi
        shl eax, 12
        add eax, ${manyDirectories}
        mov cr3, eax
        mov ecx, 20
        mov eax, ${page}
again:  call eax
        dec ecx
        jnz again
        inc esi
        cmp esi, ${spaces}
        jb space
        dec ebp
        jnz turn
        hlt`;
    const sum = 3 * 20 * ((spaces * (spaces - 1)) / 2);
    for (const parts of runEverywhere({ text, ramBytes: 64 << 20 }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });
});

describe('the jump cache', () => {
  const kept = ({ machine: { i32 } }: TestCpu): boolean => {
    const first = Layout.jumpCache >> 2;
    const words = Array.from(i32.subarray(first, first + (JumpCacheField.isFilled >> 2)));
    return words.some((word, index) => {
      return word === page && words[index + 1] === i32[CpuState.dirExec >> 2];
    });
  };

  it('has the functions that regions call, until what is mapped there changes', () => {
    const text = `${begin}${calls('nop')}`;
    for (const tier of tiers.filter(({ atOnce }) => atOnce)) {
      const parts = runTier(tier, { text });
      expect(kept(parts)).toBe(true);
      parts.cpu.shadow.revokeExec(page >>> 12);
      expect(kept(parts)).toBe(false);
    }
  });
});
