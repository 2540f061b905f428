/** How a small paravirtual kernel for Xen is entered: traps, callbacks, upcalls, interrupts. */
import { pvTestKernel } from './test-pv-kernel.ts';
import {
  aside,
  callback,
  leafOf,
  mapShared,
  openPage,
  pvChecks,
  readOnly,
  returns,
  user,
} from './test-pv-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, faults, leaves } = pvChecks;

/** A fault whose frame says where it was. */
const faultsAt = (code: string, vector: number, label: string, error = 0): string =>
  `${faults(code, vector, error)}\n${leaves('        mov eax, [got_eip]', 'eax', label)}`;

const sendNmi = (): string => call(24, ['ebx, 11', 'ecx, 0', 'edx, 0'], 0);

/** Words of a state in virtual-8086 mode, from GS down, then EAX for `iret`. */
const toVirtual8086 = `${'        push 0\n'.repeat(4)}        push 0x1000
        push 0xfffe
        push 0x20202
        push 0x2000
        push 0x1234
        push 77
        mov eax, 23
        int 0x82`;

const checks: NamedChecks = {
  'the instruction that a trap is told of': [
    faultsAt('at_divide:\n        xor ecx, ecx\n        div ecx', 0, 'at_divide + 2'),
    faultsAt('        int3\nafter_int3:', 3, 'after_int3'),
    faultsAt('        db 0xcd, 3\nafter_int_3:', 3, 'after_int_3'),
    faultsAt('        mov al, 0x7f\n        add al, 1\n        into\nafter_into:', 4, 'after_into'),
    faultsAt('        int 0x80\nafter_int_80:', 0x80, 'after_int_80'),
    faultsAt('at_ud2: ud2', 6, 'at_ud2'),
    faultsAt('at_store: mov dword [0x1000], 1', 14, 'at_store', 2),
    faultsAt('        db 0xf1\nafter_icebp:', 1, 'after_icebp'),
  ],
  'the upcall mask in frames, and what a handler may ask for it': [
    faults('        int3', 3),
    leaves('        mov eax, [got_cs]', 'eax', 0x1_e019),
    leaves('        mov eax, [got_eflags]\n        and eax, 0x3200', 'eax', 0),
    mapShared('page_free'),
    `        mov byte [page_free + 1], 0
${faults('        int3', 3)}
${leaves('        mov eax, [got_cs]', 'eax', 0xe019)}
${leaves('        mov eax, [got_eflags]\n        and eax, 0x3200', 'eax', 0x200)}
${leaves('        movzx eax, byte [page_free + 1]', 'eax', 0)}`,
    `        mov dword [argument], 0xe0190403
        mov dword [argument + 4], trap_3
        mov dword [argument + 12], 0
${call(0, ['ebx, argument'], 0)}
${faults('        int3', 3)}
${leaves('        movzx eax, byte [page_free + 1]', 'eax', 1)}`,
    // The byte is shown as it is, and bit 0 set in it.
    `        mov byte [page_free + 1], 0x42
${faults('        int3', 3)}
${leaves('        mov eax, [got_cs]', 'eax', 0x42_e019)}
${leaves('        mov eax, [got_eflags]\n        and eax, 0x200', 'eax', 0)}
${leaves('        movzx eax, byte [page_free + 1]', 'eax', 0x43)}`,
  ],
  'an upcall, with upcalls masked until it returns': [
    mapShared('page_free'),
    aside(
      'on_event',
      `        push eax
        inc dword [seen]
        mov eax, [esp + 8]
        mov [seen + 4], eax
        movzx eax, byte [page_free + 1]
        mov [seen + 8], eax
        mov byte [page_free], 0
${returns}`,
    ),
    callback(0, 'on_event'),
    `        mov dword [argument], 0
${call(32, ['ebx, 7', 'ecx, argument'], 0)}
        mov eax, [argument + 4]
        mov [argument], eax
        mov byte [page_free + 1], 0
${call(32, ['ebx, 4', 'ecx, argument'], 0)}`,
    leaves('', 'dword [seen]', 1),
    leaves('', 'dword [seen + 4]', 0xe019),
    leaves('', 'dword [seen + 8]', 1),
    leaves('', 'byte [page_free + 1]', 0),
    // One that is pending already tells nothing new.
    call(32, ['ebx, 4', 'ecx, argument'], 0),
    leaves('', 'dword [seen]', 1),
  ],
  'an NMI that it gives itself, and no other before the handler returns': [
    aside(
      'on_nmi',
      `        push eax
        inc dword [seen]
        cmp dword [seen], 1
        jne nmi_again
        pushad
${sendNmi()}
        cmp dword [seen], 1
        je nmi_held
        call fail
nmi_held:
        popad
nmi_again:
${returns}`,
    ),
    // Without a handler it is lost.
    sendNmi(),
    callback(4, 'on_nmi'),
    sendNmi(),
    leaves('', 'dword [seen]', 2),
    call(24, ['ebx, 11', 'ecx, 0', 'edx, argument'], -22),
    call(24, ['ebx, 11', 'ecx, 1', 'edx, 0'], -2),
    call(28, ['ebx, 2'], -38),
    call(28, ['ebx, 0', 'ecx, 0xfffff000'], -14),
    call(28, ['ebx, 1'], 0),
    sendNmi(),
    `        mov dword [argument], on_nmi\n${call(28, ['ebx, 0', 'ecx, argument'], 0)}`,
    sendNmi(),
    leaves('', 'dword [seen]', 3),
  ],
  'SYSENTER of a program, once it wants to be told': [
    openPage('user_page') + '\n' + openPage('user_stack'),
    // Where it was, nobody knows: the frame has null selectors of ring 3.
    faults(user('user_sysenter', 0x4200), 13),
    leaves('', 'dword [got_eip]', 0),
    leaves('', 'word [got_cs]', 3),
    leaves('        mov eax, [got_eflags]\n        and eax, 0x4000', 'eax', 0x4000),
    aside(
      'on_sysenter',
      `        push ss
        pop ds
        mov eax, [esp]
        mov [seen], eax
        mov eax, [esp + 4]
        mov [seen + 4], ax
        mov eax, [esp + 16]
        mov [seen + 8], eax
        jmp trap_end`,
    ),
    callback(5, 'on_sysenter'),
    leaves(
      `        mov dword [seen], 1
        mov dword [resume], from_sysenter
${user('user_sysenter')}
from_sysenter: push ds
        pop es`,
      'dword [seen]',
      0,
    ),
    leaves('', 'dword [seen + 4]', 3),
    leaves('', 'dword [seen + 8]', 0xe033),
    `        mov dword [argument], 5\n${call(30, ['ebx, 1', 'ecx, argument'], -22)}`,
    `        mov dword [argument], 2\n${call(30, ['ebx, 0', 'ecx, argument'], -38)}`,
    call(30, ['ebx, 2', 'ecx, argument'], -22),
  ],
  'a segment that is gone after it waited, by the failsafe callback': [
    aside(
      'on_failsafe',
      `        xchg eax, [esp + 8]
        mov [seen], eax
        mov eax, fs
        mov [seen + 4], eax
        mov eax, [esp + 8]
        add esp, 12
        mov [esp], eax
${returns}`,
    ),
    callback(1, 'on_failsafe'),
    `        mov dword [page_free + 8], 0x0000ffff
        mov dword [page_free + 12], 0x00cfb300
${leafOf('page_free')}
        mov ecx, [esi]
        mov [argument + 16], ecx
        and ecx, -3
${call(14, ['ebx, page_free', 'edx, 0', 'esi, 2'], 0)}
        mov eax, [argument + 16]
        shr eax, 12
        mov [argument], eax
${call(2, ['ebx, argument', 'ecx, 512'], 0)}
        mov eax, 9
        mov fs, ax
        and dword [argument + 16], 0xfffff000
${call(10, ['ebx, [argument + 16]', 'ecx, 0', 'edx, 0', 'esi, 0'], 0)}
        add dword [argument + 16], 8
${call(10, ['ebx, [argument + 16]', 'ecx, 0', 'edx, 0', 'esi, 0'], 0)}
        mov dword [argument], 0
        mov dword [argument + 4], 0
${call(32, ['ebx, 1', 'ecx, argument'], 0)}
${call(15, ['ebx, 500000000', 'ecx, 0'], 0)}
        mov dword [seen + 4], 1
${call(29, ['ebx, 1', 'ecx, 0'], 0)}`,
    leaves('', 'dword [seen]', 9),
    leaves('', 'dword [seen + 4]', 0),
  ],
  'a way back to virtual-8086 mode that is none': [
    faults(toVirtual8086, 13),
    leaves('        mov eax, [got_eip]', 'eax', 0x1234),
    leaves('        movzx eax, word [got_cs]', 'eax', 0x2000),
    leaves('        mov eax, [got_eflags]\n        and eax, 0x20000', 'eax', 0x2_0000),
  ],
  'a call gate of its own, by programs and by itself': [
    openPage('user_page') + '\n' + openPage('user_stack'),
    aside(
      'on_gate',
      `        push ss
        pop ds
        mov eax, [esp + 8]
        mov [seen], eax
        retf 4`,
    ),
    `        mov eax, on_gate
        movzx ecx, ax
        or ecx, 0xe0190000
        mov [page_free + 8], ecx
        mov ax, 0xec01
        mov [page_free + 12], eax
${readOnly('page_free')}
${call(2, ['ebx, argument', 'ecx, 512'], 0)}`,
    faults(user('user_gate'), 0x80),
    leaves('', 'dword [seen]', 0x1234),
    // A jump does not change the level.
    faults(user('user_jump'), 13, 0xe018),
    leaves(
      `        push 0x4321
        db 0x9a
        dd 0
        dw 0x0b`,
      'dword [seen]',
      0x4321,
    ),
  ],
  'the time, hidden from programs': [
    openPage('user_page') + '\n' + openPage('user_stack'),
    faults(user('user_rdtsc'), 0x80),
    leaves('        mov eax, cr4\n        or eax, 4\n        mov cr4, eax', 'eax', 0x624),
    leaves('        mov eax, cr4', 'eax', 0x624),
    faults(user('user_rdtsc'), 13),
    leaves('        rdtsc\n        or eax, edx\n        setnz al\n        movzx eax, al', 'eax', 1),
    leaves('        mov eax, cr4\n        and eax, -5\n        mov cr4, eax', 'eax', 0x620),
    faults(user('user_rdtsc'), 0x80),
  ],
};

describeChecks('a kernel for Xen', { machine: 'xenpv', kernel: pvTestKernel }, checks);
