/** Loaders that ask for more sectors than a small disk has, and do not look at the error. */
import { expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk } from './test-machine.ts';

it.each([
  ['at once', false],
  ['later', true],
])('reads go up to the end of a disk that answers %s', async (_name, late) => {
  const boot = bootDisk(`
        mov ax, 0x0214          ; twenty sectors of ten
        mov bx, 0x8000
        mov cx, 1
        mov dx, 0x80
        int 0x13
        ${putAx}
        setc al
        ${putAl}
        mov al, [0x8000 + 9 * 512]
        ${putAl}
        mov si, packet
        mov ah, 0x42
        int 0x13
        mov al, ah
        ${putAl}
        mov al, [packet + 2]
        ${putAl}
        mov al, [0xa000 + 9 * 512]
        ${putAl}
        ${stop}
packet: db 16, 0
        dw 20, 0xa000, 0
        dd 0, 0`);
  boot.data[9 * 512] = 0x77;
  const disk = new TestDisk(boot.data.slice(0, 10 * 512));
  disk.late = late;
  const { run } = await bootProgram('', disk);
  expect(run()).toEqual([10, 4, 1, 0x77, 4, 10, 0x77]);
});
