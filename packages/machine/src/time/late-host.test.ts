/** A host that is late again and again: the timer of a PC keeps its rate nevertheless. */
import { expect, it } from 'vitest';

import { bootDisk } from '../built-in-bios/test-machine.ts';
import { createMachine } from '../machine.ts';
import { TestHost } from '../test-host.ts';

/** Counts interrupts of a timer of 1 kHz in its own handler, and tells of each hundred. */
const program = `
        cli
        xor ax, ax
        mov ds, ax
        mov word [0x20], tick
        mov word [0x22], ax
        mov al, 0x36
        out 0x43, al
        mov ax, 1193
        out 0x40, al
        xchg al, ah
        out 0x40, al
        sti
rest:   hlt
        jmp rest
tick:   inc byte [cs:count]
        cmp byte [cs:count], 100
        jb end
        mov byte [cs:count], 0
        out 0xe9, al
end:    push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
count:  db 0
`;

it.each(['interpreter', 'translator'] as const)(
  'a program that rests has all of its ticks, %s',
  { timeout: 20_000 },
  async (accel) => {
    const host = Object.assign(new TestHost(), { msPerLook: 0.01 });
    const machine = await createMachine({
      memoryBytes: 0x100_0000,
      boot: { kind: 'firmware' },
      accel,
      host,
      drives: [{ interface: 'ide', kind: 'disk', unit: 0, storage: bootDisk(program) }],
    });
    let hundreds = 0;
    machine.on('debugByte', () => (hundreds += 1));
    /** Runs in slices that begin 7 ms late, and returns how many ticks there were in a second. */
    const ticksPerSecond = (): number => {
      const began = { ms: host.ms, hundreds };
      for (let slice = 0; slice < 400; slice += 1) {
        machine.runSlice(3);
        host.ms += 7;
      }
      return (100_000 * (hundreds - began.hundreds)) / (host.ms - began.ms);
    };
    ticksPerSecond();
    expect(hundreds).toBeGreaterThan(0);
    const rate = ticksPerSecond();
    expect(rate).toBeGreaterThan(960);
    expect(rate).toBeLessThan(1040);
    machine.dispose();
  },
);
