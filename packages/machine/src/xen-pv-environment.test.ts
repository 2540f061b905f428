/** What a small paravirtual kernel for Xen finds around it: start info, rings, frames, grants. */
import { pvTestKernel } from './test-pv-kernel.ts';
import { leafOf, openPage, pvChecks, user } from './test-pv-pieces.ts';
import { describeChecks, eventsWithoutEnd } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';
import { ringChecks } from './test-xen-rings.ts';

const { call, faults, leaves } = pvChecks;

/** Offsets of `start_info` (public/xen.h). */
const Start = { pages: 32, flags: 40, storeFrame: 44, consoleFrame: 52, list: 68, line: 80 };

/** Has a register be the word of `start_info` at an offset. */
const startWord = (offset: number, register: string): string =>
  `        mov ${register}, [start_info]\n        mov ${register}, [${register} + ${offset}]`;

/** Where the rings stand, by the table of machine frames, and their ports. */
const findRings = `        jmp behind_places
places: dd 0, 0, 0, 0
behind_places:
${[Start.consoleFrame, Start.storeFrame]
  .map((offset, index) => {
    return `${startWord(offset, 'eax')}
        mov eax, [0xf5800000 + eax * 4]
        shl eax, 12
        add eax, 0xc0000000
        mov [places + ${index * 8}], eax
${startWord(offset + 4, 'eax')}
        mov [places + ${index * 8 + 4}], eax`;
  })
  .join('\n')}`;
const rings = ringChecks(pvChecks, {
  console: '[places]',
  consolePort: '[places + 4]',
  store: '[places + 8]',
  storePort: '[places + 12]',
});

/** Has the kernel's first grant frame stand at `page_free`; entry 8 grants `user_stack`. */
const grants = `        mov dword [argument], 0x7ff0
        mov dword [argument + 4], 1
        mov dword [argument + 12], argument + 16
${call(20, ['ebx, 2', 'ecx, argument', 'edx, 1'], 0)}
        mov ecx, [argument + 16]
        shl ecx, 12
        or ecx, 3
${call(14, ['ebx, page_free', 'edx, 0', 'esi, 2'], 0)}
${leafOf('user_stack')}
        mov eax, [esi]
        shr eax, 12
        mov [page_free + 68], eax
        mov dword [page_free + 64], 0x10001`;

/** Maps entry 8 at an address, with flags; the status has to be as said. */
const mapGrant = (address: string, flags: number, status: number): string =>
  `        mov eax, ${address}
        mov [argument], eax
        mov dword [argument + 4], 0
        mov dword [argument + 8], ${flags}
        mov dword [argument + 12], 8
        mov dword [argument + 16], 1
${call(20, ['ebx, 0', 'ecx, argument', 'edx, 1'], 0)}
${leaves('        movsx eax, word [argument + 18]', 'eax', status)}`;

/** Takes the mapping whose handle is in `seen` away from an address, and from a bus address. */
const unmapGrant = (address: string, bus: string, status: number): string =>
  `        mov eax, ${address}
        mov [argument], eax
        mov dword [argument + 4], 0
        mov eax, ${bus}
        mov [argument + 8], eax
        mov dword [argument + 12], 0
        mov eax, [seen]
        mov [argument + 16], eax
${call(20, ['ebx, 1', 'ecx, argument', 'edx, 1'], 0)}
${leaves('        movsx eax, word [argument + 20]', 'eax', status)}`;
const keepHandle = '        mov eax, [argument + 20]\n        mov [seen], eax';

/** The machine address of the entry of `user_page`, in `seen + 8`. */
const entryAddress = `        mov esi, [leaf_table]
        sub esi, 0xc0000000
        shr esi, 12
        shl esi, 3
        add esi, [leaf_table]
        mov ebx, [esi]
        and ebx, 0xfffff000
${leafOf('user_page')}
        sub esi, [leaf_table]
        add ebx, esi
        mov [seen + 8], ebx`;

const checks: NamedChecks = {
  ...Object.fromEntries(
    Object.entries(rings).map(([name, list]) => [name, [findRings, ...list] as const]),
  ),
  'its start info': [
    leaves('        mov esi, [start_info]', 'dword [esi]', 0x2d6e_6578),
    leaves('        mov esi, [start_info]', 'dword [esi + 4]', 0x2d30_2e33),
    leaves('        mov esi, [start_info]', 'dword [esi + 8]', 0x5f36_3878),
    leaves('        mov esi, [start_info]', 'dword [esi + 12]', 0x0070_3233),
    leaves(startWord(Start.flags, 'eax'), 'eax', 0),
    leaves(startWord(Start.line, 'eax'), 'al', 0),
    // As many pages as it may have.
    leaves(
      `        mov dword [argument], 0x7ff0
        mov ebx, 3
        mov ecx, argument
        mov eax, 12
        int 0x82
        mov esi, [start_info]`,
      'eax',
      `[esi + ${Start.pages}]`,
    ),
  ],
  'a hypercall page that was filled, with a stub for each call': [
    leaves('        xor ebx, ebx\n        call hypercall_page + 17 * 32', 'eax', 0x4_0011),
    leaves('        call hypercall_page + 60 * 32', 'eax', -38),
    leaves('', 'byte [hypercall_page + 23 * 32]', 0x50),
    leaves('', 'word [hypercall_page + 29 * 32 + 5]', 0x82cd),
  ],
  'the table of machine frames, which nobody writes': [
    openPage('user_page') + '\n' + openPage('user_stack'),
    faults('        mov dword [0xf5800000], 0', 14, 3),
    faults('        lock inc dword [0xf5800400]', 14, 3),
    // What is behind it is not there.
    faults('        mov eax, [0xf6900000]', 14, 0),
    faults('        mov dword [0xf6900000], 0', 14, 2),
    leaves(
      `        mov dword [argument], 0
        mov dword [argument + 4], 0
        mov dword [argument + 8], 0
        mov eax, 12
        mov ebx, 12
        mov ecx, argument
        int 0x82`,
      'dword [argument]',
      '0xf5800000',
    ),
    leaves('', 'dword [argument + 4]', '0xf6800000'),
    leaves('', 'dword [argument + 8]', 4095),
  ],
  'many frames given back, and as many again (XSA-346)': [
    `${startWord(Start.list, 'eax')}
        add eax, 3000 * 4
        mov [argument], eax
        mov dword [argument + 4], 256
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
        mov dword [argument + 16], 0x7ff0
${call(12, ['ebx, 1', 'ecx, argument'], 256)}`,
    call(12, ['ebx, 1', 'ecx, argument'], 0),
    `        mov edi, page_free
        mov eax, 3000
        mov ecx, 256
fill_frames:
        mov [edi], eax
        add edi, 4
        inc eax
        loop fill_frames
        mov dword [argument], page_free
${call(12, ['ebx, 6', 'ecx, argument'], 256)}`,
    leaves('        mov eax, [page_free]', 'dword [0xf5800000 + eax * 4]', 3000),
    call(12, ['ebx, 6', 'ecx, argument'], 0),
  ],
  'grants by the entries of its page tables, wherever they point (XSA-227, 234)': [
    grants,
    entryAddress,
    ...[1, 4, 7].flatMap((offset) => [
      `        mov eax, [seen + 8]\n        add eax, ${offset}\n        mov [seen + 12], eax`,
      mapGrant('[seen + 12]', 0x12, -1),
    ]),
    mapGrant('0x7fff0000', 0x12, -1),
    mapGrant('[seen + 8]', 0x12, 0),
    keepHandle,
    leaves('        mov dword [user_page], 0x4321', 'dword [user_stack]', 0x4321),
    // The entry of another page, and another page's address.
    unmapGrant('[seen + 12]', '0', -1),
    `        mov eax, [seen + 8]\n        sub eax, 8\n        mov [seen + 12], eax`,
    unmapGrant('[seen + 12]', '0', -1),
    unmapGrant('[seen + 8]', '[seen + 8]', -1),
    unmapGrant('[seen + 8]', '0', 0),
    unmapGrant('[seen + 8]', '0', -4),
    faults('        mov eax, [user_page]', 14),
    leaves('', 'byte [page_free + 64]', 1),
  ],
  'a grant that is to be read, mapped for its kernel and for devices (XSA-224, 394)': [
    grants,
    mapGrant('user_page', 6, 0),
    keepHandle,
    leaves('', 'byte [page_free + 64]', 9),
    faults('        mov dword [user_page], 1', 14, 3),
    unmapGrant('user_page', '0', 0),
    leaves('', 'byte [page_free + 64]', 1),
    mapGrant('user_page', 3, 0),
    keepHandle,
    '        mov eax, [argument + 24]\n        mov [seen + 4], eax',
    unmapGrant('user_page', '0', 0),
    leaves('', 'byte [page_free + 64]', 0x19),
    unmapGrant('0', '[seen + 4]', 0),
    leaves('', 'byte [page_free + 64]', 1),
    unmapGrant('0', '[seen + 4]', -4),
    mapGrant('0', 1, 0),
    keepHandle,
    unmapGrant('user_page', '0', 0),
    leaves('', 'byte [page_free + 64]', 0x19),
    unmapGrant('0', '[seen + 4]', 0),
    leaves('', 'byte [page_free + 64]', 1),
  ],
  'stacks that programs may use, for events and exceptions (XSA-183)': [
    openPage('user_page') + '\n' + openPage('user_stack') + '\n' + openPage('kernel_stack'),
    faults(user('user_call + 2'), 0x80),
    faults(user('user_cpuid'), 0x80),
    `        mov [seen], esp\n        mov esp, kernel_stack_end`,
    faults('        int3', 3),
    `        mov esp, kernel_stack_end`,
    faults('        mov eax, [0x1000]', 14),
    '        mov esp, [seen]',
  ],
  'third levels that name themselves, or others than the second (XSA-185)': [
    ...['mov eax, ebx', 'mov eax, [esi]'].map(
      (frame) => `        mov ebx, cr3
${leafOf('user_page')}
        ${frame}
        and eax, 0xfffff000
        or eax, 1
        mov [argument + 8], eax
        add ebx, 8
        mov [argument], ebx
        mov dword [argument + 4], 0
        mov dword [argument + 12], 0
${call(1, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], -22)}`,
    ),
  ],
  'events without end (XSA-332)': [eventsWithoutEnd({ call }), leaves('', 'dword [seen]', 0)],
  'numbers of interrupts until there are no more (XSA-13)': [
    ...[
      [1, 16, 23],
      [0, 55, 24],
    ].map(
      ([type = 0, first = 0, last = 0]) => `        mov dword [argument], ${type}
        mov dword [seen], 0
next_number_${type}:
        mov eax, [argument + 4]
        mov [seen + 4], eax
        mov ebx, 23
        mov ecx, argument
        mov eax, 33
        int 0x82
        inc dword [seen]
        test eax, eax
        jz next_number_${type}
${leaves('', 'eax', -28)}
${leaves('', 'dword [seen + 4]', last)}
${leaves('', 'dword [seen]', Math.abs(last - first) + 2)}`,
    ),
    call(33, ['ebx, 23', 'ecx, 0xfffff000'], -14),
  ],
  'registers that are not there (XSA-444)': [
    ...[0xc001_1027, 0xc001_1019, 0xc001_0114, 0x9b, 0x48, 0x10a, 0x122].map((index) =>
      faults(`        mov ecx, ${index}\n        rdmsr`, 13),
    ),
    ...[0xc001_1027, 0x49, 0x10b].map((index) =>
      faults(
        `        mov ecx, ${index}\n        mov eax, 1\n        xor edx, edx\n        wrmsr`,
        13,
      ),
    ),
  ],
};

describeChecks('a kernel for Xen', { machine: 'xenpv', kernel: pvTestKernel }, checks);
