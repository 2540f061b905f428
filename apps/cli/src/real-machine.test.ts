/** The program with real machines: inputs that are no good, and guests that do their worst. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MachineStats, createMachine } from '@ringfence/machine';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from './command.ts';
import { openModules } from './process-services.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-real-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line with a real machine, and types when its output ends with a prompt. */
async function run(args: readonly string[], typed: readonly string[] = []) {
  let stdout = '';
  let stderr = '';
  const stdin = new PassThrough();
  const lines = [...typed];
  const status = await runCommand(['run', ...args], {
    streams: {
      stdin,
      stdout: {
        write: (bytes) => {
          stdout += Buffer.from(bytes).toString('latin1');
          if (stdout.endsWith('> ') && lines.length > 0) stdin.write(`${lines.shift()}\r`);
        },
      },
      stderr: { write: (text) => (stderr += String(text)) },
    },
    createMachine,
    openModules,
    onSignal: () => () => {},
  });
  return { status, stdout, stderr };
}

/** Writes a multiboot 1 kernel that consists of the given code at 1 MiB. */
function multibootKernel(name: string, code: readonly number[]): string {
  const base = 0x10_0000;
  const image = new DataView(new ArrayBuffer(0x1000));
  const flags = 0x1_0000;
  const header = [0x1bad_b002, flags, -(0x1bad_b002 + flags), base, base, base + 0x1000];
  [...header, base + 0x1000, base + 0x40].forEach((word, index) =>
    image.setUint32(4 * index, word, true),
  );
  const path = join(folder, name);
  const bytes = new Uint8Array(image.buffer);
  bytes.set(code, 0x40);
  writeFileSync(path, bytes);
  return path;
}

describe('an input that is no good', () => {
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const kernel = multibootKernel('halt', [0xfa, 0xf4]);

  it.each([
    ['an empty kernel', ['-kernel', file('empty', new Uint8Array(0))]],
    ['a kernel that is none', ['-kernel', file('text', Buffer.from('hello\n'.repeat(1000)))]],
    [
      'an initrd that does not fit',
      ['-m', '8M', '-kernel', kernel, '-initrd', file('large', new Uint8Array(9 * 2 ** 20))],
    ],
    ['an unknown CPU', ['-kernel', kernel, '-cpu', 'no-such-model']],
  ])('%s has status 2 and one line', async (_name, args) => {
    const { status, stdout, stderr } = await run([...args, '--timeout', '5']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^ringfence: .+: expected .+, found .+\n/);
  });
});

describe('a guest that does its worst', () => {
  it('ends with status 3 after a triple fault with -no-reboot', async () => {
    // lidt of an empty table, then int3.
    const code = [0x0f, 0x01, 0x1d, 0x60, 0x00, 0x10, 0x00, 0xcc];
    const { status, stderr } = await run([
      '-no-reboot',
      '-kernel',
      multibootKernel('triple', code),
    ]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^ringfence: triple fault at .+\n$/);
  });

  it('boots again and again after triple faults, and the host goes on', async () => {
    const code = [0x0f, 0x01, 0x1d, 0x60, 0x00, 0x10, 0x00, 0xcc];
    const kernel = multibootKernel('triple-again', code);
    expect((await run(['-kernel', kernel, '--timeout', '0.5'])).status).toBe(124);
  });

  it('waits with interrupts off until the time is over', async () => {
    const { status, stderr } = await run([
      ...['-kernel', multibootKernel('cli-hlt', [0xfa, 0xf4]), '--timeout', '0.5'],
    ]);
    expect(status).toBe(124);
    expect(stderr).toContain('waits with interrupts off');
  });

  it('jumps into a hole of the address space', async () => {
    // mov eax, 0xf0000000; jmp eax
    const code = [0xb8, 0x00, 0x00, 0x00, 0xf0, 0xff, 0xe0];
    const kernel = multibootKernel('hole', code);
    expect((await run(['-no-reboot', '-kernel', kernel, '--timeout', '0.5'])).status).not.toBe(70);
  });

  it('writes to ROM and holes and goes on', async () => {
    const code = [
      ...[0xc7, 0x05, 0xf0, 0xff, 0x0f, 0x00, 0x78, 0x56, 0x34, 0x12], // mov [0xffff0], ...
      ...[0xc7, 0x05, 0x00, 0x00, 0x00, 0xf0, 0x78, 0x56, 0x34, 0x12], // mov [0xf0000000], ...
      ...[0xb0, 0x10, 0xe6, 0xf4], // mov al, 16; out 0xf4, al
    ];
    const kernel = multibootKernel('rom', code);
    const debugExit = ['-device', 'isa-debug-exit', '--timeout', '5'];
    expect((await run(['-kernel', kernel, ...debugExit])).status).toBe(33);
  });

  it('spins for ever, and --timeout still ends it', async () => {
    const kernel = multibootKernel('spin', [0xeb, 0xfe]);
    expect((await run(['-kernel', kernel, '--timeout', '0.5'])).status).toBe(124);
  });
});

describe('a guest that ran before', () => {
  it('has its code translated by the profile, and nothing of it compiled again', async () => {
    const code = [
      ...[0xb9, 0x00, 0x00, 0x00, 0x20], // mov ecx, 0x20000000
      ...[0x31, 0xc8, 0x49, 0x75, 0xfb], // again: xor eax, ecx; dec ecx; jnz again
      ...[0xb0, 0x10, 0xe6, 0xf4], // mov al, 16; out 0xf4, al
    ];
    const [profile, stats] = [join(folder, 'profile'), join(folder, 'again.json')];
    const sizes: number[] = [];
    for (let times = 0; times < 2; times++) {
      const { status } = await run([
        ...['-kernel', multibootKernel('again', code), '-device', 'isa-debug-exit'],
        ...['--translation-profile', profile, '--stats', stats, '--timeout', '20'],
      ]);
      expect(status).toBe(33);
      const { translations } = JSON.parse(readFileSync(stats, 'utf8')) as MachineStats;
      expect(translations.modules).toBeGreaterThan(0);
      sizes.push(statSync(`${profile}.code`).size);
    }
    expect(sizes[0]).toBeGreaterThan(1000);
    expect(sizes[1]).toBe(sizes[0]);
  });
});

describe('the built-in guest', () => {
  it.each(['host', 'instructions'])(
    'takes commands on the serial line and ends at poweroff, by the clock of the %s',
    async (clock) => {
      const args = ['-clock', clock, '--timeout', '20'];
      const { status, stdout } = await run(args, ['smc', 'paging', 'poweroff']);
      expect(status).toBe(0);
      expect(stdout).toContain('paging: fault at 00401000, error 2');
    },
  );

  it('leaves with the status that it writes to the debug-exit device', async () => {
    const args = ['-device', 'isa-debug-exit', '--timeout', '20'];
    expect((await run(args, ['exit'])).status & 1).toBe(1);
  });

  it('leaves statistics of the agreed shape', async () => {
    const file = join(folder, 'stats.json');
    await run(['--timeout', '20', '--stats', file], ['smc', 'poweroff']);
    const number: unknown = expect.any(Number);
    const stats = JSON.parse(readFileSync(file, 'utf8')) as MachineStats;
    expect(stats).toMatchObject({
      seconds: { total: number, guest: number, translate: number, compile: number },
      instructions: { interpreted: number, translated: number, total: number },
      translations: {
        regions: number,
        modules: number,
        wasmBytes: number,
        invalidations: { write: number },
      },
      exits: { portOut: number },
      shadow: { fills: number, switches: number, kept: number, traces: number },
      memory: { residentBytes: number },
    });
    const { interpreted, translated, total } = stats.instructions;
    expect(total).toBe(interpreted + translated);
    expect(total).toBeGreaterThan(1000);
    expect(stats.memory.residentBytes).toBeGreaterThan(10e6);
  });
});
