/** Delivery of interrupts by the local APIC: SDM 3A 6.7 to 6.14, 7.3. */
import { describeFree, say, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

const vector = 0x41;
const gate = `idt + ${8 * vector}`;

const enable = `
        mov dword [0xfee000f0], 0x1ff
        mov dword [0xfee00080], 0`;
/** An interrupt that waits, to itself by shorthand. */
const pend = (number: number = vector): string => `
        cli
        mov dword [0xfee00300], ${0x44000 | number}
        nop
        nop`;
const acknowledge = '\n mov dword [0xfee000b0], 0\n';
const raiseNmi = '\n mov dword [0xfee00300], 0x4400\n';
/** The NMI goes to the processor's own number; the shorthand takes no NMI. */
const addressNmi = `
        mov eax, [0xfee00020]
        and eax, 0xff000000
        mov [0xfee00310], eax`;

/** An interrupt through a gate that is bad, and whether the local APIC has it in service. */
const refused = (label: string, change: string): string => `
        ${change}
        ${pend()}
        mov dword [resume], ${label}
        sti
        nop
        nop
${label}: cli
        mov eax, [0xfee00120]
        call hex
        call line
        ${acknowledge}`;

const qemuSetsNoExt = 'QEMU leaves EXT clear in error codes of external interrupts';

const task = `
        align 8
task:   times 8 dd 0
        dd inTask, 2, 0, 0, 0, 0, taskStack, 0, 0, 0
        dd ${Selector.data0}, ${Selector.code0}, ${Selector.data0}, ${Selector.data0}, 0, 0, 0
        dw 0, 104
        times 256 dd 0
taskStack: dd 0`;

/** A line is watched, and the interrupt of the local APIC's timer. */
const watch = `
        mov eax, line0
        xor ecx, ecx
        xor edx, edx
        monitor`;
const startTimer = `
        mov dword [0xfee003e0], 0xb
        mov dword [0xfee00320], ${vector}
        mov dword [0xfee00380], 20000`;
/** MONITOR of an offset in FS. */
const atLine = (offset: number): string => `mov eax, ${offset}\n db 0x64\n monitor`;
const atUser = (label: string, text: string): string => `
        push ${Selector.data3 | 3}
        push stack3
        push 2
        push ${Selector.code3 | 3}
        push ${label}
        iret
${label}: ${text}`;
const tries = (label: string, text: string): string => `
        mov dword [resume], ${label}
        ${text}
        ${say(`${label} ok\n`)}
${label}: mov dword [resume], 0`;

/** Programs about events. */
export const eventPrograms: readonly LabProgram[] = [
  {
    name: 'STI and MOV SS hold interrupts off for one instruction, POPF and IRET do not',
    program: `${enable}
        ${pend()}
        sti
        nop
        nop
        cli
        ${acknowledge}
        ${pend()}
        sti
        cli
        nop
        ${say('none after STI and CLI\n')}
        push 0x202
        popf
        nop
        cli
        ${acknowledge}
        ${pend()}
        push 0x202
        push cs
        push on
        iret
        nop
on:     nop
        cli
        ${acknowledge}
        ${pend()}
        sti
        hlt
        nop
        cli
        ${acknowledge}
        ${pend()}
        mov bx, ss
        push 0x202
        mov ss, bx
        popf
        nop
        cli
        ${acknowledge}
        ${pend()}
        mov dword [resume], last
        sti
        ud2
last:   cli`,
  },
  {
    name: 'error codes of external interrupts whose gate is bad, and they stay in service',
    qemu: qemuSetsNoExt,
    program: `${enable}
        ${refused('absent', `mov word [${gate} + 4], 0x6e00`)}
        ${refused('null', `mov word [${gate} + 4], 0xee00\n mov word [${gate} + 2], 3`)}
        ${refused('data', `mov word [${gate} + 2], ${Selector.data0}`)}
        ${refused('outside', `mov word [${gate} + 2], 0xff8`)}
        ${refused('outer', `mov word [${gate} + 2], ${Selector.code3 | 3}`)}
        ${refused('notTask', `mov word [${gate} + 2], 8\n mov word [${gate} + 4], 0xe500`)}
        ${refused('callGate', `mov word [${gate} + 4], 0xec00`)}
        ${refused('limit', `mov word [idtr], ${8 * vector + 6}\n lidt [idtr]`)}
        mov dword [resume], software
        int ${vector}
software: nop`,
  },
  {
    name: 'an NMI comes through a task gate, and the next after the IRET of that task',
    program: `${enable}
        ${describeFree('task', 103, 0x89)}
        mov word [idt + 18], ${Selector.free}
        mov byte [idt + 21], 0x85
        ${addressNmi}
        ${raiseNmi}
        nop
        nop
        ${say('between\n')}
        ${raiseNmi}
        nop
        ${say('behind\n')}`,
    data: `
inTask: ${say('NMI ')}
        inc dword [count]
        cmp dword [count], 1
        ja back
        ${raiseNmi}
        nop
        ${say('one waits ')}
back:   str eax
        call hex
        movzx eax, word [task]
        call hex
        pushf
        pop eax
        and eax, 0x4000
        call hex
        call line
        iret
        jmp inTask
count:  dd 0
        ${task}`,
  },
  {
    name: 'MONITOR reads a byte and takes no extensions, MWAIT waits only for what is watched',
    qemu: 'QEMU takes MWAIT for HLT and checks nothing in MONITOR but ECX',
    program: `${enable}
        ${tries('monitorExtensions', `${watch}\n mov ecx, 1\n monitor`)}
        ${tries('waitExtensions', `${watch}\n mov ecx, 2\n mwait`)}
        ${tries('written', `${watch}\n inc dword [line0 + 60]\n mwait`)}
        ${tries('spent', 'mwait')}
        ${describeFree('line0', 63, 0x4093)}
        mov ax, ${Selector.free}
        mov fs, ax
        ${tries('limit', `${watch}\n ${atLine(63)}\n ${atLine(64)}`)}
        ${tries('user', atUser('inUser', 'monitor'))}
        ${tries('userWait', atUser('inWait', 'mwait'))}
        mov ecx, 0xc0010015
        mov eax, 0x400
        xor edx, edx
        wrmsr
        ${tries('enabled', atUser('allowed', `${watch}\n inc dword [line0]\n mwait\n int 0x77`))}
        ${startTimer}
        ${watch}
        mov ecx, 1
        mwait
        mov eax, [0xfee00220]
        call hex
        ${say('waits\n')}
        ${watch}
        sti
        mwait
        nop
        cli
        ${acknowledge}
        ${startTimer}
        ${watch}
        sti
        mwait
        nop
        cli
        ${acknowledge}`,
    data: `
        align 64
line0:  times 16 dd 0`,
  },
];
