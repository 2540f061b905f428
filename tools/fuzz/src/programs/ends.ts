/** Where code ends: the limit of its segment, and the first instruction of a task. */
import { describeFree, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

const wideCode = 0x409b;
const narrowCode = 0x009b;

const runs = (access: number): string =>
  [
    [0x23, 0x20],
    [0x3f, 0x20],
    [0x53, 0x50],
    [0x56, 0x50],
    [0xfff, 0xff0],
    [0x1001, 0xff0],
    [0x1002, 0x1003],
  ]
    .map(
      ([limit = 0, eip = 0], index) => `
        ${describeFree('code', limit, access)}
        mov dword [resume], over${access}${index}
        jmp ${Selector.free}:${eip}
over${access}${index}: nop`,
    )
    .join('');

/** Programs about the ends of code. */
export const endPrograms: readonly LabProgram[] = [
  {
    name: 'code that runs into the end of its segment, or across it',
    qemu: 'QEMU looks at no segment limit',
    program: runs(wideCode) + runs(narrowCode),
    data: `
        align 4096
code:   times 0x52 db 0x90
        db 0xb8
        times 0xfac db 0x90
        db 0xb8
        times 0x40 db 0x90`,
  },
  {
    name: 'a fault after the commit point of a task switch is one of the new task',
    qemu: 'QEMU loads the segments in another order',
    program: `
        ${describeFree('task', 103, 0x89)}
        mov dword [resume], after
        jmp ${Selector.free}:0
there:  nop
after:  str ax
        movzx eax, ax
        call hex`,
    data: `
        align 8
task:   times 8 dd 0
        dd there, 2, 0, 0, 0, 0, labStack, 0, 0, 0
        dd ${Selector.data0}, ${Selector.code0}, ${Selector.data0}, 0x800, 0, 0, 0
        dw 0, 104`,
  },
];
