/**
 * A multiboot kernel that runs many small cases, each in its own mode and with its own registers,
 * and writes one record for each to the debug console: what happened, and the state then.
 *
 *     case:    0 EIP   4 CS   8 EFLAGS  12 ESP  16 SS  20 ES  24 DS  28 FS  32 GS
 *              36 EDI ESI EBP EBX EDX ECX EAX (seven words)   64 code, 32 bytes
 *     record:  number, vector, error code, EIP, CS, EFLAGS, EDI ESI EBP ESP EBX EDX ECX EAX,
 *              ES DS FS GS SS (a word each, 0 for an inner stack's), CR2, sum over the data
 *
 * Code runs in the 64 KiB at `codeBase`, full of INT3; data and stack are the 64 KiB at `dataBase`,
 * the same before each case, as are the descriptor tables. User-mode code is kept in by paging,
 * code of other levels by the limits of its segments.
 */
import { Assembler } from '@ringfence/assembler';

/** Linear addresses of a case's code and data. */
export const codeBase = 0x2_0000;
/** See {@link codeBase}. */
export const dataBase = 0x3_0000;

/** Words of a record. */
export const recordWords = 21;
/** Bytes of a case. */
export const caseBytes = 96;

/** Selectors of segments that cases run with, the RPL included. */
export const CaseSelector = {
  /** 32-bit and 16-bit code with base `codeBase`, for levels 0 to 3. */
  code32: [0x30, 0x39, 0x42, 0x4b],
  code16: [0x50, 0x59, 0x62, 0x6b],
  /** Data with base `dataBase`, for levels 0 to 3. */
  data: [0x70, 0x79, 0x82, 0x8b],
  /** Flat segments for level 3. */
  flatCode3: 0x1b,
  flatData3: 0x23,
  /** Local descriptors: 32-bit code, 16-bit code and data of level 3, bases as above. */
  localCode32: 0x0f,
  localCode16: 0x17,
  localData: 0x1f,
  /** The first of the entries that differ from run to run, and how many there are. */
  random: 0xa0,
  randomCount: 32,
} as const;

const origin = 0x10_0000;

/** Entries of the local descriptor table. */
export const ldtEntries = 64;

/** A descriptor as two words. */
export type Descriptor = readonly [low: number, high: number];

function descriptor(base: number, limit: number, access: number, flags: number): Descriptor {
  return [
    ((limit & 0xffff) | (base << 16)) >>> 0,
    (((base >>> 16) & 0xff) |
      (access << 8) |
      (((limit >>> 16) & 15) << 16) |
      (flags << 20) |
      (base & 0xff00_0000)) >>>
      0,
  ];
}

function fixedDescriptors(): Descriptor[] {
  const rows: Descriptor[] = [
    [0, 0],
    descriptor(0, 0xfffff, 0x9b, 0xc),
    descriptor(0, 0xfffff, 0x93, 0xc),
    descriptor(0, 0xfffff, 0xfb, 0xc),
    descriptor(0, 0xfffff, 0xf3, 0xc),
    [0x67, 0x8900],
  ];
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(codeBase, 0xffff, 0x9b | (level << 5), 0x4));
  }
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(codeBase, 0xffff, 0x9b | (level << 5), 0));
  }
  for (let level = 0; level < 4; level++) {
    rows.push(descriptor(dataBase, 0xffff, 0x93 | (level << 5), 0x4));
  }
  rows.push([0x67, 0x8900], [ldtEntries * 8 - 1, 0x8200]);
  return rows;
}

/** Assembles an image that runs the cases, whose random descriptors are the same for all. */
export function caseImage(
  cases: readonly Uint8Array[],
  random: readonly Descriptor[],
  local: readonly Descriptor[],
): Uint8Array {
  const table = [...fixedDescriptors(), ...random];
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(`
        bits 32
header: dd 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
        dd header, header, cases, cases, start
${setup(table.length)}
${loop(cases.length)}
${traps()}
${vectors()}
        align 16
pristine:
${table.map((row) => ` dd ${row.join(', ')}`).join('\n')}
        align 16
local:
${local.map((row) => ` dd ${row.join(', ')}`).join('\n')}
${tables(table.length)}
        align 16
cases:  dd 0
`);
  const head = assembler.assemble();
  const image = new Uint8Array(head.length - 4 + cases.length * caseBytes);
  image.set(head.subarray(0, head.length - 4));
  cases.forEach((one, index) => {
    image.set(one, head.length - 4 + index * caseBytes);
  });
  // The load end of the header covers the cases.
  new DataView(image.buffer).setUint32(20, origin + image.length, true);
  new DataView(image.buffer).setUint32(24, origin + image.length, true);
  return image;
}

const doubleFault = 8;

function setup(entries: number): string {
  return `
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
        mov ecx, ${entries * 2}
        rep movsd
        ret`;
}

function loop(count: number): string {
  return `
first:  mov dword [number], 0
next:   cmp dword [number], ${count}
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
        hlt
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
}

function traps(): string {
  return `
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
; The frame is in the data: what is undefined in its EFLAGS does not count.
innerTrap: mov dword [ss:esp + 48], 0
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
}

const withError: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

function vectors(): string {
  const entries = Array.from({ length: 256 }, (_, vector) => {
    const error = withError.has(vector) ? '' : 'push 0';
    return `        align 16\n        ${error}\n        push ${vector}\n        jmp near trap`;
  });
  return `        align 16\nstubs:\n${entries.join('\n')}`;
}

function tables(entries: number): string {
  return `
gdtr:   dw ${entries * 8 - 1}
        dd gdt
        align 8
idtr:   dw 2047
        dd idt
        align 8
tss:    dd 0, stackTop, 0x10
        times 22 dd 0
        dw 0, 104
doubleTss: times 7 dd 0
        dd pageDirectory, doubleTask, 2, 0, 0, 0, 0, doubleStack, 0, 0, 0
        dd 0x10, 8, 0x10, 0x10, 0x10, 0x10, 0
        dw 0, 104
        times 256 dd 0
doubleStack: dd 0
initialMxcsr: dd 0x1f80
number: dd 0
record: times ${recordWords} dd 0
        align 16
gdt:    times ${entries * 2} dd 0
        align 8
idt:    times 512 dd 0
ldt:    times ${ldtEntries * 2} dd 0
        times 1024 dd 0
stackTop: dd 0
        align 4096
pageDirectory: times 1024 dd 0
pageTable: times 1024 dd 0`;
}
