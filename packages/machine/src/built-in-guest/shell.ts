import { say, textAt } from './layout.ts';

/** The commands: name, label of the code, what help says. */
const commands: readonly (readonly [name: string, label: string, help: string])[] = [
  ['help', 'command_help', 'this list'],
  ['mem', 'command_mem', 'the memory map that the loader gave'],
  ['paging', 'command_paging', 'map, remap, fault in and protect pages'],
  ['ring3', 'command_ring3', 'run a program in ring 3 and refuse it an instruction'],
  ['smc', 'command_smc', 'run code that changes itself'],
  ['hypercall', 'command_hypercall', 'talk to the hypervisor'],
  ['time', 'command_time', 'timer ticks, time-stamp counter, time of day'],
  ['exit', 'command_exit', 'leave by the debug-exit device'],
  ['halt', 'command_halt', 'wait with interrupts off, for ever'],
  ['crash', 'command_crash', 'triple fault'],
  ['reboot', 'command_reboot', 'reset the machine'],
  ['poweroff', 'command_poweroff', 'switch the machine off'],
];

const lineLimit = 60;
const helpLines = commands.map(([name, , help]) => `  ${name.padEnd(10)} ${help}\n`).join('');

/** Reads lines from the console and runs the commands in them. */
export const shellText: string = `
shell:
        ${say('> ')}
        call read_line
        cmp byte [line], 0
        je shell
        mov ebx, command_table
shell_next:
        mov edi, [ebx]
        test edi, edi
        jz shell_unknown
        mov esi, line
shell_compare:
        lodsb
        scasb
        jne shell_other
        test al, al
        jnz shell_compare
        call [ebx + 4]
        jmp shell
shell_other:
        add ebx, 8
        jmp shell_next
shell_unknown:
        ${say('unknown command: ')}
        mov esi, line
        call print
        ${say('\n')}
        jmp shell

; Reads a line into [line], with echo; backspace and delete take a character back.
read_line:
        mov edi, line
read_next:
        call read_char
        cmp al, 13
        je read_end
        cmp al, 10
        je read_end
        cmp al, 8
        je read_erase
        cmp al, 127
        je read_erase
        cmp al, 32
        jb read_next
        cmp edi, line + ${lineLimit}
        jae read_next
        stosb
        call put_char
        jmp read_next
read_erase:
        cmp edi, line
        je read_next
        dec edi
        ${say('\b \b')}
        jmp read_next
read_end:
        mov byte [edi], 0
        ${say('\n')}
        ret

command_help:
        mov esi, help_text
        jmp print
`;

/** The table of commands and the line that is read. */
export const shellData: string = `
${commands.map(([name]) => textAt(`name_${name}`, name)).join('\n')}
${textAt('help_text', helpLines)}
        align 4
command_table:
${commands.map(([name, label]) => `        dd name_${name}, ${label}`).join('\n')}
        dd 0
line:   times ${lineLimit + 4} db 0
`;
