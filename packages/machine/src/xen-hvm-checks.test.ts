/** What a small kernel with translated memory finds out about its hypervisor. */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import {
  asProgram,
  forced,
  hvmChecks,
  mapShared,
  mapXenPage,
  param,
  programs,
} from './test-hvm-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = hvmChecks;

/** Has a grant of the guest's own stand at 32 MiB: address, flags, reference, domain. */
const mapGrant = (reference: number): string =>
  `        mov dword [argument], 0x2000000
        mov dword [argument + 4], 0
        mov dword [argument + 8], 2
        mov dword [argument + 12], ${reference}
        mov dword [argument + 16], 1
${call(20, ['ebx, 0', 'ecx, argument', 'edx, 1'], 0)}`;
/** Takes the one whose handle is in \`seen\` away again. */
const unmapGrant = (): string => `        mov dword [argument], 0x2000000
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
        mov eax, [seen]
        mov [argument + 16], eax
        mov dword [argument + 20], 7
${call(20, ['ebx, 1', 'ecx, argument', 'edx, 1'], 0)}`;

/** Puts the guest's time and some more, in ns, at `argument + place`; it lasts below 4 s here. */
const timeAt = (place: number, moreNs: number): string =>
  `${call(34, ['ebx, 10', `ecx, argument + ${place}`], 0)}
        add dword [argument + ${place}], ${moreNs}`;
/** Whether the time at `argument + place` is over. */
const isOver = (place: number): string =>
  `${call(34, ['ebx, 10', 'ecx, argument + 56'], 0)}
${leaves(
  `        mov edx, [argument + 56]
        cmp edx, [argument + ${place}]
        setae al
        movzx eax, al`,
  'eax',
  1,
)}`;
/** Binds the timer to port 3 and puts a list of it at `argument + 32`. */
const bindTimer = `        mov dword [argument], 0
        mov dword [argument + 4], 0
${call(32, ['ebx, 1', 'ecx, argument'], 0)}
${leaves('        mov eax, [argument + 8]\n        mov [argument + 32], eax', 'eax', 3)}`;
/** A poll of `count` ports of that list until the time in \`argument + 8\`. */
const poll = (count: number, result = 0): string =>
  `        mov dword [argument], argument + 32
        mov dword [argument + 4], ${count}
${call(29, ['ebx, 3', 'ecx, argument'], result)}`;

const checks: NamedChecks = {
  'a page of its own at another frame, and back': [
    `        mov dword [page_free], 0x1234
        mov dword [page_other], 0x5678
        mov dword [argument], 0x7ff0
        mov dword [argument + 4], 2
        mov dword [argument + 8], page_free
        shr dword [argument + 8], 12
        mov dword [argument + 12], page_other
        shr dword [argument + 12], 12
${call(12, ['ebx, 7', 'ecx, argument'], 0)}`,
    leaves('        mov eax, [page_other]', 'eax', 0x1234),
    leaves('        mov eax, [page_free]', 'eax', -1),
    `        mov eax, [argument + 8]
        xchg eax, [argument + 12]
        mov [argument + 8], eax
${call(12, ['ebx, 7', 'ecx, argument'], 0)}`,
    leaves('        mov eax, [page_other]', 'eax', 0x5678),
    leaves('        mov eax, [page_free]', 'eax', 0x1234),
  ],
  'waits for a time, with interrupts off': [
    `${timeAt(8, 30_000_000)}
        mov eax, [argument + 8]
        mov [argument + 40], eax
${poll(0)}
${isOver(40)}`,
  ],
  'waits for a port, though it is masked and interrupts are off': [
    `${mapShared}
${bindTimer}
        mov byte [page_free + 0x880], 8
${timeAt(40, 30_000_000)}
        mov ebx, [argument + 40]
        xor ecx, ecx
        mov eax, 15
        vmcall
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
${poll(1)}
${isOver(40)}
${leaves('        movzx eax, byte [page_free + 0x800]', 'eax', 8)}
${leaves('        movzx eax, byte [page_free]', 'eax', 0)}
${poll(1)}
        mov dword [argument + 32], 5000
${poll(1, -22)}`,
  ],
  'blocks until an upcall is pending, with interrupts off': [
    `${mapShared}
${bindTimer}
${timeAt(40, 30_000_000)}
        mov ebx, [argument + 40]
        xor ecx, ecx
        mov eax, 15
        vmcall
${call(29, ['ebx, 1', 'ecx, 0'], 0)}
${isOver(40)}
${leaves('        movzx eax, byte [page_free]', 'eax', 1)}
${call(29, ['ebx, 1', 'ecx, 0'], 0)}`,
  ],
  'that a long list is done in parts, and no call of a program': [
    // Caches of no bytes, 100,000 of them; then as often as fits into a list of calls.
    call(20, ['ebx, 12', 'ecx, 0x400000', 'edx, 100000'], 0),
    `        mov edi, 0x600000
        mov ecx, 3
many_calls:
        mov dword [edi], 20
        mov dword [edi + 8], 12
        mov dword [edi + 12], 0x400000
        mov dword [edi + 16], 100000
        mov dword [edi + 4], 77
        add edi, 32
        loop many_calls
${call(13, ['ebx, 0x600000', 'ecx, 3'], 0)}
${leaves('', 'dword [0x600044]', 0)}`,
    programs,
    faults(
      asProgram(
        '        mov eax, 17\n        xor ebx, ebx\n        vmcall\n        mov [seen], eax',
      ),
      6,
    ),
    leaves('', 'dword [seen]', -1),
  ],
  'leaves of Xen': [
    leaves('        mov eax, 0x40000000\n        cpuid', 'ebx', 0x566e_6558),
    leaves('        mov eax, 0x40000001\n        cpuid', 'eax', 0x4_0011),
    leaves('        mov eax, 1\n        cpuid\n        shr ecx, 31', 'ecx', 1),
  ],
  'the hypercall page, by its MSR': [
    `        mov eax, 0x40000002
        xor ecx, ecx
        cpuid
        mov ecx, ebx
        mov eax, hypercall_page
        xor edx, edx
        wrmsr
${leaves('        xor ebx, ebx\n        call hypercall_page + 17 * 32', 'eax', 0x4_0011)}
${faults(
  '        mov ecx, 0x40000000\n        mov eax, -4096\n        mov edx, 1\n        wrmsr',
  13,
)}`,
  ],
  'parameters and their error numbers': [
    param(1, 1, 0),
    param(1, 18, 0),
    param(1, 12, -1),
    param(1, 39, -22),
    param(0, 17, -1),
    param(1, 1, -1, 0),
    call(34, ['ebx, 1', 'ecx, 0xfffff000'], -14),
    call(34, ['ebx, 99', 'ecx, argument'], -38),
    call(34, ['ebx, 5', 'ecx, 0'], 0),
    call(21, ['ebx, 0', 'ecx, 2'], -22),
    call(21, ['ebx, 0', 'ecx, 5'], 0),
    call(1, ['ebx, 0', 'ecx, 0'], -38),
    // Calls of old forms, and of a tool stack, are for paravirtual guests.
    call(6, ['ebx, 0', 'ecx, 0'], -38),
    call(16, ['ebx, argument'], -38),
    call(37, ['ebx, 0', 'ecx, 0'], -38),
    call(24, ['ebx, 3', 'ecx, 0', 'edx, 0'], 1),
    call(24, ['ebx, 3', 'ecx, 1', 'edx, 0'], -2),
  ],
  'the shared page at a page of its own': [
    `${mapShared}
${leaves('        mov eax, [page_free + 0x900]\n        and eax, 1', 'eax', 0)}
${leaves(
  '        cmp dword [page_free + 0x904], 0\n        setne al\n        movzx eax, al',
  'eax',
  1,
)}`,
  ],
  'grants of its own pages, at another place': [
    mapXenPage(1, 'page_other'),
    `        mov dword [page_other + 64], 0x10001
        mov eax, page_free
        shr eax, 12
        mov [page_other + 68], eax
        mov dword [page_free], 0x1234
${mapGrant(8)}
${leaves('        mov eax, [argument + 20]\n        mov [seen], eax', 'word [argument + 18]', 0)}
${leaves('        mov eax, [0x2000000]', 'eax', 0x1234)}
${leaves('        mov dword [0x2000000], 5', 'dword [page_free]', 5)}
${leaves('', 'byte [page_other + 64]', 0x19)}`,
    `${mapGrant(8)}\n${leaves('', 'word [argument + 18]', -1)}`,
    `${mapGrant(2000)}\n${leaves('', 'word [argument + 18]', -3)}`,
    `${unmapGrant()}\n${leaves('', 'word [argument + 20]', 0)}`,
    leaves('        mov eax, [0x2000000]', 'eax', -1),
    leaves('', 'byte [page_other + 64]', 1),
    `${unmapGrant()}\n${leaves('', 'word [argument + 20]', -4)}`,
  ],
  'forced emulation: what stands behind the prefix is done, and faults as ever': [
    leaves(`${forced}\n        mov eax, 77`, 'eax', 77),
    leaves(`        mov eax, 0x40000000\n${forced}\n        cpuid`, 'ebx', 0x566e_6558),
    faults(`${forced}\n        ud2`, 6),
    faults(`${forced}\n        int3`, 3),
    faults(`${forced}\n        int 4`, 4),
    faults('        ud2\n        db 0x78, 0x65, 0x6f', 6),
  ],
  'forced emulation with pages of 4 MiB, which faults with the same addresses': [
    // The first 16 MiB as they are, all but the last of them to be written, and nothing behind.
    `        mov edi, page_free
        mov eax, 0x83
        mov ecx, 3
fill_directory:
        mov [edi], eax
        add eax, 0x400000
        add edi, 4
        loop fill_directory
        mov eax, 0xc00081
        mov [edi], eax
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, page_free
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax`,
    leaves(`        mov dword [page_other], 5\n${forced}\n        mov eax, [page_other]`, 'eax', 5),
    leaves(`${forced}\n        add dword [page_other], 2`, 'dword [page_other]', 7),
    ...[
      ['mov eax, [0x1000000]', 0, 0x100_0000],
      ['mov eax, [0xffffff]', 0, 0x100_0000],
      ['mov [0x1000004], eax', 2, 0x100_0004],
      ['inc dword [0xc00008]', 3, 0xc0_0008],
      ['xchg [0xc00008], eax', 3, 0xc0_0008],
      ['push dword [0x1400000]', 0, 0x140_0000],
    ].map(
      ([instruction = '', error = 0, address = 0]) =>
        `${faults(`${forced}\n        ${instruction}`, 14, Number(error))}
${leaves('        mov eax, cr2', 'eax', address)}`,
    ),
    // INVLPG is no access, and a call goes through the same pages.
    leaves(`${forced}\n        invlpg [0x1400000]\n        mov eax, 3`, 'eax', 3),
    call(17, ['ebx, 0', 'ecx, 0'], 0x4_0011),
    // The prefix ends where the page does that is there; what stands behind it is in the other.
    `        mov dword [0xbffffc], 0x65780b0f`,
    faults('        jmp 0xbffffc', 6),
    `        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        mov byte [0xc00000], 0x6e
        mov word [0xc00001], 0xb0
        mov word [0xc00002], 0xc309
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax`,
    leaves('        xor eax, eax\n        mov ecx, 0xbffffc\n        call ecx', 'eax', 9),
  ],
  'forced emulation at the end of a segment, within which the whole prefix has to be': [
    `        jmp behind_short
        align 8
short_gdt:
        dd 0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300, 0, 0x00409b00
short_place:
        dw 31
        dd short_gdt
behind_short:
        mov eax, page_free
        mov [short_gdt + 26], ax
        shr eax, 16
        mov [short_gdt + 28], al
        mov dword [page_free], 0x65780b0f
        mov dword [page_free + 4], 0xcb406e
        lgdt [short_place]`,
    ...[
      [3, 6, 0],
      [4, 13, 5],
    ].map(
      ([limit = 0, vector = 0, eip = 0]) => `        mov word [short_gdt + 24], ${limit}
${faults('        call 0x18:0', vector)}
${leaves('', 'dword [got_eip]', eip)}`,
    ),
    `        mov word [short_gdt + 24], 6
${leaves('        mov eax, 7\n        call 0x18:0', 'eax', 8)}`,
  ],
  'instructions that the processor does not have': [
    // XBEGIN, XTEST; CR4.UMIP.
    faults('        db 0xc7, 0xf8, 0, 0, 0, 0', 6),
    faults('        db 0x0f, 0x01, 0xd6', 6),
    faults('        mov eax, cr4\n        or eax, 0x800\n        mov cr4, eax', 13),
  ],
  'calls from real mode': [
    `        jmp behind_real
        align 8
real_gdt:
        dd 0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300, 0x0000ffff, 0x00009b00
real_place:
        dw 31
        dd real_gdt
; At 0x8000, in 16-bit code: PE off, the version of Xen into ECX, PE on.
real_code:
        db 0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0
        db 0xea, 0x0d, 0x80, 0x00, 0x00
        db 0x66, 0xb8, 0x11, 0, 0, 0, 0x66, 0x31, 0xdb, 0x0f, 0x01, 0xc1, 0x66, 0x89, 0xc1
        db 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0
        db 0x66, 0xea
        dd real_back
        dw 8
real_end:
behind_real:
        mov esi, real_code
        mov edi, 0x8000
        mov ecx, real_end - real_code
        rep movsb
        lgdt [real_place]
        jmp 0x18:0x8000
real_back:
${leaves('', 'ecx', 0x4_0011)}`,
  ],
  'INVLPG of any address': [
    leaves('        mov eax, -1\n        invlpg [eax]\n        invlpg [0]', 'eax', -1),
    leaves(
      '        xor eax, eax\n        mov fs, ax\n        invlpg [fs:eax]\n        mov eax, 1',
      'eax',
      1,
    ),
  ],
};

describeChecks('a PVH kernel', { machine: 'pvh', kernel: hvmTestKernel }, checks);
