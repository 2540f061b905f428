/** Pieces of checks of a translated kernel for Xen. */
import { vmcall } from './test-hvm-kernel.ts';
import { checksBy } from './test-xen-checks.ts';
import type { XenChecks } from './test-xen-checks.ts';

/** Makers of checks for such a kernel. */
export const hvmChecks: XenChecks = checksBy(vmcall);
const { call } = hvmChecks;

/** A parameter: its index in `argument + 4`, what is read or written behind it. */
export const param = (operation: number, index: number, result: number, domain = 0x7ff0): string =>
  `        mov dword [argument], ${String(domain)}
        mov dword [argument + 4], ${String(index)}
${call(34, [`ebx, ${String(operation)}`, 'ecx, argument'], result)}`;

/**
 * Has a page of Xen's (space 0 is the shared page, 1 grant frames) stand in the place of the
 * kernel's.
 */
export const mapXenPage = (space: number, label: string, index = 0): string =>
  `        mov dword [argument], 0x7ff0
        mov dword [argument + 4], ${String(space)}
        mov dword [argument + 8], ${index}
        mov eax, ${label}
        shr eax, 12
        mov [argument + 12], eax
${call(12, ['ebx, 7', 'ecx, argument'], 0)}`;

/** Has the shared page stand at `page_free`. */
export const mapShared: string = mapXenPage(0, 'page_free');

/** The prefix of forced emulation: UD2 and "xen". */
export const forced = '        db 0x0f, 0x0b, 0x78, 0x65, 0x6e';

/**
 * Sets up segments for ring 3 and a task with a stack for the way back: 0x1b and 0x23 are flat,
 * 0x33 are the first 4 KiB.
 */
export const programs = `        jmp behind_programs
        align 8
program_gdt:
        dd 0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300
        dd 0x0000ffff, 0x00cffb00, 0x0000ffff, 0x00cff300, 0, 0, 0x00000fff, 0x0040f300
program_gdt_place:
        dw 55
        dd program_gdt
program_task:
        dd 0, program_kernel_stack, 16
        times 22 dd 0
        dd 0x680000
        times 64 dd 0
program_kernel_stack:
        times 64 dd 0
program_stack:
behind_programs:
        mov eax, program_task
        mov word [program_gdt + 40], 0x67
        mov [program_gdt + 42], ax
        shr eax, 16
        mov [program_gdt + 44], al
        mov byte [program_gdt + 45], 0x89
        mov [program_gdt + 47], ah
        lgdt [program_gdt_place]
        mov eax, 40
        ltr ax`;

let asides = 0;

/** Runs code in ring 3, with flags; behind it is UD2. */
export const asProgram = (code: string, flags = 2): string => {
  const label = `program_${String(++asides)}`;
  return `        push 0x23
        push program_stack
        push ${flags}
        push 0x1b
        push ${label}
        iret
${label}:
        mov eax, 0x23
        mov ds, ax
${code}
        ud2`;
};

const usePaging = (control4: number, root: string): string => `
        mov eax, cr4
        or eax, ${control4}
        mov cr4, eax
        mov eax, ${root}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax`;

/** The ways in which a kernel can use its memory: the first 16 MiB, everybody's, as they are. */
export const pagingModes: Readonly<Record<string, string>> = {
  'without paging': '',
  'with pages of 4 MiB': `
        mov dword [page_tables], 0x000087
        mov dword [page_tables + 4], 0x400087
        mov dword [page_tables + 8], 0x800087
        mov dword [page_tables + 12], 0xc00087
${usePaging(0x10, 'page_tables')}`,
  'with PAE': `
        mov eax, page_tables + 0x1001
        mov [page_tables], eax
        mov eax, 0x87
        mov edi, page_tables + 0x1000
        mov ecx, 8
fill_tables:
        mov [edi], eax
        add eax, 0x200000
        add edi, 8
        loop fill_tables
${usePaging(0x30, 'page_tables')}`,
};
