/**
 * Games of the CGA's four colours: figures that move with the timer's ticks over lines in two
 * banks, and palettes that change with the retrace. Colours are those of a VGA in mode 4.
 */
import { describe, expect, it } from 'vitest';

import { bootProgram, stop } from './test-machine.ts';
import type { BootedProgram } from './test-machine.ts';

const [black, cyan, magenta, white] = ['000000', '55ffff', 'ff55ff', 'ffffff'];
const [green, red, yellow] = ['55ff55', 'ff5555', 'ffff55'];

/** The colour of a dot of 320 by 200: of the four that it is sent as, all alike. */
function dot({ machine }: BootedProgram, x: number, y: number): string {
  const { rgba, width, height } = machine.screen.image();
  expect([width, height]).toEqual([640, 400]);
  const colours = [0, 1, width, width + 1].map((offset) => {
    const at = 4 * (2 * y * width + 2 * x + offset);
    return Buffer.from(rgba.subarray(at, at + 3)).toString('hex');
  });
  expect(new Set(colours).size).toBe(1);
  return colours[0] ?? '';
}

const mode4 = `
        mov ax, 4
        int 0x10
        mov ax, 0xb800
        mov es, ax
        sti`;

/** Waits for the next vertical retrace. */
const retrace = `
        mov dx, 0x3da
        in al, dx
        test al, 8
        jnz $ - 3
        in al, dx
        test al, 8
        jz $ - 3`;

describe('a figure in mode 4', () => {
  it('moves by a byte with each tick, and leaves nothing behind', async () => {
    const program = await bootProgram(`${mode4}
        mov di, 80 * 50         ; lines 100 and 101
        call draw
        mov cx, 18
next:   mov ax, [0x46c]
same:   hlt
        cmp ax, [0x46c]
        je same
        call draw
        inc di
        call draw
        loop next
        ${stop}
draw:   xor byte [es:di], 0x1b  ; colours 0 to 3 from the left
        xor byte [es:di + 0x2000], 0xe4
        ret`);
    program.run();
    const line = (y: number): string[] =>
      [70, 71, 72, 73, 74, 75, 76].map((x) => dot(program, x, y));
    expect(line(100)).toEqual([black, black, black, cyan, magenta, white, black]);
    expect(line(101)).toEqual([black, black, white, magenta, cyan, black, black]);
    expect([99, 102].map((y) => line(y).every((colour) => colour === black))).toEqual([true, true]);
    expect(dot(program, 3, 100)).toBe(black);
  });
});

describe('the palette of mode 4', () => {
  const stripes = `${mode4}
        mov byte [es:0], 0x1b`;
  const seen = (program: BootedProgram): string[] => [0, 1, 2, 3].map((x) => dot(program, x, 0));

  it.each([
    [2, [black, cyan, magenta, white]],
    [1, [black, green, red, yellow]],
  ])('is another one with each retrace: after %i of them', async (count, colours) => {
    const program = await bootProgram(`${stripes}
        mov cx, ${String(count)}
        mov bx, 0x0100
next:   ${retrace}
        mov ah, 0x0b
        int 0x10
        xor bl, 1
        loop next
        ${stop}`);
    program.run();
    expect(seen(program)).toEqual(colours);
  });

  it('has a background of its own, and dark colours', async () => {
    const program = await bootProgram(`${stripes}
        mov ax, 0x0b00
        mov bx, 0x0001          ; blue, and no intensity
        int 0x10
        ${stop}`);
    program.run();
    expect(seen(program)).toEqual(['0000aa', '00aaaa', 'aa00aa', 'aaaaaa']);
  });

  it('changes by the registers of the VGA, too', async () => {
    const program = await bootProgram(`${stripes}
        mov dx, 0x3da
        in al, dx
        mov dx, 0x3c0           ; colour 1 is entry 4 of the palette: dark red
        mov al, 1
        out dx, al
        mov al, 4
        out dx, al
        mov al, 0x20
        out dx, al
        mov dx, 0x3c8           ; entry 15h, which colour 2 is: half of green
        mov al, 0x15
        out dx, al
        inc dx
        xor al, al
        out dx, al
        mov al, 0x20
        out dx, al
        xor al, al
        out dx, al
        ${stop}`);
    program.run();
    expect(seen(program)).toEqual([black, 'aa0000', '008200', white]);
  });
});
