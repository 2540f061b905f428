/** Those who run a laboratory image: both tiers of this project, and QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine } from '@ringfence/machine';

/** What an image wrote to the debug console at port 0xe9, and how its run ended. */
export interface RunResult {
  readonly output: Uint8Array;
  /** `exit VALUE` for the debug-exit port, else what happened instead. */
  readonly end: string;
}

/** Settings of a run. */
export interface RunOptions {
  /** CPU model. */
  readonly cpu?: string;
  readonly timeoutMs?: number;
}

const memoryBytes = 0x200_0000;
const defaultTimeoutMs = 30_000;

/** Runs an image in this process. */
export async function runRingfence(
  image: Uint8Array,
  accel: 'interpreter' | 'translator',
  options: RunOptions = {},
): Promise<RunResult> {
  const bytes: number[] = [];
  const machine = await createMachine({
    memoryBytes,
    boot: { kind: 'kernel', kernel: image },
    host: {
      monotonicMs: () => performance.now(),
      unixTimeMs: () => 1_700_000_000_000 + performance.now(),
      setTimer: (callback, delayMs) => {
        const timer = setTimeout(callback, delayMs);
        return () => {
          clearTimeout(timer);
        };
      },
    },
    accel,
    clock: 'instructions',
    noReboot: true,
    debugExitPort: 0xf4,
    ...(options.cpu === undefined ? {} : { cpu: options.cpu }),
  });
  machine.on('debugByte', (byte) => bytes.push(byte));
  let end = '';
  machine.on('end', (event) => {
    end = event.reason === 'debug-exit' ? `exit ${event.value}` : event.reason;
  });
  const until = performance.now() + (options.timeoutMs ?? defaultTimeoutMs);
  while (end === '' && machine.state !== 'halted' && performance.now() < until) {
    machine.runSlice(50);
  }
  if (end === '') end = machine.state === 'halted' ? 'halted' : 'timeout';
  machine.dispose();
  return { output: Uint8Array.from(bytes), end };
}

/** Whether QEMU is installed. */
export function hasQemu(): boolean {
  return spawnSync('qemu-system-i386', ['--version']).status === 0;
}

/** Runs an image on QEMU's TCG. */
export function runQemu(image: Uint8Array, options: RunOptions = {}): RunResult {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const kernel = join(folder, 'image');
    writeFileSync(kernel, image);
    const done = spawnSync(
      'qemu-system-i386',
      [
        ...['-accel', 'tcg', '-m', '32', '-nodefaults', '-display', 'none', '-no-reboot'],
        ...['-cpu', options.cpu ?? 'max', '-kernel', kernel, '-debugcon', 'stdio'],
        ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
      ],
      { timeout: options.timeoutMs ?? defaultTimeoutMs, maxBuffer: 1 << 20 },
    );
    const status = done.status ?? -1;
    const end = status > 0 && (status & 1) === 1 ? `exit ${status >> 1}` : `status ${status}`;
    return { output: new Uint8Array(done.stdout), end };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
