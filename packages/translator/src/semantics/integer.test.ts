import { describe, expect, it } from 'vitest';
import type { Case } from './test-cases.ts';
import { faultingPage, outcome } from './test-cases.ts';
import { TestMachine } from './test-machine.ts';

const data = 0x2000;

const arithmetic: readonly Case[] = [
  ['add eax, ebx', { eax: 0x7fffffff, ebx: 1 }, { eax: 0x80000000, flags: 'osap' }],
  ['add al, bl', { eax: 0xff, ebx: 1 }, { eax: 0, flags: 'zapc' }],
  ['adc eax, 0', { eax: 0xffffffff, flags: 'c' }, { eax: 0, flags: 'zapc' }],
  ['sub eax, ebx', { eax: 0, ebx: 1 }, { eax: 0xffffffff, flags: 'sapc' }],
  ['sbb ax, bx', { eax: 0x10000, ebx: 0, flags: 'c' }, { eax: 0x1ffff, flags: 'sapc' }],
  ['cmp eax, 5', { eax: 5 }, { eax: 5, flags: 'zp' }],
  ['inc eax', { eax: 0x7fffffff, flags: 'c' }, { eax: 0x80000000, flags: 'osapc' }],
  ['dec cl', { ecx: 0x100, flags: '' }, { ecx: 0x1ff, flags: 'sap' }],
  [
    'neg dword [ebx]',
    { ebx: data, memory: { [data]: 1 } },
    { memory: { [data]: 0xffffffff }, flags: 'sapc' },
  ],
  ['xor eax, eax', { eax: 5, flags: 'c' }, { eax: 0, flags: 'zp' }],
  ['not ah', { eax: 0x0f00, flags: 'c' }, { eax: 0xf000, flags: 'c' }],
];

const moves: readonly Case[] = [
  ['mov ah, 0x12', { eax: 0xffffffff }, { eax: 0xffff12ff }],
  ['movsx eax, byte [ebx]', { ebx: data, memory: { [data]: 0x80 } }, { eax: 0xffffff80 }],
  ['movzx eax, bx', { eax: -1, ebx: 0x12348000 }, { eax: 0x8000 }],
  ['movsx ax, bl', { eax: 0x11110000, ebx: 0x80 }, { eax: 0x1111ff80 }],
  ['bswap eax', { eax: 0x12345678 }, { eax: 0x78563412 }],
  [
    'xchg [ebx], eax',
    { eax: 1, ebx: data, memory: { [data]: 2 } },
    { eax: 2, memory: { [data]: 1 } },
  ],
  ['xchg al, ah', { eax: 0x1234 }, { eax: 0x3412 }],
  ['lea eax, [ebx+ecx*4+8]', { ebx: 0x100, ecx: 3 }, { eax: 0x114 }],
  ['lea ax, [ebx+1]', { eax: -1, ebx: 0x1ffff }, { eax: 0xffff0000 }],
  ['cmovz eax, ebx', { eax: 1, ebx: 2, flags: 'z' }, { eax: 2 }],
  ['cmovz eax, ebx', { eax: 1, ebx: 2 }, { eax: 1 }],
  ['cmovz eax, [ebx]', { eax: 1, ebx: faultingPage }, { eax: 1, fault: 14 }],
  ['setbe al', { flags: 'c' }, { eax: 1 }],
  ['setg al', { eax: 7, flags: 'z' }, { eax: 0 }],
  ['cmpxchg ebx, ecx', { eax: 5, ebx: 5, ecx: 9 }, { eax: 5, ebx: 9, flags: 'zp' }],
  ['cmpxchg ebx, ecx', { eax: 4, ebx: 5, ecx: 9 }, { eax: 5, ebx: 5, flags: 'sapc' }],
  [
    'cmpxchg8b [esi]',
    { esi: data, eax: 1, edx: 2, ebx: 3, ecx: 4, memory: { [data]: 1, [data + 4]: 2 }, flags: 'c' },
    { memory: { [data]: 3, [data + 4]: 4 }, flags: 'zc' },
  ],
  [
    'cmpxchg8b [esi]',
    {
      esi: data,
      eax: 1,
      edx: 2,
      ebx: 3,
      ecx: 4,
      memory: { [data]: 8, [data + 4]: 9 },
      flags: 'zs',
    },
    { eax: 8, edx: 9, memory: { [data]: 8 }, flags: 's' },
  ],
  ['xadd eax, ebx', { eax: 3, ebx: 4 }, { eax: 7, ebx: 3, flags: '' }],
  ['xadd eax, eax', { eax: 3 }, { eax: 6, flags: 'p' }],
  ['xlatb', { eax: 0x104, ebx: data, memory: { [data + 4]: 0x5a } }, { eax: 0x15a }],
  ['lahf', { flags: 'szapc' }, { eax: 0xd700 }],
  ['sahf', { eax: 0x4100, flags: 'osa' }, { flags: 'oz', among: 'oszap' }],
  ['cbw', { eax: 0x12345680 }, { eax: 0x1234ff80 }],
  ['cwde', { eax: 0x8000 }, { eax: 0xffff8000 }],
  ['cdq', { eax: 0x80000000 }, { edx: 0xffffffff }],
  ['cwd', { eax: 0x7fff, edx: -1 }, { edx: 0xffff0000 }],
  ['movbe eax, [ebx]', { ebx: data, memory: { [data]: 0x12345678 } }, { eax: 0x78563412 }],
  ['crc32 eax, byte [ebx]', { ebx: data, memory: { [data]: 0x61 } }, { eax: 0x93ad1061 }],
  ['crc32 eax, ebx', { eax: -1, ebx: 0 }, { eax: 0xb798b438 }],
];

const multiply: readonly Case[] = [
  ['mul ebx', { eax: 0x80000000, ebx: 4 }, { eax: 0, edx: 2, flags: 'oc', among: 'oc' }],
  ['mul bl', { eax: 0xff10, ebx: 15 }, { eax: 0xf0, flags: '', among: 'oc' }],
  [
    'mul bx',
    { eax: 0xffff, ebx: 0xffff, edx: -1 },
    { eax: 1, edx: 0xfffffffe, flags: 'oc', among: 'oc' },
  ],
  ['imul ebx', { eax: -2, ebx: 3 }, { eax: 0xfffffffa, edx: 0xffffffff, flags: '', among: 'oc' }],
  ['imul bl', { eax: 0x80, ebx: 0xff }, { eax: 0x80, flags: 'oc', among: 'oc' }],
  ['imul eax, ebx, -3', { ebx: 5 }, { eax: 0xfffffff1, flags: '', among: 'oc' }],
  ['imul ax, bx', { eax: 0x4000, ebx: 4 }, { eax: 0, flags: 'oc', among: 'oc' }],
  ['div ebx', { eax: 7, edx: 1, ebx: 2 }, { eax: 0x80000003, edx: 1 }],
  ['div ebx', { eax: 7, edx: 2, ebx: 2 }, { eax: 7, edx: 2, fault: 0 }],
  ['div bl', { eax: 0x0105, ebx: 2 }, { eax: 0x0182 }],
  ['div bl', { eax: 0x0205, ebx: 2 }, { eax: 0x205, fault: 0 }],
  ['div cx', { eax: 1, edx: 1, ecx: 0 }, { fault: 0 }],
  ['idiv ebx', { eax: -7, edx: -1, ebx: 2 }, { eax: 0xfffffffd, edx: 0xffffffff }],
  ['idiv ebx', { eax: 0, edx: 0x80000000, ebx: -1 }, { fault: 0 }],
  ['idiv ebx', { eax: 0x80000000, edx: -1, ebx: -1 }, { fault: 0 }],
  ['idiv ebx', { eax: 0x80000000, edx: -1, ebx: 1 }, { eax: 0x80000000, edx: 0 }],
  ['idiv bx', { eax: 0, edx: 0x8000, ebx: 0xffff }, { fault: 0 }],
  ['idiv bl', { eax: 0xff80, ebx: 0xff }, { fault: 0 }],
  ['idiv bl', { eax: 0xff80, ebx: 1 }, { eax: 0x80 }],
  ['aaa', { eax: 0x0f }, { eax: 0x105, flags: 'ac', among: 'ac' }],
  ['aas', { eax: 0x0200, flags: 'a' }, { eax: 0x0a, flags: 'ac', among: 'ac' }],
  ['aam 10', { eax: 0x3f }, { eax: 0x603, flags: 'p', among: 'szp' }],
  ['aam 0', { eax: 0x3f }, { eax: 0x3f, fault: 0 }],
  ['aaa', { eax: 0x7fff }, { eax: 0x8105, flags: 'osapc' }],
  ['aaa', { eax: 0x0100 }, { eax: 0x0100, flags: 'p' }],
  ['aas', { eax: 0x8005, flags: 'a' }, { eax: 0x7e0f, flags: 'oapc' }],
  ['aas', { eax: 0x0106, flags: 'a' }, { eax: 0, flags: 'zapc' }],
  ['aad 10', { eax: 0x0a7f }, { eax: 0xe3, flags: 'osa', among: 'oszapc' }],
  ['aad 10', { eax: 0x197f }, { eax: 0x79, flags: 'ac', among: 'oszac' }],
  ['daa', { eax: 0x7a }, { eax: 0x80, flags: 'osa', among: 'oszac' }],
  ['das', { eax: 0x80, flags: 'a' }, { eax: 0x7a, flags: 'oa', among: 'oszac' }],
  ['aad 10', { eax: 0x0603 }, { eax: 0x3f, flags: 'p', among: 'szp' }],
  ['daa', { eax: 0x9a }, { eax: 0, flags: 'zapc', among: 'szapc' }],
  ['das', { eax: 0x05, flags: 'a' }, { eax: 0xff, flags: 'sapc', among: 'szapc' }],
];

const shifts: readonly Case[] = [
  ['shl eax, 1', { eax: 0xc0000000 }, { eax: 0x80000000, flags: 'spc', among: 'oszpc' }],
  ['shl eax, 1', { eax: 0x40000000 }, { eax: 0x80000000, flags: 'osp', among: 'oszpc' }],
  ['shl eax, cl', { eax: 5, ecx: 32, flags: 'osz' }, { eax: 5, flags: 'osz' }],
  ['shl al, 8', { eax: 0x101 }, { eax: 0x100, flags: 'zpc', among: 'szpc' }],
  ['shl ax, 17', { eax: 0xffff }, { eax: 0, flags: 'zp', among: 'szpc' }],
  ['shr eax, 31', { eax: 0xc0000000 }, { eax: 1, flags: 'c', among: 'szpc' }],
  ['shr eax, 2', { eax: 0xc0000000, flags: 'o' }, { eax: 0x30000000, flags: 'p', among: 'oszpc' }],
  ['shl eax, 2', { eax: 0x60000000 }, { eax: 0x80000000, flags: 'spc', among: 'oszpc' }],
  [
    'shld eax, ebx, 3',
    { eax: 0x30000001, ebx: 0 },
    { eax: 0x80000008, flags: 'sc', among: 'oszc' },
  ],
  [
    'shld eax, ebx, 3',
    { eax: 0x90000001, ebx: 0 },
    { eax: 0x80000008, flags: 'os', among: 'oszc' },
  ],
  ['shrd eax, ebx, 2', { eax: 0x80000000, ebx: 1 }, { eax: 0x60000000, flags: 'o', among: 'oszc' }],
  ['shrd eax, ebx, 2', { eax: 0, ebx: 3 }, { eax: 0xc0000000, flags: 's', among: 'oszc' }],
  ['shr al, 1', { eax: 0x81 }, { eax: 0x40, flags: 'oc', among: 'oszpc' }],
  ['sar eax, 4', { eax: 0x80000008 }, { eax: 0xf8000000, flags: 'spc', among: 'szpc' }],
  ['sar al, 31', { eax: 0x80 }, { eax: 0xff, flags: 'spc', among: 'szpc' }],
  ['rol eax, 4', { eax: 0x12345678, flags: 'z' }, { eax: 0x23456781, flags: 'zc', among: 'zc' }],
  ['rol al, 9', { eax: 0x80 }, { eax: 1, flags: 'c', among: 'c' }],
  ['ror ax, 1', { eax: 1 }, { eax: 0x8000, flags: 'oc', among: 'oc' }],
  ['ror al, 8', { eax: 0x80, flags: '' }, { eax: 0x80, flags: 'c', among: 'c' }],
  ['rcl eax, 1', { eax: 0x80000000, flags: 'c' }, { eax: 1, flags: 'oc', among: 'oc' }],
  ['rcl al, 9', { eax: 0x5a, flags: 'c' }, { eax: 0x5a, flags: 'c', among: 'c' }],
  ['rcr eax, 1', { eax: 1, flags: 'c' }, { eax: 0x80000000, flags: 'oc', among: 'oc' }],
  ['rcr ax, 17', { eax: 0x1234, flags: 'c' }, { eax: 0x1234, flags: 'c', among: 'c' }],
  ['rcr eax, 31', { eax: 0x80000001 }, { eax: 5, flags: '', among: 'c' }],
  [
    'shld eax, ebx, 8',
    { eax: 0x12345678, ebx: 0xabcdef01 },
    { eax: 0x345678ab, flags: '', among: 'c' },
  ],
  [
    'shrd eax, ebx, 8',
    { eax: 0x12345678, ebx: 0xabcdef01 },
    { eax: 0x01123456, flags: '', among: 'sc' },
  ],
  ['shrd ax, bx, 4', { eax: 0x1238, ebx: 0xf }, { eax: 0xf123, flags: 'sc', among: 'sc' }],
  ['shld eax, ebx, cl', { eax: 1, ebx: -1, ecx: 0, flags: 'c' }, { eax: 1, flags: 'c' }],
];

const bits: readonly Case[] = [
  ['bt eax, ebx', { eax: 4, ebx: 34, flags: 'z' }, { flags: 'zc', among: 'zc' }],
  [
    'bts [esi], eax',
    { esi: data + 4, eax: -1, memory: { [data]: 0 } },
    { memory: { [data]: 0x80000000 }, flags: '', among: 'c' },
  ],
  [
    'btr word [esi], 17',
    { esi: data, memory: { [data]: 3 } },
    { memory: { [data]: 1 }, flags: 'c', among: 'c' },
  ],
  ['btc [esi], ax', { esi: 0x4000, eax: 0x8011, memory: { 0x3002: 0 } }, { memory: { 0x3002: 2 } }],
  ['bsf eax, ebx', { eax: 9, ebx: 0 }, { eax: 9, flags: 'z', among: 'z' }],
  ['bsf eax, ebx', { ebx: 0x50 }, { eax: 4, flags: '', among: 'z' }],
  ['bsr eax, ebx', { ebx: 0x50 }, { eax: 6, flags: '', among: 'z' }],
  ['bsr ax, bx', { ebx: 0x8000 }, { eax: 15 }],
  ['popcnt eax, ebx', { ebx: 0xff, flags: 'oszapc' }, { eax: 8, flags: '' }],
  ['popcnt eax, ebx', { ebx: 0, flags: '' }, { eax: 0, flags: 'z' }],
];

function run(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    const machine = new TestMachine();
    it.each(cases.map((item) => [item[0], item] as const))('%s', (_text, item) => {
      expect(outcome(machine, item)).toEqual(item[2]);
    });
  });
}

run('arithmetic', arithmetic);
run('moves', moves);
run('multiplication and division', multiply);
run('shifts', shifts);
run('bits', bits);
