/** Keys that are held, as the BIOS of an AT passes them on (IBM AT Technical Reference, BIOS). */
import { describe, expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop, words } from './test-machine.ts';

/** Counts the keys that come within `ticks` of the timer into CX. */
const countKeys = (ticks: number): string => `
        xor cx, cx
        mov bx, [0x46c]
        add bx, ${String(ticks)}
look:   mov ah, 1
        int 0x16
        jz none
        mov ah, 0
        int 0x16
        inc cx
none:   hlt
        cmp [0x46c], bx
        jne look
        mov ax, cx`;

describe('a held key', () => {
  it.each([
    ['as after power on, half a second later and 10.9 times a second', '', 1 + 27],
    ['30 times a second after a quarter of one', 'mov ax, 0x305\nmov bx, 0\nint 0x16', 1 + 82],
    ['twice a second after a whole one', 'mov ax, 0x305\nmov bx, 0x31f\nint 0x16', 1 + 4],
    [
      'as after power on where that is asked for',
      'mov ax, 0x305\nmov bx, 0\nint 0x16\nmov ax, 0x300\nint 0x16',
      1 + 27,
    ],
  ])('repeats %s', async (_words, set, expected) => {
    // 55 ticks are 3.02 seconds.
    const program = await bootProgram(`
        ${set}
        sti
        mov ah, 0
        int 0x16
        ${countKeys(55)}
        inc ax
        ${putAx}
        ${stop}`);
    program.run(0.2);
    program.machine.keyboard.press('KeyA');
    const [count = 0] = words(program.run());
    expect(Math.abs(count - expected)).toBeLessThanOrEqual(2);
  });

  it.each([
    ['Insert', 0x80, 1],
    ['CapsLock', 0x40, 0],
    ['NumLock', 0x20, 0],
    ['ScrollLock', 0x10, 0],
  ])('turns a lock once, and is one key at most: %s', async (code, bit, keys) => {
    const program = await bootProgram(`
        sti
wait:   hlt
        test byte [0x418], ${String(bit)}
        jz wait
        ${countKeys(40)}
        ${putAl}
        mov al, [0x417]
        ${putAl}
        mov ah, 0x12
        int 0x16
        mov al, ah
        ${putAl}
        ${stop}`);
    program.run(0.1);
    program.machine.keyboard.press(code);
    // AH = 12h tells of the locks that are held, and not of Insert.
    expect(program.run()).toEqual([keys, bit, bit & 0x70]);
  });
});
