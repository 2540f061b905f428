/** Runs cases on the processor of this machine, in a 32-bit process (native/cases.c). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GeneratedCase, LocalEntry } from './cases.ts';
import type { RunResult } from './executors.ts';

const source = fileURLToPath(new URL('../native/cases.c', import.meta.url));

/** Runs cases whose segments are in a local descriptor table. */
export function runNative(
  cases: readonly GeneratedCase[],
  entries: readonly LocalEntry[],
): RunResult {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const program = join(folder, 'cases');
    const flags = ['-m32', '-static', '-no-pie', '-fno-pie', '-fno-stack-protector', '-O1'];
    const built = spawnSync('gcc', [...flags, '-mgeneral-regs-only', '-o', program, source]);
    if (built.status !== 0) throw new Error(`gcc: ${built.stderr.toString()}`);
    const head = new DataView(new ArrayBuffer(4 + 16 * entries.length));
    head.setUint32(0, entries.length, true);
    entries.forEach(({ base, limit, flags: bits }, index) => {
      [index + 1, base, limit, bits].forEach((word, at) => {
        head.setUint32(4 + 16 * index + 4 * at, word, true);
      });
    });
    const input = Buffer.concat([Buffer.from(head.buffer), ...cases.map(({ bytes }) => bytes)]);
    const done = spawnSync(program, [], { input, maxBuffer: 1 << 24 });
    return { output: new Uint8Array(done.stdout), end: `status ${done.status ?? done.signal}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
