/** A guest that sleeps in S3 and goes on at its waking vector (ACPI 2.0c, 7.3.4.4, 15.3.1.2). */
import { Assembler } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { bootProgram, putAx, stop, words } from './built-in-bios/test-machine.ts';
import { facsAddress } from './firmware.ts';
import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';

const origin = 0x10_0000;
const realCode = 0x7018;
const status = 0x600;
/** A byte that the waking code reads first: DS is 0. */
const mark = 0x6001;

/** Text that finds the FACS as ACPI says, leaves a waking vector in it, and has EBX for FADT. */
const leaveVector = `
        mov ebx, [0xf0010]
        mov ebx, [ebx + 36]
        mov edi, [ebx + 36]
        cmp dword [edi], 0x53434146
        jne leave
        mov dword [edi + 12], ${realCode}`;

/** An alarm at each second; `enabled` has it interrupt. */
const alarm = (enabled: boolean): string => `
        mov al, 1
        out 0x70, al
        mov al, 0xff
        out 0x71, al
        mov al, 3
        out 0x70, al
        mov al, 0xff
        out 0x71, al
        mov al, 5
        out 0x70, al
        mov al, 0xff
        out 0x71, al
        mov al, 0x0b
        out 0x70, al
        mov al, ${enabled ? 0x22 : 0x02}
        out 0x71, al`;

/**
 * A kernel that says K, does what `text` says, and sleeps. The code at its waking vector says W,
 * the high byte of PM1_STS, what CMOS RAM has for a reset, what the kernel has left in memory, and
 * C if CS and IP are those of the vector.
 */
function kernel(text: string): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(`
        bits 32
header: dd 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
        dd header, header, imageEnd, imageEnd, start
start:  mov esp, 0x9000
        mov al, 75
        out 0xe9, al
        mov byte [0x6000], 77
        mov byte [${mark}], 87
        mov esi, real
        mov edi, ${realCode}
        mov ecx, 80
        rep movsb
${leaveVector}
${text}
        mov edx, [ebx + 64]
        mov ax, 0x2400
        out dx, ax
        mov al, 78
        out 0xe9, al
wait:   hlt
        jmp wait
leave:  mov al, 1
        out 0xf4, al
        bits 16
real:   mov al, [${mark}]
        out 0xe9, al
        mov dx, ${status}
        in ax, dx
        xchg al, ah
        out 0xe9, al
        mov al, 0x0f
        out 0x70, al
        in al, 0x71
        out 0xe9, al
        mov al, [0x6000]
        out 0xe9, al
        mov ax, cs
        cmp ax, ${realCode >> 4}
        jne over
        mov al, 67
        out 0xe9, al
over:   mov al, 0
        out 0xf4, al
        hlt
        times 80 db 0x90
imageEnd: db 0
`);
  return assembler.assemble();
}

interface Asleep {
  readonly machine: Machine;
  readonly said: readonly number[];
}

async function start(
  text: string,
  accel: 'interpreter' | 'translator' = 'interpreter',
  clock: 'instructions' | 'host' = 'instructions',
): Promise<Asleep> {
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'kernel', kernel: kernel(text) },
    host: Object.assign(new TestHost(), { msPerLook: 0.25 }),
    accel,
    clock,
    debugExitPort: 0xf4,
  });
  const said: number[] = [];
  machine.on('debugByte', (byte) => said.push(byte));
  return { machine, said };
}

function run(machine: Machine, slices: number = 40): void {
  for (let slice = 0; slice < slices && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
}

const [k, w, memory, c] = [75, 87, 77, 67];
const quiet = `${alarm(true)}
        mov edx, [ebx + 56]
        add edx, 2
        mov ax, 0x0100
        out dx, ax`;

describe.each(['interpreter', 'translator'] as const)('S3 without a BIOS, %s', (accel) => {
  it('ends with the alarm, at the waking vector, with memory as it was', async () => {
    const { machine, said } = await start(alarm(true), accel);
    run(machine);
    expect(said).toEqual([k, w, 0x84, 0, memory, c]);
    expect(machine.state).toBe('ended');
  });
});

it('the alarm does not end S3 where PM1_EN says so, nor without an interrupt', async () => {
  for (const text of [quiet, alarm(false)]) {
    const { machine, said } = await start(text);
    run(machine);
    expect(said).toEqual([k]);
    expect(machine.state).toBe('running');
    machine.dispose();
  }
});

it('a machine that sleeps is reset by its host', async () => {
  const { machine, said } = await start(alarm(false));
  run(machine, 10);
  machine.reset();
  run(machine, 10);
  expect(said).toEqual([k, k]);
  machine.dispose();
});

it('a machine sleeps on, and wakes, when it comes from a snapshot', async () => {
  // The alarm comes at once with the other clock, which skips what nobody runs in.
  const { machine, said } = await start(alarm(true), 'interpreter', 'host');
  run(machine, 5);
  expect(said).toEqual([k]);
  const snapshot = await machine.snapshot();
  machine.dispose();
  const other = await createMachine({ ...machine.options, snapshot });
  const later: number[] = [];
  other.on('debugByte', (byte) => later.push(byte));
  run(other, 1000);
  expect(later).toEqual([w, 0x84, 0, memory, c]);
});

it('the built-in BIOS goes on at the waking vector too', async () => {
  const program = await bootProgram(`
        mov ax, ${facsAddress >> 4}
        mov ds, ax
        mov ax, [0]
        ${putAx}
        mov dword [12], back
${alarm(true)}
        mov dx, ${status + 4}
        mov ax, 0x2401
        out dx, ax
        hlt
back:   mov dx, ${status}
        in ax, dx
        and ah, 0x84
        mov al, 0
        ${putAx}
        ${stop}`);
  expect(words(program.run())).toEqual([0x4146, 0x8400]);
});
