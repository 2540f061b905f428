import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { timeToMarker } from './timed-run.ts';

const node = (script: string) => ({ program: process.execPath, args: ['-e', script] });

it('times a program to its marker and does not wait for its end', async () => {
  const script = `process.stdout.write('BOOT'); setTimeout(() => {
    process.stdout.write('-OK'); setInterval(() => {}, 1000); }, 100);`;
  const timing = await timeToMarker(node(script), 'BOOT-OK', 20);
  expect(timing.seconds).toBeGreaterThanOrEqual(0.1);
  expect(timing.seconds).toBeLessThan(20);
});

it('lets a program that ends itself do so', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'ringfence-timed-')), 'written');
  const script = `process.stdout.write('OK'); setTimeout(() => {
    fs.writeFileSync(${JSON.stringify(file)}, 'yes'); }, 100);`;
  await timeToMarker({ ...node(script), endsItself: true }, 'OK', 20);
  expect(readFileSync(file, 'utf8')).toBe('yes');
});

it('fails with the last output of a program that ends without the marker', async () => {
  const failing = timeToMarker(node(`console.error('no kernel'); process.exit(2)`), 'OK', 20);
  await expect(failing).rejects.toThrow(/status 2 before "OK".*\nno kernel/);
});

it('fails when the limit passes before the marker', async () => {
  const failing = timeToMarker(node(`setInterval(() => {}, 1000)`), 'OK', 0.3);
  await expect(failing).rejects.toThrow(/no "OK" within 0.3 s/);
});

it('fails when the program is not there', async () => {
  const failing = timeToMarker({ program: '/nonexistent/program', args: [] }, 'OK', 5);
  await expect(failing).rejects.toThrow(/ENOENT/);
});
