/**
 * Two machines in one process, one on the instruction clock: what it does must be, byte for byte
 * and instruction for instruction, what it does alone in another process.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeHost } from '@ringfence/cli';
import { BOOT_MARKER, type DebianGuest, type KernelFlavour, debianGuest } from '@ringfence/guest';
import {
  type Machine,
  type MachineEnd,
  type MachineOptions,
  type MachineStats,
  createMachine,
} from '@ringfence/machine';
import { type TestContext, afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-pair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cli = fileURLToPath(new URL('../../../apps/cli/src/main.ts', import.meta.url));
/** Leaves out the kernel's self-tests of cryptography, half of the way to `/init`. */
const commandLine = 'console=ttyS0 cryptomgr.notests';

/** The kernel with an `/init` that says which machine it is in and powers it off. */
async function guestThatSays(context: TestContext, flavour: KernelFlavour, word: string) {
  const commands = `echo this is ${word}; cat /proc/meminfo /proc/interrupts; poweroff -f`;
  try {
    return await debianGuest({ flavour, initramfs: { commands } });
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

async function make(guest: DebianGuest, mebibytes: number, more: Partial<MachineOptions> = {}) {
  const machine = await createMachine({
    memoryBytes: mebibytes * 2 ** 20,
    boot: {
      kind: 'kernel',
      kernel: readFileSync(guest.kernel),
      initrd: readFileSync(guest.initrd),
      commandLine,
    },
    host: nodeHost,
    ...more,
  });
  const pieces: Uint8Array[] = [];
  const ends: MachineEnd[] = [];
  machine.serial[0]?.onData((bytes) => void pieces.push(Uint8Array.from(bytes)));
  machine.on('end', (end) => void ends.push(end));
  return { machine, ends, output: (): string => Buffer.concat(pieces).toString('latin1') };
}

/** Gives the machines slices in turn, of lengths that do not divide each other, to their ends. */
function runInTurn(machines: readonly Machine[], limitMs: number): void {
  const lengthsMs = [3, 17, 7];
  const startedMs = performance.now();
  for (let turn = 0; machines.some(({ state }) => state !== 'ended'); turn += 1) {
    for (const machine of machines) machine.runSlice(lengthsMs[turn % lengthsMs.length] ?? 5);
    if (performance.now() - startedMs > limitMs) {
      throw new Error(`no end within ${limitMs} ms: ${machines.map(({ state }) => state).join()}`);
    }
  }
}

/** Runs the guest alone with the program, and returns its output and its statistics. */
async function runAlone({ kernel, initrd }: DebianGuest, mebibytes: number) {
  const stats = join(folder, 'stats.json');
  const child = spawn(process.execPath, [
    ...['--conditions=@ringfence/source', '--import', 'tsx', cli, 'run', '-clock', 'instructions'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', commandLine, '-m', `${mebibytes}M`],
    ...['-nographic', '--timeout', '400', '--stats', stats],
  ]);
  child.stdin.end();
  let output = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, output, stats: JSON.parse(readFileSync(stats, 'utf8')) as MachineStats };
}

it('boots two kernels side by side, and neither notices the other', async (context) => {
  const one = await guestThatSays(context, '686', 'one');
  const other = await guestThatSays(context, '686-pae', 'the other');
  const alone = await runAlone(one, 96);
  expect(alone.status).toBe(0);

  const first = await make(one, 96, { clock: 'instructions' });
  const second = await make(other, 128);
  runInTurn([first.machine, second.machine], 500_000);

  expect([first.ends, second.ends]).toEqual([[{ reason: 'poweroff' }], [{ reason: 'poweroff' }]]);
  expect(second.output()).toContain(`${BOOT_MARKER}\r\nthis is the other\r\n`);
  expect(first.output()).toContain(`${BOOT_MARKER}\r\nthis is one\r\n`);
  expect(first.output()).toBe(alone.output);
  expect(first.machine.stats().instructions).toEqual(alone.stats.instructions);
  expect(first.machine.stats().exits).toEqual(alone.stats.exits);
  first.machine.dispose();
  second.machine.dispose();
});
