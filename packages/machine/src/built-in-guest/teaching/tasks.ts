/** The shell of the teaching kernel, and the programs that run as its tasks in ring 3. */
import { say, textAt } from '../layout.ts';
import { TeachingLayout as At } from './layout.ts';
import { SystemCall, systemCallVector } from './system-calls.ts';

/** Commands: a letter, and the program that it runs with the number behind it as rounds. */
const measurements = [
  { letter: 'e', name: 'empty', body: '' },
  { letter: 'n', name: 'null', body: call(SystemCall.nothing) },
  { letter: 's', name: 'switch', body: call(SystemCall.yield) },
  { letter: '1', name: 'update-1', body: windowOf(1) },
  { letter: '2', name: 'update-8', body: windowOf(8) },
  { letter: '3', name: 'update-64', body: windowOf(64) },
  { letter: '4', name: 'update-512', body: windowOf(512) },
  {
    letter: 'f',
    name: 'fault',
    body: `mov dword [${At.heap}], 1\n        ${call(SystemCall.release)}`,
  },
  { letter: 't', name: 'tick', body: call(SystemCall.tick) },
  {
    letter: 'b',
    name: 'block',
    body: `mov ebx, [user_left]\n        and ebx, 31\n        ${call(SystemCall.disk)}`,
  },
] as const;

/** Names of the measurements by the letters of their commands. */
export const teachingMeasurements: readonly (readonly [letter: string, name: string])[] =
  measurements.map(({ letter, name }) => [letter, name]);

const lineLimit = 30;

/** Reads commands: a letter and a number. */
export const teachingShellText: string = `
shell:
        ${say('# ')}
        mov edi, line
shell_read:
        push edi
        call read_char
        pop edi
        cmp al, 13
        je shell_run
        cmp edi, line + ${lineLimit}
        jae shell_read
        stosb
        call put_char
        jmp shell_read
shell_run:
        mov byte [edi], 0
        mov al, 10
        call put_char
        mov esi, line + 1
        xor ebx, ebx
shell_number:
        lodsb
        test al, al
        jz shell_choose
        sub al, 48
        cmp al, 9
        ja shell_number
        movzx eax, al
        imul ebx, ebx, 10
        add ebx, eax
        jmp shell_number
shell_choose:
        test ebx, ebx
        jnz shell_rounds
        mov ebx, 1
shell_rounds:
        mov [user_rounds], ebx
        mov al, [line]
        cmp al, 113             ; q
        je power_off
        cmp al, 100             ; d
        je shell_demo
        mov esi, command_table
shell_next:
        mov ecx, [esi]
        test ecx, ecx
        jz shell_unknown
        cmp al, cl
        je shell_measure
        add esi, 8
        jmp shell_next
shell_measure:
        mov eax, [esi + 4]
        mov edx, 1
        call create_task
        mov eax, program_partner
        mov edx, 2
        call create_task
        mov dword [user_stop], 0
        call schedule           ; comes back when there is no task any more
        jmp shell
shell_demo:
        call command_demo
        jmp shell
shell_unknown:
        ${say('d: demonstration, q: power off; with a number:')}
        mov esi, command_help
        call print
        jmp shell

; Two tasks, each in an address space of its own, and a timer that takes turns.
command_demo:
        mov eax, program_demo
        mov edx, 1
        call create_task
        mov eax, program_demo
        mov edx, 2
        call create_task
        mov dword [user_next], 0
        call timer_start
        call schedule
        jmp timer_stop
`;

/** The programs. They are in pages that tasks may touch, with their data. */
export const teachingProgramText: string = `
        align 4096
user_start:
program_demo:
        mov ebx, [user_next]
        inc ebx
        mov [user_next], ebx
        mov [${At.heap}], ebx       ; the page comes with the fault
        mov esi, 3
demo_round:
        mov edi, [user_ticks]
demo_wait:
        cmp edi, [user_ticks]
        je demo_wait
        mov eax, [${At.heap}]       ; the same address in both tasks, and not the same page
        add al, 48
        mov [user_letter], al
        mov ebx, user_letter
        ${call(SystemCall.print)}
        dec esi
        jnz demo_round
        mov ebx, text_done
        ${call(SystemCall.print)}
        ${call(SystemCall.exit)}

; Yields for as long as somebody measures.
program_partner:
        ${call(SystemCall.yield)}
        cmp dword [user_stop], 0
        je program_partner
        ${call(SystemCall.exit)}

${measurements.map(measureText).join('\n')}
measure_end:
        rdtsc
        sub eax, [report + 8]
        sbb edx, [report + 12]
        mov [report + 8], eax
        mov [report + 12], edx
        mov ebx, report
        ${call(SystemCall.report)}
        mov dword [user_stop], 1
        ${call(SystemCall.exit)}

        align 4
report: dd 0, 0, 0, 0
user_rounds: dd 0
user_left: dd 0
user_stop: dd 0
user_next: dd 0
user_ticks: dd 0                ; the kernel counts here
user_letter: db 0, 0
${textAt('text_done', ' done\n')}
${measurements.map(({ name }) => textAt(`name_${label(name)}`, name)).join('\n')}
        align 4096
user_end:
`;

const tableText = measurements
  .map(({ letter, name }) => `        dd ${letter.charCodeAt(0)}, program_${label(name)}`)
  .join('\n');
const helpText = measurements.map(({ letter, name }) => ` ${letter} ${name}`).join(',');

/** The table of commands and the line that is read. */
export const teachingShellData: string = `
        align 4
command_table:
${tableText}
        dd 0
${textAt('command_help', `${helpText}\n`)}
line:   times ${lineLimit + 2} db 0
`;

function measureText({ name, body }: { readonly name: string; readonly body: string }): string {
  return `
program_${label(name)}:
        mov dword [report], name_${label(name)}
        mov eax, [user_rounds]
        mov [report + 4], eax
        mov [user_left], eax
        rdtsc
        mov [report + 8], eax
        mov [report + 12], edx
round_${label(name)}:
        ${body}
        dec dword [user_left]
        jnz round_${label(name)}
        jmp measure_end`;
}

/** Changes the window: pages that are one frame apart, in turn. */
function windowOf(pages: number): string {
  return `mov ebx, ${pages}\n        mov ecx, [user_left]\n        ${call(SystemCall.window)}`;
}

function call(number: number): string {
  return `mov eax, ${number}\n        int ${systemCallVector}`;
}

function label(name: string): string {
  return name.replace('-', '_');
}
