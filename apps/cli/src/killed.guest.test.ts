/**
 * A process that is killed while its guest writes: the base stays as it is, the overlay opens, and
 * the journal brings back everything that the guest had synced.
 *
 * The guest boots once; a snapshot from before it touches its disk is where each of the runs
 * begins.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  bootArguments,
  diskGuest,
  e2fsck,
  fileInImage,
  hashOf,
  makeFileSystem,
  runCli,
} from './test-disk-guest.ts';

const kills = Number(process.env['RINGFENCE_KILLS'] ?? 10);
/** How many of the newest files the guest keeps. */
const kept = 8;

const folder = mkdtempSync(join(tmpdir(), 'ringfence-killed-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

const writesForEver = `
mkdir -p /mnt
echo READY
sleep 0.2
mount -t ext4 /dev/vda /mnt || poweroff -f
n=1
while true; do
  dd if=/dev/urandom of=/mnt/file$n bs=4k count=$((n % 40 + 1)) 2>/dev/null
  md5sum < /mnt/file$n > /mnt/sum$n
  sync
  echo "SYNCED $n"
  rm -f /mnt/file$((n - ${kept})) /mnt/sum$((n - ${kept}))
  n=$((n + 1))
done
`;

/**
 * Looks at what a killed run left; returns how many files it found as the guest had synced them.
 */
function examine(image: string, synced: number): number {
  const check = spawnSync('qemu-img', ['check', image], { encoding: 'utf8' });
  // Room that was counted and not used yet may be lost; nothing else may be wrong.
  expect([0, 3], check.stdout + check.stderr).toContain(check.status);
  const raw = path('after.raw');
  execFileSync('qemu-img', ['convert', '-O', 'raw', image, raw], { stdio: 'pipe' });
  const journal = e2fsck(raw, '-p');
  expect([0, 1], journal.words).toContain(journal.status);
  expect(e2fsck(raw, '-f', '-n')).toMatchObject({ status: 0 });
  let found = 0;
  for (let n = Math.max(1, synced - kept + 2); n <= synced; n += 1) {
    const sum = createHash('md5')
      .update(fileInImage(raw, `/file${n}`))
      .digest('hex');
    expect(fileInImage(raw, `/sum${n}`).toString(), `file ${n} of ${synced}`).toBe(`${sum}  -\n`);
    found += 1;
  }
  return found;
}

it(
  `is killed ${kills} times and loses nothing that was synced`,
  { timeout: 3_600_000 },
  async (context) => {
    const guest = await diskGuest(writesForEver);
    if (typeof guest === 'string') return context.skip(guest);
    mkdirSync(path('empty'));
    const base = path('base.raw');
    makeFileSystem('ext4', base, '48M', path('empty'));
    const before = hashOf(base);
    const image = path('overlay.qcow2');
    const snapshot = path('ready.snapshot');
    const disk = ['-drive', `file=${image},if=virtio,format=qcow2`, '--timeout', '300'];
    const create = ['disk', 'create', '-b', base, '-F', 'raw', image];
    expect((await runCli(create)).status).toBe(0);
    const small = [...bootArguments(guest), '-m', '64', ...disk];
    const booted = await runCli([...small, '--until', 'READY', '--snapshot', snapshot]);
    expect(booted.status, booted.output).toBe(0);

    let files = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      rmSync(image);
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', image]);
      const last = 1 + (kill % 13);
      let isAimed = false;
      const run = ['run', '-nographic', '--restore', snapshot, ...disk];
      const ended = await runCli(run, (output, shoot) => {
        if (!isAimed && output.includes(`SYNCED ${last}\r`)) {
          isAimed = true;
          setTimeout(shoot, (kill * 37) % 120);
        }
      });
      expect(ended.signal, ended.output).toBe('SIGKILL');
      const synced = [...ended.output.matchAll(/SYNCED (\d+)\r/g)].at(-1)?.[1];
      files += examine(image, Number(synced));
      expect(hashOf(base)).toBe(before);
    }
    expect(files).toBeGreaterThan(kills);
  },
);
