import { afterEach, describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { createMachine } from './machine.ts';
import { hvmTestKernel } from './test-hvm-kernel.ts';
import { hvmChecks, mapShared, param } from './test-hvm-pieces.ts';
import { TestHost } from './test-host.ts';
import { runUntil } from './test-kernel.ts';
import { goesOn, waitsForTimer } from './test-xen-checks.ts';

const { call, leaves } = hvmChecks;

let machine: Machine | undefined;
afterEach(() => {
  machine?.dispose();
});

/** Has the timer's upcall come by request 5 half a second after the start, and halts until then. */
const waits = `
        jmp behind_handler
on_upcall:
        inc dword [seen]
        mov byte [page_free], 0
        push eax
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
behind_handler:
        mov edi, idt + 0x25 * 8
        mov eax, on_upcall
        call set_gate
${mapShared}
        mov dword [argument], 0
        mov dword [argument + 4], 0
${call(32, ['ebx, 1', 'ecx, argument'], 0)}
${[
  [0x20, 0x11],
  [0x21, 0x20],
  [0x21, 4],
  [0x21, 1],
  [0x21, 0xdf],
]
  .map(([port = 0, value = 0]) => `        mov al, ${value}\n        out ${port}, al`)
  .join('\n')}
        mov dword [argument + 8], 5
        mov dword [argument + 12], 0
${param(0, 0, 0)}
        mov dword [argument + 8], 77
${param(0, 18, 0)}
        mov esi, text_before
        call print
${call(15, ['ebx, 500000000', 'ecx, 0'], 0)}
        sti
        hlt
        cli
${leaves('', 'dword [seen]', 1)}
${param(1, 18, 0)}
${leaves('', 'dword [argument + 8]', 77)}
${leaves('        movzx eax, byte [page_free + 0x800]', 'eax', 8)}`;

/** The same without interrupts: the call that waits for the upcall is in the snapshot. */
const blocks = `
${mapShared}${waitsForTimer(hvmChecks)}
${leaves('        movzx eax, byte [page_free]', 'eax', 1)}`;

describe.each(['interpreter', 'translator'] as const)(
  'a snapshot of a guest of Xen (%s)',
  (accel) => {
    it.each([
      ['pvh', 'upcalls', waits],
      ['pc', 'upcalls', waits],
      ['pvh', 'calls that wait', blocks],
    ] as const)('on a machine %s goes on with %s', async (kind, _what, kernel) => {
      const host = new TestHost();
      host.msPerLook = 0.02;
      const made = await createMachine({
        memoryBytes: 16 << 20,
        machine: kind,
        xen: true,
        boot: { kind: 'kernel', kernel: hvmTestKernel([kernel]) },
        host,
        accel,
      });
      machine = made;
      const restored = await goesOn(made, host);
      machine = restored;
      expect(await runUntil(restored, host, /Test result: \w+\r\n/, 500)).toBe(
        'Test result: SUCCESS\r\n',
      );
    });
  },
);
