/**
 * The seventeen instructions that are sensitive and not privileged on the Pentium (Robin and
 * Irvine, USENIX Security 2000, after Popek and Goldberg), at each CPL and in virtual-8086 mode.
 */
import { lowAddress, say, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

/** An instruction and what is then looked at: a register, or the exception that it made. */
const instructions: readonly (readonly [name: string, text: string])[] = [
  ['SGDT', 'sgdt [cell]\n mov ax, [cell]'],
  ['SIDT', 'sidt [cell]\n mov ax, [cell]'],
  ['SLDT', 'sldt ax'],
  ['SMSW', 'smsw ax'],
  ['PUSHF', 'pushf\n pop ax16'],
  ['POPF', 'push word 0x3202\n popfw\n pushfw\n pop ax'],
  ['LAR', 'mov cx, SEL\n lar ax, cx\n jz LAR@ok\n mov al, 1\nLAR@ok: nop'],
  ['LSL', 'mov cx, SEL\n lsl ax, cx\n jz LSL@ok\n mov al, 1\nLSL@ok: nop'],
  ['VERR', 'mov cx, SEL\n verr cx\n setz al'],
  ['VERW', 'mov cx, SEL\n verw cx\n setz al'],
  ['POP', 'push word SEL\n pop es\n mov ax, es'],
  ['PUSH', 'push cs\n pop ax16'],
  ['CALL', 'call SEL:CALL@there\nCALL@there: mov ax, 0x55'],
  ['JMP', 'jmp SEL:JMP@there\nJMP@there: mov ax, 0x55'],
  ['INT', 'int 0x21\n mov ax, 0x21'],
  ['RET', 'push word SEL\n push word RET@there\n db 0x66\n retf\nRET@there: mov ax, 0x66'],
  ['STR', 'str ax'],
  ['MOV', 'mov cx, SEL\n mov es, cx\n mov ax, es'],
];

const levels = [
  { level: 0, code: Selector.code0, data: Selector.data0 },
  { level: 1, code: Selector.code1 | 1, data: Selector.data1 | 1 },
  { level: 2, code: Selector.code2 | 2, data: Selector.data2 | 2 },
  { level: 3, code: Selector.code3 | 3, data: Selector.data3 | 3 },
] as const;

/** Ends at CPL 0 through a gate that tells EAX. */
const tell = 'movzx eax, ax\n int 0x77';

/** Each instruction at one level, with the segments of level 0 as what it names. */
function atLevel({ level, code, data }: (typeof levels)[number]): LabProgram {
  const tests = instructions.map(([name, text], index) => {
    const label = `${name}${level}`;
    const body = text
      .replaceAll('SEL', String(Selector.data0))
      .replaceAll(`${name}@`, `${label}_`)
      .replaceAll('pop ax16', 'pop eax');
    const enter =
      level === 0
        ? ''
        : [
            `mov ax, ${data}`,
            'mov ds, ax',
            'mov es, ax',
            `push ${data}`,
            'push stack3',
            'push 2',
            `push ${code}`,
            `push ${label}_in`,
            'iret',
            `${label}_in: `,
          ].join('\n');
    return `
        ${say(`${name} `)}
        mov dword [resume], ${label}_out
        ${enter}
        xor eax, eax
        ${body}
        ${tell}
${label}_out: mov eax, ${index}
        call hex
        mov ax, ${Selector.data0}
        mov ds, ax
        mov es, ax
        mov esp, labStack`;
  });
  return {
    name: `the seventeen sensitive instructions at CPL ${level}`,
    program: `${tests.join('')}`,
    data: 'cell: dd 0, 0',
  };
}

/** Each instruction in virtual-8086 mode. */
function inVirtualMode(iopl: number): LabProgram {
  const tests = instructions.map(([name, text], index) => {
    const label = `${name}v`;
    const body = text
      .replaceAll('SEL', String(lowAddress >> 4))
      .replaceAll(`${name}@`, `${label}_`)
      .replaceAll('pop ax16', 'pop ax')
      .replaceAll('db 0x66\n retf', 'retf')
      .replaceAll('[cell]', '[0x400]')
      .replaceAll('popfw', 'popf')
      .replaceAll('pushfw', 'pushf')
      .replaceAll(`:${label}_there`, `:(${label}_there - ${label}_in)`)
      .replaceAll(`push word ${label}_there`, `push word ${label}_there - ${label}_in`);
    return `
        ${say(`${name} `)}
        mov dword [resume], ${label}_out
        mov esi, ${label}_in
        mov edi, ${lowAddress}
        mov ecx, 16
        rep movsd
        push 0
        push 0
        push ${lowAddress >> 4}
        push ${lowAddress >> 4}
        push ${lowAddress >> 4}
        push 0x8000
        push ${0x2_0002 | (iopl << 12)}
        push ${lowAddress >> 4}
        push 0
        iret
        bits 16
${label}_in: xor eax, eax
        ${body}
        int3
        bits 32
${label}_out: mov eax, ${index}
        call hex`;
  });
  return {
    name: `the seventeen sensitive instructions in virtual-8086 mode with IOPL ${iopl}`,
    program: tests.join('').replaceAll(':(', ':').replaceAll('_in)', '_in'),
  };
}

/** Programs about instructions that tell or change privileged state without a fault. */
export const sensitivePrograms: readonly LabProgram[] = [
  ...levels.map(atLevel),
  inVirtualMode(0),
  inVirtualMode(3),
];
