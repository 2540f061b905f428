import { powerManagementBase } from '../firmware.ts';

/** What the version of APM is in AX, and what BX says where it is there. */
export const apm = { version: 0x0102, signature: 0x504d, onLine: 0x01ff, unknown: 0xffff } as const;

/** The control register of power management, and what it takes to switch off (ACPI S5). */
const control = powerManagementBase + 4;
const softOff = 0x2000;

/**
 * The services of power management for callers in protected mode, who call them far with AX as for
 * INT 15h, AH = 53h (APM BIOS Specification 1.2, 4.7): code of one width.
 */
const entry = (bits: 16 | 32): string => `
        bits ${bits}
apm_${bits}:
        cmp al, 0x07
        je apm_${bits}_state
        cmp al, 0x05
        je apm_${bits}_idle
        cmp al, 0x0a
        je apm_${bits}_battery
        cmp al, 0x0b
        je apm_${bits}_event
        cmp al, 0x0e
        je apm_${bits}_version
        mov ah, 0x0c            ; others than disconnect, busy, on, are not there
        cmp al, 0x04
        je apm_${bits}_done
        cmp al, 0x06
        je apm_${bits}_done
        cmp al, 0x08
        je apm_${bits}_done
        cmp al, 0x0d
        je apm_${bits}_done
        cmp al, 0x0f
        je apm_${bits}_done
        stc
        retf
apm_${bits}_state:
        cmp bx, 1
        jne apm_${bits}_done
        cmp cx, 3
        jne apm_${bits}_done
        push dx
        mov dx, ${control}
        mov ax, ${softOff}
        out dx, ax
        pop dx
        jmp apm_${bits}_done
; Waits for an interrupt if one can come.
apm_${bits}_idle:
        pushf
        pop ${bits === 16 ? 'ax' : 'eax'}
        test ah, 2
        mov ax, 0x5305
        jz apm_${bits}_done
        hlt
apm_${bits}_done:
        mov ah, 0
        clc
        retf
apm_${bits}_battery:
        mov bx, ${apm.onLine}
        mov cx, ${apm.unknown}
        mov dx, cx
        jmp apm_${bits}_done
apm_${bits}_event:
        mov ah, 0x80
        stc
        retf
apm_${bits}_version:
        mov ax, ${apm.version}
        clc
        retf
`;

/** Both widths, in text that is 16 bits wide again at its end. */
export const powerText: string = `${entry(16)}${entry(32)}        bits 16\n`;
