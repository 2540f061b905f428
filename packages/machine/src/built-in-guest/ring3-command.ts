import { GuestLayout, GuestSelector, say } from './layout.ts';

/** System calls of the program in ring 3: the number is in EAX, an argument in EBX. */
const SystemCall = { report: 1, leave: 2 } as const;

/**
 * `ring3`: leaves ring 0 by IRET, comes back by an interrupt gate (SDM 3A 6.12.1).
 *
 * The program tries CLI, which ring 3 may not; the general protection fault is caught and the
 * instruction skipped.
 */
export const ring3Text: string = `
command_ring3:
        pushad
        mov [ring0_stack], esp
        mov [task_stack], esp
        push ${GuestSelector.userData}
        push ${GuestLayout.userStackTop}
        pushfd
        push ${GuestSelector.userCode}
        push user_program
        iretd

user_program:
        mov eax, ${GuestSelector.userData}
        mov ds, eax
        mov es, eax
        mov ebx, cs
        and ebx, 3
        mov eax, ${SystemCall.report}
        int 48
user_cli:
        cli
        mov eax, ${SystemCall.leave}
        int 48
        ud2

handle_system_call:
        mov eax, [ebp + 36]
        cmp eax, ${SystemCall.report}
        je call_report
        cmp eax, ${SystemCall.leave}
        jne handle_unexpected
        mov esp, [ring0_stack]
        ${say('ring3: back in ring 0\n')}
        popad
        sti
        ret
call_report:
        ${say('ring3: system call from a program in ring ')}
        mov eax, [ebp + 24]
        call print_decimal
        ${say('\n')}
        ret

handle_protection:
        cmp dword [ebp + 48], user_cli
        jne handle_unexpected
        ${say('ring3: CLI refused, general protection fault with error ')}
        mov eax, [ebp + 44]
        call print_decimal
        ${say('\n')}
        inc dword [ebp + 48]
        ret
`;

/** Where the stack of ring 0 was when the program started. */
export const ring3Data: string = `
        align 4
ring0_stack: dd 0
`;
