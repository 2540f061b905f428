import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';

import { createMachine } from '../machine.ts';
import { TestHost } from '../test-host.ts';
import { makeElf, multibootHeader } from './test-images.ts';

describe('a kernel that is started without a BIOS', () => {
  // in al, 0x21; out 0xe9, al; in al, 0xa1; out 0xe9, al; mov eax, [0xfee000f0]; out 0xe9, al
  // mov al, ah; out 0xe9, al; mov dx, 0x510; mov ax, 5; out dx, ax; inc dx; in al, dx; out 0xe9, al
  // in al, 0x64; out 0xe9, al; out 0xf4, al
  const code = [
    0xe4, 0x21, 0xe6, 0xe9, 0xe4, 0xa1, 0xe6, 0xe9, 0xa1, 0xf0, 0x00, 0xe0, 0xfe, 0xe6, 0xe9, 0x88,
    0xe0, 0xe6, 0xe9, 0x66, 0xba, 0x10, 0x05, 0x66, 0xb8, 0x05, 0x00, 0x66, 0xef, 0x66, 0x42, 0xec,
    0xe6, 0xe9, 0xe4, 0x64, 0xe6, 0xe9, 0xe6, 0xf4,
  ];

  it('finds chips as a BIOS leaves them, and is told how many processors there are', async () => {
    const kernel = makeElf(0x10_000c, [
      { physical: 0x10_0000, content: [...multibootHeader(3), ...code] },
    ]);
    const machine = await createMachine({
      memoryBytes: 4 << 20,
      boot: { kind: 'kernel', kernel },
      host: new TestHost(),
      debugExitPort: 0xf4,
    });
    const bytes: number[] = [];
    machine.on('debugByte', (byte) => bytes.push(byte));
    machine.runSlice(100);
    expect([machine.state, bytes]).toEqual(['ended', [0xb8, 0x8e, 0xff, 0x01, 1, 0x14]]);
    machine.dispose();
  });

  it('can go back to real mode, where ticks are counted and other interrupts return', async () => {
    const origin = 0x10_000c;
    const real = 0x1000;
    // HLT behind STI ends with the first tick; INT 11h and INT 70h come back too.
    const program = `
        bits 32
        mov esi, real_code
        mov edi, ${String(real)}
        mov ecx, real_end - real_code
        rep movsb
        mov esp, 0x7000
        lgdt [table]
        jmp 8:${String(real)}
table:  dw 31
        dd gates
gates:  dd 0, 0, 0xffff, 0x9b00, 0xffff, 0x9300, 0xffff, 0x9b00
real_code:
        bits 16
        mov ax, 16
        mov ds, ax
        mov ss, ax
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:${String(real)} + behind - real_code
behind: xor ax, ax
        mov ds, ax
        mov ss, ax
        mov al, [0x46c]
        mov bl, al
        sti
        hlt
        cli
        int 0x11
        int 0x70
        mov al, [0x46c]
        sub al, bl
        out 0xe9, al
        out 0xf4, al
real_end:
        bits 32`;
    const content = [...multibootHeader(3), ...assembleText(program, { bits: 32, origin })];
    const machine = await createMachine({
      memoryBytes: 4 << 20,
      boot: { kind: 'kernel', kernel: makeElf(origin, [{ physical: 0x10_0000, content }]) },
      host: new TestHost(),
      clock: 'instructions',
      debugExitPort: 0xf4,
    });
    const bytes: number[] = [];
    machine.on('debugByte', (byte) => bytes.push(byte));
    for (let slice = 0; slice < 100 && machine.state !== 'ended'; slice += 1) machine.runSlice(20);
    expect([machine.state, bytes]).toEqual(['ended', [1]]);
    machine.dispose();
  });
});
