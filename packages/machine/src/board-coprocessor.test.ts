import { describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';
import { flatKernel } from './test-kernel.ts';

/**
 * Divides by zero with the exception unmasked and CR0.NE clear; `handler` serves IRQ 13, `start`
 * sets IF or does not. What the guest wrote to the debug console comes back.
 */
async function said(start: string): Promise<string> {
  const host = new TestHost();
  host.msPerLook = 0.25;
  const kernel = flatKernel(`
        mov esp, stack
        mov eax, irq
        mov [idt + 0x75 * 8], ax
        mov word [idt + 0x75 * 8 + 2], cs
        mov byte [idt + 0x75 * 8 + 5], 0x8e
        shr eax, 16
        mov [idt + 0x75 * 8 + 6], ax
        lidt [idtr]
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, 0x68
        out 0x21, al
        mov al, 0x70
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xfb
        out 0x21, al
        mov al, 0xdf
        out 0xa1, al
        mov eax, cr0
        and eax, 0xffffffdf
        mov cr0, eax
        fninit
        fldcw [unmasked]
        ${start}
        fld1
        fldz
        fdivp st1, st0
        fld1
        mov al, 'a'
        out 0xe9, al
        out 0xf4, al
        hlt
irq:    mov al, 'i'
        out 0xe9, al
        fnstsw ax
        and al, 0x84
        cmp al, 0x84
        jne wrong
        out 0xf0, al
        fnclex
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        iret
wrong:  mov al, 'w'
        out 0xe9, al
        iret
idtr:   dw 2047
        dd idt
unmasked: dw 0x37b
        align 8
idt:    times 512 dd 0
        times 64 dd 0
stack:  dd 0`);
  const boot = { kind: 'kernel', kernel } as const;
  const options = { memoryBytes: 0x40_0000, boot, host, debugExitPort: 0xf4, noReboot: true };
  const machine = await createMachine(options);
  let output = '';
  machine.on('debugByte', (byte) => (output += String.fromCharCode(byte)));
  for (let slice = 0; slice < 20 && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
  return output;
}

describe('a floating-point error with CR0.NE clear', () => {
  it('comes as IRQ 13 before the next waiting instruction', async () => {
    expect(await said('sti')).toBe('ia');
  });

  it('lets the instruction go on where no interrupt can come', async () => {
    expect(await said('cli')).toBe('a');
  });
});
