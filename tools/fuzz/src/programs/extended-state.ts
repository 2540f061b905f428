/** The compacted form of extended state: XSAVEC, XSAVES, XRSTOR, XRSTORS (SDM 1 13.8 to 13.12). */
import { say } from '../lab.ts';
import type { LabProgram } from './program.ts';

const enable = `
        mov eax, cr4
        or eax, 0x40600
        mov cr4, eax
        mov eax, 3
        xor edx, edx
        xor ecx, ecx
        xsetbv`;

/** State that is not the initial one, with MXCSR 0x1fa0. */
const use = `
        fninit
        fld1
        movups xmm3, [pattern]
        ldmxcsr [used]`;

/** The initial state, but for MXCSR and the control word where `other` says so. */
const initial = (other: string): string => `
        fninit
        xorps xmm3, xmm3
        ldmxcsr [${other}]`;

const setHeader = (header: readonly number[]): string =>
  header.map((word, index) => `mov dword [area + ${512 + 4 * index}], ${word}`).join('\n');

/** The area all 0xa5 but for a header that starts with four words. */
const area = (header: readonly number[]): string => `
        mov edi, area
        mov eax, 0xa5a5a5a5
        mov ecx, 144
        rep stosd
        ${setHeader(header)}`;

/** Shows a word of the area for each of the offsets. */
const words = (offsets: readonly number[]): string =>
  offsets.map((offset) => `mov eax, [area + ${offset}]\n call hex\n`).join('') + 'call line\n';

const saved = (name: string, components: number): string => `
        ${area([0, 0, 0, 0])}
        ${say(`${name} ${components}: `)}
        mov eax, ${components}
        xor edx, edx
        ${name} [area]
        ${words([0, 24, 28, 40, 208, 512, 516, 520, 524, 528, 536, 572])}`;

/** XRSTOR or XRSTORS of a saved image with another header, and what it leaves. */
const restored = (name: string, label: string, header: readonly number[], more = ''): string => `
        ${use}
        ${area([0, 0, 0, 0])}
        mov edi, area + 528
        xor eax, eax
        mov ecx, 12
        rep stosd
        mov eax, 3
        xor edx, edx
        xsave [area]
        ${setHeader(header)}
        ${more}
        ${initial('other')}
        fldcw [control]
        ${say(`${name} ${label} `)}
        mov dword [resume], ${label}
        mov eax, 3
        xor edx, edx
        ${name} [area]
        ${say('ok\n')}
${label}: mov dword [resume], 0
        movups [result], xmm3
        mov eax, [result]
        call hex
        stmxcsr [result]
        mov eax, [result]
        call hex
        fnstcw [result]
        movzx eax, word [result]
        call hex
        call line`;

const compact = 0x8000_0000;

const data = `
        align 64
area:   times 144 dd 0
pattern: dd 1, 2, 3, 4
result: times 4 dd 0
used:   dd 0x1fa0
other:  dd 0x1fb0
reset:  dd 0x1f80
control: dw 0x27f`;

const qemu = 'QEMU 7.2 has no XSAVEC in TCG';

/** Programs about the compacted form; an AMD EPYC comes to the same. */
export const extendedStatePrograms: readonly LabProgram[] = [
  {
    name: 'XSAVEC and XSAVES leave out initial state, and write two fields of the header',
    qemu,
    program: `${enable}
        ${use}
        ${[3, 1, 2, 0].map((components) => saved('xsavec', components)).join('')}
        ${saved('xsaves', 3)}
        ${initial('used')}
        ${saved('xsavec', 2)}
        ${initial('reset')}
        ${saved('xsavec', 3)}
        ${saved('xsaveopt', 3)}`,
    data,
  },
  {
    name: 'XRSTOR and XRSTORS of the compacted form: MXCSR belongs to SSE, the header is checked',
    qemu,
    program: `${enable}
        ${restored('xrstor', 'both', [3, 0, 3, compact])}
        ${restored('xrstor', 'x87', [1, 0, 3, compact])}
        ${restored('xrstor', 'badUnused', [1, 0, 3, compact], 'mov dword [area + 24], 0x10000000')}
        ${restored('xrstor', 'badUsed', [3, 0, 3, compact], 'mov dword [area + 24], 0x10000000')}
        ${restored('xrstor', 'none', [0, 0, 0, compact])}
        ${restored('xrstor', 'beyond', [3, 0, 1, compact])}
        ${restored('xrstor', 'unknown', [3, 0, 7, compact])}
        ${restored('xrstor', 'tail', [3, 0, 3, compact], 'mov dword [area + 572], 1')}
        ${restored('xrstor', 'standardTail', [3, 0, 0, 0], 'mov dword [area + 572], 1')}
        ${restored('xrstor', 'standardField', [3, 0, 0, 0], 'mov dword [area + 528], 1')}
        ${restored('xrstors', 'standard', [3, 0, 0, 0])}
        ${restored('xrstors', 'compacted', [3, 0, 3, compact])}`,
    data,
  },
];
