/**
 * What a small kernel for Xen finds out about its hypervisor: faults, instructions and page-table
 * writes that are emulated, I/O privilege, error numbers. It prints its result as such kernels do.
 */
import { afterEach, describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';
import { runUntil } from './test-kernel.ts';
import { pvTestKernel } from './test-pv-kernel.ts';
import { leafOf, openPage, pvChecks, readOnly, setIopl, user } from './test-pv-pieces.ts';
import { describeChecks, goesOn, waitsForTimer } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

let machine: Machine | undefined;
afterEach(() => {
  machine?.dispose();
});

const { call, faults, leaves } = pvChecks;

const checks: NamedChecks = {
  'calls: error numbers': [
    call(60, [], -38),
    call(12, ['ebx, 7', 'ecx, 0xfffff000'], -14),
    call(17, ['ebx, 6', 'ecx, 0'], -14),
    call(32, ['ebx, 15', 'ecx, argument'], -38),
    // Queues of events: no control block yet, and none in a page that is not the guest's.
    call(32, ['ebx, 12', 'ecx, argument'], -95),
    call(32, ['ebx, 11', 'ecx, argument'], -22),
    `        mov dword [argument], 0x7ff0\n${call(32, ['ebx, 14', 'ecx, argument'], -16)}`,
    call(21, ['ebx, 0', 'ecx, 99'], -22),
    call(21, ['ebx, 7', 'ecx, 0'], -38),
    call(8, ['ebx, 9', 'ecx, 0'], -19),
    call(8, ['ebx, 7', 'ecx, 0x2000'], -1),
    call(33, ['ebx, 6', 'ecx, 0xfffff000'], -14),
    `        mov dword [argument], 4\n${call(33, ['ebx, 6', 'ecx, argument'], -22)}`,
  ],
  'software interrupts by the level of the trap table': [
    faults('        int 0x80', 0x80),
    faults('        int 0x20', 13, 0x102),
    faults('        int 6', 13, 0x32),
    faults('        int3', 3),
    faults('        ud2', 6),
    openPage('user_page') + '\n' + openPage('user_stack'),
    faults(user('user_call'), 13, 0x412),
    faults(user('user_call + 2'), 0x80),
    // One of an exception is without its error code, and leaves CR2.
    ...[13, 14].flatMap((vector) => [
      `        mov dword [argument], ${0xe019_0300 + vector}
        mov dword [argument + 4], trap_${vector}
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0
${call(0, ['ebx, argument'], 0)}`,
      `        mov dword [resume], after_${vector}
        int ${vector}
after_${vector}:`,
      leaves('', 'dword [got_error]', `after_${vector}`),
      leaves('        movzx eax, word [got_eip]', 'eax', 0xe019),
    ]),
  ],
  'I/O privilege of the kernel and of its programs': [
    faults('        in al, 0x60', 13),
    faults('        cli', 13),
    setIopl(1),
    leaves('        xor eax, eax\n        in al, 0x60', 'eax', 0xff),
    leaves('        xor eax, eax\n        in ax, dx', 'eax', 0xffff),
    leaves('        or eax, -1\n        out 0x60, al\n        cli\n        sti', 'eax', -1),
    openPage('user_page') + '\n' + openPage('user_stack'),
    faults(user('user_port'), 13),
    setIopl(3),
    faults(user('user_port'), 0x80),
  ],
  'control, debug and model-specific registers': [
    leaves('        mov eax, cr0\n        and eax, 0x80010001', 'eax', 0x8001_0001 | 0),
    leaves('        mov eax, cr4\n        and eax, 0x20', 'eax', 0x20),
    faults('        mov eax, cr0\n        or eax, 8\n        mov cr0, eax\n        fninit', 7),
    leaves('        clts\n        fninit\n        xor eax, eax', 'eax', 0),
    faults('        mov eax, cr0\n        and eax, 0x7fffffff\n        mov cr0, eax', 13),
    faults('        mov ecx, 0xdead\n        rdmsr', 13),
    leaves('        mov ecx, 0xce\n        rdmsr', 'eax', 0x8000_0000 | 0),
    faults(
      '        mov eax, page_free\n        mov dr0, eax\n        mov eax, 0x10001\n' +
        '        mov dr7, eax\n        mov dword [page_free], 0',
      1,
    ),
    leaves('        mov eax, dr6\n        and eax, 15', 'eax', 1),
    leaves(
      '        xor eax, eax\n        mov dr7, eax\n        mov dword [page_free], 0',
      'eax',
      0,
    ),
    leaves(
      '        mov ecx, 0x140\n        mov eax, 1\n        xor edx, edx\n        wrmsr',
      'eax',
      1,
    ),
    leaves('        xor eax, eax\n        cpuid\n        xor eax, eax', 'eax', 0),
    openPage('user_page') + '\n' + openPage('user_stack'),
    faults(user('user_cpuid'), 13),
  ],
  'breakpoints in the part of the hypervisor, which are never met': [
    // The path of all calls, the stub of #DB, and the stack of ring 0.
    call(8, ['ebx, 0', 'ecx, 0xfc001000'], 0),
    call(8, ['ebx, 1', 'ecx, 0xfc000010'], 0),
    call(8, ['ebx, 2', 'ecx, 0xfc004ffc'], 0),
    call(8, ['ebx, 3', 'ecx, 0xf5800000'], 0),
    call(8, ['ebx, 7', 'ecx, 0x7f000155'], 0),
    call(9, ['ebx, 0'], 0xfc00_1000 | 0),
    call(9, ['ebx, 7'], 0x7f00_0555),
    // The table of machine frames is the guest's to read.
    faults('        mov eax, [0xf5800000]', 1),
    leaves('        mov eax, dr6\n        and eax, 15', 'eax', 8),
    call(8, ['ebx, 1', 'ecx, page_free'], 0),
    call(8, ['ebx, 7', 'ecx, 0x00110005'], 0),
    faults('        mov dword [page_free], 0', 1),
  ],
  'CPUID with the prefix that goes through Xen': [
    leaves(
      '        mov eax, 0x40000000\n        db 0x0f, 0x0b, 0x78, 0x65, 0x6e\n        cpuid',
      'ebx',
      0x566e_6558,
    ),
  ],
  'direct writes to page tables': [
    `${leafOf('page_free')}
${faults('        and byte [esi], 0xfd', 14, 3)}`,
    call(21, ['ebx, 0', 'ecx, 2'], 0),
    `${leafOf('page_free')}
${leaves(
  '        mov eax, [esi]\n' +
    '        and byte [esi], 0xfd\n' +
    '        mov ecx, [esi]\n' +
    '        sub eax, ecx',
  'eax',
  2,
)}
${faults('        mov dword [page_free], 1', 14, 3)}`,
    `${leafOf('page_free')}
${leaves(
  '        lock bts dword [esi], 1\n' +
    '        mov dword [page_free], 5\n' +
    '        mov eax, [page_free]',
  'eax',
  5,
)}`,
    `${leafOf('page_free')}
${leaves(
  '        xor eax, eax\n' +
    '        xchg [esi], eax\n' +
    '        mov [argument], eax\n' +
    '        mov eax, [esi]',
  'eax',
  0,
)}
${faults('        mov eax, [page_free]', 14, 0)}`,
    `${leafOf('page_free')}
${leaves(
  '        xor eax, eax\n' +
    '        mov edx, [esi + 4]\n' +
    '        mov ebx, [argument]\n' +
    '        mov ecx, edx\n' +
    '        lock cmpxchg8b [esi]\n' +
    '        setz al\n' +
    '        movzx eax, al',
  'eax',
  1,
)}
${leaves('        mov eax, [page_free]', 'eax', 5)}`,
    `${leafOf('page_free')}
${leaves(
  '        mov eax, 77\n' +
    '        mov ecx, [esi]\n' +
    '        lock cmpxchg [esi], ecx\n' +
    '        sub eax, ecx',
  'eax',
  0,
)}`,
    // A table does not become writable: a whole entry faults, a half loses its present bit.
    `${leafOf('page_free')}
        mov eax, [leaf_table]
        sub eax, 0xc0000000
        shr eax, 12
        shl eax, 3
        add eax, [leaf_table]
        mov ebx, [eax]
        or ebx, 2
        mov [argument + 4], ebx
${faults('        xchg [esi], ebx', 14, 3)}
${leaves('        mov eax, [page_free]', 'eax', 5)}
        mov ebx, [argument + 4]
${leaves('        mov [esi], ebx\n        mov eax, [esi]\n        and eax, 3', 'eax', 2)}
${faults('        mov eax, [page_free]', 14, 0)}`,
    `${leafOf('page_free')}
${faults('        mov eax, 0x1003\n        xchg [esi], eax', 14, 3)}`,
  ],
  'faults of a state to which it would return': [
    faults(
      `        push 0x200
        push 0x29
        push entry
        push 0
        mov eax, 23
        int 0x82`,
      13,
      0x28,
    ),
    faults(user('user_call').replace('push 0xe033', 'push 0xe021'), 13, 0xe020),
  ],
  'a step over what is emulated, and debug registers with CR4.DE': [
    faults('        pushfd\n        or dword [esp], 0x100\n        popfd\n        mov eax, cr0', 1),
    leaves('        mov eax, dr6\n        and eax, 0x4000', 'eax', 0x4000),
    leaves('        mov eax, dr4\n        mov eax, 5', 'eax', 5),
    leaves(
      `        mov eax, cr4
        or eax, 8
        mov cr4, eax
        mov eax, cr4
        and eax, 8`,
      'eax',
      8,
    ),
    faults('        mov eax, dr4', 6),
    call(9, ['ebx, 5'], -19),
  ],
  'strings to and from ports: segments and pages': [
    setIopl(1),
    leaves(
      `        mov esi, page_free
        mov edx, 0x80
        mov ecx, 3
        rep outsb
        mov eax, ecx`,
      'eax',
      0,
    ),
    leaves(
      `        mov edi, page_free
        mov ecx, 2
        rep insd
        mov eax, [page_free + 4]`,
      'eax',
      -1,
    ),
    faults('        xor eax, eax\n        mov fs, ax\n        db 0x64\n        outsb', 13),
    faults('        mov edi, [leaf_table]\n        insb', 14, 3),
    faults('        mov edi, 0x1000\n        insb', 14, 2),
  ],
  'page tables: error numbers': [
    call(17, ['ebx, 10', 'ecx, 0'], -1),
    `        mov dword [argument], 1\n${call(17, ['ebx, 6', 'ecx, argument'], -22)}`,
    call(14, ['ebx, page_free', 'ecx, 0x001', 'edx, 0xf', 'esi, 0'], -1),
    call(14, ['ebx, page_free', 'ecx, 0x001', 'edx, 0', 'esi, 0'], -16),
    call(14, ['ebx, page_free', 'ecx, 0x081', 'edx, 0', 'esi, 0'], -22),
    call(14, ['ebx, 0x1000', 'ecx, 0', 'edx, 0', 'esi, 0'], -22),
    `        mov dword [argument], 3
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], 0)}`,
    `        mov dword [argument], 99
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], -38)}`,
    call(12, ['ebx, 11', 'ecx, 0xfc000000'], -14),
    call(12, ['ebx, 10', 'ecx, argument'], -1),
  ],
  'another address space, and the way back': [
    `        mov esi, [start_info]
        mov esi, [esi + 60]
        add esi, 0x1000
        mov edi, user_stack
        mov ecx, 428 * 2
        rep movsd
${readOnly('user_stack')}
        mov eax, [argument]
        shl eax, 12
        or eax, 1
        mov [page_free + 24], eax
${readOnly('page_free')}
        mov eax, [argument]
        mov [seen], eax`,
    ...['[seen]', '[seen + 4]', '[seen]', '[seen + 4]'].map(
      (base) => `        mov eax, cr3
        shr eax, 12
        mov [seen + 8], eax
        mov eax, ${base}
        mov dword [argument], 5
        mov [argument + 4], eax
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], 0)}
        mov eax, [seen + 8]
        mov [seen + 4], eax
${leaves('        mov eax, cr3\n        shr eax, 12', 'eax', 'dword [argument + 4]')}`,
    ),
    leaves('        mov eax, [page_free + 24]\n        and eax, 7', 'eax', 1),
  ],
  "bits of an entry that are software's, and execution that it forbids": [
    // Bits 52 to 62 are as in the tables of four levels that Xen keeps.
    `${leafOf('page_free')}
        mov ecx, [esi]
${call(14, ['ebx, page_free', 'edx, 0x7ff00000', 'esi, 2'], 0)}`,
    leaves('        mov dword [page_free], 0xc3\n        mov eax, [page_free]', 'eax', 0xc3),
    `${leafOf('page_free')}\n${leaves('        mov eax, [esi + 4]', 'eax', 0x7ff0_0000)}`,
    leaves('        mov eax, 3\n        call page_free', 'eax', 3),
    `${leafOf('page_free')}
        mov ecx, [esi]
${call(14, ['ebx, page_free', 'edx, 0xfff00000', 'esi, 2'], 0)}`,
    faults('        call page_free', 14, 0x11),
  ],
  'an LDT: pages as they are used, and no other page in their place': [
    `        mov dword [page_free + 8], 0x0000ffff
        mov dword [page_free + 12], 0x00cfb300
        mov dword [argument], 13
        mov dword [argument + 4], page_free
        mov dword [argument + 8], 4
${call(26, ['ebx, argument', 'ecx, 1', 'edx, 0', 'esi, 0x7ff0'], 0)}`,
    // A page that can be written is no table.
    faults('        mov eax, 0xd\n        mov fs, ax', 14, 0),
    leaves('        mov eax, cr2', 'eax', 'page_free + 8'),
    `${leafOf('page_free')}
        mov ecx, [esi]
        and ecx, -3
${call(14, ['ebx, page_free', 'edx, 0', 'esi, 2'], 0)}`,
    leaves('        mov eax, 0xd\n        mov fs, ax\n        mov eax, fs', 'eax', 0xd),
    // Another page at the address, with a segment of ring 0, is looked at before it is used.
    `        mov dword [user_stack + 8], 0x0000ffff
        mov dword [user_stack + 12], 0x00cf9300
${leafOf('user_stack')}
        mov ecx, [esi]
${call(14, ['ebx, page_free', 'edx, 0', 'esi, 2'], 0)}`,
    faults('        mov eax, 0xd\n        mov fs, ax', 14, 0),
  ],
  'descriptors: gates to the hypervisor are refused': [
    `${leafOf('page_free')}
        mov eax, [esi]
        and eax, 0xfffff000
        mov [argument + 16], eax
${call(10, ['ebx, [argument + 16]', 'ecx, 0', 'edx, 0xe0080000', 'esi, 0x0000ec00'], -22)}
${call(10, ['ebx, [argument + 16]', 'ecx, 0', 'edx, 0xe0190000', 'esi, 0x0000ec00'], 0)}
${call(10, ['ebx, [argument + 16]', 'ecx, 0', 'edx, 0x00190000', 'esi, 0x00008e00'], -22)}`,
  ],
};

describeChecks('a kernel for Xen', { machine: 'xenpv', kernel: pvTestKernel }, checks);

const waits = waitsForTimer(pvChecks);

describe.each(['interpreter', 'translator'] as const)(
  'a snapshot of such a kernel (%s)',
  (accel) => {
    it('goes on where it was, with the page types that it had', async () => {
      const host = new TestHost();
      host.msPerLook = 0.02;
      const kernel = pvTestKernel([waits, ...(checks['direct writes to page tables'] ?? [])]);
      const made = await createMachine({
        memoryBytes: 16 << 20,
        machine: 'xenpv',
        boot: { kind: 'kernel', kernel },
        host,
        accel,
      });
      const restored = await goesOn(made, host);
      machine = restored;
      const said = await runUntil(restored, host, /Test result: \w+\r\n|crashed[^\n]*\n/, 500);
      expect(said).toBe('Test result: SUCCESS\r\n');
    });
  },
);
