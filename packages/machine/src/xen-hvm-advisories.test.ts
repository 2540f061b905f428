/**
 * What a small kernel with translated memory finds where Xen's advisories say that a hypervisor
 * was wrong once: instructions, debug exceptions, tasks, calls. The number of the advisory stands
 * behind each (xenbits.xen.org/xsa).
 */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import {
  asProgram,
  forced,
  hvmChecks,
  mapXenPage,
  pagingModes,
  programs,
} from './test-hvm-pieces.ts';
import { describeChecks, memoryOfOtherNodes } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = hvmChecks;

const debug = 1;
const invalidOpcode = 6;
const generalProtection = 13;

const bothWays = (code: string): readonly string[] => [code, `${forced}\n${code}`];

/** Fills 4 KiB with ones, has Xen tell, and expects zeros behind the text's end. */
const tellsNoMore = (command: number, bytes: number): readonly string[] => [
  `        mov edi, page_free
        mov ecx, 1024
        or eax, -1
        rep stosd
${call(17, [`ebx, ${command}`, 'ecx, page_free'], 0)}`,
  leaves(
    `        mov edi, page_free
        mov ecx, ${bytes}
        xor eax, eax
        repne scasb
        repe scasb
        setz al
        movzx eax, al`,
    'eax',
    1,
  ),
  leaves('', 'dword [page_free + 4092]', -1),
];

/** Instructions of nested virtualization, none of which are there. */
const nested: readonly string[] = [
  '0xf3, 0x0f, 0xc7, 0x35, 0, 0, 0, 0', // VMXON
  '0x66, 0x0f, 0xc7, 0x35, 0, 0, 0, 0', // VMCLEAR
  '0x0f, 0xc7, 0x35, 0, 0, 0, 0', // VMPTRLD
  '0x0f, 0x78, 0xc0', // VMREAD
  '0x0f, 0x79, 0xc0', // VMWRITE
  '0x0f, 0x01, 0xc2', // VMLAUNCH
  '0x0f, 0x01, 0xc4', // VMXOFF
  '0x0f, 0x01, 0xd4', // VMFUNC
  '0x66, 0x0f, 0x38, 0x80, 5, 0, 0, 0, 0', // INVEPT
  '0x66, 0x0f, 0x38, 0x82, 5, 0, 0, 0, 0', // INVPCID
  '0x0f, 0x01, 0xd8', // VMRUN
  '0x0f, 0x01, 0xdc', // STGI
  '0x0f, 0x01, 0xdf', // INVLPGA
].map((bytes) => `        db ${bytes}`);

const writeMsr = (index: number, low: number): string =>
  `        mov ecx, ${index}\n        mov eax, ${low}\n        xor edx, edx\n        wrmsr`;

const checks: NamedChecks = {
  'CMPXCHG8B of eight bytes, whatever the operand size (XSA-200)': bothWays(
    '        db 0x66\n        cmpxchg8b [argument]',
  ).flatMap((code) => [
    `        mov dword [argument], 1
        mov dword [argument + 4], 2
        mov eax, 1
        mov edx, 2
        mov ebx, 0x30003
        mov ecx, 0x40004`,
    leaves(code, 'dword [argument]', 0x3_0003),
    leaves('', 'dword [argument + 4]', 0x4_0004),
  ]),
  'bits below the operand (XSA-195)': [
    ...bothWays('        bts [argument + 16], eax').flatMap((code) => [
      '        mov dword [argument + 12], 0\n        mov eax, -1',
      leaves(code, 'dword [argument + 12]', 0x8000_0000),
    ]),
    ...bothWays('        bts [argument + 16], ax').flatMap((code) => [
      '        mov dword [argument + 12], 0\n        mov eax, 0xffff',
      leaves(code, 'dword [argument + 12]', 0x8000_0000),
    ]),
  ],
  'no nested virtualization (XSA-203, 278, 279)': [
    programs,
    ...nested.flatMap((code) => bothWays(code).map((one) => faults(one, invalidOpcode))),
    ...nested.flatMap((code) => bothWays(code).map((one) => faults(asProgram(one), invalidOpcode))),
    leaves('        mov eax, 1\n        cpuid\n        and ecx, 0x20', 'ecx', 0),
    leaves('        mov eax, 0x80000001\n        cpuid\n        and ecx, 4', 'ecx', 0),
    faults('        mov eax, cr4\n        or eax, 0x2000\n        mov cr4, eax', generalProtection),
    faults('        mov ecx, 0x480\n        rdmsr', generalProtection),
    faults('        mov ecx, 0xc0010117\n        rdmsr', generalProtection),
    faults(writeMsr(0xc000_0080, 0x1000), generalProtection),
  ],
  'no store of branches to memory (XSA-269)': [
    ...[0x40, 0x80, 0xc0, 0x1c0].map((bits) => faults(writeMsr(0x1d9, bits), generalProtection)),
  ],
  'a step over a load of SS, and what stands behind it (XSA-260, 308)': [
    programs,
    ...[
      ['        db 0xf1', debug],
      ['        int3', 3],
      ['        ud2', invalidOpcode],
    ].map(
      ([code = '', vector = 0]) => `        pushfd
        or dword [esp], 0x100
        mov eax, ss
${faults(`        popfd\n        mov ss, ax\n${code}`, Number(vector))}`,
    ),
    // A breakpoint at what SS is loaded from is told of in the handler of what comes next.
    `        mov dword [argument], 16
        mov eax, argument
        mov dr0, eax
        mov eax, 0xf0001
        mov dr7, eax`,
    faults('        mov ss, [argument]\n        int3', debug),
    leaves('', 'dword [got_eip]', 'trap_3'),
    faults('        mov ss, [argument]\nafter_load:\n        nop', debug),
    leaves('', 'dword [got_eip]', 'after_load + 1'),
    '        xor eax, eax\n        mov dr7, eax',
  ],
  'debug registers': [
    leaves('        xor eax, eax\n        mov dr6, eax\n        mov eax, dr6', 'eax', 0xffff_0ff0),
    leaves('        or eax, -1\n        mov dr6, eax\n        mov eax, dr6', 'eax', 0xffff_efff),
    leaves('        xor eax, eax\n        mov dr7, eax\n        mov eax, dr7', 'eax', 0x400),
    `        mov eax, page_free
        mov dr0, eax
        mov dr1, eax
        mov dr2, eax
        mov dr3, eax`,
    leaves(
      '        mov eax, 0xffffdfff\n        mov dr7, eax\n        mov eax, dr7',
      'eax',
      0xffff_07ff,
    ),
    faults('        mov eax, [page_free]', debug),
    leaves('        mov eax, dr6\n        and eax, 15', 'eax', 15),
    leaves('        mov eax, dr7', 'eax', 0xffff_07ff),
    `        mov eax, 0x2400\n        mov dr7, eax`,
    faults('        mov eax, dr3', debug),
    leaves('        mov eax, dr6\n        and eax, 0x2000', 'eax', 0x2000),
    `        xor eax, eax
        mov dr7, eax
        mov eax, cr4
        or eax, 8
        mov cr4, eax`,
    faults('        mov eax, dr5', invalidOpcode),
  ],
  'CPUID that faults in programs, by itself and forced': [
    programs,
    leaves('        mov ecx, 0xce\n        rdmsr\n        and eax, 0x80000000', 'eax', 0x8000_0000),
    faults(writeMsr(0x140, 2), generalProtection),
    ...bothWays('        cpuid').flatMap((code) => [
      faults(asProgram(code), invalidOpcode),
      writeMsr(0x140, 1),
      faults(asProgram(code), generalProtection),
      leaves(`        mov eax, 0x40000000\n${code}`, 'ebx', 0x566e_6558),
      writeMsr(0x140, 0),
    ]),
  ],
  "tables' addresses, which programs may read without UMIP": [
    programs,
    ...['sgdt [argument]', 'sidt [argument]', 'sldt eax', 'str eax', 'smsw eax'].flatMap((line) =>
      bothWays(`        ${line}`).map((code) => faults(asProgram(code), invalidOpcode)),
    ),
    leaves('', 'word [argument]', 0x7ff),
  ],
  'INVLPG by any segment, which is no access (XSA-168)': [
    programs,
    '        xor eax, eax\n        mov gs, ax\n        mov eax, 0x33\n        mov fs, ax',
    ...['[0]', '[gs:0]', '[fs:0x1000]', '[fs:-1]', '[-1]', '[ss:esp]', '[bp + di]'].flatMap(
      (operand) =>
        bothWays(`        invlpg ${operand}`).map((code) =>
          leaves(`${code}\n        mov eax, 9`, 'eax', 9),
        ),
    ),
  ],
  'a task of virtual-8086 mode (XSA-192)': [
    programs,
    `        jmp behind_v86
v86_task:
        dd 0, program_kernel_stack, 16
        times 5 dd 0
        dd 0x10, 0x20002        ; EIP, EFLAGS
        times 4 dd 0
        dd 0x100                ; ESP
        times 3 dd 0
        dd 0x2222, 0x800, 0x7000, 0x1111, 0x3333, 0x4444, 0, 0x680000
behind_v86:
        mov dword [0x8010], 0xf4f4d88c
        mov eax, v86_task
        mov word [program_gdt + 48], 0x67
        mov [program_gdt + 50], ax
        shr eax, 16
        mov [program_gdt + 52], al
        mov word [program_gdt + 53], 0x89
        mov [program_gdt + 55], ah`,
    faults('        jmp 0x30:0', generalProtection),
    leaves('        movzx eax, word [got_cs]', 'eax', 0x800),
    leaves('', 'dword [got_eip]', 0x12),
    leaves('        mov eax, [got_eflags]\n        and eax, 0x20000', 'eax', 0x2_0000),
    leaves('        str eax', 'eax', 0x30),
    leaves('        mov eax, cr0\n        and eax, 8', 'eax', 8),
  ],
  'no more of Xen in an answer than the answer (XSA-122)': [
    ...tellsNoMore(1, 16),
    ...tellsNoMore(3, 1024),
    ...tellsNoMore(4, 64),
  ],
  'queues of events that were refused, and are made bigger (XSA-188)': [
    `        mov dword [argument], 0xfffff
        mov dword [argument + 4], 0
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
${call(32, ['ebx, 11', 'ecx, argument'], -22)}
        mov eax, page_free
        shr eax, 12
        mov [argument], eax
        mov dword [argument + 8], 4090
${call(32, ['ebx, 11', 'ecx, argument'], -22)}
${call(32, ['ebx, 12', 'ecx, argument'], -95)}`,
  ],
  'frames of status words that stand somewhere when they end (XSA-255)': [
    `        mov dword [argument], 2\n${call(20, ['ebx, 8', 'ecx, argument', 'edx, 1'], 0)}`,
    mapXenPage(1, 'page_free'),
    `        mov dword [page_other], 0x1234
${mapXenPage(1, 'page_other', 0x8000_0000)}`,
    leaves('        mov word [page_other], 5\n        mov eax, [page_other]', 'eax', 5),
    `        mov dword [argument], 1\n${call(20, ['ebx, 8', 'ecx, argument', 'edx, 1'], 0)}`,
    leaves('', 'dword [page_other]', 0x1234),
  ],
  'memory of a node that there is not (XSA-231)': memoryOfOtherNodes(hvmChecks),
  'frames that are no memory, given back (XSA-222, 277)': [
    ...[0xfee00, 0x12345, 0xffff_ffff].map(
      (frame) => `        mov dword [argument], 0x7ff0
        mov dword [argument + 4], ${frame}
${call(12, ['ebx, 15', 'ecx, argument'], -2)}
        mov dword [argument], argument + 20
        mov dword [argument + 4], 1
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
        mov dword [argument + 16], 0x7ff0
        mov dword [argument + 20], ${frame}
${call(12, ['ebx, 1', 'ecx, argument'], 0)}`,
    ),
    leaves('        mov eax, [0xfee00020]', 'eax', 0),
  ],
  'grants that cannot be mapped (XSA-224, 316)': [
    // Address, flags, reference, domain, and the status.
    ...[
      [0x200_0000, 0, 8, 1, -3],
      [0x200_0000, 3, 8, 1, -1],
      [0x200_0000, 0x12, 8, 1, -1],
      [0x200_0000, 2, 8, 77, -2],
      [0x200_0000, 2, 8, 0x7ff0, -2],
      [0x200_0000, 2, 8, 1, -1],
      [0x200_0000, 2, 0x1000_0000, 1, -3],
      [0xffff_f000, 2, 8, 1, -1],
    ].map(
      ([address = 0, flags = 0, reference = 0, domain = 0, status = 0]) =>
        `        mov dword [argument], ${address}
        mov dword [argument + 4], 0
        mov dword [argument + 8], ${flags}
        mov dword [argument + 12], ${reference}
        mov dword [argument + 16], ${domain}
${call(20, ['ebx, 0', 'ecx, argument', 'edx, 1'], 0)}
${leaves('        movsx eax, word [argument + 18]', 'eax', status)}`,
    ),
  ],
  'ports until there are no more (XSA-317)': [
    `        xor edi, edi
next_port:
        mov dword [argument], 0x7ff0
        mov ebx, 6
        mov ecx, argument
        mov eax, 32
        vmcall
        inc edi
        cmp edi, 5000
        je no_more_ports
        test eax, eax
        jz next_port
no_more_ports:
${leaves('', 'eax', -28)}`,
    `        mov dword [argument], 20
${call(32, ['ebx, 3', 'ecx, argument'], 0)}`,
    `        mov dword [argument], 0x7ff0
${call(32, ['ebx, 6', 'ecx, argument'], 0)}`,
    leaves('', 'dword [argument + 4]', 20),
    `        mov dword [argument], 0x7ff0
${call(32, ['ebx, 6', 'ecx, argument'], -28)}`,
  ],
  'calls that are for a tool stack': [
    ...[35, 36, 7].map((number) => call(number, ['ebx, 0xfffff000'], -14)),
    '        mov dword [argument], 27\n        mov dword [argument + 4], 0x15',
    call(35, ['ebx, argument'], -1),
    call(36, ['ebx, argument'], -1),
    '        mov dword [argument + 4], 0x14',
    call(35, ['ebx, argument'], -13),
    call(39, ['ebx, 1', 'ecx, 0', 'edx, 0', 'esi, 0', 'edi, 0'], -38),
    call(41, ['ebx, 0x7ff0', 'ecx, 0', 'edx, 0'], -3),
    call(41, ['ebx, 1', 'ecx, 2', 'edx, argument'], -1),
    call(41, ['ebx, 1', 'ecx, 3', 'edx, argument'], -7),
    call(41, ['ebx, 1', 'ecx, 1', 'edx, 0xfffff000'], -14),
    call(41, ['ebx, 0', 'ecx, 0', 'edx, 0'], -22),
  ],
};

describeChecks('a PVH kernel', { machine: 'pvh', kernel: hvmTestKernel }, checks);

/** What the kernel finds of entries with bits that have to be clear. */
const reserved: Readonly<Record<string, string>> = {
  'with pages of 4 MiB': `        mov eax, 0x200087
        mov [page_tables + 8], eax
        mov eax, cr3
        mov cr3, eax`,
  'with PAE': `        mov eax, 0x100087
        mov [page_tables + 0x1020], eax
        mov dword [page_tables + 0x1028], 0x87
        mov dword [page_tables + 0x102c], 0x80000
        mov eax, cr3
        mov cr3, eax`,
};

for (const [name, entries] of Object.entries(reserved)) {
  const kernel = (list: readonly string[]): Uint8Array =>
    hvmTestKernel([pagingModes[name] ?? '', entries, ...list]);
  const address = 0x80_0000;
  describeChecks(
    `a PVH kernel, ${name},`,
    { machine: 'pvh', kernel },
    {
      'bits that have to be clear (XSA-173)': [
        ...bothWays(`        mov eax, [${address}]`).map((code) => faults(code, 14, 9)),
        ...bothWays(`        mov [${address}], eax`).map((code) => faults(code, 14, 11)),
        ...(name === 'with PAE'
          ? [faults(`        mov eax, [${address + 0x20_0000}]`, 14, 9)]
          : []),
      ],
    },
  );
}

/** Has the last 4 MiB be the fourth, and code of its own at 4 GiB. */
const atTheEnd: Readonly<Record<string, string>> = {
  'with pages of 4 MiB': '        mov dword [page_tables + 4092], 0xc00087',
  'with PAE': `        mov eax, page_tables + 0x1001
        mov [page_tables + 24], eax
        mov dword [page_tables + 0x1ff8], 0xe00087
        mov eax, cr3
        mov cr3, eax`,
};

for (const [name, last] of Object.entries(atTheEnd)) {
  const kernel = (list: readonly string[]): Uint8Array =>
    hvmTestKernel([pagingModes[name] ?? '', last, ...list]);
  describeChecks(
    `a PVH kernel, ${name},`,
    { machine: 'pvh', kernel },
    {
      'that code goes on at address 0 (XSA-186)': [
        `        mov dword [0xfffffffb], 0x65780b0f
        mov byte [-1], 0x6e
        mov dword [0], 0xc34040`,
        leaves('        mov eax, 5\n        mov ecx, 0xfffffffb\n        call ecx', 'eax', 7),
      ],
    },
  );
}
