/** INIT and resets that go on in memory, in a machine that has no BIOS (SDM 3A 9.1, IBM AT). */
import { Assembler } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import { TestHost } from './test-host.ts';

const origin = 0x10_0000;
const starts = 0x6000;
const realCode = 0x7000;

/**
 * A kernel that prints K, sets the shutdown status, a register of SSE and an MSR, and resets. The
 * code at 40:67 prints R and what it finds in the MSR and in the register of SSE.
 */
function kernel(status: number, reset: string): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin });
  assembler.text(`
        bits 32
header: dd 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
        dd header, header, imageEnd, imageEnd, start
start:  mov esp, 0x9000
        mov al, 75
        out 0xe9, al
        inc dword [${starts}]
        cmp dword [${starts}], 1
        ja over
        mov esi, real
        mov edi, ${realCode}
        mov ecx, 64
        rep movsb
        mov dword [0x467], ${realCode}
        mov al, 0x0f
        out 0x70, al
        mov al, ${status}
        out 0x71, al
        mov eax, 0x200
        mov cr4, eax
        mov eax, 120
        movd xmm0, eax
        mov ecx, 0x174
        mov eax, 119
        xor edx, edx
        wrmsr
        ${reset}
wait:   jmp wait
over:   mov al, 0
        out 0xf4, al
        hlt
        bits 16
real:   mov al, 82
        out 0xe9, al
        mov ecx, 0x174
        rdmsr
        out 0xe9, al
        mov eax, 0x200
        mov cr4, eax
        movd eax, xmm0
        out 0xe9, al
        mov al, 0
        out 0xf4, al
        hlt
        times 64 db 0x90
imageEnd: db 0
`);
  return assembler.assemble();
}

interface Result {
  readonly said: string;
  readonly resets: readonly string[];
  readonly state: string;
}

async function run(
  image: Uint8Array,
  accel: 'interpreter' | 'translator' = 'interpreter',
): Promise<Result> {
  const host = new TestHost();
  host.msPerLook = 0.25;
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'kernel', kernel: image },
    host,
    accel,
    debugExitPort: 0xf4,
  });
  const resets: string[] = [];
  let said = '';
  machine.on('debugByte', (byte) => (said += String.fromCharCode(byte)));
  machine.on('reset', ({ cause }) => resets.push(cause));
  for (let slice = 0; slice < 20 && machine.state !== 'ended'; slice += 1) machine.runSlice(5);
  const { state } = machine;
  machine.dispose();
  return { said, resets, state };
}

const command = (value: number): string => `
        mov dword [0xfee00310], 0
        mov dword [0xfee00300], ${value}`;
const initToItself = command(0x4_4500);

describe.each(['interpreter', 'translator'] as const)(
  'INIT in a machine without BIOS, %s',
  (tier) => {
    it.each([
      ['the shorthand for itself', initToItself],
      ['its identifier', command(0x4500)],
    ])('by %s goes on at 40:67, with MSRs and SSE as they were', async (_name, text) => {
      const { said, resets, state } = await run(kernel(10, text), tier);
      expect(said).toBe('KRwx');
      expect({ resets, state }).toEqual({ resets: [], state: 'ended' });
    });
  },
);

it('INIT without a shutdown status resets the machine', async () => {
  expect(await run(kernel(0, initToItself))).toEqual({
    said: 'KK',
    resets: ['guest'],
    state: 'ended',
  });
});

it('the level de-assert that follows INIT does nothing', async () => {
  expect((await run(kernel(10, command(0x8500)))).said).toBe('K');
});

describe('a reset with a shutdown status goes on at 40:67, as after power-up', () => {
  it.each([
    ['the keyboard controller', 'guest', 'mov al, 0xfe\n out 0x64, al'],
    ['port 92h', 'guest', 'in al, 0x92\n or al, 1\n out 0x92, al'],
    ['a triple fault', 'triple-fault', `lidt [${realCode - 8}]\n int3`],
  ])('by %s', async (_name, cause, text) => {
    expect(await run(kernel(5, text))).toEqual({
      said: 'KR\0\0',
      resets: [cause],
      state: 'ended',
    });
  });
});
