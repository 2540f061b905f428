/** Programs that keep interrupts off while they use the BIOS, and what it lets in then. */
import { describe, expect, it } from 'vitest';

import { bootDisk, bootProgram, putAl, putAx, stop } from './test-machine.ts';

/** Reads the second sector of a disk; prints its carry flag and the first byte. */
const askForSecond = `
        mov ax, 0x0201
        mov cx, 2
        mov dx, 0x80
        mov bx, 0x8000
        int 0x13`;

const readSecond = `${askForSecond}
        setc al
        ${putAl}
        mov al, [0x8000]
        ${putAl}
        ${stop}`;

/** A program that sleeps, and does something in the interrupt of the timer. */
const withinTick = (text: string): string => `
        cli
        mov word [4 * 0x1c], tick
        mov word [4 * 0x1c + 2], 0
        sti
sleep:  hlt
        jmp sleep
tick:   ${text}`;

/** Runs a disk that answers late, with 77h first in its second sector. */
async function lateRun(disk: ReturnType<typeof bootDisk>): Promise<readonly number[]> {
  disk.data[512] = 0x77;
  disk.late = true;
  const { run } = await bootProgram('', disk);
  return run();
}

describe('with interrupts off', () => {
  it('ticks go on while a program polls INT 1Ah', async () => {
    const { run } = await bootProgram(`
        cli
        mov al, 0x36            ; a thousand a second
        out 0x43, al
        mov ax, 1193
        out 0x40, al
        xchg al, ah
        out 0x40, al
        mov ah, 0
        int 0x1a
        mov bx, dx
poll:   mov ah, 0
        int 0x1a
        cmp dx, bx
        je poll
        pushf
        pop ax
        mov al, ah              ; the flag is what it was
        and al, 2
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0]);
  });

  it('keys arrive while a program polls INT 16h', async () => {
    const program = await bootProgram(`
        cli
poll:   mov ah, 1
        int 0x16
        jz poll
        mov ah, 0
        int 0x16
        ${putAx}
        ${stop}`);
    program.run(0.01);
    program.machine.keyboard.press('KeyB');
    expect(program.run()).toEqual([0x62, 0x30]);
  });

  it('a wait ends at its time also where every request is shut', async () => {
    const { run } = await bootProgram(`
        cli
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov ah, 0x86
        xor cx, cx
        mov dx, 2000
        int 0x15
        setc al
        ${putAl}
        ${stop}`);
    expect(run()).toEqual([0]);
  });

  it('a disk that answers later is waited for also where every request is shut', async () => {
    const disk = bootDisk(`
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        ${readSecond}`);
    expect(await lateRun(disk)).toEqual([0, 0x77]);
  });
});

it('a disk is read within the interrupt of the timer', async () => {
  const disk = bootDisk(withinTick(readSecond));
  expect(await lateRun(disk)).toEqual([0, 0x77]);
});

it('a wait leaves the register that a program has the 8259 show', async () => {
  const disk = bootDisk(
    withinTick(`
        mov al, 0x0b            ; what is in service
        out 0x20, al
        ${askForSecond}
        in al, 0x20
        ${putAl}
        ${stop}`),
  );
  expect(await lateRun(disk)).toEqual([1]);
});

it('the Insert key switches the state of that name, on the pad without Num Lock only', async () => {
  const state = `
wait%:  mov ah, 0
        int 0x16
        mov ah, 2
        int 0x16
        ${putAl}`;
  const program = await bootProgram(`
        ${[1, 2, 3, 4].map((step) => state.replaceAll('%', String(step))).join('')}
        ${stop}`);
  program.run(0.05);
  for (const key of ['Insert', 'Numpad0', 'NumLock', 'Numpad0', 'Insert'] as const) {
    program.machine.keyboard.press(key);
    program.machine.keyboard.release(key);
    program.run(0.05);
  }
  expect(program.run()).toEqual([0x80, 0x00, 0x20, 0xa0]);
});
