/** The services of the mouse, as drivers for real mode use them. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop } from './test-machine.ts';

const call = (ax: string): string => `
        mov ax, ${ax}
        int 0x15
        mov al, ah
        ${putAl}`;

describe('INT 15h, AH = C2h', () => {
  it('starts the mouse and tells what it is set to', async () => {
    const { run } = await bootProgram(`
        sti
        mov bh, 3
        ${call('0xc205')}
        mov ax, bx
        ${putAx}
        mov bh, 4               ; 80 reports a second
        ${call('0xc202')}
        mov bh, 1
        ${call('0xc203')}
        mov bh, 2
        ${call('0xc206')}
        mov bh, 0
        ${call('0xc206')}
        mov al, bl
        ${putAl}
        mov al, cl
        ${putAl}
        mov al, dl
        ${putAl}
        ${call('0xc204')}
        mov al, bh
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0, 0xaa, 0, 0, 0, 0, 0, 0x10, 1, 80, 0, 0]);
  });

  it('refuses what is not one of its functions, and reports that nobody takes', async () => {
    const { run } = await bootProgram(`
        ${call('0xc209')}
        mov bh, 7
        ${call('0xc202')}
        mov bh, 9
        ${call('0xc205')}
        mov bh, 1
        ${call('0xc200')}
        setc al
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([1, 2, 2, 5, 1]);
  });

  it('calls the handler with what the mouse did, and takes keys beside it', async () => {
    const program = await bootProgram(`
        sti
        mov bh, 3
        ${call('0xc205')}
        push cs
        pop es
        mov bx, handler
        ${call('0xc207')}
        mov bh, 1
        ${call('0xc200')}
wait:   hlt
        cmp byte [count], 2
        jb wait
        mov ah, 0
        int 0x16
        ${putAl}
        mov bh, 0
        ${call('0xc200')}
        ${stop}
count:  db 0
handler:
        push bp
        mov bp, sp
        push ax
        mov al, [bp + 12]       ; status
        ${putAl}
        mov al, [bp + 10]       ; x
        ${putAl}
        mov al, [bp + 8]        ; y
        ${putAl}
        inc byte [cs:count]
        pop ax
        pop bp
        retf`);
    program.run(0.5);
    program.machine.mouse.move(5, -3);
    program.run(0.1);
    program.machine.keyboard.type('k');
    program.machine.mouse.press('right');
    expect(program.run()).toEqual([0, 0, 0, ...[0x08, 5, 3], ...[0x0a, 0, 0], 0x6b, 0]);
  });
});
