import { describe, expect, it } from 'vitest';

import { createMachine } from '../machine.ts';
import { flatKernel } from '../test-kernel.ts';
import { TestHost } from '../test-host.ts';
import { punctualClock } from './punctual-clock.ts';

describe('punctualClock', () => {
  it('tells once a reading has come to a deadline', () => {
    let told = 0;
    const readings = [5, 9, 10, 11];
    const clock = punctualClock(
      { now: () => readings.shift() ?? 0 },
      { nextDeadlineNs: () => 10 },
      () => (told += 1),
    );
    const counts = [5, 9, 10, 11].map((reading) => {
      expect(clock.now()).toBe(reading);
      return told;
    });
    expect(counts).toEqual([0, 0, 1, 2]);
  });
});

/** Waits for two milliseconds by a counter, and says how often a timer of one interrupted it. */
const kernel = flatKernel(`
        mov esp, 0x9000
        mov eax, interrupt
        mov [0x8000 + 8 * 0x40], ax
        mov word [0x8002 + 8 * 0x40], cs
        mov dword [0x8004 + 8 * 0x40], 0x108e00
        lidt [table]
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov dword [0xfee00320], 0x40
        mov dword [0xfee003e0], 0x0b
        xor ebx, ebx
        rdtsc
        mov esi, eax
        mov dword [0xfee00380], 1000000
        sti
wait:   rdtsc
        sub eax, esi
        cmp eax, 2000000
        jb wait
        cli
        mov al, bl
        out 0xe9, al
        mov al, 0
        out 0xf4, al
        hlt
interrupt:
        inc ebx
        mov dword [0xfee000b0], 0
        iret
table:  dw 0x7ff
        dd 0x8000
`);

it.each(['interpreter', 'translator'] as const)(
  'a guest that waits by a counter has had the interrupt of that time, %s',
  async (accel) => {
    const machine = await createMachine({
      memoryBytes: 0x100_0000,
      boot: { kind: 'kernel', kernel },
      host: Object.assign(new TestHost(), { msPerLook: 0.25 }),
      accel,
      debugExitPort: 0xf4,
    });
    const said: number[] = [];
    machine.on('debugByte', (byte) => said.push(byte));
    for (let slice = 0; slice < 20 && machine.state !== 'ended'; slice += 1) machine.runSlice(50);
    expect([machine.state, said]).toEqual(['ended', [1]]);
    machine.dispose();
  },
);
