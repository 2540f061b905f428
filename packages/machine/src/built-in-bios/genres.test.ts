/**
 * Programs of a boot sector's kinds, seen as their user sees them: what they write and draw, on the
 * picture of the screen.
 */
import { describe, expect, it } from 'vitest';

import { bootProgram, stop } from './test-machine.ts';
import type { BootedProgram } from './test-machine.ts';

/** The colour of a dot, as six hexadecimal digits. */
function dot({ machine }: BootedProgram, x: number, y: number): string {
  const { rgba, width, height } = machine.screen.image();
  expect(x < width && y < height).toBe(true);
  const at = 4 * (y * width + x);
  return Buffer.from(rgba.subarray(at, at + 3)).toString('hex');
}

describe('a line editor, as a BASIC has it', () => {
  it('takes keys by INT 16h, writes them by INT 10h and takes them back', async () => {
    const program = await bootProgram(`
line:   mov al, 0x3e
        call put
key:    mov ah, 0
        int 0x16
        cmp al, 8
        jne other
        call put
        mov al, 0x20
        call put
        mov al, 8
        call put
        jmp key
other:  call put
        cmp al, 13
        jne key
        mov al, 10
        call put
        jmp line
put:    push ax
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        pop ax
        ret`);
    program.run(0.1);
    const { keyboard, screen } = program.machine;
    for (const words of ['10 PRNIT', '\b\b\bINT A', '\n', 'RUN\n']) {
      keyboard.type(words);
      program.run(0.1);
    }
    expect(screen.text().trimEnd().split('\n').slice(-3)).toEqual(['>10 PRINT A', '>RUN', '>']);
  });
});

describe('a chess board in text', () => {
  it('has squares by AH = 09h and pieces by strings of AH = 13h with colours', async () => {
    const program = await bootProgram(`
        mov ax, 3
        int 0x10
        xor dx, dx
        mov es, dx
square: mov ah, 2
        mov bh, 0
        int 0x10
        mov al, dl
        shr al, 2
        xor al, dh
        mov bl, 0x20            ; green
        test al, 1
        jz fill
        mov bl, 0x70            ; grey
fill:   mov ax, 0x0920
        mov cx, 4
        int 0x10
        add dl, 4
        cmp dl, 32
        jne square
        mov dl, 0
        inc dh
        cmp dh, 8
        jne square
        mov ax, 0x1302          ; colours stand in the string, the cursor stays
        mov bh, 0
        mov cx, 2
        mov dx, 0x0705
        mov bp, piece
        int 0x10
        ${stop}
piece:  db 0xdb, 0x0e, 0xdb, 0x0c`);
    program.run();
    const colours = [0, 4, 8].map((column) => dot(program, 9 * column + 4, 7));
    expect(colours).toEqual(['00aa00', 'aaaaaa', '00aa00']);
    expect(dot(program, 4, 16 + 7)).toBe('aaaaaa');
    expect([5, 6].map((column) => dot(program, 9 * column + 4, 7 * 16 + 7))).toEqual([
      'ffff55',
      'ff5555',
    ]);
  });
});

describe.each([
  [0x0d, 40],
  [0x12, 80],
])('a picture in planes, mode %i', (mode, stride) => {
  it('is drawn with the map mask and all write modes, and copied through the latches', async () => {
    const setMode = (write: number): string => `
        mov dx, 0x3ce
        mov ax, ${String((write << 8) | 5)}
        out dx, ax`;
    const program = await bootProgram(`
        mov ax, ${String(mode)}
        int 0x10
        mov ax, 0xa000
        mov es, ax
        mov dx, 0x3c4
        mov ax, 0x0402          ; plane 2
        out dx, ax
        mov byte [es:0], 0xf0   ; four dots of red
        mov ax, 0x0f02
        out dx, ax
        ${setMode(2)}
        mov ax, 0x0f08          ; the right half of the byte
        out dx, ax
        mov al, [es:0]
        mov byte [es:0], 14     ; yellow
        mov ax, 0xff08
        out dx, ax
        ${setMode(1)}
        mov al, [es:0]          ; all planes at once
        mov [es:1], al
        ${setMode(3)}
        mov ax, 0x0200          ; set/reset: green
        out dx, ax
        mov al, [es:1]
        mov byte [es:1], 0x18   ; the two dots in the middle
        ${setMode(0)}
        ${stop}`);
    program.run();
    const { width } = program.machine.screen.image();
    const scale = width / (8 * stride);
    const dots = [0, 3, 4, 7, 8, 10, 11, 12, 13].map((x) => dot(program, x * scale, 0));
    const [red, yellow, green] = ['aa0000', 'ffff55', '00aa00'];
    expect(dots).toEqual([red, red, yellow, yellow, red, red, green, green, yellow]);
  });
});

it('a program that gives up its turn by INT 19h is started again', async () => {
  const program = await bootProgram(`
        inc byte [0x4f0]
        cmp byte [0x4f0], 2
        je over
        int 0x19
over:   mov al, 2
        out 0xe9, al
        ${stop}`);
  expect(program.run()).toEqual([2]);
});
