/** System calls of the teaching kernel. */
import { say } from '../layout.ts';
import { Frame, Right, Task, TeachingLayout as At } from './layout.ts';
import type { MachineLayer } from './layout.ts';

/** Vector of system calls. */
export const systemCallVector = 48;

/** System calls, by number. */
export const SystemCall = {
  nothing: 0,
  yield: 1,
  exit: 2,
  print: 3,
  window: 4,
  release: 5,
  tick: 6,
  disk: 7,
  report: 8,
} as const;

/** The calls: number in EAX, arguments in EBX and ECX, the result in EAX. */
export function systemCallText(layer: MachineLayer): string {
  return `${memoryCallText}${waitText(layer)}${deviceCallText(layer)}`;
}

const memoryCallText = `
handle_system_call:
        mov eax, [ebp + ${Frame.eax}]
        cmp eax, ${Object.keys(SystemCall).length}
        jae call_unknown
        call [call_table + eax * 4]
        mov [ebp + ${Frame.eax}], eax
call_nothing:
        ret
call_unknown:
        mov dword [ebp + ${Frame.eax}], -1
        ret

call_exit:
        mov ecx, [current]
        mov dword [tasks + ecx + ${Task.ready}], 0
        mov eax, [tasks + ecx + ${Task.space}]
        mov ebx, ${At.heap}
        mov edx, 1
        call space_unmap
        jmp schedule            ; and never comes back

call_print:
        mov esi, [ebp + ${Frame.ebx}]
        jmp print

; EBX pages of the window show pages from frame ECX on.
call_window:
        mov eax, [current]
        mov eax, [tasks + eax + ${Task.space}]
        mov ebx, ${At.window}
        mov ecx, [ebp + ${Frame.ecx}]
        and ecx, 1
        shl ecx, 12
        add ecx, ${At.frames}
        mov edx, [ebp + ${Frame.ebx}]
        mov esi, ${Right.write | Right.user}
        jmp space_map

call_release:
        mov eax, [current]
        mov eax, [tasks + eax + ${Task.space}]
        mov ebx, ${At.heap}
        mov edx, 1
        jmp space_unmap
`;

/** A wait for the next tick, and for anything else. */
function waitText(layer: MachineLayer): string {
  return `
call_tick:
        mov dword [tick_flag], 0
        call timer_once
        mov edi, tick_flag
; Waits until the word at EDI is not 0.
wait_flag:
        ${layer.interruptsOff}
        cmp dword [edi], 0
        jne wait_done
        push edi
        call machine_idle
        pop edi
        jmp wait_flag
wait_done:
        ${layer.interruptsOn}
        ret
`;
}

/** The disk, and the report of a measurement. */
function deviceCallText(layer: MachineLayer): string {
  return `
; Reads eight sectors from EBX on; returns the first word of them.
call_disk:
        mov eax, [ebp + ${Frame.ebx}]
        call disk_read
        test eax, eax
        jnz disk_failed
        mov eax, [${At.diskBuffer}]
        ret
disk_failed:
        ${say('no disk\n')}
        or eax, -1
        ret

; A measurement: [EBX] name, [EBX + 4] rounds, [EBX + 8] ticks of the counter (64).
call_report:
        mov ebx, [ebp + ${Frame.ebx}]
        ${say(`@ ${layer.name.split(' ')[0] ?? ''} `)}
        mov esi, [ebx]
        call print
        mov al, 32
        call put_char
        mov eax, [ebx + 4]
        call print_decimal
        mov al, 32
        call put_char
        mov eax, [ebx + 12]
        call print_hex
        mov eax, [ebx + 8]
        call print_hex
        mov al, 10
        jmp put_char
`;
}
