import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleText } from '@ringfence/assembler';
import { createMachine } from '@ringfence/machine';
import { afterAll, expect, it } from 'vitest';
import { nodeHost } from './node-host.ts';
import { traceTranslation } from './traces.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A multiboot kernel that counts for long, patches its loop, counts again, and leaves. */
const kernel = assembleText(
  `
header: dd 0x1badb002, 0x10000, ${-(0x1bad_b002 + 0x1_0000) >>> 0}
        dd header, header, 0, 0, start
start:  mov ebx, 2
round:  mov ecx, 3000000
again:  add eax, 1
        xor edx, eax
        dec ecx
        jnz again
        inc byte [again + 2]
        dec ebx
        jnz round
        mov dx, 0xf4
        mov al, 0
        out dx, al
        hlt`,
  { bits: 32, origin: 0x10_0000 },
);

it('writes a line for each region that is made and dropped', async () => {
  const path = join(folder, 'trace.txt');
  const settings = { traceTranslation: path } as Parameters<typeof traceTranslation>[1];
  const machine = await createMachine({
    memoryBytes: 16 << 20,
    boot: { kind: 'kernel', kernel },
    host: { ...nodeHost, compilesAtOnce: true },
    clock: 'instructions',
    debugExitPort: 0xf4,
  });
  const end = traceTranslation(machine, settings);
  expect((await machine.start()).reason).toBe('debug-exit');
  end();
  machine.dispose();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines[0]).toMatch(/^made 1: physical 001000\w\w linear 001000\w\w 32-bit: .* bytes: hot/);
  expect(lines[1]).toMatch(/^dropped 1: physical 001000\w\w: write of 1 bytes at 001000\w\w$/);
  expect(lines[2]).toMatch(/^made 2: /);
});

it('refuses a file that cannot be written', () => {
  const path = join(folder, 'missing', 'trace.txt');
  const settings = { traceTranslation: path } as Parameters<typeof traceTranslation>[1];
  const machine = { on: () => () => {} } as unknown as Parameters<typeof traceTranslation>[0];
  expect(() => traceTranslation(machine, settings)).toThrow(UsageError);
});
