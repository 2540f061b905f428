import { GuestLayout, GuestSelector, say } from './layout.ts';

/** The first instructions: own GDT and IDT, devices, and the first line on the console. */
export const entryText: string = `
start:
        mov esp, ${GuestLayout.stackTop}
        cld
        mov [boot_info], ebx
        ; The task descriptor's base is in pieces, so it is filled in here.
        mov eax, task_state
        mov [gdt_task + 2], ax
        shr eax, 16
        mov [gdt_task + 4], al
        mov [gdt_task + 7], ah
        lgdt [gdt_pointer]
        push ${GuestSelector.code}
        push segments_loaded
        retf
segments_loaded:
        mov eax, ${GuestSelector.data}
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov ss, eax
        mov eax, ${GuestSelector.task}
        ltr ax
        call fill_idt
        lidt [idt_pointer]
        call initialize_interrupts
        call initialize_serial
        call clear_screen
        sti
        ${say('Ringfence built-in guest. Type help.\n')}
        jmp shell
`;

/** Descriptor tables and the task state, of which only the ring 0 stack is used. */
export const entryData: string = `
        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff   ; 0x08 code, ring 0
        dq 0x00cf93000000ffff   ; 0x10 data, ring 0
        dq 0x00cffb000000ffff   ; 0x18 code, ring 3
        dq 0x00cff3000000ffff   ; 0x20 data, ring 3
gdt_task:
        dq 0x0000890000000067   ; 0x28 available 32-bit TSS; base filled in
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
        align 4
task_state:
        dd 0
task_stack:
        dd ${GuestLayout.stackTop}
        dd ${GuestSelector.data}
        times 22 dd 0
        dd 0x00680000           ; no I/O map
boot_info: dd 0
`;
