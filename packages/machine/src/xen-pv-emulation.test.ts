/**
 * What a small paravirtual kernel for Xen finds of the processor: flags and control registers as
 * they are under Xen, instructions that are done for it and those that are not.
 */
import { pvTestKernel } from './test-pv-kernel.ts';
import { leafOf, mapShared, openPage, pvChecks, setIopl, user } from './test-pv-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = pvChecks;

const openProgram = (): string => `${openPage('user_page')}\n${openPage('user_stack')}`;
const setControl4 = (value: number): string =>
  leaves(`        mov eax, ${value}\n        mov cr4, eax\n        mov eax, cr4`, 'eax', value);
/** The flags of the last frame but for RF, which a software interrupt that is done for it sets. */
const gotFlags = (flags: number): string =>
  leaves('        mov eax, [got_eflags]\n        and eax, 0xfffeffff', 'eax', flags);
/** A breakpoint of ports in DR0, of a byte at 0x80, and DR7 that it is on. */
const portBreakpoint = call(8, ['ebx, 0', 'ecx, 0x80'], 0);
const on = 0x2_0001;
const status = (): string => leaves('        mov eax, dr6\n        and eax, 0x400f', 'eax', 1);
const clearStatus = call(8, ['ebx, 6', 'ecx, 0'], 0);

/** Sets the LDT to entries in `page_free`. */
const setLdt = (entries: number): string => `        mov dword [argument], 13
        mov dword [argument + 4], page_free
        mov dword [argument + 8], ${entries}
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], 0)}`;
const outsFromFs = `        mov esi, entry
        mov edx, 0x80
        mov eax, 1
        db 0x64
        outsb`;

const checks: NamedChecks = {
  'alignment checks of programs': [
    openProgram(),
    faults(user('user_unaligned'), 0x80),
    faults(user('user_unaligned', 0x4_0200), 17),
    leaves('        mov eax, cr0', 'eax', 0x8005_0033 | 0),
  ],
  'flags that a program is given, and those of a frame': [
    openProgram(),
    faults(user('user_call + 2', 0x4_4ed7), 0x80),
    gotFlags(0x4_4ed7),
    // I/O privilege is not the processor's.
    faults(user('user_call + 2', 0x3202), 0x80),
    gotFlags(0x202),
  ],
  'UD2 in front of a page that is not there': [
    openProgram(),
    openPage('page_free'),
    call(14, ['ebx, user_page', 'ecx, 0', 'edx, 0', 'esi, 2'], 0),
    `        mov word [page_free + 4094], 0x0b0f`,
    faults('        jmp page_free + 4094', 14, 0),
    leaves('        mov eax, cr2', 'eax', 'user_page'),
    leaves('        mov eax, [got_eip]', 'eax', 'page_free + 4094'),
    faults(user('page_free + 4094'), 14, 4),
    // The prefix of forced emulation, with nothing behind it, with one byte, and with two.
    ...[
      [4091, [], 14],
      [4090, [0x0f], 14],
      [4089, [0x90, 0x90], 6],
    ].map(([at, rest, vector]) => {
      const bytes = [0x0f, 0x0b, 0x78, 0x65, 0x6e, ...(rest as number[])];
      const stores = bytes.map((byte, index) => {
        return `        mov byte [page_free + ${String(Number(at) + index)}], ${String(byte)}`;
      });
      return `${stores.join('\n')}
${faults(`        jmp page_free + ${String(at)}`, Number(vector))}`;
    }),
  ],
  'breakpoints of ports': [
    portBreakpoint,
    // They need CR4.DE, whichever breakpoint is on; while none is, they may stand there.
    call(8, ['ebx, 7', `ecx, ${on}`], -1),
    call(8, ['ebx, 7', `ecx, ${on & ~1}`], 0),
    setControl4(0x628),
    call(8, ['ebx, 7', `ecx, ${on}`], 0),
    leaves('        mov eax, dr7', 'eax', on | 0x400),
    faults('        in al, 0x80', 13),
    setIopl(1),
    faults('        in al, 0x80', 1),
    status(),
    clearStatus,
    leaves('        mov eax, 7\n        out 0x7f, al\n        out 0x81, al', 'eax', 7),
    faults('        out 0x7d, eax', 1),
    status(),
    leaves('        mov ecx, 3\n        mov edx, 0x80\n        mov esi, page_free', 'ecx', 3),
    faults('        rep outsb', 1),
    leaves('', 'ecx', 2),
    setIopl(3),
    openProgram(),
    faults(user('user_out'), 1),
    call(8, ['ebx, 7', 'ecx, 0'], 0),
    faults(user('user_out'), 0x80),
  ],
  'instructions that are not done for it': [
    faults('        xor eax, eax\n        inc eax\n        lmsw ax', 13),
    faults('        invlpg [page_free]', 13),
    faults('        lgdt [page_free]', 13),
    faults('        xor eax, eax\n        ltr ax', 13),
    faults('        xor ecx, ecx\n        rdpmc', 13),
    // XSETBV, without XSAVE in this processor.
    faults('        db 0x0f, 0x01, 0xd1', 6),
    faults('        mov ecx, 0x8b\n        mov eax, 1\n        wrmsr', 13),
    faults('        hlt', 13),
    // The low bits of CR3 are the high ones of a frame.
    faults('        mov eax, cr3\n        or eax, 0x18\n        mov cr3, eax', 13),
    leaves('        mov eax, cr3\n        mov cr3, eax\n        xor eax, eax', 'eax', 0),
  ],
  'ports whose registers are kept, and all others, where nothing is': [
    setIopl(1),
    leaves('        mov edx, 0xcf8\n        in eax, dx', 'eax', 0),
    leaves(
      `        mov eax, 0x80001234
        out dx, eax
        xor eax, eax
        in eax, dx`,
      'eax',
      0x8000_1234 | 0,
    ),
    // A part of it is other ports.
    leaves('        xor eax, eax\n        out dx, ax\n        in ax, dx', 'eax', 0xffff),
    leaves('        in eax, dx', 'eax', 0x8000_1234 | 0),
    leaves('        mov edx, 0xcfc\n        in eax, dx', 'eax', -1),
    leaves(
      `        mov dword [page_free], 0x12345678
        mov esi, page_free
        mov edi, page_free + 4
        mov edx, 0xcf8
        outsd
        insd
        mov eax, [page_free + 4]`,
      'eax',
      0x1234_5678,
    ),
    leaves('        xor eax, eax\n        in al, 0x70', 'eax', 0),
    leaves('        mov al, 0x8f\n        out 0x70, al\n        in al, 0x70', 'eax', 0xf),
    leaves('        mov al, 1\n        out 0x71, al\n        in al, 0x71', 'eax', 0xff),
    leaves('        xor eax, eax\n        in eax, 0x6e', 'eax', 0xff0f_ffff | 0),
    leaves('        mov eax, 0x55ee\n        out 0x6f, ax\n        in al, 0x70', 'al', 0x55),
    leaves(
      '        mov al, 0xb6\n        out 0x43, al\n        in al, 0x42\n        mov ah, al\n' +
        '        in al, 0x61\n        movzx eax, ax',
      'eax',
      0xffff,
    ),
  ],
  'the map of ports, which is to lie below Xen': [
    ...[
      [0, 0x1_0001, -22],
      [0xf57f_e001, 8, -22],
      [0xf57f_e000, 8, 0],
    ].map(
      ([address = 0, ports = 0, result = 0]) => `        mov dword [argument], ${address}
        mov dword [argument + 4], ${ports}
${call(33, ['ebx, 7', 'ecx, argument'], result)}`,
    ),
    call(33, ['ebx, 10', 'ecx, argument'], -1),
    // Nobody frees vectors of interrupts any more.
    call(33, ['ebx, 11', 'ecx, argument'], -38),
  ],
  'registers that a guest without devices has no say in': [
    leaves(
      '        or eax, -1\n        mov ecx, 0x345\n        rdmsr\n        or eax, edx',
      'eax',
      0,
    ),
    leaves('        mov ecx, 0x277\n        rdmsr', 'eax', 0x0007_0406),
    leaves('', 'edx', 0x501),
    // Machine checks: two banks without any.
    leaves('        mov ecx, 0x179\n        rdmsr', 'eax', 2),
    leaves('        mov ecx, 0x404\n        rdmsr\n        and eax, edx', 'eax', -1),
    leaves('        mov ecx, 0x405\n        rdmsr\n        or eax, edx', 'eax', 0),
    leaves('        mov ecx, 0x408\n        rdmsr\n        or eax, edx', 'eax', 0),
    leaves('        mov ecx, 0x17b\n        or eax, -1\n        wrmsr\n        rdmsr', 'eax', 0),
    faults('        mov ecx, 0x179\n        rdmsr\n        wrmsr', 13),
    faults('        mov ecx, 0x408\n        rdmsr\n        wrmsr', 13),
    // EFER as it is, and no other.
    leaves(
      '        mov ecx, 0xc0000080\n        rdmsr\n        wrmsr\n        inc eax',
      'eax',
      0x801,
    ),
    faults('        mov ecx, 0xc0000080\n        rdmsr\n        inc eax\n        wrmsr', 13),
    // A counter of the processor's, while nothing is counted.
    leaves(
      '        mov ecx, 0xc0010004\n        rdmsr\n        or eax, 5\n        wrmsr\n        rdmsr',
      'eax',
      0,
    ),
    faults('        mov ecx, 0x1d9\n        rdmsr', 13),
    faults('        mov ecx, 0x10\n        xor eax, eax\n        wrmsr', 13),
    // Without RDTSCP there is no such register.
    faults('        mov ecx, 0xc0000103\n        rdmsr', 13),
    faults('        invd', 13),
    leaves('        mov eax, 1\n        wbinvd', 'eax', 1),
  ],
  'registers before there is a handler of #GP': [
    call(0, ['ebx, 0'], 0),
    leaves(
      '        mov ecx, 0x1d9\n        or eax, -1\n        rdmsr\n        or eax, edx',
      'eax',
      0,
    ),
  ],
  'CLI and STI, which do not touch the upcall mask': [
    mapShared('page_free'),
    setIopl(1),
    leaves('        sti', 'byte [page_free + 1]', 1),
    leaves('        mov byte [page_free + 1], 0\n        cli', 'byte [page_free + 1]', 0),
  ],
  "miscellaneous features that are the host's": [
    leaves('        mov ecx, 0x1a0\n        rdmsr', 'eax', 0x80_1801),
    leaves(
      '        xor eax, eax\n        xor edx, edx\n        wrmsr\n        rdmsr',
      'eax',
      0x80_1801,
    ),
  ],
  'segments of strings to ports, within the limit that the LDT has by now': [
    setIopl(1),
    `        mov dword [page_free + 24], 0x0000ffff
        mov dword [page_free + 28], 0x00cfb300
${leafOf('page_free')}
        mov ecx, [esi]
        and ecx, -3
${call(14, ['ebx, page_free', 'edx, 0', 'esi, 2'], 0)}
${setLdt(4)}`,
    leaves('        mov eax, 0x1d\n        mov fs, eax\n        mov eax, fs', 'eax', 0x1d),
    leaves(outsFromFs, 'eax', 1),
    setLdt(3),
    faults(outsFromFs, 13),
  ],
  'a step over a store to a page table': [
    call(21, ['ebx, 0', 'ecx, 2'], 0),
    `        mov esi, [leaf_table]
        pushfd
        or dword [esp], 0x100
${faults('        popfd\n        lock or dword [esi], 0x20', 1)}
${leaves('        mov eax, dr6\n        and eax, 0x4000', 'eax', 0x4000)}`,
  ],
};

describeChecks('a kernel for Xen', { machine: 'xenpv', kernel: pvTestKernel }, checks);

const extended: NamedChecks = {
  'extended state, once it has set CR4.OSXSAVE': [
    faults('        xor ecx, ecx\n        db 0x0f, 0x01, 0xd0', 6),
    faults('        db 0x0f, 0x01, 0xd1', 6),
    leaves('        mov eax, 1\n        cpuid\n        shr ecx, 26\n        and ecx, 3', 'ecx', 1),
    setControl4(0x4_0620),
    leaves('        mov eax, 1\n        cpuid\n        shr ecx, 26\n        and ecx, 3', 'ecx', 3),
    leaves('        xor ecx, ecx\n        db 0x0f, 0x01, 0xd0', 'eax', 1),
    leaves(
      `        xor ecx, ecx
        xor edx, edx
        mov eax, 7
        db 0x0f, 0x01, 0xd1
        vpaddd ymm0, ymm1, ymm2
        xor eax, eax
        db 0x0f, 0x01, 0xd0`,
      'eax',
      7,
    ),
    faults('        mov eax, 2\n        db 0x0f, 0x01, 0xd1', 13),
    faults('        mov eax, 5\n        db 0x0f, 0x01, 0xd1', 13),
    faults('        mov eax, 15\n        db 0x0f, 0x01, 0xd1', 13),
    faults('        mov eax, 1\n        inc ecx\n        db 0x0f, 0x01, 0xd1', 13),
  ],
  'features that need page tables or control registers of its own, which are hidden': [
    leaves('        mov eax, 1\n        cpuid\n        and edx, 0x2300a', 'edx', 0),
    // PAE, FXSR, SSE2.
    leaves('        mov eax, 1\n        cpuid\n        and edx, 0x5000040', 'edx', 0x500_0040),
    leaves(
      '        mov eax, 7\n        xor ecx, ecx\n        cpuid\n        and ebx, 0x100480',
      'ebx',
      0,
    ),
    leaves('        mov eax, 7\n        xor ecx, ecx\n        cpuid\n        and ecx, 4', 'ecx', 0),
    // RDSEED is there, and NX.
    leaves(
      '        mov eax, 7\n        xor ecx, ecx\n        cpuid\n        and ebx, 0x40000',
      'ebx',
      0x4_0000,
    ),
    leaves(
      '        mov eax, 0x80000001\n        cpuid\n        and edx, 0x100808',
      'edx',
      0x10_0000,
    ),
  ],
  'RDTSCP, hidden from programs and done for the kernel': [
    leaves('        mov ecx, 0xc0000103\n        or eax, -1\n        rdmsr', 'eax', 0),
    leaves('        mov eax, 77\n        xor edx, edx\n        wrmsr\n        rdmsr', 'eax', 77),
    faults('        mov ecx, 0xc0000103\n        mov edx, 1\n        wrmsr', 13),
    leaves('        mov ecx, 5\n        db 0x0f, 0x01, 0xf9', 'ecx', 77),
    setControl4(0x624),
    leaves('        mov ecx, 5\n        db 0x0f, 0x01, 0xf9', 'ecx', 77),
    leaves('        or eax, edx\n        setnz al\n        movzx eax, al', 'eax', 1),
  ],
};

const kind = { machine: 'xenpv', cpu: 'max', kernel: pvTestKernel } as const;
describeChecks('a kernel for Xen on a later processor', kind, extended);
