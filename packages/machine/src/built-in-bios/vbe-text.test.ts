/** Characters and pixels in modes of the VBE extension, as AH = 09h to 0Eh draw them. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop } from './test-machine.ts';

/** Sets a mode and a font whose characters are a bar on the left, two dots wide. */
const start = (mode: number): string => `
        mov ax, 0x4f02
        mov bx, ${String(mode)}
        int 0x10
        mov di, 0x9000
        mov cx, 0x1000
        mov al, 0xc0
        rep stosb
        mov word [4 * 0x43], 0x9000
        mov word [4 * 0x43 + 2], 0`;

describe.each([
  ['16 colours', 0x102, 800, 600],
  ['16 colours in more than a bank', 0x104, 1024, 768],
  ['256 colours', 0x101, 640, 480],
  ['15 bits', 0x110, 640, 480],
  ['16 bits', 0x114, 800, 600],
  ['24 bits', 0x112, 640, 480],
  ['32 bits', 0x143, 800, 600],
])('a mode of %s', (_name, mode, width, height) => {
  it('prints, and scrolls at its end', async () => {
    const { run, machine } = await bootProgram(`${start(mode)}
        mov ax, 0x0e41
        mov bx, 12              ; bright red
        int 0x10
        mov ah, 2
        mov bh, 0
        mov dh, [0x484]
        mov dl, 3
        int 0x10
        mov ax, 0x0942
        mov bx, 6               ; brown
        mov cx, 1
        int 0x10
        mov ax, 0x0800
        int 0x10
        ${putAx}
        mov ax, 0x0e0a
        int 0x10
        mov ax, [0x450]
        ${putAx}
        ${stop}`);
    const [, , column, row] = run();
    const image = machine.screen.image();
    const dot = (x: number, y: number): number[] => {
      const at = 4 * (width * y + x);
      return [...image.rgba.subarray(at, at + 3)];
    };
    expect([image.width, image.height]).toEqual([width, height]);
    expect([column, row]).toEqual([3, (height >> 4) - 1]);
    // What was printed has moved up by a row, and what was above it is gone.
    const above = 16 * ((height >> 4) - 2);
    const [red = 0, green = 0, blue = 1] = dot(25, above + 15);
    expect([red > 150, green > 60 && green < 110, blue]).toEqual([true, true, 0]);
    expect(dot(24, above)).toEqual([red, green, blue]);
    expect([dot(0, 0), dot(26, above), dot(24, above + 16)]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('sets pixels and tells their colours, and leaves the bank where it was', async () => {
    const { run } = await bootProgram(`${start(mode)}
        mov ax, 0x4f05
        xor bx, bx
        mov dx, 2
        int 0x10
        mov ax, 0x0c0d
        mov bx, 0
        mov cx, 100
        mov dx, 400
        int 0x10
        mov ax, 0x0d00
        int 0x10
        ${putAl}
        inc cx
        mov ax, 0x0d00
        int 0x10
        ${putAl}
        mov ax, 0x4f05
        mov bx, 0x0100
        int 0x10
        mov ax, dx
        ${putAx}
        ${stop}`);
    expect(run()).toEqual([13, 0, 2, 0]);
  });
});

it('mode 6Ah is that of 800x600 in 16 colours', async () => {
  const { run } = await bootProgram(`
        mov ax, 0x6a
        int 0x10
        mov ax, 0x4f03
        int 0x10
        mov ax, bx
        ${putAx}
        ${stop}`);
  expect(run()).toEqual([0x02, 0x01]);
});
