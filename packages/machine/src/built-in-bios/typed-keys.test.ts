/** Text that is typed while the guest does not read: the BIOS keeps a few keys, the rest waits. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, stop } from './test-machine.ts';

const text = 'How vexingly quick daft zebras jump!\n';
const typed = [...text].map((character) => character.replace('\n', '\r').charCodeAt(0));

describe('typed text', () => {
  it('waits for a program that does not read keys for two seconds', async () => {
    const program = await bootProgram(`
        sti
        mov bx, [0x46c]
        add bx, 36
busy:   hlt
        cmp [0x46c], bx
        jne busy
read:   mov ah, 0
        int 0x16
        ${putAl}
        cmp al, 13
        jne read
        ${stop}`);
    program.run(0.2);
    program.machine.keyboard.type(text);
    expect(program.run(10)).toEqual(typed);
  });

  it('does not wait for a program that takes keys at port 60h itself', async () => {
    const program = await bootProgram(`
        mov word [0x41a], 0x1e   ; a full buffer that nobody reads
        mov word [0x41c], 0x3c
        cli
        mov word [0x24], key
        mov word [0x26], cs
        sti
        hlt
        jmp $ - 1
key:    push ax
        in al, 0x60
        test al, 0x80
        jnz up
        ${putAl}
        cmp al, 0x1c
        jne up
        ${stop}
up:     mov al, 0x20
        out 0x20, al
        pop ax
        iret`);
    program.run(0.2);
    program.machine.keyboard.type('asdfghjkl\n');
    expect(program.run(5)).toEqual([0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x1c]);
  });
});
