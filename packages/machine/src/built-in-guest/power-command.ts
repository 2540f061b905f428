import { say } from './layout.ts';

/** "RSD PTR ", "FACP" and "_S5_" as little-endian words. */
const rsdFirst = 0x2044_5352;
const rsdSecond = 0x2052_5450;
const facp = 0x5043_4146;
const s5 = 0x5f35_535f;

/** What goes to the debug-exit port. */
const exitValue = 0x15;

/**
 * The ways out: debug exit, endless halt, triple fault, keyboard controller, ACPI.
 *
 * Power-off looks for the fixed ACPI description table, takes the control port from it and the
 * value for S5 from the object `_S5_` in the differentiated table (ACPI 6.4, 5.2.5, 5.2.9, 7.4.2).
 */
export const powerText: string = `
command_exit:
        mov al, ${exitValue}
        out 0xf4, al
        ${say('exit: there is no debug-exit device\n')}
        ret

command_halt:
        ${say('halt: waiting with interrupts off\n')}
        cli
        hlt
        jmp command_halt

command_crash:
        ${say('crash: no interrupt table from here on\n')}
        lidt [null_pointer]
        ud2

command_reboot:
        ${say('reboot: asking the keyboard controller\n')}
        mov al, 0xfe
        out 0x64, al
        hlt
        jmp command_crash

command_poweroff:
        mov esi, 0xe0000
rsd_next:
        cmp dword [esi], ${rsdFirst}
        jne rsd_other
        cmp dword [esi + 4], ${rsdSecond}
        je rsd_found
rsd_other:
        add esi, 16
        cmp esi, 0x100000
        jb rsd_next
        ${say('poweroff: no ACPI tables\n')}
        ret
rsd_found:
        mov esi, [esi + 16]     ; root table
        mov ecx, [esi + 4]
        sub ecx, 36
        shr ecx, 2
        add esi, 36
root_next:
        jecxz poweroff_failed
        lodsd
        dec ecx
        cmp dword [eax], ${facp}
        jne root_next
        mov edx, [eax + 64]     ; PM1a control
        mov esi, [eax + 40]     ; differentiated table
        mov ecx, [esi + 4]
s5_next:
        cmp dword [esi], ${s5}
        je s5_found
        inc esi
        loop s5_next
poweroff_failed:
        ${say('poweroff: the ACPI tables do not say how\n')}
        ret
s5_found:
        add esi, 7              ; name, package, its length, its count
        lodsb
        cmp al, 10              ; a byte with prefix, or a constant by itself
        jne s5_value
        lodsb
s5_value:
        movzx eax, al
        shl eax, 10
        or eax, 0x2000
        out dx, ax
        hlt
        jmp poweroff_failed
`;

/** An interrupt table without entries. */
export const powerData: string = `
null_pointer: dw 0, 0, 0
`;
