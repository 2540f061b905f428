/** The bell, as programs ring it by printing BEL. */
import { expect, it } from 'vitest';

import { bootProgram, putAl, putAx, stop } from './test-machine.ts';
import type { BootedProgram } from './test-machine.ts';

/** Gathers the tones of a program, in Hz, and how long the first is heard, in ms. */
function listen({ machine }: BootedProgram): { hertz: number[]; lastsMs: () => number } {
  const hertz: number[] = [];
  const at: number[] = [];
  machine.on('sound', (event) => {
    if (event.kind !== 'tone') return;
    hertz.push(Math.round(event.hertz));
    at.push(event.atMs);
  });
  return { hertz, lastsMs: () => (at[1] ?? NaN) - (at[0] ?? NaN) };
}

it('rings for BEL, while the caller waits, and gives the speaker back', async () => {
  const program = await bootProgram(`
        mov esp, 0x7c00
        mov ax, 0x0e07
        xor bx, bx
        int 0x10
        in al, 0x61
        and al, 3
        ${putAl}
        mov ax, 0x0e41          ; A
        int 0x10
        mov ah, 3
        int 0x10
        mov al, dl
        ${putAl}
        mov ax, sp
        ${putAx}
        ${stop}`);
  const heard = listen(program);
  expect(program.run()).toEqual([0, 1, 0x00, 0x7c]);
  expect(heard.hertz).toEqual([896, 0]);
  expect(heard.lastsMs()).toBeGreaterThan(190);
  expect(heard.lastsMs()).toBeLessThan(210);
});

it('rings once for a string, which is written once', async () => {
  const program = await bootProgram(`
        mov ax, 0x1301
        mov bx, 7
        mov cx, 5
        mov dx, 0x0500
        mov bp, string
        int 0x10
        mov ah, 3
        int 0x10
        mov al, dl
        ${putAl}
        ${stop}
string: db 'a', 7, 'b', 7, 'c'`);
  const heard = listen(program);
  expect(program.run()).toEqual([3]);
  expect(heard.hertz).toEqual([896, 0]);
  expect(program.machine.screen.text().split('\n')[5]).toBe('abc');
});
