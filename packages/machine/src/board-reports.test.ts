import { describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import { ParallelPort } from './board-reports.ts';
import { TestHost } from './test-host.ts';
import { flatKernel } from './test-kernel.ts';

/** What a program writes to the printer and as checkpoint codes. */
async function reportsOf(text: string): Promise<{ printed: string; codes: number[] }> {
  const host = new TestHost();
  host.msPerLook = 0.25;
  const boot = { kind: 'kernel', kernel: flatKernel(text) } as const;
  const machine = await createMachine({ memoryBytes: 0x40_0000, boot, host, debugExitPort: 0xf4 });
  let printed = '';
  const codes: number[] = [];
  machine.on('parallelByte', (byte) => (printed += String.fromCharCode(byte)));
  machine.on('postCode', (code) => codes.push(code));
  for (let slice = 0; slice < 20 && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
  return { printed, codes };
}

const print = (strobe: boolean): string =>
  [...'hello']
    .map((one) => {
      const byte = `mov dx, 0x378\n mov al, '${one}'\n out dx, al\n`;
      const pulse = 'mov dx, 0x37a\n mov al, 0x0d\n out dx, al\n mov al, 0x0c\n out dx, al\n';
      return byte + (strobe ? pulse : '');
    })
    .join('');

describe('the parallel port', () => {
  it('prints each byte once, with a strobe or without', async () => {
    const leave = 'out 0xf4, al\n hlt';
    expect((await reportsOf(print(true) + leave)).printed).toBe('hello');
    expect((await reportsOf(print(false) + leave)).printed).toBe('hello');
  });

  it('shows a printer that is ready, and what was written', () => {
    const port = new ParallelPort({ write: () => undefined });
    port.writePort(0x378, 1, 0x5a);
    expect(port.readPort(0x378, 1)).toBe(0x5a);
    expect(port.readPort(0x379, 1)).toBe(0xdf);
    expect(port.readPort(0x37a, 1)).toBe(0xec);
    const other = new ParallelPort({ write: () => undefined });
    other.restore(port.save());
    expect(other.readPort(0x378, 1)).toBe(0x5a);
  });
});

describe('checkpoint codes', () => {
  it('are heard from ports 0x80 and 0x190', async () => {
    const text = 'mov al, 7\n out 0x80, al\n mov dx, 0x190\n mov al, 0xff\n out dx, al\n';
    expect((await reportsOf(`${text} out 0xf4, al\n hlt`)).codes).toEqual([7, 0xff]);
  });
});
