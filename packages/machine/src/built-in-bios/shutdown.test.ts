/** The shutdown status in CMOS tells the BIOS where a reset goes on (IBM AT, "CMOS RAM"). */
import { expect, it } from 'vitest';

import { bootProgram, putAx, stop, words } from './test-machine.ts';

/** Resets the processor with a shutdown status and sees where it goes on. */
async function goesOn(status: number, reset: string): Promise<number[]> {
  const program = await bootProgram(`
        xor ax, ax
        mov ds, ax
        inc word [0x8000]
        mov ax, [0x8000]
        ${putAx}
        cmp ax, 2
        jae over
        mov word [0x467], ${[0x0b, 0x0c].includes(status) ? '0x9000' : 'back'}
        mov word [0x469], 0
        mov word [0x9000], back
        mov word [0x9002], 0
        mov word [0x9004], 2
        mov al, 0x0f
        out 0x70, al
        mov al, ${status}
        out 0x71, al
        ${reset}
        hlt
back:   mov ax, 0x1234
        ${putAx}
        mov al, 0x0f
        out 0x70, al
        in al, 0x71
        mov ah, 0
        ${putAx}
over:   ${stop}`);
  return words(program.run());
}

const keyboardReset = 'mov al, 0xfe\n out 0x64, al';
const fastReset = 'in al, 0x92\n and al, 0xfe\n out 0x92, al\n or al, 1\n out 0x92, al';
/** A fault without a usable interrupt table. */
const shutdown = 'lidt [0x7c00 + 0x1f0]\n ud2';

it.each([5, 10, 11, 12])('status %i goes on at 40:67, and is used once', async (status) => {
  expect(await goesOn(status, keyboardReset)).toEqual([1, 0x1234, 0]);
});

it.each([
  ['port 92', fastReset],
  ['a shutdown', shutdown],
])('%s resets likewise', async (_name, reset) => {
  expect(await goesOn(10, reset)).toEqual([1, 0x1234, 0]);
});

it('other states boot anew, and memory stays', async () => {
  expect(await goesOn(0, keyboardReset)).toEqual([1, 2]);
});
