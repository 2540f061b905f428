import { Place, type Program } from './program.ts';

const userData = 0x23;
const userCode = 0x1b;

/** System calls by interrupt gate: a program in ring 3 makes 600,000 of them. */
const interruptCalls = `
run_system_int:
        mov edi, idt + ${0x80 * 8}
        mov eax, system_call
        call set_gate
        mov byte [idt + ${0x80 * 8 + 5}], 0xee
        mov [system_stack], esp
        mov [task_stack], esp
        push ${userData}
        push ${Place.userStackTop}
        push 2
        push ${userCode}
        push system_user
        iretd
system_user:
        mov ax, ${userData}
        mov ds, ax
        mov es, ax
        xor ebx, ebx
        mov ecx, 600000
system_next:
        mov eax, 1
        int 0x80
        add ebx, eax
        dec ecx
        jnz system_next
        mov eax, 2
        int 0x80
system_call:
        cmp eax, 2
        je system_leave
        push ebx
        push ecx
        lea eax, [ecx + ebx]
        pop ecx
        pop ebx
        iretd
system_leave:
        mov esp, [system_stack]
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov eax, ebx
        ret
system_stack: dd 0
`;

/** The same by SYSENTER and SYSEXIT. */
const fastCalls = `
run_system_enter:
        mov ecx, 0x174
        mov eax, 8
        xor edx, edx
        wrmsr
        mov ecx, 0x175
        mov eax, esp
        wrmsr
        mov ecx, 0x176
        mov eax, enter_call
        wrmsr
        mov [enter_stack], esp
        mov edx, enter_user
        mov ecx, ${Place.userStackTop}
        sysexit
enter_user:
        mov ax, ${userData}
        mov ds, ax
        mov es, ax
        xor ebx, ebx
        mov esi, 1000000
enter_next:
        mov eax, 1
        mov edx, enter_back
        mov ecx, esp
        sysenter
enter_back:
        add ebx, eax
        dec esi
        jnz enter_next
        mov eax, 2
        sysenter
enter_call:
        cmp eax, 2
        je enter_leave
        lea eax, [esi + ebx]
        sysexit
enter_leave:
        mov esp, [enter_stack]
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov eax, ebx
        ret
enter_stack: dd 0
`;

/** Page directory EAX of identity tables for the first 80 MiB; changes EAX, ECX, EDX, EDI. */
const tables = `
map_identity:
        mov edx, eax
        shl edx, 12
        mov edi, ${Place.directories}
        add edi, edx
        push edi
        mov ecx, 1024
        xor eax, eax
        rep stosd
        pop edi
        mov eax, ${Place.tables} + 3
        mov ecx, 20
map_directory:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        dec ecx
        jnz map_directory
        mov edi, ${Place.tables}
        mov eax, 3
        mov ecx, ${20 * 1024}
map_page:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        dec ecx
        jnz map_page
        ret
paging_on:
        mov eax, ${Place.directories}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        ret
paging_off:
        mov eax, cr0
        and eax, 0x7ffeffff
        mov cr0, eax
        ret
`;

/** Demand paging: 256 pages are touched, each fault maps one, then all are unmapped again. */
const pageFaults = `
run_page_faults:
        xor eax, eax
        call map_identity
        mov edi, idt + ${14 * 8}
        mov eax, fault_handler
        call set_gate
        call paging_on
        mov dword [fault_count], 0
        mov ebp, 700
faults_round:
        mov esi, ${Place.buffer}
        mov ecx, 256
faults_unmap:
        mov eax, esi
        shr eax, 12
        mov dword [${Place.tables} + eax * 4], 0
        invlpg [esi]
        add esi, 4096
        dec ecx
        jnz faults_unmap
        mov esi, ${Place.buffer}
        mov ecx, 256
faults_touch:
        mov [esi], ecx
        add esi, 4096
        dec ecx
        jnz faults_touch
        dec ebp
        jnz faults_round
        call paging_off
        mov eax, [fault_count]
        ret
fault_handler:
        push eax
        push edx
        inc dword [fault_count]
        mov eax, cr2
        mov edx, eax
        shr eax, 12
        and edx, 0xfffff000
        or edx, 3
        mov [${Place.tables} + eax * 4], edx
        pop edx
        pop eax
        add esp, 4
        iretd
fault_count: dd 0
`;

/** Two address spaces in turn, each of which touches 64 pages that differ between the two. */
const contextSwitches = `
run_context_switch:
        xor eax, eax
        call map_identity
        mov esi, ${Place.directories}
        mov edi, ${Place.directories + 0x1000}
        mov ecx, 1024
        rep movsd
        ; The second space has a table of its own at 16 MiB, which leads to 48 MiB.
        mov edi, ${Place.directories + 0x2000}
        mov dword [${Place.directories + 0x1000 + 4 * (Place.buffer >>> 22)}], ${
          Place.directories + 0x2000 + 3
        }
        mov eax, ${Place.second + 3}
        mov ecx, 1024
switch_table:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        dec ecx
        jnz switch_table
        mov edi, ${Place.buffer}
        mov ecx, ${0x4_0000 / 4}
        xor eax, eax
        rep stosd
        mov edi, ${Place.second}
        mov ecx, ${0x4_0000 / 4}
        rep stosd
        call paging_on
        mov ebp, 200000
        xor eax, eax
switch_round:
        mov edx, ${Place.directories}
        mov cr3, edx
        call switch_touch
        mov edx, ${Place.directories + 0x1000}
        mov cr3, edx
        call switch_touch
        dec ebp
        jnz switch_round
        push eax
        call paging_off
        pop eax
        ret
switch_touch:
        mov esi, ${Place.buffer}
        mov ecx, 64
switch_page:
        add eax, [esi]
        inc dword [esi]
        add esi, 4096
        dec ecx
        jnz switch_page
        ret
`;

/** The guest's system: rings, paging, address spaces. */
export const systemPrograms: readonly Program[] = [
  { name: 'system-int', cpuBound: false, text: interruptCalls },
  { name: 'system-enter', cpuBound: false, text: fastCalls },
  { name: 'page-faults', cpuBound: false, text: tables + pageFaults },
  { name: 'context-switch', cpuBound: false, text: contextSwitches },
];
