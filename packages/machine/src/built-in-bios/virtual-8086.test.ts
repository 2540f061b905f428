/**
 * The BIOS under a memory manager: a kernel of 32 bits runs real-mode code in virtual-8086 mode,
 * has a page of it elsewhere, and reflects INT 10h and 13h to the vectors that the BIOS set.
 */
import { assembleText } from '@ringfence/assembler';
import type { Virtual8086Caller } from '@ringfence/hypercall';
import { expect, it } from 'vitest';

import { BiosMemory } from './bios-memory.ts';
import { biosMagic } from './layout.ts';
import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk, words } from './test-machine.ts';

const kernelAt = 0x7e00;
const pageDirectory = 0x2_0000;
/** A page of the program's that stands elsewhere. */
const moved = { linear: 0x3_0000, physical: 0x5_0000 } as const;

/** A kernel that runs `program` in virtual-8086 mode, and may let it use every port. */
const kernel = (program: string): string => `
        bits 16
        cli
        lgdt [gdt_at]
        lidt [idt_at]
        mov ax, ${pageDirectory >> 4}
        mov es, ax
        mov dword [es:0], ${pageDirectory + 0x1007}
        mov di, 0x1000
        mov eax, 7
        mov cx, 256
page:   stosd
        add eax, 0x1000
        loop page
        mov dword [es:${0x1000 + 4 * (moved.linear >> 12)}], ${moved.physical + 7}
        mov eax, ${pageDirectory}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000001
        mov cr0, eax
        jmp 8:protected
        bits 32
protected:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7000
        mov dword [0x6004], 0x7000      ; the stack of level 0 in the task state at 6000h
        mov dword [0x6008], 0x10
        mov word [0x6066], 0x68         ; ports: all that are below the bitmap's end
        mov ax, 0x18
        ltr ax
        push 0
        push 0
        push 0
        push 0
        push 0
        push 0x5000
        push 0x23002                    ; VM, IOPL 3
        push 0
        push virtual
        iretd
service_10:
        push 0x10
        jmp reflect
service_13:
        push 0x13
reflect:
        pushad
        mov ax, 0x10                    ; data segments are empty after virtual-8086 mode
        mov ds, ax
        mov edx, [esp + 52]
        shl edx, 4
        mov ecx, [esp + 48]
        sub ecx, 6
        mov [esp + 48], ecx
        add edx, ecx
        mov eax, [esp + 36]
        mov [edx], ax
        mov eax, [esp + 40]
        mov [edx + 2], ax
        mov eax, [esp + 44]
        mov [edx + 4], ax
        mov ebx, [esp + 32]
        mov eax, [ebx * 4]
        movzx ecx, ax
        mov [esp + 36], ecx
        shr eax, 16
        mov [esp + 40], eax
        popad
        add esp, 4
        iretd
bad:    mov al, 0xbd
        ${putAl}
        ${stop}
        bits 16
virtual:
${program}
        ${stop}
        bits 32
gdt:    dd 0, 0, 0x0000ffff, 0x00cf9a00, 0x0000ffff, 0x00cf9200
        dd 0x60002067, 0x00008900       ; the task state, and 8 KiB of bitmap
gdt_at: dw 31
        dd gdt
idt:    times 13 dd 0, 0
        dw bad, 8, 0x8e00, 0            ; #GP
        dw bad, 8, 0x8e00, 0            ; #PF
        dd 0, 0
        dw service_10, 8, 0xee00, 0
        dd 0, 0, 0, 0
        dw service_13, 8, 0xee00, 0
idt_at: dw 159
        dd idt
`;

/** Runs a program under that kernel; returns what it said. */
async function run(program: string): Promise<readonly number[]> {
  const disk = bootDisk(`
        mov ax, 0x0204
        mov bx, ${kernelAt}
        mov cx, 2
        mov dx, 0x80
        int 0x13
        jmp ${kernelAt}`);
  disk.data.set(assembleText(kernel(program), { origin: kernelAt }), 512);
  const booted = await bootProgram('', new TestDisk(disk.data));
  return booted.run(0.2);
}

it('reads a disk to where the page tables have the buffer', async () => {
  const bytes = await run(`
        mov ax, ${moved.linear >> 4}
        mov es, ax
        mov ax, 0x0201
        xor bx, bx
        mov cx, 1
        mov dx, 0x80
        int 0x13
        setc al
        ${putAl}
        mov ax, [es:510]
        ${putAx}
        mov ax, ${moved.physical >> 4}
        mov es, ax
        mov ax, [es:510]
        ${putAx}`);
  expect(bytes).toEqual([0, 0x55, 0xaa, 0x55, 0xaa]);
});

it('sets modes and draws', async () => {
  const bytes = await run(`
        mov ax, 0x0013
        int 0x10
        mov ax, 0x0c2a
        mov cx, 5
        xor dx, dx
        mov bh, 0
        int 0x10
        mov ax, 0xa000
        mov es, ax
        mov al, [es:5]
        ${putAl}
        mov ah, 0x0f
        int 0x10
        ${putAl}`);
  expect(bytes).toEqual([0x2a, 0x13]);
});

it('serves its own code only: a program makes no such calls itself', async () => {
  const bytes = await run(`
        mov eax, ${biosMagic}
        mov ebx, 0x5000
        mov ecx, 0x10
        vmcall
        ${putAx}`);
  // The answer is KVM's: not from this privilege level.
  expect(words(bytes)).toEqual([0xffff]);
});

it('finds out at the start of a request where its pages are', () => {
  const written: [number, number][] = [];
  const physical = {
    write: (at: number, source: Uint8Array) => written.push([at, source.length]),
  };
  // Only `write` is used of it.
  const memory = new BiosMemory(physical as unknown as ConstructorParameters<typeof BiosMemory>[0]);
  const pages = new Map([
    [0x1000, 0x9000],
    [0x2000, -1],
    [0x3000, 0x7000],
  ]);
  const caller: Virtual8086Caller = { at: 0, physical: (linear) => pages.get(linear) ?? -1 };
  const place = memory.serveFor(caller, () => memory.pin(0x1800, 0x2000, true));
  place.write(0, new Uint8Array(0x2000));
  expect(written).toEqual([
    [0x9800, 0x800],
    [0x7000, 0x800],
  ]);
});
