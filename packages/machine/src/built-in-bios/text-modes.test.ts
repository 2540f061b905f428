/** Text modes of other heights, and the cursor in them. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop } from './test-machine.ts';

const readCrtc = (index: number): string => `
        mov dx, 0x3d4
        mov al, ${String(index)}
        out dx, al
        inc dx
        in al, dx
        ${putAl}`;

describe('the cursor', () => {
  it.each([
    ['a line at the bottom', 0x0607, [13, 14]],
    ['the lower half', 0x0407, [8, 15]],
    ['a block', 0x0007, [0, 15]],
    ['a line at the top', 0x0001, [0, 1]],
    ['lines of a high character', 0x0a0c, [10, 12]],
    ['none', 0x2000, [32, 0]],
    ['the wrong way round', 0x0705, [5, 15]],
  ])('is fitted to 16 lines: %s', async (_name, lines, shape) => {
    const { run } = await bootProgram(`
        mov ah, 1
        mov cx, ${String(lines)}
        int 0x10
        ${readCrtc(0x0a)}
        ${readCrtc(0x0b)}
        mov ax, [0x460]
        ${putAx}
        ${stop}`);
    expect(run()).toEqual([...shape, lines & 0xff, lines >> 8]);
  });

  it('is as programs say once they have switched that off', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x1201
        mov bl, 0x34
        int 0x10
        ${putAl}
        mov ax, 3               ; lasts over modes
        int 0x10
        mov ah, 1
        mov cx, 0x0307
        int 0x10
        ${readCrtc(0x0a)}
        ${readCrtc(0x0b)}
        ${stop}`);
    expect(run()).toEqual([0x12, 3, 7]);
  });
});

describe('text', () => {
  it.each([
    [200, 0x00, 25, 8, 400],
    [350, 0x01, 25, 14, 350],
    [400, 0x02, 25, 16, 400],
  ])('has %i lines where a program chose them before the mode', async (...row) => {
    const [, choice, rows, height, dots] = row;
    const { run, machine } = await bootProgram(`
        mov ax, ${String(0x1200 + choice)}
        mov bl, 0x30
        int 0x10
        ${putAl}
        mov ax, 3
        int 0x10
        mov al, [0x484]
        ${putAl}
        mov al, [0x485]
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x12, rows - 1, height]);
    expect(machine.screen.image().height).toBe(dots);
    expect(machine.screen.text().split('\n')).toHaveLength(rows);
  });

  it.each([
    ['43 rows of 350 lines', 1, 0x12, 43, 344],
    ['28 rows of 400 lines', 2, 0x11, 28, 392],
    ['12 rows of 200 lines', 0, 0x14, 12, 384],
  ])('has %s, and nothing below them', async (_name, choice, font, rows, dots) => {
    const { run, machine } = await bootProgram(`
        mov ax, ${String(0x1200 + choice)}
        mov bl, 0x30
        int 0x10
        mov ax, 3
        int 0x10
        mov ax, ${String(0x1100 + font)}
        mov bl, 0
        int 0x10
        mov al, [0x484]
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([rows - 1]);
    expect(machine.screen.image().height).toBe(dots);
    expect(machine.screen.text().split('\n')).toHaveLength(rows);
  });

  it('is written on behind the end of the screen', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x0941
        mov bx, 0x001e
        mov cx, 4096            ; two pages
        int 0x10
        mov ax, 0xb800
        mov es, ax
        mov ax, [es:2 * 4095]
        ${putAx}
        mov ax, [es:2 * 4096]
        ${putAx}
        ${stop}`);
    expect(run()).toEqual([0x41, 0x1e, 0x20, 0x07]);
  });
});

describe('AH = 12h', () => {
  const dac = (index: number): string => `
        mov ax, 0x1015
        mov bx, ${String(index)}
        int 0x10
        mov al, dh
        ${putAl}
        mov al, ch
        ${putAl}
        mov al, cl
        ${putAl}`;

  it('leaves the palette to programs, or makes greys of it', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x1010
        mov bx, 1
        mov dh, 10
        mov cx, 0x141e
        int 0x10
        mov ax, 0x1201
        mov bl, 0x31
        int 0x10
        mov ax, 0x13
        int 0x10
        ${dac(1)}
        mov ax, 0x1200
        mov bl, 0x31
        int 0x10
        mov ax, 0x1200
        mov bl, 0x33
        int 0x10
        mov ax, 0x13
        int 0x10
        ${dac(1)}
        ${stop}`);
    expect(run()).toEqual([10, 20, 30, 5, 5, 5]);
  });

  it('switches the screen off and on', async () => {
    const read = `
        mov dx, 0x3c4
        mov al, 1
        out dx, al
        inc dx
        in al, dx
        ${putAl}`;
    const { run } = await bootProgram(`
        mov ax, 0x1201
        mov bl, 0x36
        int 0x10
        ${read}
        mov ax, 0x1200
        mov bl, 0x36
        int 0x10
        ${read}
        mov ax, 0x12ff          ; neither
        mov bl, 0x36
        int 0x10
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x20, 0x00, 0x00]);
  });
});
