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
});
