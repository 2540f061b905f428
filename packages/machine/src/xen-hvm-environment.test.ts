/** What a small kernel with translated memory finds around it: rings, memory, its processor. */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import {
  asProgram,
  forced,
  hvmChecks,
  mapShared,
  pagingModes,
  param,
  programs,
} from './test-hvm-pieces.ts';
import { describeChecks, eventsWithoutEnd } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';
import { ringChecks } from './test-xen-rings.ts';

const { call, faults, leaves } = hvmChecks;

let labels = 0;

/** The parameters of the rings, in `places` from 0 on; they stand before all other checks. */
const findRings = `        jmp behind_places
places: dd 0, 0, 0, 0
behind_places:
${[17, 18, 1, 2]
  .map((index, place) => {
    const shift = index % 2 === 1 && index !== 18 ? '        shl eax, 12\n' : '';
    return `${param(1, index, 0)}
        mov eax, [argument + 8]
${shift}        mov [places + ${place * 4}], eax`;
  })
  .join('\n')}`;
const rings = ringChecks(hvmChecks, {
  console: '[places]',
  consolePort: '[places + 4]',
  store: '[places + 8]',
  storePort: '[places + 12]',
});

/** A read of the local APIC's register, after a write of some bytes of it. */
const apic = (write: string, value: number): string =>
  leaves(`${write}\n        mov eax, [0xfee00380]`, 'eax', value);

const checks: NamedChecks = {
  ...Object.fromEntries(
    Object.entries(rings).map(([name, list]) => [name, [findRings, ...list] as const]),
  ),
  'Xen by its leaves, wherever they are': [
    `        mov esi, 0x40000000
next_leaves:
        mov eax, esi
        cpuid
        cmp ebx, 0x566e6558
        je at_leaves
        add esi, 0x100
        cmp esi, 0x40010000
        jb next_leaves
        call fail
at_leaves:`,
    leaves('        cmp ecx, 0x65584d4d\n        sete al\n        movzx eax, al', 'eax', 1),
    leaves(
      '        mov eax, esi\n        cpuid\n        sub eax, esi\n        cmp eax, 2\n' +
        '        setae al\n        movzx eax, al',
      'eax',
      1,
    ),
    leaves('        lea eax, [esi + 2]\n        cpuid', 'eax', 1),
  ],
  'no more of a register than was written (XSA-239)': [
    apic('        mov dword [0xfee00380], 0x12345678', 0x1234_5678),
    apic('        mov eax, -1\n        mov byte [0xfee00380], 9', 0x1234_5609),
    apic('        mov byte [0xfee00381], 9', 0x1234_0909),
    apic('        mov word [0xfee00382], 7', 0x7_0909),
    apic('        mov dword [0xfee00380], 0', 0),
    leaves('        movzx eax, byte [0xfee00031]\n        mov ah, [0xfee00034]', 'eax', 0),
    ...bothWays('        in al, 0x99').flatMap((code) => [
      leaves(`        mov eax, 0x12345600\n${code}`, 'eax', 0x1234_56ff),
    ]),
    ...bothWays('        in ax, dx').map((code) =>
      leaves(`        mov eax, 0x12340000\n        mov edx, 0x99\n${code}`, 'eax', 0x1234_ffff),
    ),
    ...bothWays('        insb').map((code) =>
      leaves(
        `        mov dword [page_free], 0x11223344
        mov edi, page_free
        mov edx, 0x99
${code}`,
        'dword [page_free]',
        0x1122_33ff,
      ),
    ),
    // Where there is no memory, nor anything else.
    ...bothWays('        mov al, [0xd0000000]').map((code) =>
      leaves(`        mov eax, 0x12345600\n${code}`, 'eax', 0x1234_56ff),
    ),
    ...bothWays('        movsw').map((code) =>
      leaves(
        `        mov dword [page_free], 0x11223344
        mov edi, page_free
        mov esi, 0xd0000001
${code}`,
        'dword [page_free]',
        0x1122_ffff,
      ),
    ),
  ],
  'no calls from rings 1 to 3 (XSA-76)': [
    programs,
    `        mov dword [program_gdt + 28], 0x00cfbb00
        mov dword [program_gdt + 36], 0x00cfb300`,
    faults(
      `        push 0x21
        push program_stack
        push 2
        push 0x19
        push in_ring_1
        iret
in_ring_1:
        mov eax, 17
        xor ebx, ebx
        vmcall
        mov [ss:seen], eax
        ud2`,
      6,
    ),
    leaves('', 'dword [seen]', -1),
  ],
  'numbers in decimal, which fault as they should (XSA-66)': [
    programs,
    '        xor eax, eax\n        mov gs, ax\n        fninit',
    ...bothWays('        fbld [page_free]').map((code) =>
      leaves(
        `        mov dword [page_free], 0x12345678
        mov dword [page_free + 4], 0
        mov word [page_free + 8], 0
${code}
        fistp dword [page_free + 16]`,
        'dword [page_free + 16]',
        12_345_678,
      ),
    ),
    ...bothWays('        fbld [gs:page_free]').map((code) => faults(code, 13)),
    ...bothWays('        fbstp [gs:page_free]').map((code) => faults(code, 13)),
  ],
  'registers that are not there': [
    // Masks of breakpoints (XSA-444), nested virtualization, what is known of attacks.
    ...[0xc001_1027, 0xc001_1019, 0xc001_0114, 0x9b, 0x48, 0x10a, 0x122, 0x1d9 + 0x1000].map(
      (index) => faults(`        mov ecx, ${index}\n        rdmsr`, 13),
    ),
    ...[0xc001_1027, 0x49, 0x10b].map((index) =>
      faults(
        `        mov ecx, ${index}\n        mov eax, 1\n        xor edx, edx\n        wrmsr`,
        13,
      ),
    ),
  ],
  'events without end (XSA-332)': [
    mapShared,
    `        mov dword [argument], 0x7ff0
        mov byte [page_free + 1], 1
${eventsWithoutEnd({ call })}`,
    leaves('', 'byte [page_free]', 1),
  ],
  'timers that are set beyond all time (XSA-20)': [
    ...[
      ['0x7fffffff', '-1', 0],
      ['-1', '0', 0],
      ['0x80000000', '0', 0],
      ['0', '0', -62],
    ].map(
      ([high = '', low = '', result = 0]) => `        mov dword [argument], ${low}
        mov dword [argument + 4], ${high}
        mov dword [argument + 8], ${result === 0 ? 0 : 1}
${call(24, ['ebx, 8', 'ecx, 0', 'edx, argument'], Number(result))}`,
    ),
    ...[
      [0, 0],
      [999_999, 0],
      [-1, 0xffff_ffff],
    ].map(
      ([low = 0, high = 0]) => `        mov dword [argument], ${low}
        mov dword [argument + 4], ${high}
${call(24, ['ebx, 6', 'ecx, 0', 'edx, argument'], -22)}`,
    ),
    call(24, ['ebx, 9', 'ecx, 0', 'edx, 0'], 0),
  ],
};

function bothWays(code: string): readonly string[] {
  return [code, `${forced}\n${code}`];
}

describeChecks('a PVH kernel', { machine: 'pvh', kernel: hvmTestKernel }, checks);

/** Makes the page at 8 MiB of small ones, or a large one again. */
const sizes: Readonly<Record<string, readonly [small: string, large: string]>> = {
  'with pages of 4 MiB': [
    `        mov edi, page_free
        mov eax, 0x800007
        mov ecx, 1024
fill_small_4:
        mov [edi], eax
        add edi, 4
        add eax, 0x1000
        loop fill_small_4
        mov eax, page_free + 7
        mov [page_tables + 8], eax`,
    '        mov dword [page_tables + 8], 0x800087',
  ],
  'with PAE': [
    `        mov edi, page_free
        mov eax, 0x800007
        mov ecx, 512
fill_small_8:
        mov [edi], eax
        mov dword [edi + 4], 0
        add edi, 8
        add eax, 0x1000
        loop fill_small_8
        mov eax, page_free + 7
        mov [page_tables + 0x1020], eax`,
    '        mov dword [page_tables + 0x1020], 0x800087',
  ],
};

for (const [name, [small, large]] of Object.entries(sizes)) {
  const kernel = (list: readonly string[]): Uint8Array =>
    hvmTestKernel([pagingModes[name] ?? '', ...list]);
  const flush = '        mov eax, cr3\n        mov cr3, eax';
  const run = (value: number): string =>
    leaves(`        mov eax, 5\n        mov ecx, 0x800000\n        call ecx`, 'eax', value);
  describeChecks(
    `a PVH kernel, ${name},`,
    { machine: 'pvh', kernel },
    {
      'that code goes on when its page becomes small ones and large again (XSA-304)': [
        programs,
        '        mov dword [0x800000], 0xc34040\n        mov dword [0x801000], 0xc34848',
        run(7),
        ...[0, 1].flatMap(() => [
          `${small.replaceAll('fill_small', `fill_small_${String(++labels)}`)}\n${flush}`,
          run(7),
          leaves('        mov eax, 5\n        mov ecx, 0x801000\n        call ecx', 'eax', 3),
          faults(
            asProgram('        mov ecx, 0x800000\n        call ecx\n        mov [seen], eax'),
            6,
          ),
          `${large}\n${flush}`,
          run(7),
        ]),
      ],
    },
  );
}

/** A timer's configuration: its input, level-triggered, enabled. */
const hpetTimer = (timer: number): string => `0xfed00100 + ${timer * 0x20}`;
const routes = [0, 2, 8, 15, 16, 20, 23, 24, 31];

describeChecks(
  'a kernel for Xen on a PC',
  { machine: 'pc', xen: true, kernel: hvmTestKernel },
  {
    'timers of the HPET with any input that there could be (XSA-261)': [
      leaves('        mov eax, 0x40000001\n        cpuid', 'eax', 0x4_0011),
      leaves('        mov eax, [0xfed00000]\n        and eax, 0xff', 'eax', 1),
      '        mov dword [0xfed00010], 1',
      ...[0, 1, 2].flatMap((timer) =>
        routes.flatMap((route) =>
          [4, 6].map((kind) =>
            leaves(
              `        mov dword [${hpetTimer(timer)}], ${kind | (route << 9)}
        mov eax, [0xfed000f0]
        add eax, 100
        mov [${hpetTimer(timer)} + 8], eax
        mov dword [${hpetTimer(timer)} + 12], 0
        mov ecx, eax
wait_${timer}_${route}_${kind}:
        mov eax, [0xfed000f0]
        sub eax, ecx
        js wait_${timer}_${route}_${kind}
        mov eax, [0xfed00020]
        mov dword [0xfed00020], 7
        mov dword [${hpetTimer(timer)}], 0`,
              'eax',
              kind === 6 ? 1 << timer : 0,
            ),
          ),
        ),
      ),
    ],
  },
);
