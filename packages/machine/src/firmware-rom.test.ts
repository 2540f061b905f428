/** ROM images that start at the reset vector and have no BIOS, as processor testers are run. */
import { Assembler } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';

const segmentBytes = 0x1_0000;
const resetVector = 0xfff0;

/** A ROM whose last 64 KiB begin with `text`; the reset vector jumps there, near or far. */
function romOf(text: string, bytes: number, vector: string): Uint8Array {
  const assembler = new Assembler({ bits: 16, origin: 0 });
  assembler.text(`
        bits 16
start:  ${text}
leave:  out 0xf4, al
        hlt
hex:    mov cx, 8
digit:  rol edx, 4
        mov al, dl
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        out 0xe9, al
        loop digit
        mov al, 32
        out 0xe9, al
        ret
`);
  const body = assembler.assemble();
  const rom = new Uint8Array(bytes).fill(0xcc);
  rom.set(body, bytes - segmentBytes);
  // JMP F000:0000, or JMP to the start of the segment that CS is below 4 GiB.
  const jump = vector === 'far' ? [0xea, 0, 0, 0, 0xf0] : [0xe9, 0x0d, 0];
  rom.set(jump, bytes - segmentBytes + resetVector);
  return rom;
}

interface Reports {
  debug: string;
  serial: string;
  printed: string;
  codes: number[];
  resets: string[];
  state: string;
}

async function run(bios: Uint8Array, accel: 'interpreter' | 'translator'): Promise<Reports> {
  const host = new TestHost();
  host.msPerLook = 0.25;
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'firmware', bios },
    host,
    accel,
    debugExitPort: 0xf4,
  });
  const reports: Reports = {
    ...{ debug: '', serial: '', printed: '', codes: [], resets: [], state: '' },
  };
  machine.on('debugByte', (byte) => (reports.debug += String.fromCharCode(byte)));
  machine.on('parallelByte', (byte) => (reports.printed += String.fromCharCode(byte)));
  machine.on('postCode', (code) => reports.codes.push(code));
  machine.on('reset', ({ cause }) => reports.resets.push(cause));
  machine.serial[0]?.onData((bytes) => (reports.serial += String.fromCharCode(...bytes)));
  for (let slice = 0; slice < 60 && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
  reports.state = machine.state;
  machine.dispose();
  return reports;
}

const put = (port: number, value: number): string =>
  `mov dx, ${port}\n mov al, ${value}\n out dx, al\n`;

/** Polls the line status of COM1, which nobody set up. */
const send = (text: string, name: string): string =>
  [...text]
    .map(
      (one, index) => `
        mov dx, 0x3fd
${name}${index}: in al, dx
        test al, 0x20
        jz ${name}${index}
        ${put(0x3f8, one.charCodeAt(0))}`,
    )
    .join('');

const print = (text: string): string =>
  [...text].map((one) => put(0x378, one.charCodeAt(0))).join('');

const reporting = `
${put(0x190, 1)}
${send('serial', 's')}
${print('printer')}
${put(0x80, 2)}
${put(0x190, 0xff)}`;

/** EFLAGS, CR0, what the ROM has at its two places, before and after a write to it. */
const looking = `
        mov sp, 0x7000
        pushfd
        pop edx
        call hex
        mov edx, cr0
        call hex
        mov ax, 0xf000
        mov ds, ax
        mov edx, [0xfff0]
        call hex
        mov dword [0xfff0], 0x12345678
        mov edx, [0xfff0]
        call hex
        mov ax, 0xe000
        mov ds, ax
        mov edx, [0xfff0]
        call hex`;

/** Counts its starts in memory; each ends in another reset. */
const resetting = `
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7000
        inc byte [0x500]
        mov al, [0x500]
        mov dx, 0x190
        out dx, al
        cmp al, 1
        je first
        cmp al, 2
        je second
        cmp al, 3
        je third
        cmp al, 4
        je fourth
        jmp near leave
first:  in al, 0x92
        or al, 1
        out 0x92, al
        jmp first
second: mov al, 0xfe
        out 0x64, al
        jmp second
third:  ${put(0xcf9, 2)}
        ${put(0xcf9, 6)}
        jmp third
fourth: push 0
        push 0
        push 0
        mov bp, sp
        lidt [bp]
        int3`;

describe.each(['interpreter', 'translator'] as const)('a ROM without a BIOS, %s', (accel) => {
  it.each([
    [0x1_0000, 'far'],
    [0x1_0000, 'near'],
    [0x2_0000, 'far'],
    [0x2_0000, 'near'],
  ])('of %i bytes reports by every port, its vector is a %s jump', async (bytes, vector) => {
    const reports = await run(romOf(reporting, bytes, vector), accel);
    expect(reports).toMatchObject({
      ...{ serial: 'serial', printed: 'printer', codes: [1, 2, 0xff], state: 'ended' },
    });
  });

  it('sees the state after reset and itself, which it cannot write to', async () => {
    const { debug } = await run(romOf(looking, 0x2_0000, 'far'), accel);
    expect(debug).toBe('00000002 60000010 000000EA 000000EA CCCCCCCC ');
  });

  it('starts again after each kind of reset, with its memory', async () => {
    const { codes, resets, state } = await run(romOf(resetting, 0x1_0000, 'far'), accel);
    expect(codes).toEqual([1, 2, 3, 4, 5]);
    expect(resets).toHaveLength(4);
    expect(state).toBe('ended');
  });
});
