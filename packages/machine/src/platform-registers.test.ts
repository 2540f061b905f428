/** What a multiboot kernel finds in the registers of its machine, and what its writes come to. */
import { describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';
import { flatKernel } from './test-kernel.ts';

type Tier = 'interpreter' | 'translator';

/** Runs a kernel whose text calls `hex` to show EDX, and returns the numbers. */
async function shown(text: string, accel: Tier, cpu: string = 'max'): Promise<string[]> {
  const kernel = flatKernel(`
        mov esp, 0x9000
${text}
        mov al, 0
        out 0xf4, al
        hlt
hex:    mov ecx, 8
hex_digit:
        rol edx, 4
        mov al, dl
        and al, 15
        cmp al, 10
        jb hex_number
        add al, 39
hex_number:
        add al, 48
        out 0xe9, al
        loop hex_digit
        mov al, 32
        out 0xe9, al
        ret
`);
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'kernel', kernel },
    host: Object.assign(new TestHost(), { msPerLook: 0.25 }),
    accel,
    cpu,
    clock: 'instructions',
    debugExitPort: 0xf4,
  });
  let said = '';
  machine.on('debugByte', (byte) => (said += String.fromCharCode(byte)));
  for (let slice = 0; slice < 20 && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
  const { state } = machine;
  machine.dispose();
  expect(state).toBe('ended');
  return said.trim().split(' ');
}

const show = (address: number): string => `
        mov edx, [${address}]
        call hex`;

const moveApic = (page: number): string => `
        mov ecx, 0x1b
        mov eax, ${page + 0x900}
        xor edx, edx
        wrmsr`;

const version = '00050014';
const nothing = 'ffffffff';

describe.each(['interpreter', 'translator'] as const)('the page of the local APIC, %s', (tier) => {
  const home = 0xfee0_0000;
  it.each([
    ['a hole', 0x4200_0000, nothing],
    ['a hole above the I/O APIC', 0xfec1_0000, nothing],
    ['RAM', 0x20_0000, '12345678'],
    ['the HPET', 0xfed0_0004, '00989680'],
    ['ROM', 0xe_0000, '00000000'],
  ])('stands over %s, which is there again behind it', async (_what, address, before) => {
    const page = address - (address % 4096);
    const visit = `
        mov dword [0x200000], 0x12345678
        ${show(address)}
        ${moveApic(page)}
        ${show(page + 0x30)}
        ${show(home + 0x30)}
        ${moveApic(home)}
        ${show(address)}
        ${show(home + 0x30)}`;
    expect(await shown(visit, tier)).toEqual([before, version, nothing, before, version]);
  });
});

const writeMsr = (number: number, high: number, low: number): string => `
        mov ecx, ${number}
        mov edx, ${high}
        mov eax, ${low}
        wrmsr`;
const highOf = (reading: string): string => `
        ${reading}
        call hex`;

it.each(['interpreter', 'translator'] as const)(
  'the time-stamp counter is moved below zero, and to the top, %s',
  async (tier) => {
    const [adjust, counter] = [0x3b, 0x10];
    const readAdjust = `mov ecx, ${adjust}\n rdmsr`;
    const text = `
        ${writeMsr(adjust, 0xffff_fffe, 0)}
        ${highOf('rdtsc')}
        ${writeMsr(adjust, 0, 0)}
        ${highOf('rdtsc')}
        ${writeMsr(counter, 0x8000_0000, 0)}
        ${highOf('rdtsc')}
        ${highOf(readAdjust)}
        ${writeMsr(adjust, 0x1234_5678, 0x9abc_def1)}
        ${highOf(`${readAdjust}\n mov edx, eax`)}`;
    const seen = await shown(text, tier);
    expect(seen).toEqual(['fffffffe', '00000000', '80000000', '7fffffff', '9abcdef1']);
  },
);

it('a kernel without a BIOS finds the data area of one, and a display in its place', async () => {
  const configuration = (register: number): string => `
        mov dx, 0xcf8
        mov eax, ${0x8000_1000 + register}
        out dx, eax
        mov dx, 0xcfc
        in eax, dx
        mov edx, eax
        call hex`;
  const areas = [0x400, 0x40c, 0x410, 0x449, 0x463, 0x484].map(show).join('');
  // A pixel by the frame buffer, and the VBE registers in memory: they identify themselves.
  const display = `
        mov dword [0xfd000004], 0x87654321
        ${show(0xfd00_0004)}
        mov ax, [0xfebf0500]
        shl eax, 16
        mov edx, eax
        call hex`;
  const text = `${areas}${[4, 0x10, 0x18].map(configuration).join('')}${display}`;
  const seen = await shown(text, 'translator');
  expect(seen).toEqual([
    ...['02f803f8', '9fc00000', '7f004827', '00005003', '000003d4', '60001018'],
    ...['00000003', 'fd000008', 'febf0000', '87654321', 'b0c50000'],
  ]);
});
