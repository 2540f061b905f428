/** How upcalls reach a small translated kernel: vector, local APIC, wires of the chipset. */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import { hvmChecks, mapShared, param } from './test-hvm-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { call, leaves } = hvmChecks;

/** Handles vectors by a piece of code: the upcall is counted and taken back first. */
const handles = (vectors: readonly number[], code: string): string =>
  `        jmp behind_handler
on_upcall:
        inc dword [seen]
        mov byte [page_free], 0
        mov dword [page_free + 4], 0
        btr dword [page_free + 0x800], 3
        push eax
${code}
        pop eax
        iret
behind_handler:
${vectors
  .map((vector) => {
    return `        mov edi, idt + ${String(vector * 8)}
        mov eax, on_upcall
        call set_gate`;
  })
  .join('\n')}`;

/** Sets how upcalls come: the two words of the parameter. */
const setWay = (low: number, high: number, result = 0): string =>
  `        mov dword [argument + 8], ${String(low)}
        mov dword [argument + 12], ${String(high)}
${param(0, 0, result)}`;

/** A channel of its own, port 3: the first two are those of store and console. */
const bind = `        mov dword [argument], 0
${call(32, ['ebx, 7', 'ecx, argument'], 0)}
${leaves('', 'dword [argument + 4]', 3)}`;

/** Sends an event and lets it come; none comes twice. */
const comes = (count: number): string =>
  `        mov dword [argument], 3
${call(32, ['ebx, 4', 'ecx, argument'], 0)}
        sti
        mov ecx, 200000
        loop $
        cli
${leaves('', 'dword [seen]', count)}`;

/** The two interrupt controllers, from vector 0x20 on, requests open and levels as said. */
const controllers = (levels: number): string =>
  [
    ...[
      [0x20, 0x11],
      [0xa0, 0x11],
      [0x21, 0x20],
      [0xa1, 0x28],
      [0x21, 4],
      [0xa1, 2],
    ],
    ...[
      [0x21, 1],
      [0xa1, 1],
      [0x21, 0xdb],
      [0xa1, 0xf3],
    ],
  ]
    .map(
      ([port = 0, value = 0]) =>
        `        mov al, ${String(value)}\n        out ${String(port)}, al`,
    )
    .join('\n') +
  [0, 1]
    .map((half) => {
      return `
        mov dx, ${String(0x4d0 + half)}
        mov al, ${String((levels >> (half * 8)) & 0xff)}
        out dx, al`;
    })
    .join('');

const endAtControllers = `        mov al, 0x20
        out 0xa0, al
        out 0x20, al`;
const openApic = '        mov dword [0xfee000f0], 0x1ff';

const checks: NamedChecks = {
  'as a vector in front of all interrupts': [
    mapShared,
    bind,
    handles([0x50], ''),
    setWay(5, 2 << 24, -22),
    setWay(0x50, 2 << 24),
    comes(1),
    comes(2),
    param(1, 0, 0),
    leaves('', 'dword [argument + 8]', 0x50),
    leaves('', 'dword [argument + 12]', 2 << 24),
  ],
  'through the local APIC, before any other way': [
    mapShared,
    bind,
    leaves('        mov eax, 0x40000004\n        xor ecx, ecx\n        cpuid', 'eax', 0x5c),
    handles(
      [0x51],
      `        mov eax, [0xfee00120]
        mov [seen + 4], eax
        mov dword [0xfee000b0], 0`,
    ),
    setWay(5, 0),
    `        mov dword [argument], 1
        mov dword [argument + 4], 0x51
${call(34, ['ebx, 23', 'ecx, argument'], -2)}
        mov dword [argument], 0
        mov dword [argument + 4], 15
${call(34, ['ebx, 23', 'ecx, argument'], -22)}
        mov dword [argument + 4], 0x51
${call(34, ['ebx, 23', 'ecx, argument'], 0)}`,
    // One that comes while the APIC is disabled waits until it is not.
    comes(0),
    openApic,
    leaves('        sti\n        mov ecx, 200000\n        loop $\n        cli', 'dword [seen]', 1),
    comes(2),
    // It was in service until its end was told.
    leaves('', 'dword [seen + 4]', 0x2_0000),
    leaves('        mov eax, [0xfee00120]', 'eax', 0),
  ],
  'by a request of the chipset, level-triggered': [
    mapShared,
    bind,
    handles([0x25], endAtControllers),
    controllers(0x20),
    setWay(5, 0),
    comes(1),
    comes(2),
  ],
  'by a request of the chipset, edge-triggered': [
    mapShared,
    bind,
    handles([0x25], endAtControllers),
    controllers(0),
    setWay(5, 0),
    comes(1),
    comes(2),
  ],
  'by the pin of a PCI device': [
    mapShared,
    bind,
    handles([0x2a, 0x2b], endAtControllers),
    controllers(0xc00),
    setWay(5 << 11, 1 << 24),
    comes(1),
    comes(2),
  ],
  'and a non-maskable interrupt that it gives itself': [
    handles([2], ''),
    call(24, ['ebx, 11', 'ecx, 0', 'edx, 0'], 0),
    leaves('', 'dword [seen]', 1),
    call(24, ['ebx, 11', 'ecx, 0', 'edx, 1'], -22),
  ],
};

describeChecks('upcalls: a PVH kernel', { machine: 'pvh', kernel: hvmTestKernel }, checks);
