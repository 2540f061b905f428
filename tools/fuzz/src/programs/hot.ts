/** Code that has run often when what it depends on changes: the same in every tier. */
import { say, Selector } from '../lab.ts';
import type { LabProgram } from './program.ts';

/** Calls `work` until it is translated. */
const heat = (label: string): string => `
        mov ecx, 100000
${label}: push ecx
        call work
        pop ecx
        dec ecx
        jnz ${label}`;

/** One more call, which may fault. */
const call = (label: string): string => `
        ${say(`${label} `)}
        mov dword [resume], ${label}
        call work
        ${say('ok\n')}
${label}: mov dword [resume], 0`;

const setCr0 = (bits: number): string => `mov eax, cr0\n or eax, ${bits}\n mov cr0, eax\n`;

/** Identity-mapped pages of 4 KiB for the supervisor, and 4 MiB at 0x400000 for the user. */
const paging = `
        mov eax, pages + 7
        mov [directory], eax
        mov dword [directory + 4], 0x400087
        mov edi, pages
        mov eax, 3
        mov ecx, 1024
mapNext: mov [edi], eax
        add eax, 0x1000
        add edi, 4
        loop mapNext
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, directory
        mov cr3, eax
        ${setCr0(0x80010000)}`;

const pageTables = 'align 4096\ndirectory: times 1024 dd 0\npages: times 1024 dd 0\n';

/** Programs about hot code. */
export const hotPrograms: readonly LabProgram[] = [
  {
    name: 'hot SSE code when CR0.TS, CR0.EM and CR4.OSFXSR change',
    program: `
        mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        ${heat('warm')}
        ${setCr0(8)}
        ${call('switched')}
        clts
        ${call('cleared')}
        mov eax, cr4
        and eax, 0xfffffdff
        mov cr4, eax
        ${call('unknown')}
        or eax, 0x200
        mov cr4, eax
        ${setCr0(4)}
        ${call('emulated')}
        mov eax, [cell]
        call hex`,
    data: `
work:   inc dword [cell]
        movups xmm0, [cell + 4]
        paddd xmm0, xmm0
        movups [cell + 20], xmm0
        ret
        align 16
cell:   times 16 dd 0`,
  },
  {
    name: 'hot stores when the page, CR0.WP and the page again change',
    program: `${paging}
        ${heat('warm')}
        mov esi, cell
        shr esi, 12
        and dword [pages + esi * 4], 0xfffffffd
        invlpg [cell]
        ${call('readOnly')}
        mov eax, cr0
        and eax, 0xfffeffff
        mov cr0, eax
        ${call('unprotected')}
        ${setCr0(0x10000)}
        ${call('protected')}
        and dword [pages + esi * 4], 0xfffffffe
        invlpg [cell]
        ${call('absent')}
        or dword [pages + esi * 4], 3
        ${call('back')}
        mov eax, [cell]
        call hex`,
    data: `${pageTables}
work:   mov eax, [cell]
        add eax, 1
        mov [cell + 4], eax
        inc dword [cell]
        ret
        align 4096
cell:   times 1024 dd 0`,
  },
  {
    name: 'hot accesses to the user when CR4.SMAP and EFLAGS.AC change',
    program: `${paging}
        mov dword [0x400000], 0
        ${heat('warm')}
        mov eax, cr4
        or eax, 0x200000
        mov cr4, eax
        ${call('prevented')}
        stac
        ${call('allowed')}
        clac
        ${call('again')}
        push 0x40002
        popf
        ${call('popped')}
        push 2
        popf
        ${call('closed')}
        stac
        mov eax, [0x400000]
        call hex`,
    data: `${pageTables}
work:   mov eax, [0x400000]
        add eax, 1
        mov [0x400004], eax
        inc dword [0x400000]
        ret`,
  },
  {
    name: 'hot accesses by a segment whose limit, type and selector change',
    qemu: 'QEMU looks at no segment limit',
    program: `
        mov esi, gdt + ${Selector.free}
        mov eax, cell
        mov word [esi], 0xff
        mov [esi + 2], ax
        shr eax, 16
        mov [esi + 4], al
        mov word [esi + 5], 0x4092
        mov edi, ${Selector.free}
        mov fs, di
        ${heat('warm')}
        mov word [esi], 2
        ${call('notLoaded')}
        mov fs, di
        ${call('shorter')}
        mov word [esi], 0xff
        mov byte [esi + 5], 0x90
        mov fs, di
        ${call('readOnly')}
        xor edi, edi
        mov fs, di
        ${call('null')}
        mov eax, [cell]
        call hex`,
    data: `
work:   mov eax, [fs:0]
        add eax, 1
        mov [fs:4], eax
        inc dword [fs:0]
        ret
        align 16
cell:   times 64 dd 0`,
  },
  {
    name: 'hot code with single steps and breakpoints, and without them again',
    program: `
        ${heat('warm')}
        pushf
        or dword [esp], 0x100
        popf
        call work
        pushf
        and dword [esp], 0xfffffeff
        popf
        mov eax, middle
        mov dr0, eax
        mov eax, cell + 4
        mov dr1, eax
        mov eax, 0xd0000a
        mov dr7, eax
        call work
        xor eax, eax
        mov dr7, eax
        ${heat('again')}
        mov eax, [cell]
        call hex`,
    data: `
work:   mov eax, [cell]
middle: add eax, 1
        mov [cell + 4], eax
        inc dword [cell]
        ret
        align 16
cell:   dd 0, 0`,
  },
];
