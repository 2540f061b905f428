import { describe, expect, it } from 'vitest';

import type { Machine, MachineEnd, SoundEvent } from './api.ts';
import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';
import { flatKernel, runToState } from './test-kernel.ts';

async function make(text: string): Promise<{ host: TestHost; machine: Machine }> {
  const host = new TestHost();
  host.msPerLook = 0.05;
  const machine = await createMachine({
    memoryBytes: 4 << 20,
    host,
    boot: { kind: 'kernel', kernel: flatKernel(text), commandLine: '' },
    debugExitPort: 0xf4,
    clock: 'instructions',
    noReboot: true,
  });
  return { host, machine };
}

function endOf(machine: Machine, host: TestHost): MachineEnd | undefined {
  const ends: MachineEnd[] = [];
  machine.on('end', (end) => ends.push(end));
  runToState(machine, host, 'ended');
  return ends[0];
}

/** An interrupt table with a handler for vector 2 that `body` is, and what follows behind it. */
const withNmiHandler = (body: string, rest: string): string => `
        mov esp, 0x200000
        mov eax, handler
        mov [table + 16], ax
        mov word [table + 20], 0x8e00
        shr eax, 16
        mov [table + 22], ax
        mov ax, cs
        mov [table + 18], ax
        lidt [pointer]
        ${rest}
handler:
        ${body}
        iretd
pointer: dw 23
        dd table
table:  dd 0, 0, 0, 0, 0, 0`;

describe('a board of a PC', () => {
  it('tells of the tones of its speaker, with their times', async () => {
    const { host, machine } = await make(`
        mov al, 0xb6
        out 0x43, al
        mov al, 0xa9
        out 0x42, al
        mov al, 0x04
        out 0x42, al
        mov al, 3
        out 0x61, al
        mov ecx, 1000000
wait:   loop wait
        mov al, 0
        out 0x61, al
        out 0xf4, al`);
    const sounds: SoundEvent[] = [];
    machine.on('sound', (sound) => sounds.push(sound));
    endOf(machine, host);
    expect(sounds.map((sound) => (sound.kind === 'tone' ? Math.round(sound.hertz) : -1))).toEqual([
      1000, 0,
    ]);
    const [on, off] = sounds;
    expect((off?.atMs ?? 0) - (on?.atMs ?? 0)).toBeCloseTo(1, 1);
  });

  it('wakes a processor that waits with interrupts off by an NMI, and says why', async () => {
    const { host, machine } = await make(
      withNmiHandler(
        `in al, 0x61
        out 0xf4, al`,
        `cli
        hlt`,
      ),
    );
    runToState(machine, host, 'halted');
    machine.nmi();
    expect(endOf(machine, host)).toMatchObject({ reason: 'debug-exit' });
  });

  it('shows the cause in port 0x61 until the guest clears it', async () => {
    const { host, machine } = await make(
      withNmiHandler(
        `in al, 0x61
        mov bl, al
        mov al, 8
        out 0x61, al
        in al, 0x61
        xor al, bl
        and al, 0x40
        out 0xf4, al`,
        `cli
        hlt`,
      ),
    );
    runToState(machine, host, 'halted');
    machine.nmi();
    expect(endOf(machine, host)).toMatchObject({ reason: 'debug-exit', value: 0x40 });
  });

  it('holds an NMI back while bit 7 of port 0x70 masks it', async () => {
    const { host, machine } = await make(
      withNmiHandler(
        `mov al, [0x300000]
        out 0xf4, al`,
        `mov byte [0x300000], 1
        mov al, 0x8f
        out 0x70, al
        in al, 0x71
        out 0xe9, al
        mov ecx, 30000000
spin:   loop spin
        mov byte [0x300000], 2
        mov al, 0x0f
        out 0x70, al
        hlt`,
      ),
    );
    machine.on('debugByte', () => {
      machine.nmi();
    });
    expect(endOf(machine, host)).toMatchObject({ reason: 'debug-exit', value: 2 });
  });
});
