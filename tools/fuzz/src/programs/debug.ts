/** Breakpoints, single steps and #DB: SDM vol. 3B, chapter 17. */
import type { LabProgram } from './program.ts';
import { say } from '../lab.ts';

const step = '\n pushf\n or dword [esp], 0x100\n popf\n';
const unstep = '\n pushf\n and dword [esp], ~0x100\n popf\n'.replace('~0x100', '0xfffffeff');

/** Clears what breakpoints left. */
const clear = '\n xor eax, eax\n mov dr7, eax\n mov eax, 0xffff0ff0\n mov dr6, eax\n';

/** Programs about debugging. */
export const debugPrograms: readonly LabProgram[] = [
  {
    name: 'single steps of each instruction, INT n without one, POPF that ends them',
    program: `${step} nop\n mov eax, 1\n int 0x40\n nop\n cpuid\n pushf\n pop eax ${unstep} nop`,
  },
  {
    name: 'single steps of the elements of a repeated string instruction',
    program: `
      mov edi, scratch
      mov ecx, 3
      mov al, 7
      ${step}
      rep stosb
      mov ecx, 2
      mov esi, scratch
      rep cmpsb
      ${unstep}
      nop`,
    data: 'scratch: times 16 db 0',
  },
  {
    name: 'MOV SS and POP SS hold the single step off, STI does not',
    qemu: 'QEMU traps after MOV SS; SDM 3B 17.3.1.4 has the next instruction',
    program: `
      mov bx, ss
      ${step}
      mov ss, bx
      nop
      push ss
      pop ss
      nop
      sti
      nop
      cli
      ${unstep}
      nop`,
  },
  {
    name: 'LSS traps, so does a second MOV SS, and AMD stops at an instruction after MOV SS',
    qemu: 'QEMU traps after MOV SS',
    program: `
      mov bx, ss
      ${step}
      mov ss, bx
      mov ss, bx
      nop
      push ss
      push stack3
      lss eax, [esp]
      nop
      ${unstep}
      pop eax
      pop eax
      mov eax, over
      mov dr0, eax
      mov eax, 2
      mov dr7, eax
      mov ss, bx
over:   nop
      mov ecx, 2
      jmp over2
over2:  ${clear}
      nop`,
  },
  {
    name: 'an instruction breakpoint faults before the instruction, RF lets it pass',
    program: `
      mov eax, here
      mov dr0, eax
      mov eax, 2
      mov dr7, eax
      mov ecx, 2
here:   inc edx
      loop here
      mov eax, 0
      mov dr7, eax
      jmp here2
here2: nop
      ${clear}`,
  },
  {
    name: 'data breakpoints on writes and on accesses of one, two and four bytes',
    qemu: 'QEMU reports the first of two breakpoints that an access meets',
    program: `
      mov eax, cell
      mov dr1, eax
      mov dr2, eax
      mov eax, 0xd10020
      shl eax, 4
      mov eax, 0x0fd0002c
      mov dr7, eax
      mov dword [cell], 5
      mov eax, [cell]
      inc byte [cell + 3]
      mov al, [cell + 4]
      mov ax, [cell - 1]
      push dword [cell]
      pop dword [cell]
      mov esi, cell
      mov edi, cell + 16
      mov ecx, 4
      rep movsd
      ${clear}`,
    data: 'align 16\ncell: times 16 dd 0',
  },
  {
    name: 'a data breakpoint in a page that a loop writes is hit once',
    program: `
      mov eax, cell + 400
      mov dr3, eax
      mov eax, 0xd0000080
      mov dr7, eax
      mov ecx, 200
      mov edi, cell
again:  mov [edi], ecx
      add edi, 4
      loop again
      ${clear}`,
    data: 'align 16\ncell: times 256 dd 0',
  },
  {
    name: 'I/O breakpoints with CR4.DE',
    qemu: 'QEMU traps after the last element of REP OUTS only',
    program: `
      mov eax, cr4
      or eax, 8
      mov cr4, eax
      mov eax, 0x80
      mov dr0, eax
      mov eax, 0x00020002
      mov dr7, eax
      in al, 0x80
      out 0x80, al
      in al, 0x84
      mov dx, 0x80
      mov esi, cell
      mov ecx, 2
      rep outsb
      ${clear}
      mov eax, cr4
      and eax, 0xfffffff7
      mov cr4, eax`,
    data: 'cell: dd 0',
  },
  {
    name: 'DR7.GD faults before a move of a debug register and is off in the handler',
    qemu: 'QEMU has no DR7.GD',
    program: `
      mov dword [resume], after
      mov eax, 0x2000
      mov dr7, eax
      mov eax, dr0
after:  mov eax, dr7
      call hex
      ${clear}`,
  },
  {
    name: 'INT1 is a trap and sets nothing in DR6, INT3 and INTO are traps',
    qemu: 'QEMU has no INT1',
    program: `
      db 0xf1
      int3
      mov al, 0x7f
      inc al
      into
      db 0xcd, 1
      db 0xcd, 3`,
  },
  {
    name: 'B0 to B3 of DR6 are those of the last #DB, the other bits stay',
    program: `
      mov eax, here
      mov dr0, eax
      mov eax, 0x4002
      mov dr6, eax
      mov eax, 2
      mov dr7, eax
here:   nop
      mov eax, 0x400f
      mov dr6, eax
      ${step} nop ${unstep}
      mov eax, cell
      mov dr3, eax
      mov eax, 0x800f
      mov dr6, eax
      mov eax, 0xd0000080
      mov dr7, eax
      mov [cell], eax
      ${clear}`,
    data: 'align 16\ncell: dd 0',
  },
  {
    name: 'DR4 and DR5 are DR6 and DR7 without CR4.DE and undefined with it; fixed bits',
    qemu: 'QEMU lets the reserved bits 12, 14 and 15 of DR7 be written',
    program: `
      xor eax, eax
      mov dr6, eax
      db 0x0f, 0x21, 0xe0
      call hex
      mov eax, 0xffffdfff
      and eax, 0xffffff00
      mov dr7, eax
      db 0x0f, 0x21, 0xe8
      call hex
      ${clear}
      mov eax, cr4
      or eax, 8
      mov cr4, eax
      mov dword [resume], after
      db 0x0f, 0x21, 0xe0
      ${say('no fault')}
after:  mov eax, cr4
      and eax, 0xfffffff7
      mov cr4, eax`,
  },
  {
    name: 'a breakpoint at the target of a jump within the page and across a page',
    program: `
      mov eax, far1
      mov dr0, eax
      mov eax, near1
      mov dr1, eax
      mov eax, 0xa
      mov dr7, eax
      jmp near1
      nop
near1:  nop
      jmp far1
back:   ${clear}
      jmp over
      align 4096
far1:   nop
      jmp back
over:   nop`,
  },
  {
    name: 'single step of IRET, of a far return and of an instruction that faults',
    program: `
      pushf
      push cs
      push after
      ${step}
      iret
      nop
after:  pushf
      or dword [esp], 0x100
      popf
      push cs
      push after2
      retf
after2: mov dword [resume], after3
      ud2
after3: nop`,
  },
];
