import { GuestLayout, GuestSelector, say } from './layout.ts';
import { descriptorTablesData, descriptorTablesText } from './processor.ts';

/** The first instructions: own GDT and IDT, devices, and the first line on the console. */
export const entryText: string = `
start:
        mov esp, ${GuestLayout.stackTop}
        cld
        mov [boot_info], ebx${descriptorTablesText}
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

/** Descriptor tables, and where the loader's description is. */
export const entryData: string = `${descriptorTablesData(GuestLayout.stackTop)}
boot_info: dd 0
`;
