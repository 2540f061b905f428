/** Features of the model max: SMAP, SMEP, UMIP, XSAVE, INVPCID, RDPID, RDRAND. */
import { say, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

const setCr4 = (bits: number): string => `mov eax, cr4\n or eax, ${bits}\n mov cr4, eax\n`;

/** Identity-mapped pages, all of the user's but the first 4 MiB are the supervisor's. */
const paging = `
        mov edi, directory
        mov eax, 0x83
        mov ecx, 8
mapNext: mov [edi], eax
        add eax, 0x400000
        add edi, 4
        loop mapNext
        or dword [directory + 4], 4
        ${setCr4(0x10)}
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax`;

const directory = 'align 4096\ndirectory: times 1024 dd 0\n';
const userPage = 0x40_0000;

/** An instruction that may fault, and a word about it. */
const tried = (label: string, text: string): string => `
        mov dword [resume], ${label}
        ${text}
        ${say(`${label} ok\n`)}
${label}: mov dword [resume], 0`;

/** Programs about features. */
export const featurePrograms: readonly LabProgram[] = [
  {
    name: 'SMAP keeps the supervisor off user pages unless AC is set, for data of every kind',
    qemu: 'QEMU reports the page fault of INC as one of its read',
    program: `${paging}
        ${tried('before', `mov eax, [${userPage}]`)}
        ${setCr4(0x20_0000)}
        ${tried('read', `mov eax, [${userPage}]`)}
        ${tried('write', `mov [${userPage}], eax`)}
        ${tried('modify', `inc dword [${userPage}]`)}
        ${tried('copy', `mov esi, ${userPage}\n mov edi, cell\n mov ecx, 4\n rep movsd`)}
        ${tried('opened', `db 0x0f, 0x01, 0xcb\n mov eax, [${userPage}]\n mov [${userPage}], eax`)}
        ${tried('closed', `db 0x0f, 0x01, 0xca\n mov eax, [${userPage}]`)}
        ${tried('popped', `push 0x40002\n popf\n mov eax, [${userPage}]\n push 2\n popf`)}
        ${tried('after', `mov eax, [${userPage}]`)}
        ${tried('returned', `push 0x40002\n push cs\n push on\n iret\non: mov eax, [${userPage}]`)}
        mov eax, cr4
        and eax, 0xffdfffff
        mov cr4, eax
        ${tried('off', `mov eax, [${userPage}]`)}`,
    data: `${directory}cell: times 4 dd 0`,
  },
  {
    name: 'SMAP keeps implicit accesses to descriptors off user pages whatever AC is',
    qemu: 'QEMU takes AC for implicit accesses of CPL 0 too; SDM 3A 4.6.1 does not',
    program: `${paging}
        mov dword [${userPage + 8}], 0xffff
        mov dword [${userPage + 12}], 0xcf9200
        mov dword [gdt + ${Selector.free}], 0xff
        mov dword [gdt + ${Selector.free + 4}], 0x8240
        mov eax, ${Selector.free}
        lldt ax
        mov ebx, 0xc
        ${tried('without', 'mov fs, bx')}
        ${setCr4(0x20_0000)}
        stac
        ${tried('explicit', `mov eax, [${userPage + 12}]\n call hex`)}
        ${tried('load', 'mov fs, bx')}
        stac
        ${tried('limit', 'lsl eax, bx')}
        ${tried('closed', 'verr bx')}
        mov eax, cr4
        and eax, 0xffdfffff
        mov cr4, eax
        ${tried('off', 'verr bx')}`,
    data: directory,
  },
  {
    name: 'SMEP keeps the supervisor from running user pages',
    program: `${paging}
        mov byte [${userPage}], 0xc3
        ${tried('before', `mov eax, ${userPage}\n call eax`)}
        ${setCr4(0x10_0000)}
        mov esp, labStack
        mov dword [resume], over
        mov eax, ${userPage}
        call eax
        ${say('no fault')}
over:   mov eax, cr4
        and eax, 0xffefffff
        mov cr4, eax
        ${tried('off', `mov eax, ${userPage}\n call eax`)}`,
    data: directory,
  },
  {
    name: 'CLAC and STAC at CPL 3 are undefined; RDPID and RDTSCP show TSC_AUX',
    qemu: 'QEMU 7.2 has no RDPID in TCG',
    program: `
        mov ecx, 0xc0000103
        mov eax, 0x1234
        xor edx, edx
        wrmsr
        db 0xf3, 0x0f, 0xc7, 0xf8
        call hex
        rdtscp
        mov eax, ecx
        call hex
        mov dword [resume], after
        push ${Selector.data3 | 3}
        push stack3
        push 2
        push ${Selector.code3 | 3}
        push user
        iret
user:   db 0x0f, 0x01, 0xcb
after:  nop`,
  },
  {
    name: 'x2APIC mode: registers are MSRs, SELF IPI interrupts, and the way back is by off',
    qemu: 'QEMU 7.2 has no x2APIC mode in TCG',
    program: `
        mov ecx, 0x1b
        rdmsr
        mov esi, eax
        ${tried('before', 'mov ecx, 0x802\n rdmsr')}
        mov ecx, 0x1b
        mov eax, esi
        xor edx, edx
        or eax, 0x400
        wrmsr
        mov ecx, 0x80f
        mov eax, 0x1ff
        wrmsr
        mov ecx, 0x83f
        mov eax, 0x55
        wrmsr
        sti
        nop
        cli
        mov ecx, 0x80b
        xor eax, eax
        wrmsr
        mov ecx, 0x803
        rdmsr
        call hex
        ${tried('readonly', 'mov ecx, 0x803\n wrmsr')}
        ${tried('back', 'mov ecx, 0x1b\n mov eax, esi\n xor edx, edx\n wrmsr')}
        ${tried('off', 'mov ecx, 0x1b\n mov eax, 0xfee00000\n xor edx, edx\n wrmsr')}
        ${tried('on', 'mov ecx, 0x1b\n mov eax, esi\n xor edx, edx\n wrmsr')}`,
  },
  {
    name: 'a store that an x87 exception holds back is checked for alignment all the same',
    qemu: 'QEMU 7.2 has no #AC in TCG',
    program: `
        mov eax, cr0
        or eax, 0x40020
        mov cr0, eax
        fninit
        fldcw [control]
        mov dword [resume], after
        push ${Selector.data3 | 3}
        push stack3
        push 0x40002
        push ${Selector.code3 | 3}
        push user
        iret
user:   mov ax, ${Selector.data3 | 3}
        mov ds, ax
        mov word [cell], 1
        fistp word [cell + 1]
        nop
after:  fnclex`,
    data: 'align 16\ncell: dd 0\ncontrol: dw 0x37e',
  },
  {
    name: 'IA32_TSC_ADJUST moves the counter and shows how it was moved',
    qemu: 'QEMU 7.2 has no TSC_ADJUST in TCG',
    program: `
        mov ecx, 0x3b
        xor eax, eax
        mov edx, 0x100
        wrmsr
        rdtsc
        mov eax, edx
        call hex
        mov ecx, 0x10
        xor eax, eax
        mov edx, 0x200
        wrmsr
        mov ecx, 0x3b
        rdmsr
        mov eax, edx
        call hex`,
  },
  {
    name: 'INVPCID checks its type and its descriptor',
    program: `
        ${tried('all', 'mov eax, 2\n invpcid eax, [cell]')}
        ${tried('address', 'mov eax, 0\n invpcid eax, [cell]')}
        ${tried('type', 'mov eax, 4\n invpcid eax, [cell]')}
        mov dword [cell], 0x1000
        ${tried('reserved', 'mov eax, 2\n invpcid eax, [cell]')}
        mov dword [cell], 1
        ${tried('pcid', 'mov eax, 1\n invpcid eax, [cell]')}`,
    data: 'align 16\ncell: times 4 dd 0',
    qemu: 'QEMU 7.2 has no INVPCID in TCG',
  },
  {
    name: 'XSAVE needs CR4.OSXSAVE, XSETBV checks its value, and CPUID shows both',
    program: `
        ${tried('off', 'db 0x0f, 0x01, 0xd0')}
        ${setCr4(0x4_0600)}
        mov eax, 1
        cpuid
        and ecx, 0x0c000000
        mov eax, ecx
        call hex
        xor ecx, ecx
        db 0x0f, 0x01, 0xd0
        and eax, 1
        call hex
        ${tried('zero', 'xor eax, eax\n xor edx, edx\n xor ecx, ecx\n db 0x0f, 0x01, 0xd1')}
        ${tried('sse', 'mov eax, 3\n xor edx, edx\n xor ecx, ecx\n db 0x0f, 0x01, 0xd1')}
        ${tried('number', 'mov eax, 3\n xor edx, edx\n mov ecx, 5\n db 0x0f, 0x01, 0xd1')}
        ${tried('high', 'mov eax, 3\n mov edx, 1\n xor ecx, ecx\n db 0x0f, 0x01, 0xd1')}
        xor ecx, ecx
        db 0x0f, 0x01, 0xd0
        call hex
        ${tried('aligned', 'mov eax, 3\n xor edx, edx\n xsave [area + 16]')}`,
    data: 'align 64\narea: times 256 dd 0',
  },
  {
    name: 'XSAVE and XRSTOR keep x87 and SSE state, and give initial state for what is not saved',
    qemu: 'in QEMU 7.2 XRSTOR does not look at MXCSR',
    program: `
        ${setCr4(0x4_0600)}
        mov eax, 3
        xor edx, edx
        xor ecx, ecx
        db 0x0f, 0x01, 0xd1
        fninit
        fld1
        fldpi
        movups xmm3, [pattern]
        mov eax, 3
        xsave [area]
        mov eax, [area]
        call hex
        mov eax, [area + 4]
        call hex
        mov eax, [area + 32 + 8]
        call hex
        mov eax, [area + 160 + 48]
        call hex
        mov eax, [area + 24]
        call hex
        mov eax, [area + 512]
        call hex
        fninit
        xorps xmm3, xmm3
        mov eax, 3
        xor edx, edx
        xrstor [area]
        movups [result], xmm3
        mov eax, [result + 12]
        call hex
        fstp dword [result]
        mov eax, [result]
        call hex
        mov dword [area + 512], 0
        mov eax, 3
        xor edx, edx
        xrstor [area]
        movups [result], xmm3
        mov eax, [result + 12]
        call hex
        fnstsw ax
        and eax, 0xffff
        call hex
        mov dword [area + 516], 1
        ${tried('component', 'mov eax, 3\n xrstor [area]')}
        mov dword [area + 516], 0
        mov dword [area + 520], 1
        ${tried('reserved', 'mov eax, 3\n xrstor [area]')}
        mov dword [area + 520], 0
        mov dword [area + 24], 0x10000
        ${tried('mxcsr', 'mov eax, 3\n xrstor [area]')}`,
    data: 'align 64\narea: times 256 dd 0\npattern: dd 1, 2, 3, 4\nresult: times 4 dd 0',
  },
  {
    name: 'RDRAND and RDSEED set CF and clear the other flags',
    program: `
        push 0x8d7
        popf
        db 0x0f, 0xc7, 0xf0
        pushf
        pop eax
        call hex
        push 0x8d7
        popf
        db 0x0f, 0xc7, 0xf8
        pushf
        pop eax
        call hex`,
  },
  {
    name: 'reserved bits of CR0, CR4, EFER and unknown MSRs are #GP',
    program: `
        ${tried('paging', 'mov eax, 0x80000000\n mov cr0, eax')}
        ${tried('caches', 'mov eax, cr0\n or eax, 0x20000000\n and eax, 0xbfffffff\n mov cr0, eax')}
        ${tried('bits', 'mov eax, 0x80000000\n mov cr4, eax')}
        ${tried('vmxe', 'mov eax, 0x2000\n mov cr4, eax')}
        ${tried('pcide', 'mov eax, 0x20000\n mov cr4, eax')}
        ${tried('pat', 'mov ecx, 0x277\n mov eax, 2\n xor edx, edx\n wrmsr')}
        ${tried('one', 'db 0x0f, 0x20, 0xc8')}
        ${tried('five', 'db 0x0f, 0x20, 0xe8')}
        ${tried('last', 'mov eax, 0\n mov dr7, eax')}`,
    qemu: 'QEMU 7.2 lets PG be set without PE, and stops',
  },
];
