/** The services of VBE, and of the display's state, as programs with many colours use them. */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop, words } from './test-machine.ts';

/** Calls INT 10h with AX, expecting 4Fh in AL, and writes AH. */
const vbe = (ax: string): string => `
        mov ax, ${ax}
        int 0x10
        xchg al, ah
        ${putAl}`;

describe('INT 10h, AH = 4Fh', () => {
  it('tells what the adapter is, and the modes that it has', async () => {
    const { run } = await bootProgram(`
        mov di, 0x8000
        mov dword [di], 0x32454256      ; VBE2
        mov ax, 0x4f00
        int 0x10
        ${putAx}
        mov ax, [di + 4]
        ${putAx}
        mov ax, [di + 0x12]
        ${putAx}
        mov eax, [di]
        ${putAx}
        lds si, [di + 0x0e]
next:   lodsw
        ${putAx}
        cmp ax, 0xffff
        jne next
        ${stop}`);
    const [result, version, memory, name, ...modes] = words(run());
    expect([result, version, memory, name]).toEqual([0x4f, 0x300, 256, 0x4556]);
    expect(modes).toEqual(expect.arrayContaining([0x101, 0x103, 0x112, 0x118, 0x144, 0xffff]));
  });

  it('has a linear frame buffer in 640x480 with 32 bits, which the screen shows', async () => {
    const { run, machine } = await bootProgram(`
        mov di, 0x8000
        mov cx, 0x142
        ${vbe('0x4f01')}
        mov ax, [di + 0x10]     ; bytes of a line
        ${putAx}
        mov ax, [di + 0x12]
        ${putAx}
        mov bx, 0x4142
        ${vbe('0x4f02')}
        ${vbe('0x4f03')}
        mov ax, bx
        ${putAx}
        mov esi, [0x8028]       ; where the frame buffer is
        cli
        lgdt [table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov es, bx
        and al, 0xfe
        mov cr0, eax
        mov dword [es:esi + 2560], 0x00ff8040
        mov ax, 0x1234
        ${putAx}
        ${stop}
gdt:    dd 0, 0, 0x0000ffff, 0x00cf9300
table:  dw 15
        dd gdt`);
    const bytes = run();
    expect(bytes).toEqual([0, 0x00, 0x0a, 0x80, 2, 0, 0, 0x42, 0x41, 0x34, 0x12]);
    const { width, height, rgba } = machine.screen.image();
    expect([width, height]).toEqual([640, 480]);
    expect([...rgba.subarray(2560, 2563)]).toEqual([0xff, 0x80, 0x40]);
  });

  it('shows 64 KiB at a time, moves lines and start, and has a palette of 8 bits', async () => {
    const { run, machine } = await bootProgram(`
        mov bx, 0x101
        ${vbe('0x4f02')}
        xor bx, bx
        mov dx, 4               ; line 409 begins in the fifth 64 KiB
        ${vbe('0x4f05')}
        mov ax, 0xa000
        mov es, ax
        mov byte [es:0xfe80 - 0x8000], 5
        mov bx, 0x0800
        ${vbe('0x4f08')}
        mov al, bh
        ${putAl}
        xor ax, ax
        mov es, ax
        mov di, colour
        mov cx, 1
        mov dx, 5
        mov bl, 0
        ${vbe('0x4f09')}
        mov bl, 1
        xor cx, cx
        ${vbe('0x4f06')}
        mov ax, cx
        ${putAx}
        mov bl, 0
        mov cx, 800
        ${vbe('0x4f06')}
        mov ax, bx
        ${putAx}
        mov bl, 0
        mov cx, 100
        mov dx, 7
        ${vbe('0x4f07')}
        mov bl, 1
        ${vbe('0x4f07')}
        mov ax, dx
        ${putAx}
        mov bx, 0x1f0           ; no such mode
        ${vbe('0x4f02')}
        ${stop}
colour: db 0x33, 0x22, 0x11, 0`);
    expect(run()).toEqual([...[0, 0, 0, 8, 0, 0, 0x80, 2], ...[0, 0x20, 3, 0, 0, 7, 0, 1]]);
    const { width, rgba } = machine.screen.image();
    expect(width).toBe(640);
    // Byte 0x47e80 of video memory, with lines of 800 bytes from the pixel at 100, 7 on.
    const place = 0x4_7e80 - (7 * 800 + 100);
    const at = 4 * (Math.floor(place / 800) * 640 + (place % 800));
    expect([...rgba.subarray(at, at + 3)]).toEqual([0x11, 0x22, 0x33]);
  });

  it('is over with a mode of the VGA', async () => {
    const { run, machine } = await bootProgram(`
        mov bx, 0x103
        ${vbe('0x4f02')}
        mov ax, 0x0013
        int 0x10
        ${vbe('0x4f03')}
        mov ax, bx
        ${putAx}
        xor bx, bx
        ${vbe('0x4f05')}
        ${stop}`);
    expect(run()).toEqual([0, 0, 0x13, 0, 3]);
    const { width, height } = machine.screen.image();
    expect([width, height]).toEqual([640, 400]);
  });
});

describe('INT 10h, AX = 4F10h and 4F15h', () => {
  it('turns the display off and on, which a mode does too', async () => {
    const { run } = await bootProgram(`
        mov bx, 0
        ${vbe('0x4f10')}
        mov ax, bx
        ${putAx}
        mov bx, 0x0401
        ${vbe('0x4f10')}
        mov bx, 2
        ${vbe('0x4f10')}
        mov al, bh
        ${putAl}
        mov dx, 0x3c4
        mov al, 1
        out dx, al
        inc dx
        in al, dx
        and al, 0x20
        ${putAl}
        mov ax, 3
        int 0x10
        mov bx, 2
        ${vbe('0x4f10')}
        mov al, bh
        ${putAl}
        mov bx, 0x0301          ; no such state
        ${vbe('0x4f10')}
        ${stop}`);
    expect(run()).toEqual([0, 0x30, 0x0f, 0, 0, 4, 0x20, 0, 0, 1]);
  });

  it('gives the one block that the display has about itself', async () => {
    const { run } = await bootProgram(`
        mov bx, 0
        ${vbe('0x4f15')}
        mov ax, bx
        ${putAx}
        mov bx, 1
        xor cx, cx
        mov dx, 1
        ${vbe('0x4f15')}
        xor dx, dx
        mov di, 0x8000
        ${vbe('0x4f15')}
        mov si, di
        mov cx, 128
        xor bx, bx
sum:    lodsb
        add bl, al
        loop sum
        mov al, bl
        ${putAl}
        mov ax, [0x8036]
        ${putAx}
        ${stop}`);
    expect(run()).toEqual([0, 3, 1, 1, 0, 0, 0x64, 0x19]);
  });
});

describe('INT 10h, AH = 1Ch', () => {
  it('puts a mode back as it was: registers, data area, palette', async () => {
    const { run, machine } = await bootProgram(`
        mov ax, 0x0012
        int 0x10
        mov dx, 0x3c8
        mov al, 1
        out dx, al
        inc dx
        mov al, 0x2a
        out dx, al
        out dx, al
        out dx, al
        mov ax, 0x1c00
        mov cx, 7
        int 0x10
        ${putAl}
        mov ax, bx
        ${putAx}
        mov bx, 0x8000
        mov ax, 0x1c01
        mov cx, 7
        int 0x10
        mov ax, 3
        int 0x10
        mov ax, 0x1c02
        mov cx, 7
        mov bx, 0x8000
        int 0x10
        mov ah, 0x0f
        int 0x10
        ${putAl}
        mov dx, 0x3c7
        mov al, 1
        out dx, al
        mov dx, 0x3c9
        in al, dx
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x1c, 16, 0, 0x12, 0x2a]);
    expect(machine.screen.image().height).toBe(480);
  });
});
