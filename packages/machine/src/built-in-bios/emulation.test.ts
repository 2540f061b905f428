/** El Torito: a disk that a CD emulates. */
import { describe, expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk } from './test-machine.ts';

describe('a CD that emulates a disk', () => {
  /** A CD whose boot entry names sector 20 as the first of a disk, which holds a program. */
  function cdWith(text: string): TestDisk {
    const cd = new TestDisk(new Uint8Array(64 * 2048));
    const at = (sector: number): Uint8Array => cd.data.subarray(sector * 2048);
    const words = Array.from('\0CD001\x01EL TORITO SPECIFICATION', (each) => each.charCodeAt(0));
    at(17).set(words);
    at(17).set([19], 0x47);
    at(19).set([1], 0);
    at(19).set([0x88, 4, 0, 0, 0, 0, 1, 0, 20], 32);
    at(20).set(bootDisk(text).data.subarray(0, 512));
    // A partition from sector 17 to the end of cylinder 1 of 2 heads with 17 sectors: 68 in all.
    at(20).set([0x80, 1, 1, 0, 6, 1, 17, 1, 17, 0, 0, 0, 51, 0, 0, 0], 446);
    at(20).set([0x77], 17 * 512);
    return cd;
  }

  it('is drive 80h, and the disk of the machine is 81h', async () => {
    const cd = cdWith(`
        mov [0x7f00], dl
        mov al, dl
        ${putAl}
        mov ah, 8
        int 0x13
        mov ax, cx
        ${putAx}
        mov ax, dx
        ${putAx}
        xor ax, ax
        mov es, ax
        mov bx, 0x8000
        mov ax, 0x0201
        mov cx, 1
        mov dx, 0x0180          ; head 1
        int 0x13
        mov al, [0x8000]
        ${putAl}
        mov ax, 0x0201
        mov cx, 1
        mov dx, 0x0081
        int 0x13
        mov al, [0x8000]
        ${putAl}
        mov ax, 0x4b01
        mov dl, 0x80
        mov si, 0x8000
        int 0x13
        mov al, [0x8001]
        ${putAl}
        mov ax, 0x0301          ; it cannot be written
        mov cx, 1
        mov dx, 0x0080
        int 0x13
        mov al, ah
        ${putAl}
        mov ax, 0x4b00
        mov dl, 0x80
        int 0x13
        mov ax, 0x0201
        mov cx, 1
        mov dx, 0x0080
        int 0x13
        mov al, [0x8000]
        ${putAl}
        ${stop}`);
    const disk = new TestDisk(new Uint8Array(0x10_0000).fill(0x55));
    const program = await bootProgram('', disk, { order: 'd' }, undefined, cd);
    expect(program.run()).toEqual([0x80, 17, 1, 2, 1, 0x77, 0x55, 4, 3, 0x55]);
  });
});
