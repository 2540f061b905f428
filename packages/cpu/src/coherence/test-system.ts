/**
 * The beginning of every test program: descriptor tables, gates and paging, for programs that
 * want them.
 *
 *     0x0000_8000  stack of the program          0x0000_7000  stack for entries from ring 3
 *     0x0001_0000  this text, then the program
 *     0x0010_0000  page directory                0x0010_1000  page tables of the low 16 MiB
 */
export const System = {
  code: 0x10,
  data: 0x18,
  userCode: 0x23,
  userData: 0x2b,
  /** 16-bit segments from 0 with a limit of 64 KiB, of ring 0 and ring 3. */
  code16: 0x38,
  userCode16: 0x43,
  ring0Stack: 0x7000,
  directory: 0x10_0000,
  tables: 0x10_1000,
} as const;

/** Address of the page-table entry of a linear page below 16 MiB. */
export function entryOf(linear: number): number {
  return System.tables + (linear >>> 12) * 4;
}

/** Text that makes a label the handler of a vector, by a 32-bit interrupt gate open to ring 3. */
export function gate(vector: number, handler: string): string {
  return `
        mov eax, ${handler}
        mov edi, idt + ${vector * 8}
        call set_gate
`;
}

/** Text that stands before every program; it ends in a jump to `main`. */
export const systemText: string = `
        mov eax, task_state
        mov [gdt_task + 2], ax
        shr eax, 16
        mov [gdt_task + 4], al
        lgdt [gdt_pointer]
        lidt [idt_pointer]
        mov eax, 0x30
        ltr ax
        mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        fninit
        jmp main
set_gate:
        mov [edi], ax
        mov word [edi + 2], ${System.code}
        mov word [edi + 4], 0xee00
        shr eax, 16
        mov [edi + 6], ax
        ret
; The low 16 MiB are mapped to themselves, for all rings to write.
paging_on:
        mov edi, ${System.directory}
        xor eax, eax
        mov ecx, 1024
        rep stosd
        mov edi, ${System.directory}
        mov eax, ${System.tables + 7}
        mov ecx, 4
paging_directory:
        stosd
        add eax, 4096
        loop paging_directory
        mov edi, ${System.tables}
        mov eax, 7
        mov ecx, 4096
paging_table:
        stosd
        add eax, 4096
        loop paging_table
        mov eax, ${System.directory}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        ret
        align 8
gdt:    dq 0, 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
        dq 0x00cffb000000ffff
        dq 0x00cff3000000ffff
gdt_task:
        dq 0x0000890000000067
        dq 0x00009b000000ffff
        dq 0x0000fb000000ffff
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
idt_pointer:
        dw 0x7ff
        dd idt
        align 8
idt:    times 256 dq 0
task_state:
        dd 0, ${System.ring0Stack}, ${System.data}
        times 22 dd 0
        dd 0x00680000
`;

/** Where the page tables and pages of `manySpaces` are: for each space a page of each. */
const many = { tables: 0x280_0000, frames: 0x300_0000 } as const;

/** Page directories of `manySpaces`, a page for each. */
export const manyDirectories = 0x200_0000;

/**
 * Text that makes so many page directories, each with the low 4 MiB and with a page of its own at 8
 * MiB, which `fill` fills: EBX has its address then and EBP the number of the space.
 */
export function manySpaces(spaces: number, fill: string): string {
  return `
        mov ebp, 0
make:   mov edi, ebp
        shl edi, 12
        add edi, ${manyDirectories}
        mov ecx, 1024
        xor eax, eax
        push edi
        rep stosd
        pop edi
        mov dword [edi], ${System.tables + 7}
        mov eax, ebp
        shl eax, 12
        lea ebx, [eax + ${many.tables + 7}]
        mov [edi + 8], ebx
        lea ebx, [eax + ${many.frames}]
        ${fill}
        or ebx, 7
        mov [eax + ${many.tables}], ebx
        inc ebp
        cmp ebp, ${spaces}
        jb make`;
}
