/** What the built-in programs share at their start: descriptor tables, interrupt controllers. */
import { GuestSelector } from './layout.ts';

/** Exceptions that push an error code (SDM 3A table 6-1). */
export const withErrorCode: readonly number[] = [8, 10, 11, 12, 13, 14, 17, 21];

/**
 * Loads the GDT, with the base of the task's descriptor, which is in pieces, filled in; ends in the
 * kernel's own code segment.
 */
export const descriptorTablesText: string = `
        mov eax, task_state
        mov [gdt_task + 2], ax
        shr eax, 16
        mov [gdt_task + 4], al
        mov [gdt_task + 7], ah
        lgdt [gdt_pointer]
        push ${GuestSelector.code}
        push segments_loaded
        retf
segments_loaded:`;

/** The GDT and the task state, of which only the stack of ring 0 is used. */
export function descriptorTablesData(stackTop: number): string {
  return `
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
        dd ${stackTop}
        dd ${GuestSelector.data}
        times 22 dd 0
        dd 0x00680000           ; no I/O map`;
}

/** Interrupt controllers to vectors 32 to 47; of their requests those in the masks stay masked. */
export function interruptControllersText(masks: readonly [first: number, second: number]): string {
  return `
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, 32
        out 0x21, al
        mov al, 40
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, ${masks[0]}
        out 0x21, al
        mov al, ${masks[1]}
        out 0xa1, al`;
}

/** Counter 0 interrupts 100 times a second: 1193182 Hz / 11932. */
export const tickText: string = `
        mov al, 0x34
        out 0x43, al
        mov al, 0x9c
        out 0x40, al
        mov al, 0x2e
        out 0x40, al`;
