import { say } from './layout.ts';

const waitedTicks = 5;

/** `time`: the timer's interrupts, the counter between two of them, and the clock's registers. */
export const timeText: string = `
command_time:
        mov ebx, [ticks]
time_edge:
        hlt
        cmp ebx, [ticks]
        je time_edge
        mov ebx, [ticks]
        rdtsc
        mov esi, eax
        add ebx, ${waitedTicks}
time_wait:
        hlt
        mov eax, [ticks]
        sub eax, ebx
        js time_wait
        rdtsc
        sub eax, esi
        ${say(`time: ${waitedTicks} ticks of 10 ms took `)}
        call print_decimal
        ${say(' counts, tick ')}
        mov eax, [ticks]
        call print_decimal
        ${say('\ntime: the clock says ')}
        mov al, 4
        call print_clock_register
        ${say(':')}
        mov al, 2
        call print_clock_register
        ${say(':')}
        mov al, 0
        call print_clock_register
        ${say(' UTC\n')}
        ret

; Prints register AL of the real-time clock: two decimal digits in BCD, once no update is under way.
print_clock_register:
        mov ah, al
clock_update:
        mov al, 10
        out 0x70, al
        in al, 0x71
        test al, 0x80
        jnz clock_update
        mov al, ah
        out 0x70, al
        in al, 0x71
        mov ah, al
        shr al, 4
        add al, 48
        call put_char
        mov al, ah
        and al, 15
        add al, 48
        jmp put_char
`;
