import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop, words } from './test-machine.ts';
import { videoParameters } from './video-parameters.ts';

describe('the table of modes that 40:A8 leads to', () => {
  it('has an entry of 64 bytes for what the registers hold in a mode', async () => {
    const { run } = await bootProgram(`
        les bx, [0x4a8]
        mov ax, [es:bx + 4]     ; the second pointer
        ${putAx}
        les bx, [es:bx]
        add bx, 0x1c * 64       ; mode 13h
        mov cx, 5
next:   mov al, [es:bx]
        ${putAl}
        inc bx
        loop next
        mov ax, 0x0013
        int 0x10
        mov dx, 0x3d4           ; the CRTC's registers are those of the entry
        xor cx, cx
crtc:   mov al, cl
        out dx, al
        inc dx
        in al, dx
        dec dx
        xor al, [es:bx + 5]
        ${putAl}
        inc bx
        inc cx
        cmp cx, 25
        jb crtc
        ${stop}`);
    const [second, ...rest] = words([...run().slice(0, 2)]).concat(run().slice(2));
    expect(second).toBe(0);
    expect(rest.slice(0, 5)).toEqual([40, 24, 8, 0x00, 0x20]);
    expect(rest.slice(5)).toEqual(Array.from({ length: 25 }, () => 0));
  });

  it('has the text modes with 200, 350 and 400 lines', () => {
    const table = videoParameters();
    expect(table).toHaveLength(29 * 64);
    expect([0x03, 0x16, 0x18].map((entry) => table[entry * 64 + 2])).toEqual([8, 14, 16]);
    expect([0x03, 0x16, 0x18].map((entry) => table[entry * 64 + 9])).toEqual([0x63, 0xa3, 0x67]);
  });
});
