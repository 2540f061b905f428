/**
 * What games in real mode rely on beside the BIOS: retraces at port 3DAh, rates of the timer's
 * counters, port 60h behind a hook of INT 9, address line 20 and segments beyond their limits.
 * Times are the guest's, so that they are the same on every computer.
 */
import { describe, expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk, words } from './test-machine.ts';

/** Starts counter 0 from the top at 1.193182 MHz, and reads what has passed since into AX. */
const startCounter = `
        mov al, 0x34
        out 0x43, al
        xor al, al
        out 0x40, al
        out 0x40, al
`;
const readCounter = `
        xor al, al
        out 0x43, al
        in al, 0x40
        xchg al, ah
        in al, 0x40
        xchg al, ah
        neg ax
`;
const untilBit8 = (jump: string): string => `
        in al, dx
        test al, 8
        ${jump} $ - 3`;
const ticksPerMs = 1193.182;

describe('the retrace at port 3DAh', () => {
  it.each([
    [0x03, 70.09],
    [0x04, 70.09],
    [0x13, 70.09],
    [0x12, 59.94],
  ])('of mode %i comes as often as the screen is drawn', async (mode, hertz) => {
    const { run } = await bootProgram(`
        mov ax, ${String(mode)}
        int 0x10
        cli
        mov dx, 0x3da
        ${untilBit8('jnz')}
        ${untilBit8('jz')}
        ${startCounter}
        ${untilBit8('jnz')}
        ${readCounter}
        push ax
        ${untilBit8('jz')}
        ${readCounter}
        ${putAx}
        pop ax
        ${putAx}
        ${stop}`);
    const [period = 0, retrace = 0] = words(run());
    expect(period / ticksPerMs).toBeCloseTo(1000 / hertz, 1);
    // The retrace is two lines of 31.78 us.
    expect(retrace / ticksPerMs).toBeGreaterThan(0.03);
    expect(retrace / ticksPerMs).toBeLessThan(0.12);
  });

  it('has bit 0 with each line, and tells the attribute controller to begin anew', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x13
        int 0x10
        cli
        mov dx, 0x3da
        ${untilBit8('jz')}
        ${untilBit8('jnz')}
        ${startCounter}
        mov cx, 100             ; lines
line:   in al, dx
        test al, 1
        jz line
shown:  in al, dx
        test al, 1
        jnz shown
        loop line
        ${readCounter}
        ${putAx}
        ${stop}`);
    const [ticks = 0] = words(run());
    // After the retrace comes a back porch in which bit 0 stays set.
    expect(ticks / ticksPerMs).toBeGreaterThan(99 * 0.03178);
    expect(ticks / ticksPerMs).toBeLessThan(150 * 0.03178);
  });
});

describe('the timer', () => {
  it('calls INT 8 and INT 1Ch at a rate that a program has set', async () => {
    const { run } = await bootProgram(`
        cli
        mov word [0x20], tick
        mov word [0x22], 0
        mov al, 0x36
        out 0x43, al
        mov ax, 1193            ; 1 kHz
        out 0x40, al
        xchg al, ah
        out 0x40, al
        xor bx, bx
        mov al, 0xb0            ; counter 2 counts down once
        out 0x43, al
        mov al, 0x03            ; its gate
        out 0x61, al
        mov ax, 59659           ; 50 ms
        out 0x42, al
        xchg al, ah
        out 0x42, al
        sti
wait:   in al, 0x61
        test al, 0x20
        jz wait
        cli
        mov ax, bx
        ${putAx}
        ${stop}
tick:   inc bx
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret`);
    const [count = 0] = words(run());
    expect(count).toBeGreaterThanOrEqual(49);
    expect(count).toBeLessThanOrEqual(51);
  });
});

describe('a hook of INT 9', () => {
  it('reads scan codes at port 60h, and may pass them on', async () => {
    const program = await bootProgram(`
        cli
        mov eax, [0x24]
        mov [old], eax
        mov word [0x24], hook
        mov word [0x26], 0
        sti
        mov ah, 0               ; what the BIOS makes of it
        int 0x16
        ${putAx}
        ${stop}
hook:   push ax
        in al, 0x60
        ${putAl}
        in al, 0x61             ; as programs for the XT do
        or al, 0x80
        out 0x61, al
        and al, 0x7f
        out 0x61, al
        pop ax
        pushf
        call far [cs:old]
        iret
old:    dd 0`);
    program.run(0.3);
    program.machine.keyboard.press('ArrowUp');
    expect(program.run()).toEqual([0xe0, 0x48, 0x00, 0x48]);
  });
});

describe('memory above 1 MiB', () => {
  it('is reached in real mode by a segment that kept its limit of 4 GiB', async () => {
    const { run } = await bootProgram(`
        cli
        lgdt [table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov fs, bx
        and al, 0xfe
        mov cr0, eax
        mov esi, 0x00345678
        mov dword [fs:esi], 0x5a17c0de
        sti
        mov ah, 2               ; interrupts do not change it
        int 0x1a
        mov eax, [fs:esi]
        ${putAx}
        ${stop}
gdt:    dd 0, 0, 0x0000ffff, 0x00cf9300
table:  dw 15
        dd gdt`);
    expect(words(run())).toEqual([0xc0de]);
  });

  it('is the lowest again where address line 20 is shut at port 92h', async () => {
    const { run } = await bootProgram(`
        mov ax, 0xffff
        mov es, ax
        mov byte [0x7000], 0x11
        mov byte [es:0x7010], 0x22
        in al, 0x92
        and al, 0xfd
        out 0x92, al
        mov al, [es:0x7010]
        ${putAl}
        mov al, 0xd1            ; open by the keyboard controller's output port
        out 0x64, al
        mov al, 0xdf
        out 0x60, al
        mov al, [es:0x7010]
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x11, 0x22]);
  });
});

describe('floppies', () => {
  it.each([
    [160, 8, 39, 0, 1],
    [180, 9, 39, 0, 1],
    [320, 8, 39, 1, 1],
    [360, 9, 39, 1, 1],
    [720, 9, 79, 1, 3],
    [1200, 15, 79, 1, 2],
    [1440, 18, 79, 1, 4],
    [2880, 36, 79, 1, 5],
  ])(
    'of %i KiB have their geometry, and need no signature',
    async (kib, sectors, last, head, type) => {
      const image = new TestDisk(new Uint8Array(kib * 1024));
      const boot = bootDisk(`
        mov al, dl
        ${putAl}
        mov ah, 8
        mov dl, 0
        int 0x13
        mov ax, cx
        ${putAx}
        mov al, dh
        ${putAl}
        mov al, bl
        ${putAl}
        xor ax, ax
        mov es, ax
        mov bx, 0x8000          ; the last sector
        mov ax, 0x0201
        mov dl, 0
        int 0x13
        mov al, [0x8000]
        ${putAl}
        ${stop}`);
      image.data.set(boot.data.subarray(0, 500));
      image.data[image.data.length - 512] = 0x77;
      const { run } = await bootProgram('', undefined, { order: 'a' }, image);
      expect(run()).toEqual([0, sectors, last, head, type, 0x77]);
    },
  );
});

describe('programs that drive disks by their ports', () => {
  it('find the floppy controller ready, and its interrupt noted at 40:3Eh', async () => {
    const { run } = await bootProgram(`
        mov dx, 0x3f2
        in al, dx
        ${putAl}
        mov dx, 0x3f4
        in al, dx
        ${putAl}
        mov byte [0x43e], 0
        mov al, 0x1c            ; the motor of drive A
        mov dx, 0x3f2
        out dx, al
        mov dx, 0x3f5
        mov al, 7               ; recalibrate
        out dx, al
        xor al, al
        out dx, al
        sti
wait:   test byte [0x43e], 0x80
        jz wait
        mov al, 8
        out dx, al
        in al, dx               ; the end of a seek of drive A
        ${putAl}
        in al, dx
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x0c, 0x80, 0x20, 0]);
  });

  it('find the interrupt of the first IDE channel noted at 40:8Eh', async () => {
    const { run } = await bootProgram(`
        mov byte [0x48e], 0
        mov dx, 0x3f6
        xor al, al
        out dx, al
        in al, 0xa1
        and al, 0xbf
        out 0xa1, al
        mov dx, 0x1f7
        mov al, 0xec            ; identify
        out dx, al
        sti
wait:   cmp byte [0x48e], 0xff
        jne wait
        in al, dx
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0x58]);
  });

  it('find types and geometry of disks in CMOS RAM', async () => {
    const { run } = await bootProgram(`
        mov si, list
next:   lodsb
        cmp al, 0
        je done
        out 0x70, al
        in al, 0x71
        ${putAl}
        jmp next
done:   ${stop}
list:   db 0x12, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x20, 0x23, 0`);
    // 1 MiB: two cylinders of 16 heads and 63 sectors.
    expect(run()).toEqual([0xf0, 47, 0, 2, 0, 16, 0xc8, 63]);
  });

  it('are refused to read no sector', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x0200
        mov cx, 1
        mov dx, 0x80
        int 0x13
        setc al
        ${putAx}
        ${stop}`);
    expect(words(run())).toEqual([0x0101]);
  });
});

describe('text of other heights', () => {
  it.each([
    [0x12, 50, 0x2000],
    [0x11, 28, 0x1800],
    [0x14, 25, 0x1000],
  ])('by font %i has %i rows and pages of %i bytes', async (font, rows, bytes) => {
    const { run } = await bootProgram(`
        mov ax, ${String(0x1100 + font)}
        mov bl, 0
        int 0x10
        mov al, [0x484]
        ${putAl}
        mov ax, [0x44c]
        ${putAx}
        mov ax, 0x0501
        int 0x10
        mov ax, [0x44e]
        ${putAx}
        ${stop}`);
    expect(run()).toEqual([rows - 1, 0, bytes >> 8, 0, bytes >> 8]);
  });

  it('tells with a mode that memory was kept when it was set', async () => {
    const { run } = await bootProgram(`
        mov ax, 0x83
        int 0x10
        mov ah, 0x0f
        int 0x10
        ${putAx}
        mov ax, 0x13
        int 0x10
        mov ah, 0x0f
        int 0x10
        ${putAx}
        ${stop}`);
    expect(words(run())).toEqual([0x5083, 0x2813]);
  });
});
