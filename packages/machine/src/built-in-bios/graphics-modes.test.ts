import { expect, it } from 'vitest';

import { bootProgram, putAl, stop } from './test-machine.ts';

it('mode 11h shows its first plane only', async () => {
  const attribute = (index: number): string => `
        mov ax, 0x1007
        mov bl, ${String(index)}
        int 0x10
        mov al, bh
        ${putAl}`;
  const { run } = await bootProgram(`
        mov ax, 0x11
        int 0x10
        ${[0, 1, 2, 3, 15].map(attribute).join('')}
        ${stop}`);
  expect(run()).toEqual([0, 0x3f, 0, 0x3f, 0x3f]);
});
