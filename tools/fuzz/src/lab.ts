/**
 * The laboratory: a multiboot kernel that runs one test program and writes down on the debug
 * console what happens to it, every exception with its frame, so that runs can be compared as text.
 *
 * A program is assembler text in 32-bit protected mode at CPL 0 with the segments of `Selector`,
 * interrupts off and every vector handled:
 *
 * - `mov dword [resume], LABEL` says where an exception goes on, at CPL 0 with the laboratory's
 *   segments and stack, whatever the mode in which it happened; 0 means that it goes on where it
 *   was.
 * - `int 0x77` and `int3` show EAX too.
 * - `call hex` writes EAX, `call put` writes AL; `say('text')` writes text.
 * - the end of the program leaves with `isa-debug-exit`.
 */
import { Assembler } from '@ringfence/assembler';

/** Selectors of the laboratory's descriptor table; the RPL is to be added. */
export const Selector = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x18,
  data3: 0x20,
  /** TSS of the laboratory. */
  tss: 0x28,
  code1: 0x30,
  data1: 0x38,
  code2: 0x40,
  data2: 0x48,
  /** 16-bit code and data at CPL 0 with base `low` (0x10000) and limit 0xffff. */
  code16: 0x50,
  data16: 0x58,
  /** The first of 16 entries for the program. */
  free: 0x60,
} as const;

/** Address at which code in real, virtual-8086 and 16-bit mode is put. */
export const lowAddress = 0x10000;

/** Text that writes a string. */
export function say(text: string): string {
  const bytes = [...text].map((character) => character.charCodeAt(0));
  return `call sayNext\n db ${[...bytes, 0].join(', ')}\n`;
}

/** Text that fills in the free descriptor: its base is a label. */
export function describeFree(label: string, limit: number, access: number): string {
  return `
        mov eax, ${label}
        mov [gdt + ${Selector.free} + 2], ax
        shr eax, 16
        mov [gdt + ${Selector.free} + 4], al
        mov word [gdt + ${Selector.free}], ${limit}
        mov word [gdt + ${Selector.free} + 5], ${access}`;
}

const origin = 0x10_0000;

/** Assembles a program into a laboratory image; `data` is text after it. */
export function labImage(program: string, data: string = ''): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(`
        bits 32
header: dd 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
        dd header, header, imageEnd, imageEnd + 0x100000, start
${setup()}
program:
${program}
leave:  mov al, 0
exit:   out 0xf4, al
        mov esi, shutdown
        mov edx, 0x8900
        mov ecx, 8
        rep outsb
        hlt
${services}
${vectors()}
${tables()}
${data}
        align 16
imageEnd: db 0
`);
  return assembler.assemble();
}

function setup(): string {
  return `
start:  mov esp, labStack
        lgdt [gdtr]
        jmp ${Selector.code0}:flat
flat:   mov ax, ${Selector.data0}
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov eax, tss
        mov [gdt + ${Selector.tss} + 2], ax
        shr eax, 16
        mov [gdt + ${Selector.tss} + 4], al
        mov edi, idt
        mov ebx, stubs
        mov ecx, 256
fill:   mov eax, ebx
        mov [edi], ax
        mov word [edi + 2], ${Selector.code0}
        mov word [edi + 4], 0xee00
        shr eax, 16
        mov [edi + 6], ax
        add edi, 8
        add ebx, 16
        loop fill
        lidt [idtr]
        mov ax, ${Selector.tss}
        ltr ax
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov dword [resume], 0`;
}

/** Registers are kept by all of these. */
const services: string = `
; Written to port 0x8900, this ends Bochs, which has no port 0xf4.
shutdown: db 'Shutdown'
put:    out 0xe9, al
        ret
line:   push eax
        mov al, 10
        out 0xe9, al
        pop eax
        ret
space:  push eax
        mov al, 32
        out 0xe9, al
        pop eax
        ret
hex:    push eax
        push ecx
        push edx
        mov edx, eax
        mov ecx, 8
hexNext: rol edx, 4
        mov al, dl
        and al, 15
        add al, 48
        cmp al, 58
        jb hexPut
        add al, 39
hexPut: out 0xe9, al
        loop hexNext
        pop edx
        pop ecx
        pop eax
        call space
        ret
sayNext: xchg esi, [esp]
        push eax
sayMore: mov al, [cs:esi]
        inc esi
        test al, al
        jz sayDone
        out 0xe9, al
        jmp sayMore
sayDone: pop eax
        xchg esi, [esp]
        ret
; A line: vector, error code, EIP (from the program on), CS, EFLAGS, CR2 or DR6.
; Behind a breakpoint it sets RF, which the processor does not save set (SDM 3B 17.3.1.1).
trap:   pusha
        push ds
        push es
        push fs
        push gs
        mov ax, ${Selector.data0}
        mov ds, ax
        mov es, ax
        mov eax, [esp + 48]
        cmp eax, 0xfff
        je trapQuiet
        mov al, 35
        call put
        mov eax, [esp + 48]
        call hex
        mov eax, [esp + 52]
        call hex
        mov eax, [esp + 56]
        cmp eax, program
        jb trapEip
        sub eax, program
trapEip: call hex
        mov eax, [esp + 60]
        and eax, 0xffff
        call hex
        mov eax, [esp + 64]
        and eax, [flagMask]
        call hex
        cmp dword [esp + 48], 14
        jne trapNo14
        mov eax, cr2
        call hex
trapNo14: cmp dword [esp + 48], 1
        jne trapNo1
        mov eax, dr6
        call hex
        test al, 15
        jz trapNoBreak
        or byte [esp + 66], 1
trapNoBreak: mov eax, 0xffff0ff0
        mov dr6, eax
trapNo1: cmp dword [esp + 48], 0x77
        jne trapNo77
        mov eax, [esp + 44]
        call hex
trapNo77: cmp dword [esp + 48], 3
        jne trapNo3
        mov eax, [esp + 44]
        call hex
trapNo3: call line
trapQuiet: cmp dword [resume], 0
        jne trapResume
        pop gs
        pop fs
        pop es
        pop ds
        popa
        add esp, 8
        iret
trapResume: mov ax, ${Selector.data0}
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov esp, labStack
        push 2
        popf
        mov eax, [resume]
        mov dword [resume], 0
        jmp eax`;

/** Vectors that push an error code (SDM 3A table 6-1). */
const withError: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

/** One entry of 16 bytes for each vector, so that an error code and the vector are pushed. */
function vectors(): string {
  const entries = Array.from({ length: 256 }, (_, vector) => {
    const error = withError.has(vector) ? '' : 'push 0';
    return `        align 16\n        ${error}\n        push ${vector}\n        jmp near trap`;
  });
  return `        align 16\nstubs:\n${entries.join('\n')}`;
}

function tables(): string {
  const flatSegments = [
    [0x0000ffff, 0x00cf9b00],
    [0x0000ffff, 0x00cf9300],
    [0x0000ffff, 0x00cffb00],
    [0x0000ffff, 0x00cff300],
    [0x00000067, 0x00008900],
    [0x0000ffff, 0x00cfbb00],
    [0x0000ffff, 0x00cfb300],
    [0x0000ffff, 0x00cfdb00],
    [0x0000ffff, 0x00cfd300],
    [0x0000ffff, 0x00009b01],
    [0x0000ffff, 0x00009301],
  ];
  const rows = flatSegments.map((row) => ` dd ${row.join(', ')}`).join('\n');
  return `
        align 8
gdt:    dd 0, 0
${rows}
free:   times 32 dd 0
gdtEnd: dd 0
        align 8
gdtr:   dw ${8 * 28 - 1}
        dd gdt
        align 8
idtr:   dw 2047
        dd idt
        align 8
tss:    dd 0, stack0, ${Selector.data0}, stack1, ${Selector.data1 | 1}
        dd stack2, ${Selector.data2 | 2}
        times 18 dd 0
        dw 0, 104
resume: dd 0
flagMask: dd 0xfffef72a
        align 16
        times 1024 dd 0
labStack: times 1024 dd 0
stack0: times 256 dd 0
stack1: times 256 dd 0
stack2: times 256 dd 0
stack3: dd 0
        align 16
idt:    times 512 dd 0`;
}
