/**
 * The teaching kernel ported to Ringfence's hypercalls: no page table, no port, no CLI. Of the
 * sensitive instructions it has those that set up the processor once, and the move from CR2.
 */
import {
  batchElementBytes,
  InfoOffset,
  RingfenceCall as Call,
  RingfenceEvent,
  ringfenceMagic,
} from '@ringfence/hypercall';

import { Right, TeachingLayout as At } from './layout.ts';
import type { MachineLayer } from './layout.ts';

const info = At.shared;
const pending = info + InfoOffset.pending;
const masked = info + InfoOffset.masked;
const pageBytes = 4096;
const upcallVector = 32;
const tablePages = (At.tablesEnd - At.tables) / pageBytes;
const lineBytes = 64;
const tickNs = 10_000_000;

/** A call with the registers that are loaded before it. */
function hypercall(number: number, ...registers: readonly string[]): string {
  const loads = registers.map((load) => `mov ${load}`);
  return [...loads, `mov eax, ${ringfenceMagic | number}`, 'vmcall'].join('\n        ');
}

/** An element of a list of calls. */
function listed(number: number, ...args: readonly (number | string)[]): string {
  const words = [number, 0, ...args, 0, 0, 0, 0, 0, 0].slice(0, batchElementBytes / 4);
  return `        dd ${words.join(', ')}`;
}

/** Space 0 has the kernel; the pages of page tables are not in it. */
const spaceText = `
paging_init:
        ${hypercall(Call.donate, `ebx, ${At.tables}`, `ecx, ${tablePages}`)}
        ${hypercall(Call.createSpace, 'ebx, 0', 'ecx, 0', 'edx, 0')}
        mov esi, first_calls
        mov edi, ${At.callList}
        mov ecx, ${(5 * batchElementBytes) / 4}
        rep movsd
        ${hypercall(Call.batch, `ebx, ${At.callList}`, 'ecx, 5')}
        ret

space_create:
        ${hypercall(Call.createSpace, 'ebx, 0', 'ecx, 0', 'edx, 1')}
        ret

space_switch:
        mov ebx, eax
        mov eax, ${ringfenceMagic | Call.switchSpace}
        vmcall
        ret

space_map:
        mov edi, esi            ; rights
        mov esi, edx            ; pages
        mov edx, ecx            ; physical
        mov ecx, ebx            ; linear
        mov ebx, eax
        mov eax, ${ringfenceMagic | Call.map}
        vmcall
        ret

space_unmap:
        mov ecx, ebx
        mov ebx, eax
        mov eax, ${ringfenceMagic | Call.unmap}
        vmcall
        ret
`;

const eventText = `
machine_idle:
        ${hypercall(Call.idle, 'ebx, 0', 'ecx, 0')}
        ret

timer_start:
        ${hypercall(Call.setTimer, 'ebx, 0', 'ecx, 0', `edx, ${tickNs}`)}
        ret
timer_stop:
        ${hypercall(Call.setTimer, 'ebx, 0', 'ecx, 0', 'edx, 0')}
        ret
timer_once:
        ${hypercall(Call.setTimer, 'ebx, 1', 'ecx, 0', 'edx, 0')}
        ret

; An upcall: takes the events, and lets others come when there are none any more.
handle_upcall:
        xor ebx, ebx
upcall_take:
        xor eax, eax
        xchg [${info + InfoOffset.events}], eax
        or ebx, eax
        mov byte [${masked}], 0
        cmp byte [${pending}], 0
        je upcall_taken
        mov byte [${masked}], 1
        mov byte [${pending}], 0
        jmp upcall_take
upcall_taken:
        test bl, ${RingfenceEvent.timer}
        jnz tick
        ret
`;

const deviceText = `
disk_read:
        mov edi, ${At.callList}
        mov dword [edi], 0
        mov dword [edi + 4], 0
        mov [edi + 8], eax
        mov dword [edi + 12], 0
        mov dword [edi + 16], ${At.diskBuffer}
        mov dword [edi + 20], 4096
        ${hypercall(Call.block, 'ebx, edi', 'ecx, 1')}
disk_wait:
        mov byte [${masked}], 1
        mov eax, [${At.callList + 24}]
        cmp eax, 1
        jne disk_done
        call machine_idle
        jmp disk_wait
disk_done:
        push eax
        call interrupts_on
        pop eax
        ret

; Lets upcalls come; one that waited comes with a call.
interrupts_on:
        mov byte [${masked}], 0
        cmp byte [${pending}], 0
        je interrupts_done
        ${hypercall(Call.version)}
interrupts_done:
        ret

; Characters are gathered up to the end of a line, or the next wait for input.
put_char:
        pushad
        mov edi, [line_count]
        mov [line_bytes + edi], al
        inc edi
        mov [line_count], edi
        cmp al, 10
        je put_line
        cmp edi, ${lineBytes}
        jb put_done
put_line:
        call flush_line
put_done:
        popad
        ret
flush_line:
        ${hypercall(Call.consoleWrite, 'ebx, line_bytes', 'ecx, [line_count]')}
        mov dword [line_count], 0
        ret

read_char:
        call flush_line
read_again:
        mov byte [${masked}], 1
        ${hypercall(Call.consoleRead, 'ebx, input_byte', 'ecx, 1')}
        test eax, eax
        jnz read_done
        call machine_idle
        jmp read_again
read_done:
        call interrupts_on
        mov al, [input_byte]
        ret

power_off:
        call flush_line
        ${hypercall(Call.shutdown, 'ebx, 0')}
power_wait:
        jmp power_wait
`;

/** The layer for Ringfence's hypercalls. */
export const portedLayer: MachineLayer = {
  name: 'ported to hypercalls',
  interruptsOff: `mov byte [${masked}], 1`,
  interruptsOn: 'call interrupts_on',
  vectors: [{ vector: upcallVector, handler: 'handle_upcall', trap: true }],
  text: `
machine_init:
        ${hypercall(Call.setInfo, `ebx, ${info}`, `ecx, ${upcallVector}`)}
        sti                     ; and they stay on: a byte in memory masks upcalls
        jmp paging_init
${spaceText}${eventText}${deviceText}
`,
  data: `
        align 4
first_calls:
${listed(Call.map, 0, At.load, At.load, (At.tables - At.load) / pageBytes, Right.write)}
${listed(Call.map, 0, At.tablesEnd, At.tablesEnd, (At.end - At.tablesEnd) / pageBytes, Right.write)}
${listed(Call.protect, 0, 'user_start', 1, Right.write | Right.user)}
${listed(Call.switchSpace, 0)}
${listed(Call.version)}
line_count: dd 0
input_byte: dd 0
line_bytes: times ${lineBytes + 4} db 0
        align 4
`,
};
