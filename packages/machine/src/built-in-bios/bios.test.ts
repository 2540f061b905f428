import { describe, expect, it } from 'vitest';

import { builtInBios } from './program.ts';
import { bootDisk, bootProgram, putAx, stop, words } from './test-machine.ts';

describe('INT 13h', () => {
  it('reads sectors by cylinder, head and sector', async () => {
    const disk = bootDisk(
      `
        mov ax, 0x0202
        mov cx, 0x0103          ; cylinder 1, sector 3
        mov dx, 0x0280          ; head 2
        mov bx, 0x8000
        int 0x13
        pushf
        ${putAx}
        pop ax
        ${putAx}
        mov ax, [0x8000]
        ${putAx}
        mov ax, [0x8200]
        ${putAx}
        ${stop}`,
      8,
    );
    const sector = (16 + 2) * 63 + 2;
    disk.data.set([0x34, 0x12], sector * 512);
    disk.data.set([0x78, 0x56], sector * 512 + 512);
    const [ax = 0, flags = 0, first, second] = words((await bootProgram('', disk)).run());
    expect([ax >> 8, flags & 1, first, second]).toEqual([0, 0, 0x1234, 0x5678]);
  });

  it('waits for a disk that answers later, asleep', async () => {
    const disk = bootDisk(`
        mov ax, 0x0201
        mov cx, 2
        mov dx, 0x80
        mov bx, 0x8000
        int 0x13
        mov ax, [0x8000]
        ${putAx}
        ${stop}`);
    disk.data.set([0xcd, 0xab], 512);
    disk.late = true;
    const program = await bootProgram('', disk);
    expect(words(program.run())).toEqual([0xabcd]);
  });

  it('writes by a packet with a sector number, and refuses one past the end', async () => {
    const disk = bootDisk(`
        mov si, packet
        mov ax, 0x4300
        mov dx, 0x80
        int 0x13
        mov dword [packet + 8], 0x1000
        mov ax, 0x4300
        int 0x13
        pushf
        ${putAx}
        pop ax
        ${putAx}
        ${stop}
packet: db 16, 0
        dw 1, 0x7c00, 0
        dd 5, 0`);
    const [ax = 0, flags = 0] = words((await bootProgram('', disk)).run());
    expect([ax >> 8, flags & 1]).toEqual([4, 1]);
    expect([...disk.data.subarray(5 * 512, 5 * 512 + 8)]).toEqual([...disk.data.subarray(0, 8)]);
  });

  it('tells geometry and size', async () => {
    const { run } = await bootProgram(`
        mov ah, 8
        mov dl, 0x80
        int 0x13
        mov ax, cx
        ${putAx}
        mov ax, dx
        ${putAx}
        mov ah, 0x15
        mov dl, 0x81
        int 0x13
        mov al, 0
        ${putAx}
        ${stop}`);
    // 1 MiB: two cylinders of 16 heads; one disk; there is no second.
    expect(words(run())).toEqual([0x013f, 0x0f01, 0x0000]);
  });
});

describe('INT 15h', () => {
  it('gives the memory map, entry by entry', async () => {
    const { run } = await bootProgram(`
        xor ebx, ebx
next:   mov eax, 0xe820
        mov edx, 0x534d4150
        mov ecx, 20
        mov di, 0x8000
        int 0x15
        jc end
        mov si, 0x8000
        mov cx, 20
put:    lodsb
        out 0xe9, al
        loop put
        test ebx, ebx
        jnz next
end:    ${stop}`);
    const view = new DataView(Uint8Array.from(run()).buffer);
    const entries = Array.from({ length: view.byteLength / 20 }, (_, index) => [
      view.getUint32(20 * index, true),
      view.getUint32(20 * index + 8, true),
      view.getUint32(20 * index + 16, true),
    ]);
    expect(entries).toEqual([
      [0, 0x9_fc00, 1],
      [0x9_fc00, 0x400, 2],
      [0xe_0000, 0x2_0000, 2],
      [0x10_0000, 0xf0_0000, 1],
    ]);
  });

  it('copies a block above 1 MiB, and waits', async () => {
    const { run } = await bootProgram(`
        mov ah, 0x86
        xor cx, cx
        mov dx, 2000
        int 0x15
        mov si, table
        mov cx, 1
        mov ah, 0x87
        int 0x15
        mov cx, 1
        mov word [table + 0x12], 0
        mov byte [table + 0x14], 0x20
        mov word [table + 0x1a], 0x8000
        mov byte [table + 0x1c], 0
        mov ah, 0x87
        int 0x15
        mov ax, [0x8000]
        ${putAx}
        ${stop}
table:  times 16 db 0
        dw 0xffff, here
        db 0, 0x93, 0, 0
        dw 0xffff, 0
        db 0x20, 0x93, 0, 0
        times 16 db 0
here:   dw 0xbeef`);
    expect(words(run())).toEqual([0xbeef]);
  });
});

describe('INT 16h', () => {
  it('gives what is typed: characters, keys without one, and the shift flags', async () => {
    const program = await bootProgram(`
        mov cx, 3
next:   mov ah, 0
        int 0x16
        ${putAx}
        loop next
        mov ah, 1
        int 0x16
        mov ax, 0
        jz none
        inc ax
none:   ${putAx}
        ${stop}`);
    program.run(0.5);
    program.machine.keyboard.type('aB\u001b');
    expect(words(program.run())).toEqual([0x1e61, 0x3042, 0x011b, 0]);
  });
});

describe('INT 1Ah and the timer', () => {
  it('ticks 18.2 times a second', async () => {
    const { run } = await bootProgram(`
        sti
        mov ah, 0
        int 0x1a
        mov bx, dx
        mov ah, 0x86
        mov cx, 0x000f
        mov dx, 0x4240          ; one second
        int 0x15
        mov ah, 0
        int 0x1a
        mov ax, dx
        sub ax, bx
        ${putAx}
        ${stop}`);
    expect([17, 18, 19]).toContain(words(run())[0]);
  });
});

describe('INT 10h', () => {
  it('prints, scrolls and keeps the attributes of what it scrolls', async () => {
    const program = await bootProgram(`
        mov ax, 0x0003
        int 0x10
        mov si, text
next:   lodsb
        test al, al
        jz lines
        mov ah, 0x0e
        int 0x10
        jmp next
lines:  mov cx, 24
line:   mov ax, 0x0e0a
        int 0x10
        loop line
        mov ax, 0x0e58
        int 0x10
        mov ah, 3
        mov bh, 0
        int 0x10
        mov ax, dx
        ${putAx}
        ${stop}
text:   db 'one', 13, 10, 'two', 13, 10, 0`);
    expect(words(program.run())).toEqual([0x1801]);
    const rows = program.machine.screen.text().split('\n');
    expect([rows[0], rows.at(-1)]).toEqual(['', 'X']);
  });

  it.each([
    [0x04, 'cga'],
    [0x06, 'one bit'],
    [0x0d, 'planes, narrow'],
    [0x12, 'planes'],
    [0x13, 'bytes'],
  ])('draws pixels and letters in mode %i: %s', async (mode) => {
    const program = await bootProgram(`
        mov ax, ${mode}
        int 0x10
        mov ax, 0x0c01
        mov cx, 100
        mov dx, 50
        int 0x10
        mov ah, 0x0d
        int 0x10
        out 0xe9, al
        mov ah, 0x0d
        mov cx, 101
        int 0x10
        out 0xe9, al
        mov ax, 0x0e4c          ; L
        mov bx, 1
        int 0x10
        mov ah, 0x0d
        mov cx, 1
        mov dx, 0
        int 0x10
        out 0xe9, al
        mov ah, 0x0d
        mov cx, 5
        int 0x10
        out 0xe9, al
        ${stop}`);
    const seen = program.run();
    expect(seen).toEqual([1, 0, 1, 0]);
    const { width, height, rgba } = program.machine.screen.image();
    const at = (x: number, y: number): number[] => {
      const scaleX = width / (mode === 0x06 || mode === 0x12 ? 640 : 320);
      const scaleY = height / (mode === 0x12 ? 480 : 200);
      const pixel = 4 * (y * scaleY * width + x * scaleX);
      return [...rgba.subarray(pixel, pixel + 3)];
    };
    expect(at(100, 50)).not.toEqual([0, 0, 0]);
    expect(at(102, 50)).toEqual([0, 0, 0]);
    expect(at(1, 0)).toEqual(at(100, 50));
  });
});

describe('the ROM', () => {
  it('has one ACPI root pointer, whole, where systems look for it', () => {
    const { rom } = builtInBios(0x100_0000);
    const starts = Array.from({ length: rom.length / 16 }, (_, index) => index * 16);
    const found = starts.filter(
      (at) => String.fromCharCode(...rom.subarray(at, at + 8)) === 'RSD PTR ',
    );
    expect(found).toHaveLength(1);
    const [at = 0] = found;
    // ACPI 2.0c, 5.2.5.3: the first 20 bytes, and all 36, add up to 0.
    for (const bytes of [20, 36]) {
      const sum = rom.subarray(at, at + bytes).reduce((total, byte) => total + byte, 0);
      expect(sum & 0xff).toBe(0);
    }
  });
});
