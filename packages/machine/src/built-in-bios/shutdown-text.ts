import { facsAddress } from '../firmware.ts';

/** The shutdown status with which a machine that has slept in S3 goes on, as QEMU's BIOS has it. */
export const statusWake = 0xfe;

/**
 * The first that a BIOS does after a reset: it goes on where the shutdown status says, else at
 * `power_on`. Text of 16-bit code.
 */
export const shutdownText: string = `
; The shutdown status of CMOS says where a reset goes on (IBM AT): 5 with an end of interrupt and 10
; by a jump to 40:67, 11 and 12 by IRET and RETF with the stack at 40:67, FEh at the waking vector
; of the FACS, when the machine has slept (ACPI 2.0c, 15.3.1.2). It is used once.
        mov al, 0x0f
        out 0x70, al
        in al, 0x71
        mov bl, al
        xor al, al
        out 0x71, al
        mov ax, 0x40
        mov ds, ax
        cmp bl, 5
        je shutdown_end
        cmp bl, 10
        je shutdown_jump
        cmp bl, 11
        je shutdown_iret
        cmp bl, ${String(statusWake)}
        je shutdown_wake
        cmp bl, 12
        jne power_on
        lss sp, [0x67]
        retf
shutdown_iret:
        lss sp, [0x67]
        iret
; Behind the FACS is room for a far pointer: memory is the guest's. Its code may count on DS and ES
; being 0, as SeaBIOS has them.
shutdown_wake:
        mov ax, ${String(facsAddress >> 4)}
        mov fs, ax
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov eax, [fs:12]
        test eax, eax
        jz power_on
        mov ebx, eax
        and bx, 15
        mov [fs:64], bx
        shr eax, 4
        mov [fs:66], ax
        jmp far [fs:64]
shutdown_end:
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
shutdown_jump:
        jmp far [0x67]`;
