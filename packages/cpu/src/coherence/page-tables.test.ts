/** Guests that change their page tables in every way that is allowed, in every tier. */
import { maxSpaces } from '@ringfence/shadow-paging';
import { describe, expect, it } from 'vitest';
import { entryOf, gate, manyDirectories, manySpaces, System } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

const page = 0x80_0000;
const other = 0x90_0000;
const third = 0xa0_0000;
const entry = entryOf(page);
const accessed = 0x20;
const dirty = 0x40;

/** A handler that counts page faults in ESI, adds up their errors in EDI, and repairs `entry`. */
const repair = (entryAddress: number, value: number): string => `
fault:  add edi, [esp]
        add esp, 4
        inc esi
        mov dword [${entryAddress}], ${value}
        iretd`;

/** Reads and writes in a loop, so that the code is hot: \`body\` runs \`count\` times. */
const loop = (count: number, body: string): string => `
        mov ebp, ${count}
round:  ${body}
        dec ebp
        jnz round
        hlt`;

const begin = `
main:   call paging_on
        ${gate(14, 'fault')}
        xor esi, esi
        xor edi, edi
        xor edx, edx
        mov dword [${page}], 1
        mov dword [${other}], 100
        mov dword [${third}], 10000
`;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly expected: Readonly<Record<string, number>>;
}

const rounds = 240;

const cases: readonly Case[] = [
  {
    name: 'writes of page tables followed by a CR3 load alone',
    text: `${begin}${loop(
      rounds,
      `add edx, [${page}]
        xor dword [${entry}], ${page ^ other}
        mov eax, cr3
        mov cr3, eax`,
    )}
fault:  hlt`,
    expected: { edx: (rounds / 2) * 101 },
  },
  {
    name: 'a page directory that maps itself',
    // Directory entry 3 is the directory: the table of directory entry 2 is at 00C02000h.
    text: `${begin}
        mov dword [${System.directory + 12}], ${System.directory + 7}
        mov eax, cr3
        mov cr3, eax
        ${loop(
          rounds,
          `add edx, [${page}]
        xor dword [0xc02000], ${page ^ other}
        invlpg [${page}]
        add esi, [0xc03000 + 12]`,
        )}
fault:  hlt`,
    expected: { edx: (rounds / 2) * 101 },
  },
  {
    name: 'a page-table page that becomes data, and data that become a page table',
    // Two pages take turns at being the table of the 4 MiB at 8 MiB; the other is written as data.
    text: `${begin}
        mov esi, ${System.tables + 0x2000}
        mov edi, 0x200000
        mov ecx, 1024
        rep movsd
        mov dword [0x200000], ${other + 7}
        xor esi, esi
        ${loop(
          rounds,
          `add edx, [${page}]
        xor dword [${System.directory + 8}], ${(System.tables + 0x2000) ^ 0x20_0000}
        mov eax, cr3
        mov cr3, eax
        mov eax, [${System.directory + 8}]
        and eax, 0xfffff000
        xor eax, ${(System.tables + 0x2000) ^ 0x20_0000}
        mov ecx, 64
fill:   mov [eax + 0x800 + ecx * 4], ebp
        dec ecx
        jnz fill
        mov ecx, 64
restore: lea ebx, [ecx + ${(page >>> 12) + 512}]
        shl ebx, 12
        or ebx, 7
        mov [eax + 0x800 + ecx * 4], ebx
        dec ecx
        jnz restore`,
        )}
fault:  hlt`,
    expected: { edx: (rounds / 2) * 101 },
  },
  {
    name: 'a large page that is split and joined again',
    text: `${begin}
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov dword [${entry}], ${other + 7}
        ${loop(
          rounds,
          `mov dword [${System.directory + 8}], ${page + 0x87}
        invlpg [${page}]
        add edx, [${page}]
        mov dword [${System.directory + 8}], ${System.tables + 0x2000 + 7}
        invlpg [${page}]
        add edx, [${page}]`,
        )}
fault:  hlt`,
    expected: { edx: rounds * 101 },
  },
  {
    name: 'permission that is raised needs no INVLPG',
    text: `${begin}
        mov dword [${entry}], ${page + 5}
        ${loop(
          rounds,
          `mov dword [${entry}], ${page + 5}
        invlpg [${page}]
        add edx, [${page}]
        mov dword [${entry}], ${page + 7}
        inc dword [${page}]`,
        )}
${repair(entry, page + 7)}`,
    // A write right behind the write of the entry may fault on hardware too; here it does not.
    expected: { edx: (rounds * (rounds + 1)) / 2, esi: 0 },
  },
  {
    name: 'permission that is lowered takes effect with INVLPG',
    text: `${begin}${loop(
      rounds,
      `mov dword [${entry}], ${page + 7}
        inc dword [${page}]
        mov dword [${entry}], ${page + 5}
        invlpg [${page}]
        inc dword [${page}]`,
    )}
${repair(entry, page + 7)}`,
    // P and W in the error, supervisor: 3.
    expected: { esi: rounds, edi: 3 * rounds },
  },
  {
    name: 'a page that is not present',
    text: `${begin}${loop(
      rounds,
      `mov dword [${entry}], 0
        invlpg [${page}]
        add edx, [${page}]`,
    )}
${repair(entry, page + 7)}`,
    expected: { edx: rounds, esi: rounds, edi: 0 },
  },
  {
    name: 'A on the first read, D on the first write, neither before',
    text: `${begin}${loop(
      rounds,
      `mov dword [${entry}], ${page + 7}
        invlpg [${page}]
        mov ebx, [${entry}]
        add edx, ebx
        mov eax, [${page}]
        mov ebx, [${entry}]
        add esi, ebx
        mov [${page}], eax
        mov ebx, [${entry}]
        add edi, ebx`,
    )}
fault:  hlt`,
    expected: {
      edx: (rounds * (page + 7)) % 2 ** 32,
      esi: (rounds * (page + 7 + accessed)) % 2 ** 32,
      edi: (rounds * (page + 7 + accessed + dirty)) % 2 ** 32,
    },
  },
  {
    name: 'CR0.WP, switched for each write',
    text: `${begin}
        mov dword [${entry}], ${page + 5}
        invlpg [${page}]
        ${loop(
          rounds,
          `mov eax, cr0
        and eax, 0xfffeffff
        mov cr0, eax
        inc dword [${page}]
        or eax, 0x10000
        mov cr0, eax
        mov dword [${entry}], ${page + 5}
        invlpg [${page}]
        inc dword [${page}]`,
        )}
        ${repair(entry, page + 7)}`,
    expected: { esi: rounds, edi: 3 * rounds },
  },
  {
    name: 'global pages over CR3 loads, dropped by CR4.PGE',
    text: `${begin}
        mov eax, cr4
        or eax, 0x80
        mov cr4, eax
        mov dword [${entry}], ${page + 0x107}
        ${loop(
          rounds,
          `mov dword [${entry}], ${page + 0x107}
        mov eax, cr4
        xor eax, 0x80
        mov cr4, eax
        xor eax, 0x80
        mov cr4, eax
        add edx, [${page}]
        mov dword [${entry}], ${other + 0x107}
        mov eax, cr4
        xor eax, 0x80
        mov cr4, eax
        xor eax, 0x80
        mov cr4, eax
        add edx, [${page}]`,
        )}
fault:  hlt`,
    expected: { edx: rounds * 101 },
  },
  {
    name: 'CR4.PSE, which makes a directory entry a page or a table',
    // With PSE off the bit is ignored, and the entry is a table at 8 MiB, whose first word counts.
    text: `${begin}
        mov dword [${page}], ${other + 7}
        mov dword [${System.directory + 8}], ${page + 0x87}
        ${loop(
          rounds,
          `mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov ebx, [${page}]
        and ebx, 0xfff
        add esi, ebx
        and eax, 0xffffffef
        mov cr4, eax
        mov dword [${System.directory + 8}], ${page + 0x87}
        add edx, [${page}]`,
        )}
fault:  hlt`,
    // Low bits of the word through the large page: P, W, U, then A too once it was walked.
    expected: { edx: rounds * 100, esi: 7 + (rounds - 1) * (7 + accessed) },
  },
];

describe('page tables', () => {
  it.each(cases)('$name', ({ text, expected }) => {
    for (const parts of runEverywhere({ text }).values()) {
      expect(registersOf(parts)).toMatchObject(expected);
    }
  });

  it('of more address spaces than the pool holds are all true', () => {
    // Each directory maps 8 MiB to a page of its own by a table of its own.
    const spaces = maxSpaces + 176;
    const text = `
main:   ${manySpaces(spaces, `mov [ebx], ebp`)}
        call paging_on
        xor edx, edx
        mov ebp, 6
turn:   xor ecx, ecx
space:  mov eax, ecx
        shl eax, 12
        add eax, ${manyDirectories}
        mov cr3, eax
        add edx, [${page}]
        inc dword [${page}]
        inc ecx
        cmp ecx, ${spaces}
        jb space
        dec ebp
        jnz turn
        hlt`;
    const sum = 6 * ((spaces * (spaces - 1)) / 2) + spaces * 15;
    const ended = runEverywhere({ text, ramBytes: 64 << 20 });
    for (const parts of ended.values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
      const { evictions, switches, fills } = parts.cpu.shadow.statistics;
      expect(switches).toBeGreaterThanOrEqual(6 * spaces);
      expect(evictions).toBeGreaterThan(0);
      expect(fills).toBeGreaterThan(spaces);
    }
  });

  it('of two address spaces in turn are kept: nothing is filled again', () => {
    const text = `
main:   call paging_on
        mov esi, ${System.directory}
        mov edi, 0x200000
        mov ecx, 1024
        rep movsd
        mov dword [0x200008], 0x201007
        mov edi, 0x201000
        mov eax, ${other + 7}
        mov ecx, 1024
table:  stosd
        add eax, 4096
        loop table
        mov dword [${page}], 1
        mov dword [${other}], 100
        xor edx, edx
        mov ebp, 2000
turn:   mov eax, 0x200000
        mov cr3, eax
        add edx, [${page}]
        mov eax, ${System.directory}
        mov cr3, eax
        add edx, [${page}]
        dec ebp
        jnz turn
        hlt`;
    for (const [tier, parts] of runEverywhere({ text })) {
      expect(registersOf(parts)['edx']).toBe(2000 * 101);
      const { kept, switches, fills, traces } = parts.cpu.shadow.statistics;
      expect(kept, tier.name).toBeGreaterThanOrEqual(3990);
      expect(switches, tier.name).toBeGreaterThanOrEqual(4000);
      expect(fills, tier.name).toBeLessThan(4200 - 4000);
      expect(traces, tier.name).toBeLessThan(10_000);
    }
  });
});
