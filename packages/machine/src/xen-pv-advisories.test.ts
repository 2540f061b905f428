/**
 * What a small paravirtual kernel for Xen finds where Xen's advisories say that a hypervisor was
 * wrong once; the number of the advisory stands behind each (xenbits.xen.org/xsa).
 */
import { pvTestKernel } from './test-pv-kernel.ts';
import { pvChecks, setIopl } from './test-pv-pieces.ts';
import { describeChecks, memoryOfOtherNodes } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = pvChecks;

const pageFault = 14;
const generalProtection = 13;

/** EBX and `argument + 24` are the machine address of the kernel's only second-level table. */
const secondLevel = `        mov esi, [leaf_table]
        sub esi, 0xc0001000
        shr esi, 12
        shl esi, 3
        add esi, [leaf_table]
        mov ebx, [esi]
        and ebx, 0xfffff000
        mov [argument + 24], ebx`;

/** Has an entry of that table be some page with low bits; the address in EAX if `eax` is named. */
const changeDirectory = (index: number, bits: number, result: number, frame = 'ebx'): string =>
  `${secondLevel}
        mov eax, ${frame}
        and eax, 0xfffff000
        or eax, ${bits}
        mov [argument + 8], eax
        add ebx, ${index * 8}
        mov [argument], ebx
        mov dword [argument + 4], 0
        mov dword [argument + 12], 0
${call(1, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], result)}`;

/** The first word of a page of the kernel's is asked for by `mmuext_op`. */
const extend = (operation: number, first: string, second: string, result: number): string =>
  `        mov dword [argument], ${operation}
        mov eax, ${first}
        mov [argument + 4], eax
        mov eax, ${second}
        mov [argument + 8], eax
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], result)}`;

/** Where the kernel's own entry of the second level is: 0xc0000000 is in the top gigabyte. */
const linear = 0xc0a0_0000;
const linearIndex = (linear - 0xc000_0000) / 0x20_0000;

const checks: NamedChecks = {
  'linear page tables, which do not become writable (XSA-182, 286)': [
    changeDirectory(linearIndex, 3, -22),
    changeDirectory(linearIndex, 0x21, 0),
    // Seen through it the first page is the kernel's first table of leaves.
    leaves(
      `        mov eax, [${linear}]\n        mov ecx, [leaf_table]\n        sub eax, [ecx]`,
      'eax',
      0,
    ),
    changeDirectory(linearIndex, 0x23, -22),
    changeDirectory(linearIndex, 0x27, -22),
    faults(`        mov dword [${linear}], 0`, pageFault, 3),
    changeDirectory(linearIndex, 0x61, 0),
    changeDirectory(linearIndex, 0, 0, '0'),
    faults(`        mov eax, [${linear}]`, pageFault),
  ],
  'large pages, which are not there (XSA-167)': [
    changeDirectory(linearIndex, 0x83, -22),
    extend(19, '0', '0', -95),
    extend(20, '0', '0', -95),
  ],
  "structures of a call that are Xen's memory (XSA-212)": [
    `        mov dword [argument], 0xfc000000
        mov dword [argument + 4], 1
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
        mov dword [argument + 16], 0x7ff0`,
    `        mov edi, page_free
        mov esi, argument
        mov ecx, 5
        rep movsd
        mov esi, argument
        mov ecx, 5
        rep movsd
        mov dword [edi], 0
${call(12, ['ebx, 11', 'ecx, page_free'], -14)}`,
    call(17, ['ebx, 1', 'ecx, 0xfc000000'], -14),
    call(29, ['ebx, 3', 'ecx, 0xf5800000'], -14),
    call(13, ['ebx, 0xfc000000', 'ecx, 1'], -14),
  ],
  'no more of Xen in an answer than the answer (XSA-122)': [
    `        mov edi, page_free
        mov ecx, 1024
        or eax, -1
        rep stosd
${call(17, ['ebx, 3', 'ecx, page_free'], 0)}`,
    leaves(
      `        mov edi, page_free
        mov ecx, 1024
        xor eax, eax
        repne scasb
        repe scasb
        setz al
        movzx eax, al`,
      'eax',
      1,
    ),
    leaves('', 'dword [page_free + 1024]', -1),
  ],
  'ports to wait for that are none (XSA-221)': [
    ...[
      [1, 5000, -22],
      [129, 0, -22],
      [1, -1, -22],
    ].map(
      ([count = 0, port = 0, result = 0]) => `        mov dword [argument], argument + 16
        mov dword [argument + 4], ${count}
        mov dword [argument + 8], 1
        mov dword [argument + 12], 0
        mov dword [argument + 16], ${port}
${call(29, ['ebx, 3', 'ecx, argument'], result)}`,
    ),
  ],
  'memory of a node that there is not (XSA-231)': memoryOfOtherNodes(pvChecks),
  "caches of pages that are not the guest's (XSA-232)": [
    ...[
      ['0xfffff000', '0xff', 1, -1],
      ['0xfc000000', '0', 1, -1],
      ['0', '0', 4, -22],
      ['0', '0', 0, 0],
    ].map(
      ([low = '', high = '', op = 0, result = 0]) => `        mov dword [argument], ${low}
        mov dword [argument + 4], ${high}
        mov dword [argument + 8], 0x400000
        mov dword [argument + 12], ${op}
${call(20, ['ebx, 12', 'ecx, argument', 'edx, 1'], Number(result))}`,
    ),
  ],
  'a processor that runs already (XSA-296)': [
    call(24, ['ebx, 0', 'ecx, 0', 'edx, 0xfffff000'], -14),
    call(24, ['ebx, 0', 'ecx, 0', 'edx, page_free'], -17),
    call(24, ['ebx, 0', 'ecx, 7', 'edx, page_free'], -2),
  ],
  'breakpoints at what SS is loaded from, in front of a call (XSA-260, 265)': [
    `        mov eax, ss
        mov [argument], eax
        mov eax, argument
        mov dr0, eax
        mov eax, 0xf0001
        mov dr7, eax`,
    `        mov dword [resume], after_call
        xor ebx, ebx
        mov eax, 17
        mov ss, [argument]
        int 0x82
        cmp eax, 0x40011
        je after_call
        call fail`,
    `after_call:
        xor eax, eax
        mov dr7, eax`,
    call(17, ['ebx, 0', 'ecx, 0'], 0x4_0011),
    // The breakpoint of ICEBP, with one that is set and is not met.
    `        mov eax, argument + 16
        mov dr0, eax
        mov eax, 0xf0001
        mov dr7, eax`,
    faults('        db 0xf1', 1),
    faults('        pushfd\n        or dword [esp], 0x100\n        popfd\n        db 0xf1', 1),
    '        xor eax, eax\n        mov dr7, eax',
  ],
  'selectors beyond the table, for ports and gates (XSA-298)': [
    setIopl(1),
    ...['0xfffb', '0xe2fb', '0xfff'].map((selector) =>
      faults(
        `        mov eax, ${selector}\n        mov fs, ax`,
        generalProtection,
        Number(selector) & ~3,
      ),
    ),
    faults('        db 0x9a\n        dd 0\n        dw 0xfffb', generalProtection, 0xfff8),
  ],
  'prefixes in front of what is done for the kernel (XSA-123)': [
    ...['0x2e', '0x36', '0x3e', '0x26', '0x64', '0x65', '0x67', '0x66', '0xf2', '0xf3'].flatMap(
      (prefix) => [
        leaves(
          `        db ${prefix}, 0x0f, 0x20, 0xc0\n        and eax, 0x80000001`,
          'eax',
          0x8000_0001 | 0,
        ),
        leaves(
          `        xor eax, eax\n        db ${prefix}, 0x0f, 0x21, 0xf0\n        and eax, 0xff0`,
          'eax',
          0xff0,
        ),
        leaves(
          `        mov ecx, 0xce\n        db ${prefix}, 0x0f, 0x32\n        and eax, 0x80000000`,
          'eax',
          0x8000_0000 | 0,
        ),
      ],
    ),
    faults('        db 0xf0, 0x0f, 0x20, 0xc0', 6),
    faults('        db 0xf0, 0x0f, 0x32', 6),
  ],
  'the null selector, whichever privilege it names (XSA-191)': [
    ...[0, 1, 2, 3].map(
      (level) => `        mov eax, ${level}
        mov fs, ax
${faults('        mov eax, [fs:page_free]', generalProtection)}`,
    ),
    faults('        mov eax, 0\n        mov ss, ax', generalProtection),
  ],
  'no nested virtualization, and no addresses of tables to change (XSA-278, 279)': [
    ...[
      '0xf3, 0x0f, 0xc7, 0x35, 0, 0, 0, 0',
      '0x0f, 0x01, 0xd4',
      '0x0f, 0x01, 0xd8',
      '0x66, 0x0f, 0x38, 0x82, 5, 0, 0, 0, 0',
    ].map((bytes) => faults(`        db ${bytes}`, 6)),
    // Bits that it may not have are dropped.
    leaves(
      `        mov eax, cr4
        or eax, 0x2000
        mov cr4, eax
        mov eax, cr4
        and eax, 0x2000`,
      'eax',
      0,
    ),
  ],
  'calls that are for a tool stack': [
    '        mov dword [argument], 27\n        mov dword [argument + 4], 0x15',
    call(35, ['ebx, argument'], -1),
    call(36, ['ebx, argument'], -1),
    call(39, ['ebx, 1', 'ecx, 0', 'edx, 0', 'esi, 0', 'edi, 0'], -38),
    call(41, ['ebx, 0x7ff0', 'ecx, 0', 'edx, 0'], -3),
    call(41, ['ebx, 1', 'ecx, 0', 'edx, 0'], -1),
    call(37, ['ebx, 0', 'ecx, 0'], -1),
  ],
  "tables' addresses, which the kernel may read": [
    ...['sgdt [argument]', 'sidt [argument]', 'sldt eax', 'str eax', 'smsw eax'].map((line) =>
      leaves(`        ${line}\n        mov eax, 5`, 'eax', 5),
    ),
  ],
};

describeChecks('a kernel for Xen', { machine: 'xenpv', kernel: pvTestKernel }, checks);
