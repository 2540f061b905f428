/** The kernel of cases as assembler text: see case-kernel.ts. */
import { caseBytes, codeBase, dataBase, ldtEntries, recordWords } from './case-layout.ts';

const doubleFault = 8;

/** Descriptor tables, page tables and interrupt gates; `TABLE_WORDS` is to be replaced. */
export const setupText: string = `
start:  mov esp, stackTop
        call copyTable
        lgdt [gdtr]
        jmp 8:flat
flat:   mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov eax, tss
        mov [pristine + 0x28 + 2], ax
        shr eax, 16
        mov [pristine + 0x28 + 4], al
        mov eax, doubleTss
        mov [pristine + 0x90 + 2], ax
        shr eax, 16
        mov [pristine + 0x90 + 4], al
        mov eax, ldt
        mov [pristine + 0x98 + 2], ax
        shr eax, 16
        mov [pristine + 0x98 + 4], al
        mov edi, idt
        mov ebx, stubs
        mov ecx, 256
fill:   mov eax, ebx
        mov [edi], ax
        mov word [edi + 2], 8
        mov word [edi + 4], 0xee00
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        add ebx, 16
        loop fill
        lidt [idtr]
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
; Double faults come to a task of their own.
        mov byte [idt + ${doubleFault * 8 + 5}], 0x85
        mov word [idt + ${doubleFault * 8 + 2}], 0x90
; Pages: everything for the supervisor, 64 KiB of code and of data for the user.
        mov edi, pageTable
        mov eax, 3
        mov ecx, 1024
page:   mov [edi], eax
        add eax, 0x1000
        add edi, 4
        loop page
        mov edi, pageTable + ${(codeBase >> 12) * 4}
        mov ecx, 32
user:   or dword [edi], 4
        add edi, 4
        loop user
        mov eax, pageTable + 7
        mov [pageDirectory], eax
        mov eax, pageDirectory
        mov cr3, eax
        mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        mov eax, cr0
        or eax, 0x80050020
        mov cr0, eax
        mov edi, ${codeBase}
        mov ecx, 0x4000
        mov eax, 0xcccccccc
        rep stosd
        jmp first
copyTable: mov esi, pristine
        mov edi, gdt
        mov ecx, TABLE_WORDS
        rep movsd
        ret`;

/** Enters each case; `CASE_COUNT` is to be replaced. */
export const loopText: string = `
first:  mov dword [number], 0
next:   cmp dword [number], CASE_COUNT
        jae leave
        mov esp, stackTop
        clts
        fninit
        ldmxcsr [initialMxcsr]
        call copyTable
        mov ax, 0x28
        ltr ax
        mov esi, local
        mov edi, ldt
        mov ecx, ${ldtEntries * 2}
        rep movsd
        mov ax, 0x98
        lldt ax
        mov edi, ${dataBase}
        mov eax, 0x12345678
        mov ecx, 0x4000
pattern: mov [edi], eax
        add edi, 4
        imul eax, eax, 0x1010101
        add eax, 0x1234567
        loop pattern
; A selector in every eighth word of the data.
        mov edi, ${dataBase}
        mov eax, 0
select: mov ebx, eax
        and ebx, 0x1f8
        or ebx, 7
        mov [edi + 4], bx
        add eax, 8
        add edi, 32
        cmp eax, 0x4000
        jb select
        mov eax, [number]
        imul ebp, eax, ${caseBytes}
        add ebp, cases
        lea esi, [ebp + 64]
        mov edi, ${codeBase + 0x100}
        mov ecx, 8
        rep movsd
        mov eax, 0
        mov cr2, eax
        test dword [ebp + 8], 0x20000
        jnz toVirtual
        test dword [ebp + 4], 3
        jz toInner
        push dword [ebp + 16]
        push dword [ebp + 12]
        jmp toOuter
toVirtual: push dword [ebp + 32]
        push dword [ebp + 28]
        push dword [ebp + 24]
        push dword [ebp + 20]
        push dword [ebp + 16]
        push dword [ebp + 12]
        jmp toOuter
toInner: mov ax, [ds:ebp + 16]
        mov ss, ax
        mov esp, [ds:ebp + 12]
toOuter: push dword [ds:ebp + 8]
        push dword [ds:ebp + 4]
        push dword [ds:ebp]
        test dword [ds:ebp + 8], 0x20000
        jnz registers
        mov ax, [ds:ebp + 20]
        mov es, ax
        mov ax, [ds:ebp + 28]
        mov fs, ax
        mov ax, [ds:ebp + 32]
        mov gs, ax
registers: mov edi, [ds:ebp + 36]
        mov esi, [ds:ebp + 40]
        mov ebx, [ds:ebp + 48]
        mov edx, [ds:ebp + 52]
        mov ecx, [ds:ebp + 56]
        mov eax, [ds:ebp + 60]
        push dword [ds:ebp + 44]
        push dword [ds:ebp + 24]
        pop ds
        pop ebp
        iret
leave:  mov al, 0
        out 0xf4, al
; Bochs has no port 0xf4, and ends with this.
        mov esi, shutdown
        mov edx, 0x8900
        mov ecx, 8
        rep outsb
        hlt
shutdown: db 'Shutdown'
resume: mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov esp, stackTop
        push 2
        popf
        mov eax, cr2
        mov [record + 76], eax
        mov esi, ${dataBase}
        mov ecx, 0x4000
        xor eax, eax
sum:    rol eax, 1
        add eax, [esi]
        add esi, 4
        loop sum
        mov [record + 80], eax
        mov eax, [number]
        mov [record], eax
        inc dword [number]
        mov esi, record
        mov ecx, ${recordWords * 4}
        mov dx, 0xe9
        rep outsb
        jmp next`;

/** What every exception comes to: the record of the case. */
export const trapText: string = `
; Stack: GS FS DS ES, PUSHA, vector, error code, EIP, CS, EFLAGS, [ESP, SS].
trap:   pusha
        push ds
        mov ax, 0x10
        mov ds, ax
        pop eax
        and eax, 0xffff
        mov [record + 60], eax
        mov [record + 56], es
        mov [record + 64], fs
        mov [record + 68], gs
        mov [record + 72], ss
        mov eax, [esp + 32]
        mov [record + 4], eax
        mov eax, [esp + 36]
        mov [record + 8], eax
        mov eax, [esp + 40]
        mov [record + 12], eax
        mov eax, [esp + 44]
        and eax, 0xffff
        mov [record + 16], eax
        mov eax, [esp + 48]
        mov [record + 20], eax
        mov eax, [esp]
        mov [record + 24], eax
        mov eax, [esp + 4]
        mov [record + 28], eax
        mov eax, [esp + 8]
        mov [record + 32], eax
        mov eax, [esp + 12]
        add eax, 20
        mov [record + 36], eax
        mov eax, [esp + 16]
        mov [record + 40], eax
        mov eax, [esp + 20]
        mov [record + 44], eax
        mov eax, [esp + 24]
        mov [record + 48], eax
        mov eax, [esp + 28]
        mov [record + 52], eax
        test dword [esp + 48], 0x20000
        jnz virtualTrap
        test dword [esp + 44], 3
        jz innerTrap
        mov eax, [esp + 52]
        mov [record + 36], eax
        mov eax, [esp + 56]
        and eax, 0xffff
        mov [record + 72], eax
        jmp resume
; The frame is in the data: what is undefined in its EFLAGS and its CS does not count.
innerTrap: mov dword [ss:esp + 48], 0
        mov word [ss:esp + 46], 0
        mov dword [ss:esp - 4], 0
        jmp resume
virtualTrap: mov eax, [esp + 52]
        mov [record + 36], eax
        mov eax, [esp + 56]
        and eax, 0xffff
        mov [record + 72], eax
        mov eax, [esp + 60]
        and eax, 0xffff
        mov [record + 56], eax
        mov eax, [esp + 64]
        and eax, 0xffff
        mov [record + 60], eax
        mov eax, [esp + 68]
        and eax, 0xffff
        mov [record + 64], eax
        mov eax, [esp + 72]
        and eax, 0xffff
        mov [record + 68], eax
        jmp resume
doubleTask: mov ecx, ${recordWords}
        mov edi, record
        xor eax, eax
        rep stosd
        mov dword [record + 4], 8
        jmp resume
`;
