/** Virtual interrupts: CR4.VME in virtual-8086 mode and CR4.PVI at CPL 3 (SDM 3B 20.3, 20.4). */
import { describeFree, lowAddress, say, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

const segment = lowAddress >> 4;
const vif = 0x8_0000;
const vip = 0x10_0000;
const virtual = 0x2_0000;
/** Byte of the redirection bitmap for INT 21h. */
const redirection = 'vtss + 104 + 4';
/** Where the handler of INT 21h stands in the segment. */
const handler = 0x80;

interface Case {
  readonly name: string;
  /** 16-bit text in virtual-8086 mode, 32-bit text at CPL 3. */
  readonly text: string;
  /** Flags beside IOPL. */
  readonly flags?: number;
  /** Whether INT 21h is left to the protected-mode handler. */
  readonly protectedInterrupt?: boolean;
}

const showFlags = 'pushfw\n pop ax';

const virtualCases: readonly Case[] = [
  { name: 'cli', text: `cli\n ${showFlags}`, flags: vif },
  { name: 'sti', text: `sti\n ${showFlags}` },
  { name: 'stip', text: `sti\n ${showFlags}`, flags: vip },
  { name: 'clip', text: `cli\n ${showFlags}`, flags: vif | vip },
  { name: 'pushf', text: showFlags, flags: vif },
  { name: 'pushf0', text: showFlags },
  { name: 'pushfd', text: 'db 0x66\n pushfw\n pop eax', flags: vif },
  { name: 'popf', text: `push 0x0202\n popfw\n ${showFlags}` },
  { name: 'popf0', text: `push 0x3002\n popfw\n ${showFlags}`, flags: vif },
  { name: 'popfp', text: `push 0x0202\n popfw\n ${showFlags}`, flags: vip },
  { name: 'popf0p', text: `push 0x0002\n popfw\n ${showFlags}`, flags: vif | vip },
  { name: 'popft', text: `push 0x0102\n popfw\n ${showFlags}` },
  { name: 'popfd', text: `push dword 0x202\n db 0x66\n popfw\n ${showFlags}` },
  { name: 'iret', text: `push 0x0202\n push cs\n push word @a - @in\n iret\n@a: ${showFlags}` },
  {
    name: 'iretp',
    text: `push 0x0202\n push cs\n push word @a - @in\n iret\n@a: ${showFlags}`,
    flags: vip,
  },
  { name: 'irett', text: `push 0x0102\n push cs\n push word @a - @in\n iret\n@a: ${showFlags}` },
  {
    name: 'iretd',
    text: `push dword 2\n push word 0\n push cs\n push word 0\n push word @a - @in
      db 0x66\n iret\n@a: ${showFlags}`,
  },
  { name: 'int', text: 'int 0x21', flags: vif },
  { name: 'int0', text: 'int 0x21' },
  { name: 'intp', text: 'int 0x21', flags: vif, protectedInterrupt: true },
  { name: 'int3', text: 'int3', flags: vif },
  { name: 'hlt', text: 'hlt' },
];

const protectedCases: readonly Case[] = [
  { name: 'cli', text: 'cli\n pushf\n pop eax', flags: vif },
  { name: 'sti', text: 'sti\n pushf\n pop eax' },
  { name: 'stip', text: 'sti\n pushf\n pop eax', flags: vip },
  { name: 'clip', text: 'cli\n pushf\n pop eax', flags: vif | vip },
  { name: 'popf', text: 'push 0x202\n popf\n pushf\n pop eax' },
  { name: 'popf0', text: 'push 2\n popf\n pushf\n pop eax', flags: vif },
  { name: 'int', text: 'int 0x77', flags: vif },
  { name: 'iret', text: 'push 0x202\n push cs\n push @a\n iret\n@a: pushf\n pop eax' },
];

/** A TSS with a redirection bitmap before its I/O map, CR4 bits, and a handler of INT 21h. */
const setup = (cr4: number): string => `
        ${describeFree('vtss', 136, 0x89)}
        mov ax, ${Selector.free}
        ltr ax
        mov eax, cr4
        or eax, ${cr4}
        mov cr4, eax
        mov dword [0x84], ${(segment << 16) | handler}
        mov dword [${lowAddress + handler}], 0xcc58585b`;

const data = `
        align 8
vtss:   dd 0, stack0, ${Selector.data0}, 0, 0, 0, 0
        times 18 dd 0
        dw 0, 136
        times 32 db 0
        db 0xff`;

function virtualProgram(cr4: number, iopl: number): LabProgram {
  const tests = virtualCases.map(({ name, text, flags = 0, protectedInterrupt = false }) => {
    const label = `${name}v`;
    return `
        ${say(`${name} `)}
        mov dword [resume], ${label}_out
        mov esi, ${label}_in
        mov edi, ${lowAddress}
        mov ecx, 8
        rep movsd
        mov byte [${redirection}], ${protectedInterrupt ? 2 : 0}
        push 0
        push 0
        push ${segment}
        push ${segment}
        push ${segment}
        push 0x8000
        push ${virtual | 2 | (iopl << 12) | flags}
        push ${segment}
        push 0
        iret
        bits 16
${label}_in: xor eax, eax
        ${text.replaceAll('@', `${label}_`)}
        int3
        bits 32
${label}_out: nop`;
  });
  return {
    name: `virtual-8086 mode with CR4 ${cr4} and IOPL ${iopl}`,
    qemu: 'QEMU 7.2 faults where VME and PVI do not',
    program: setup(cr4) + tests.join(''),
    data,
  };
}

function protectedProgram(cr4: number, iopl: number): LabProgram {
  const tests = protectedCases.map(({ name, text, flags = 0 }) => {
    const label = `${name}p`;
    return `
        ${say(`${name} `)}
        mov dword [resume], ${label}_out
        push ${Selector.data3 | 3}
        push stack3
        push ${2 | (iopl << 12) | flags}
        push ${Selector.code3 | 3}
        push ${label}_in
        iret
${label}_in: ${text.replaceAll('@', `${label}_`)}
        int3
${label}_out: nop`;
  });
  return {
    name: `CPL 3 with CR4 ${cr4} and IOPL ${iopl}`,
    qemu: 'QEMU 7.2 faults where VME and PVI do not',
    program: setup(cr4) + tests.join(''),
    data,
  };
}

const vme = 1;
const pvi = 2;

/** Programs about virtual interrupts. */
export const virtualPrograms: readonly LabProgram[] = [
  virtualProgram(vme, 0),
  virtualProgram(vme, 3),
  virtualProgram(0, 0),
  virtualProgram(0, 3),
  protectedProgram(pvi, 0),
  protectedProgram(pvi, 3),
  protectedProgram(0, 0),
];
