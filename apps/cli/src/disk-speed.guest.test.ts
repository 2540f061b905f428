/**
 * How fast a guest reads its disks, in the processor time that this process takes for it: what the
 * host's other processes do does not count.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine } from '@ringfence/machine';
import { afterAll, expect, it } from 'vitest';
import { runCommand } from './command.ts';
import { bootArguments, diskGuest } from './test-disk-guest.ts';

const megabytes = 300;
const folder = mkdtempSync(join(tmpdir(), 'ringfence-speed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const readsTheDisk = `
for disk in /dev/vda /dev/sda; do [ -b $disk ] && break; done
dd if=$disk of=/dev/null bs=1M count=16 iflag=direct 2>/dev/null
for round in 1 2 3; do
  echo "BEGIN direct"
  dd if=$disk of=/dev/null bs=1M iflag=direct 2>/dev/null
  echo "END direct"
  echo 3 > /proc/sys/vm/drop_caches
  echo "BEGIN cached"
  dd if=$disk of=/dev/null bs=1M 2>/dev/null
  echo "END cached"
done
poweroff -f
`;

/** Boots a guest in this process; returns MiB per second of processor time of each way to read. */
async function speeds(args: readonly string[]): Promise<Record<string, number>> {
  const rates: Record<string, number> = {};
  let output = '';
  let begun = 0;
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const status = await runCommand(args, {
    streams: {
      stdin: process.stdin,
      stdout: {
        write: (bytes) => {
          output += Buffer.from(bytes).toString('latin1');
          const [, what, way] = /(BEGIN|END) (\w+)\r\n$/.exec(output) ?? [];
          if (what === 'BEGIN') begun = cpuSeconds();
          if (what === 'END' && way !== undefined) {
            output = '';
            rates[way] = Math.max(rates[way] ?? 0, megabytes / (cpuSeconds() - begun));
          }
        },
      },
      stderr: { write: (text) => (output += String(text)) },
    },
    createMachine,
    onSignal: () => () => {},
    connectConsole: () => () => {},
  });
  expect(status, output).toBe(0);
  return rates;
}

it.each([
  ['virtio-blk', (image: string) => ['-drive', `file=${image},if=virtio,format=raw`], 200],
  ['IDE', (image: string) => ['-hda', image], 60],
] as const)('a guest reads %s at speed', async (label, drive, least) => {
  const guest = await diskGuest(readsTheDisk);
  if (typeof guest === 'string') return;
  const image = join(folder, 'disk.raw');
  writeFileSync(image, new Uint8Array(megabytes << 20).fill(0x5a));
  const rates = await speeds([...bootArguments(guest), ...drive(image), '--timeout', '500']);
  console.log(label, rates);
  expect(rates['direct']).toBeGreaterThan(least);
  // Through its page cache the guest executes 5,400 instructions for each page: that is what bounds
  // it, not the disk (docs/decisions/disk-speed.md; 300 of both, 76 on a loaded machine).
  expect(rates['cached']).toBeGreaterThan(30);
});
