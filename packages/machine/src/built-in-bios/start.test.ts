/** What a boot sector finds: registers, vectors, and the places in the ROM that programs know. */
import { expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk } from './test-machine.ts';

it('registers and vectors are those of other machines', async () => {
  const { run } = await bootProgram(`
        ${putAx}
        mov ax, bx
        ${putAx}
        mov al, dl
        ${putAl}
        int 0xe0                ; nothing, wherever a program has not set it
        int 0x80
        mov ax, [4 * 0x60]      ; zero, for programs
        ${putAx}
        mov ax, [4 * 0x20]
        ${putAx}
        mov al, 0x14            ; the display is one of those after the CGA
        out 0x70, al
        in al, 0x71
        and al, 0x30
        ${putAl}
        ${stop}`);
  expect(run()).toEqual([0x55, 0xaa, 0, 0, 0x80, 0, 0, 0x53, 0xff, 0]);
});

it('handlers begin where those of an IBM PC do', async () => {
  const { run } = await bootProgram(`
        mov ax, [4 * 0x10]
        ${putAx}
        mov ax, [4 * 0x13]
        ${putAx}
        mov ah, 2               ; INT 16h by its place
        pushf
        call 0xf000:0xe82e
        ${putAl}
        pushf
        call 0xf000:0xf841      ; INT 12h
        ${putAx}
        ${stop}`);
  expect(run()).toEqual([0x65, 0xf0, 0xfe, 0xe3, 0, 0x7f, 0x02]);
});

it('floppy drives have moved, so that a disk that is in does not count as changed', async () => {
  const boot = bootDisk(`
        mov dx, 0x3f7
        in al, dx
        ${putAl}
        mov dx, 0x3f5           ; a seek that was forgotten would answer
        mov al, 8
        out dx, al
        in al, dx
        ${putAl}
        ${stop}`);
  const image = new TestDisk(boot.data.slice(0, 1440 * 1024));
  const { run } = await bootProgram('', undefined, { order: 'a' }, image);
  expect(run()).toEqual([0, 0x80]);
});

it('x87 is as after FNINIT, which small programs leave out, and caches are on', async () => {
  const { run } = await bootProgram(`
        fnstcw [0x8000]
        mov ax, [0x8000]
        ${putAx}
        mov eax, cr0
        shr eax, 16
        ${putAx}
        fld1                    ; thirds are not exact, which raises no error
        mov word [0x8000], 3
        fidiv word [0x8000]
        fimul word [0x8000]
        fistp word [0x8000]
        mov ax, [0x8000]
        ${putAx}
        ${stop}`);
  expect(run()).toEqual([0x7f, 0x03, 0, 0, 1, 0]);
});
