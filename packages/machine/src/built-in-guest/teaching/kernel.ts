/**
 * The teaching kernel: address spaces, tasks that are preempted, system calls, pages on demand, a
 * disk. One source for two builds; what touches the machine is behind these labels:
 *
 *     machine_init          interrupts, console, disk; paging with the kernel in all address spaces
 *     space_create          -> EAX an address space
 *     space_map             EAX space, EBX linear, ECX physical, EDX pages, ESI rights
 *     space_unmap           EAX space, EBX linear, EDX pages
 *     space_switch          EAX space
 *     machine_idle          called with interrupts off: lets them come, and waits for one
 *     timer_start, timer_stop, timer_once: 100 times a second; not at all; once, at once
 *     disk_read             EAX sector -> EAX 0 if eight sectors are in the buffer
 *     put_char, read_char, power_off
 *
 * Layers let `tick` take note of each tick. None keeps any register but EBP and ESP, save for
 * put_char, which keeps all.
 *
 * A thread in the kernel goes on until it waits: interrupts that come in the kernel only take note.
 */
import { GuestSelector, say, textAt } from '../layout.ts';
import { descriptorTablesData, descriptorTablesText, withErrorCode } from '../processor.ts';
import { Frame, Right, Task, taskBytes, taskCount, taskShift } from './layout.ts';
import { TeachingLayout as At } from './layout.ts';
import type { MachineLayer } from './layout.ts';
import { systemCallVector } from './system-calls.ts';

const pageFault = 14;
const exceptions = 32;

/** The start: descriptor tables, the machine, the first command. */
export function startText(layer: MachineLayer): string {
  return `
start:
        mov esp, ${At.stackTop}
        cld${descriptorTablesText}
        mov eax, ${GuestSelector.data}
        mov ss, eax
        mov eax, ${GuestSelector.userData}
        mov ds, eax             ; kernel and tasks have the same data segment
        mov es, eax
        mov eax, ${GuestSelector.task}
        ltr ax
        call fill_idt
        lidt [idt_pointer]
        call machine_init
        ${layer.interruptsOn}
        ${say(`Teaching kernel, ${layer.name}.\n`)}
        call command_demo
        jmp shell
`;
}

/** Traps: one stub a vector, one common way, one handler a cause. */
export function trapText(layer: MachineLayer): string {
  const own = layer.vectors.map(({ vector }) => vector);
  const vectors = [
    ...Array.from({ length: exceptions }, (_nothing, vector) => vector),
    ...own,
    systemCallVector,
  ];
  const stubs = vectors.map((vector) => {
    const pad = withErrorCode.includes(vector) ? '' : 'push 0\n        ';
    return `vector_${vector}:\n        ${pad}push ${vector}\n        jmp trap_common`;
  });
  return `
${stubs.join('\n')}
trap_common:
        pushad
        mov ebp, esp
        mov eax, [ebp + ${Frame.vector}]
        call [handlers + eax * 4]
        test byte [esp + ${Frame.cs}], 3
        jz trap_return
        cmp dword [turn_over], 0
        je trap_return
        mov dword [turn_over], 0
        call schedule           ; a task that had its turn goes on later
trap_return:
        popad
        add esp, 8
        iretd

fill_idt:
        mov esi, gate_table
fill_gate:
        lodsd
        test eax, eax
        jz fill_done
        mov edx, eax            ; stub
        lodsd
        lea edi, [idt + eax * 8]
        lodsd                   ; kind of gate
        mov [edi], dx
        mov word [edi + 2], ${GuestSelector.code}
        mov [edi + 4], ax
        shr edx, 16
        mov [edi + 6], dx
        jmp fill_gate
fill_done:
        ret

`;
}

/** Faults: a page of the heap comes, all else ends the machine. */
export const faultText: string = `
handle_page_fault:
        mov ebx, cr2
        and ebx, 0xfffff000
        cmp ebx, ${At.heap}
        jne handle_unexpected
        mov ecx, [current]
        mov eax, [tasks + ecx + ${Task.space}]
        shl ecx, ${12 - taskShift}
        add ecx, ${At.heaps}
        mov edx, 1
        mov esi, ${Right.write | Right.user}
        jmp space_map

tick:
        inc dword [user_ticks]
        mov dword [tick_flag], 1
        mov dword [turn_over], 1
        ret

handle_unexpected:
        ${say('\nunexpected trap ')}
        mov eax, [ebp + ${Frame.vector}]
        call print_decimal
        ${say(' error ')}
        mov eax, [ebp + ${Frame.error}]
        call print_hex
        ${say(' at ')}
        mov eax, [ebp + ${Frame.eip}]
        call print_hex
        ${say('\n')}
        jmp power_off

`;

/** The scheduler: round robin over tasks 1 to 3; the kernel's own thread when there is none. */
export const schedulerText: string = `
schedule:
        pushad
        mov ecx, [current]
        mov edx, ecx
        mov ebx, ${taskCount - 1}
schedule_next:
        add edx, ${taskBytes}
        cmp edx, ${taskCount * taskBytes}
        jb schedule_look
        mov edx, ${taskBytes}
schedule_look:
        cmp dword [tasks + edx + ${Task.ready}], 0
        jne schedule_found
        dec ebx
        jnz schedule_next
        xor edx, edx
schedule_found:
        cmp edx, ecx
        je schedule_done
        mov [tasks + ecx + ${Task.stack}], esp
        mov [current], edx
        mov esp, [tasks + edx + ${Task.stack}]
        mov eax, [tasks + edx + ${Task.top}]
        mov [task_stack], eax
        mov eax, [tasks + edx + ${Task.space}]
        call space_switch
schedule_done:
        popad
        ret

; Makes task EDX (1 to 3) of the program at EAX; its address space is kept from an earlier one.
create_task:
        push eax
        mov edi, edx
        shl edi, 12
        lea esi, [edi + ${At.kernelStacks + 0x1000}]
        shl edx, ${taskShift}
        mov [tasks + edx + ${Task.top}], esi
        cmp dword [tasks + edx + ${Task.space}], 0
        jne create_stack
        push edx
        push esi
        push edi
        call space_create
        pop edi
        pop esi
        pop edx
        mov [tasks + edx + ${Task.space}], eax
        push edx
        push esi
        mov ebx, ${At.stack}
        lea ecx, [edi + ${At.userStacks}]
        mov edx, 1
        mov esi, ${Right.write | Right.user}
        call space_map
        pop esi
        pop edx
create_stack:
        pop eax
        sub esi, 56             ; PUSHAD, return address, EIP, CS, EFLAGS, ESP, SS
        mov dword [esi + 32], task_begin
        mov [esi + 36], eax
        mov dword [esi + 40], ${GuestSelector.userCode}
        mov dword [esi + 44], 0x202
        mov dword [esi + 48], ${At.stack + 0x1000}
        mov dword [esi + 52], ${GuestSelector.userData}
        mov [tasks + edx + ${Task.stack}], esi
        mov dword [tasks + edx + ${Task.ready}], 1
        ret
task_begin:
        iretd
`;

/** Descriptor tables, gates, tasks. */
export function kernelData(layer: MachineLayer): string {
  const interruptGate = 0x8e00;
  const trapGate = 0x8f00;
  const open = 0x6000;
  const gates: readonly (readonly [number, number])[] = [
    ...Array.from({ length: exceptions }, (_nothing, vector) => [vector, trapGate] as const),
    ...layer.vectors.map(
      ({ vector, trap }) => [vector, trap === true ? trapGate : interruptGate] as const,
    ),
    [systemCallVector, trapGate | open],
  ];
  const handlers = Array.from({ length: systemCallVector + 1 }, (_nothing, vector) => {
    const own = layer.vectors.find((one) => one.vector === vector)?.handler;
    const calls = vector === systemCallVector ? 'handle_system_call' : 'handle_unexpected';
    return own ?? (vector === pageFault ? 'handle_page_fault' : calls);
  });
  return `
        align 8
idt:    times ${systemCallVector + 1} dq 0
idt_pointer:
        dw ${(systemCallVector + 1) * 8 - 1}
        dd idt
${descriptorTablesData(At.stackTop)}
gate_table:
${gates.map(([vector, kind]) => `        dd vector_${vector}, ${vector}, ${kind}`).join('\n')}
        dd 0
handlers:
${handlers.map((handler) => `        dd ${handler}`).join('\n')}
call_table:
        dd call_nothing, schedule, call_exit, call_print
        dd call_window, call_release, call_tick, call_disk, call_report
tasks:  times ${(taskCount * taskBytes) / 4} dd 0
current: dd 0
tick_flag: dd 0
turn_over: dd 0
${textAt('build_name', layer.name)}
        align 4
`;
}
