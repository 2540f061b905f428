import { expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop, TestDisk } from './test-machine.ts';

it('fills a track as the table of vector 1Eh says, and the data area knows the drive', async () => {
  const floppy = bootDisk(`
      mov ax, 0x0512
      mov bx, table
      mov cx, 0x0201          ; cylinder 2
      mov dx, 0x0100          ; head 1
      int 0x13
      setc al
      ${putAx}
      mov ax, [0x490]
      ${putAx}
      mov al, [0x48f]
      ${putAl}
      mov al, [0x43e]
      ${putAl}
      ${stop}
table:  db 2, 1, 1, 2`);
  const data = new Uint8Array(1440 * 1024).fill(0x11);
  data.set(floppy.data.subarray(0, 512));
  const image = new TestDisk(data);
  const { run } = await bootProgram('', undefined, { order: 'a' }, image);
  expect(run()).toEqual([0, 0, 0x17, 0, 0x07, 1]);
  const track = (2 * 2 + 1) * 18 * 512;
  expect(data.subarray(track, track + 18 * 512).every((byte) => byte === 0xf6)).toBe(true);
  expect([data[track - 1], data[track + 18 * 512]]).toEqual([0x11, 0x11]);
});
