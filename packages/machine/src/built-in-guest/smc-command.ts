import { say } from './layout.ts';

const rounds = 1000;

/**
 * `smc`: code that is written just before it runs.
 *
 * First a function whose constant is changed before each call: the sum of 0 to 999 tells whether
 * each change took effect. Then an instruction that changes the very next one.
 */
export const smcText: string = `
command_smc:
        xor ecx, ecx
        xor ebx, ebx
smc_round:
        mov [smc_constant + 1], ecx
        call smc_constant
        add ebx, eax
        inc ecx
        cmp ecx, ${rounds}
        jb smc_round
        ${say(`smc: sum over ${rounds} changed calls is `)}
        mov eax, ebx
        call print_decimal
        ${say(`, should be ${(rounds * (rounds - 1)) / 2}\n`)}
        mov byte [smc_next + 1], 0
        mov byte [smc_next + 1], 66
smc_next:
        mov al, 0
        movzx eax, al
        ${say('smc: the next instruction loads ')}
        call print_decimal
        ${say(', should be 66\n')}
        ret
smc_constant:
        mov eax, 0x7fffffff
        ret
`;
