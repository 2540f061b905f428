/** What a small kernel with translated memory finds of the processor and its local APIC. */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import { hvmChecks } from './test-hvm-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { faults, leaves } = hvmChecks;

const invalidOpcode = 6;
const deviceNotAvailable = 7;

/** CR0 bits that decide who is told of floating point: MP 2, EM 4, TS 8 (SDM 3A table 2-2). */
const controls: readonly number[] = [0, 2, 4, 6, 8, 10, 12, 14];
const isSet = (control: number, bits: number): boolean => (control & bits) === bits;
/** Instructions and the vector at which they fault under the bits, if they do. */
const units: readonly (readonly [string, (control: number) => number])[] = [
  ['        fnop', (control) => ((control & 12) === 0 ? 0 : deviceNotAvailable)],
  ['        fwait', (control) => (isSet(control, 10) ? deviceNotAvailable : 0)],
  ['        emms', (control) => (isSet(control, 4) ? invalidOpcode : timeToSwitch(control))],
  [
    '        movaps xmm0, xmm1',
    (control) => (isSet(control, 4) ? invalidOpcode : timeToSwitch(control)),
  ],
];
const timeToSwitch = (control: number): number => (isSet(control, 8) ? deviceNotAvailable : 0);

const setControl = (control: number): string => `        mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        mov eax, cr0
        and eax, -15
        or eax, ${control}
        mov cr0, eax`;

const floating = controls.flatMap((control) =>
  units.map(([instruction, vectorUnder]) => {
    const vector = vectorUnder(control);
    const code = `${setControl(control)}\n${instruction}`;
    return vector === 0 ? leaves(`${code}\n        mov eax, 5`, 'eax', 5) : faults(code, vector);
  }),
);

/** Segments for ring 3 and two tasks: the one that runs, and one for NMIs. */
const tasks = `        jmp behind_tasks
        align 8
task_gdt:
        dd 0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300
        dd 0x0000ffff, 0x00cffb00, 0x0000ffff, 0x00cff300, 0, 0, 0, 0
task_gdt_place:
        dw 55
        dd task_gdt
first_task:
        dd 0, task_stack_end, 16
        times 23 dd 0
nmi_task:
        dd 0, 0, 0, 0, 0, 0, 0, 0, on_nmi, 2, 0, 0, 0, 0, nmi_stack_end, 0, 0, 0
        dd 16, 8, 16, 16, 16, 16, 0, 0
        times 32 dd 0
task_stack_end:
        times 32 dd 0
nmi_stack_end:
on_nmi: inc dword [seen]
        mov eax, cs
        mov [seen + 4], eax
        iret
set_task:
        mov word [edi], 0x67
        mov [edi + 2], ax
        shr eax, 16
        mov [edi + 4], al
        mov word [edi + 5], 0x89
        mov [edi + 7], ah
        ret
; In ring 3: an NMI to itself, then a fault.
user_nmi:
        mov eax, 0x23
        mov ds, eax
        mov dword [0xfee00300], 0x44400
        mov eax, cs
        mov [seen + 8], eax
        ud2
; In ring 3: what a forced instruction may not do there, and may.
user_forced:
        mov eax, 0x23
        mov ds, eax
        mov eax, 0x40000000
        db 0x0f, 0x0b, 0x78, 0x65, 0x6e
        cpuid
        mov [seen + 12], ebx
        db 0x0f, 0x0b, 0x78, 0x65, 0x6e
at_forced:
        hlt
behind_tasks:
        mov edi, task_gdt + 40
        mov eax, first_task
        call set_task
        mov edi, task_gdt + 48
        mov eax, nmi_task
        call set_task
        lgdt [task_gdt_place]
        mov eax, 40
        ltr ax
        mov dword [idt + 16], 0x00300000
        mov dword [idt + 20], 0x00008500`;

const toProgram = (label: string): string => `        push 0x23
        push task_stack_end - 64
        push 2
        push 0x1b
        push ${label}
        iret`;

const checks: NamedChecks = {
  'floating point under the bits of CR0': [...floating, setControl(0)],
  'an NMI of ring 3 by a task gate, once it has gone back': [
    tasks,
    leaves('        mov dword [0xfee000f0], 0x1ff', 'dword [0xfee000f0]', 0x1ff),
    faults(toProgram('user_nmi'), invalidOpcode),
    leaves('', 'dword [seen]', 1),
    leaves('', 'dword [seen + 4]', 8),
    leaves('', 'dword [seen + 8]', 0x1b),
  ],
  'forced emulation of a program, which has no more rights by it': [
    tasks,
    faults(toProgram('user_forced'), 13),
    leaves('        mov eax, [got_eip]', 'eax', 'at_forced'),
    leaves('', 'dword [seen + 12]', 0x566e_6558),
  ],
  'memory that is write-back from the start': [
    leaves('        mov ecx, 0x2ff\n        rdmsr', 'eax', 0x806),
  ],
  'an error of the local APIC whose own interrupt is an error': [
    leaves('        mov dword [0xfee000f0], 0x1ff', 'dword [0xfee000f0]', 0x1ff),
    leaves(
      `        mov dword [0xfee00370], 5
        mov dword [0xfee00300], 0x44005
        mov dword [0xfee00280], 0
        mov eax, [0xfee00280]
        and eax, 0x20`,
      'eax',
      0x20,
    ),
  ],
};

describeChecks('a PVH kernel', { machine: 'pvh', kernel: hvmTestKernel }, checks);
