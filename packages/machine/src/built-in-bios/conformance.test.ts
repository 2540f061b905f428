/** What programs of other people rely on, each compared once with SeaBIOS under QEMU. */
import { describe, expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk, words } from './test-machine.ts';

describe('address line 20', () => {
  it('is what was written last, by port 92h or by the keyboard controller', async () => {
    const look = `
        mov ax, [es:0x7010]
        ${putAx}`;
    const { run } = await bootProgram(`
        mov ax, 0xffff
        mov es, ax
        mov word [0x7000], 0x1111
        mov word [es:0x7010], 0x2222
        ${look}
        mov ax, 0x2400
        int 0x15
        ${look}
        mov al, 0xdf            ; on, by the keyboard controller
        out 0x64, al
        ${look}
        in al, 0x92
        and al, 0xfd
        out 0x92, al
        ${look}
        mov ax, 0x2401
        int 0x15
        ${look}
        ${stop}`);
    expect(words(run())).toEqual([0x2222, 0x1111, 0x2222, 0x1111, 0x2222]);
  });
});

describe('floppies', () => {
  it('that are one boot sector are of 1440 KiB, empty behind it', async () => {
    const image = bootDisk(`
        mov ah, 8
        mov dl, 0
        int 0x13
        mov ax, cx
        ${putAx}
        mov al, bl
        ${putAl}
        xor ax, ax
        mov es, ax
        mov ax, 0x0202
        mov bx, 0x8000
        mov cx, 0x0011          ; sectors 17 and 18 of track 0
        mov dx, 0
        mov [0x8000], ax
        int 0x13
        mov al, ah
        ${putAl}
        mov al, [0x8000]
        ${putAl}
        mov ax, 0x0301
        int 0x13
        mov al, ah
        ${putAl}
        ${stop}`).data.slice(0, 512);
    const program = await bootProgram('', undefined, { order: 'a' }, new TestDisk(image));
    expect(program.run()).toEqual([0x12, 0x4f, 4, 0, 0, 0x20]);
  });

  it('that are cut off are what their parameter block says', async () => {
    const floppy = bootDisk(
      `
        jmp short start
        nop
        times 8 db 0
        dw 512                  ; at 0Bh: bytes of a sector
        times 6 db 0
        dw 720                  ; at 13h: sectors
        times 3 db 0
        dw 9, 2                 ; at 18h: sectors of a track, heads
start:  mov ah, 8
        mov dl, 0
        int 0x13
        mov ax, cx
        ${putAx}
        mov al, bl
        ${putAl}
        ${stop}`,
    );
    const cut = new TestDisk(floppy.data.slice(0, 200 * 512));
    const { run } = await bootProgram('', undefined, { order: 'a' }, cut);
    expect(run()).toEqual([9, 39, 1]);
  });
});

describe('tables', () => {
  it('of the first disk and of what the display can do stand where vectors point', async () => {
    const { run } = await bootProgram(
      `
        lds si, [4 * 0x41]
        mov ax, [si]            ; cylinders
        ${putAx}
        mov al, [si + 14]       ; sectors
        ${putAl}
        push cs
        pop es
        xor ax, ax
        mov es, ax
        mov di, 0x8000
        mov ax, 0x1b00
        xor bx, bx
        int 0x10
        ${putAl}
        mov ds, bx
        mov al, [0x8004]        ; the mode
        ${putAl}
        mov al, [0x8027]        ; colours
        ${putAl}
        lds si, [0x8000]
        mov al, [si]            ; modes 0 to 7
        ${putAl}
        ${stop}`.replace('4 * 0x41', '0x104'),
    );
    expect(run()).toEqual([2, 0, 63, 0x1b, 3, 16, 0xff]);
  });
});

describe('INT 15h', () => {
  it('sets a bit of a byte once a time has passed, and goes on meanwhile', async () => {
    const { run } = await bootProgram(`
        sti
        xor ax, ax
        mov es, ax
        mov bx, 0x8000
        mov [bx], al
        mov ax, 0x8300
        xor cx, cx
        mov dx, 20000
        int 0x15
        mov al, [0x8000]
        ${putAl}
        mov ax, 0x8300
        int 0x15                ; one at a time
        setc al
        ${putAl}
wait:   hlt
        test byte [0x8000], 0x80
        jz wait
        in al, 0x61
        mov al, [0x8000]
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0, 1, 0x80]);
  });

  it('switches the machine off by the power management functions', async () => {
    const { run, machine } = await bootProgram(`
        mov ax, 0x5300
        xor bx, bx
        int 0x15
        ${putAx}
        mov ax, 0x5301
        xor bx, bx
        int 0x15
        mov ax, 0x5307
        mov bx, 1
        mov cx, 3
        int 0x15
        jmp $`);
    expect(words(run())).toEqual([0x0102]);
    expect(machine.state).toBe('ended');
  });
});

describe('INT 1Ah', () => {
  it('gives an alarm by INT 4Ah', async () => {
    const { run } = await bootProgram(
      `
        mov word [4 * 0x4a], alarm
        mov word [4 * 0x4a + 2], 0
        sti
        mov ah, 2
        int 0x1a
        mov al, dh
        add al, 2
        daa
        cmp al, 0x60
        jb set
        sub al, 0x60
        xchg al, cl
        add al, 1
        daa
        xchg al, cl
set:    mov dh, al
        mov ah, 6
        int 0x1a
wait:   hlt
        jmp wait
alarm:  mov al, 0x4a
        ${putAl}
        ${stop}`.replaceAll('4 * 0x4a', '0x128'),
    );
    expect(run(4)).toEqual([0x4a]);
  });
});

describe('INT 10h', () => {
  it.each([0x04, 0x0d, 0x10, 0x12, 0x13])(
    'draws and recognizes characters of a font of its own in mode %i',
    async (mode) => {
      const { run, machine } = await bootProgram(
        `
        mov ax, ${String(mode)}
        int 0x10
        xor ax, ax
        mov es, ax
        mov di, 0x9000
        mov cx, 0x1000
        rep stosb
        mov byte [0x9000 + 0x41 * 8], 0x81
        mov ax, 0x1121
        mov bl, 2
        mov cx, 8
        mov bp, 0x9000
        int 0x10
        mov ax, 0x0941
        mov bx, 1
        mov cx, 1
        int 0x10
        mov ah, 8
        mov bh, 0
        int 0x10
        ${putAl}
        mov cx, 7
        mov dx, 0
        mov ah, 0x0d
        mov bh, 0
        int 0x10
        ${putAl}
        mov ah, 0x0d
        mov cx, 6
        int 0x10
        ${putAl}
        ${stop}`.replace('0x9000 + 0x41 * 8', '0x9208'),
      );
      expect(run()).toEqual([0x41, 1, 0]);
      expect(machine.screen.image().width).toBeGreaterThanOrEqual(320);
    },
  );

  it('has a font of 14 rows for mode 10h', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x0010
        int 0x10
        mov ax, 0x0e42          ; B
        mov bx, 1
        int 0x10
        xor dl, dl
        mov cx, 14
        mov ax, 0x1130
        mov bh, 2
        int 0x10
        mov al, cl
        ${putAl}
        ; The glyph in memory, row by row, is the one on the screen.
        mov ax, 0xa000
        mov ds, ax
        xor si, si
        mov di, bp
        add di, 924             ; 14 * 0x42
        mov cx, 14
row:    mov al, [si]
        cmp al, [es:di]
        jne bad
        add si, 80
        inc di
        loop row
        mov al, 1
        ${putAl}
        ${stop}
bad:    mov al, cl
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([14, 1]);
  });
});

describe('INT 9 and INT 16h', () => {
  it('give keys of the pad with Ctrl and Alt, and which of these are held', async () => {
    const program = await bootProgram(`
        sti
        mov cx, 4
next:   mov ah, 0x10
        int 0x16
        ${putAx}
        mov ah, 0x12
        int 0x16
        mov al, ah
        ${putAl}
        loop next
        ${stop}`);
    program.run(0.5);
    const { keyboard } = program.machine;
    const strokes = [
      ['ControlLeft', 'NumpadDivide'],
      ['AltRight', 'NumpadDivide'],
      ['AltLeft', 'NumpadEnter'],
      ['ShiftLeft', 'IntlBackslash'],
    ] as const;
    for (const [held, code] of strokes) {
      keyboard.press(held);
      keyboard.press(code);
      keyboard.release(code);
      program.run(0.2);
      keyboard.release(held);
      program.run(0.2);
    }
    expect(program.run()).toEqual([
      ...[0x00, 0x95, 0x01],
      ...[0x00, 0xa4, 0x08],
      ...[0x00, 0xa6, 0x02],
      ...[0x7c, 0x56, 0x00],
    ]);
  });

  it('call INT 5 for Print Screen, which is no character', async () => {
    const program = await bootProgram(`
        mov word [0x14], print
        mov word [0x16], 0
        sti
        mov ah, 0
        int 0x16
        ${putAx}
        ${stop}
print:  push ax
        mov al, 5
        ${putAl}
        pop ax
        iret`);
    program.run(0.5);
    program.machine.keyboard.press('PrintScreen');
    program.machine.keyboard.release('PrintScreen');
    program.run(0.2);
    program.machine.keyboard.type('x');
    expect(program.run()).toEqual([5, 0x78, 0x2d]);
  });
});

describe('INT 10h, AH = 0Bh', () => {
  it('has a background whose bit 4 makes the three colours of mode 4 bright', async () => {
    const { run, machine } = await bootProgram(`
        mov ax, 4
        int 0x10
        mov ax, 0xb800
        mov es, ax
        mov byte [es:0], 0x1b   ; the four colours
        mov si, list
next:   mov bx, [si]
        add si, 2
        mov ah, 0x0b
        int 0x10
        mov ah, 0
        int 0x16
        jmp next
list:   dw 0x0001, 0x0100, 0x0010, 0x0101`);
    const colours = Array.from({ length: 4 }, () => {
      run(0.3);
      const { rgba } = machine.screen.image();
      machine.keyboard.type(' ');
      return [0, 1, 2, 3].map((at) => [...rgba.subarray(8 * at, 8 * at + 3)].join(' '));
    });
    expect(colours).toEqual([
      ['0 0 170', '0 170 170', '170 0 170', '170 170 170'],
      ['0 0 170', '0 170 0', '170 0 0', '170 85 0'],
      ['0 0 0', '85 255 85', '255 85 85', '255 255 85'],
      ['0 0 0', '85 255 255', '255 85 255', '255 255 255'],
    ]);
  });
});
