/** Debian's kernel with our disks: file systems written, machines rebooted, images looked at. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bootArguments,
  diskGuest,
  e2fsck,
  fileInImage,
  hashOf,
  makeFileSystem,
  runCli,
} from './test-disk-guest.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-disks-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

/** Writes to the disk, reboots, finds it there, writes more, powers off. */
const writesAndReboots = `
for disk in /dev/vda /dev/sda; do [ -b $disk ] && break; done
mkdir -p /mnt
mount -t ext2 $disk /mnt || poweroff -f
boots=$(cat /mnt/boots 2>/dev/null || echo 0)
echo "boots before: $boots"
chroot /mnt /bin/busybox sh -c "busybox seq 1 100000 > /numbers$boots; busybox md5sum /numbers0"
dd if=/dev/urandom of=/mnt/random$boots bs=64k count=64
md5sum /mnt/random$boots > /mnt/sum$boots
echo $((boots + 1)) > /mnt/boots
[ $boots = 1 ] && (cd / && md5sum -c /mnt/sum0)
umount /mnt
[ $boots = 0 ] && reboot -f
poweroff -f
`;

const readsCd = `
mount -t iso9660 /dev/sr0 /mnt || mkdir -p /mnt && mount -t iso9660 /dev/sr0 /mnt
md5sum /mnt/DATA.BIN
eject /dev/sr0 2>&1
umount /mnt
poweroff -f
`;

const numbers = Array.from({ length: 100_000 }, (_, index) => `${String(index + 1)}\n`).join('');
const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex');

async function guestFor(context: TestContext, commands: string) {
  const guest = await diskGuest(commands);
  return typeof guest === 'string' ? context.skip(guest) : guest;
}

describe('an ext2 disk with busybox', () => {
  let base = '';
  let busybox = '';
  beforeAll(async () => {
    const guest = await diskGuest(writesAndReboots);
    if (typeof guest === 'string') return;
    busybox = guest.busybox;
    const root = path('root');
    mkdirSync(join(root, 'bin'), { recursive: true });
    copyFileSync(busybox, join(root, 'bin/busybox'));
    base = path('base.raw');
    makeFileSystem('ext2', base, '48M', root);
  });

  const places: readonly (readonly [string, (image: string) => readonly string[], string])[] = [
    ['virtio, raw', (image) => ['-drive', `file=${image},if=virtio,format=raw`], 'raw'],
    ['IDE, raw', (image) => ['-hda', image], 'raw'],
    ['virtio, a qcow2 overlay', (image) => ['-drive', `file=${image},if=virtio`], 'qcow2'],
    ['the second IDE channel, a qcow2 overlay', (image) => ['-hdc', image], 'qcow2'],
  ];
  it.each(places)('on %s is written, rebooted and clean', async (label, drive, format) => {
    if (base === '') return;
    const guest = await diskGuest(writesAndReboots);
    if (typeof guest === 'string') throw new Error(guest);
    const before = hashOf(base);
    const image = path(`${label.replaceAll(/\W+/g, '-')}.${format}`);
    if (format === 'raw') copyFileSync(base, image);
    else await runCli(['disk', 'create', '-b', base, '-F', 'raw', image]);

    const ended = await runCli([...bootArguments(guest), ...drive(image), '--timeout', '300']);
    expect(ended.status, ended.output).toBe(0);
    expect(ended.output).toContain('boots before: 0\r\n');
    expect(ended.output).toContain('boots before: 1\r\n');
    expect(ended.output).toContain(`${md5(numbers)}  /numbers0\r\n`);
    expect(ended.output).toContain('/mnt/random0: OK');

    const raw = format === 'raw' ? image : `${image}.raw`;
    if (format === 'qcow2') {
      expect(hashOf(base)).toBe(before);
      execFileSync('qemu-img', ['check', image], { stdio: 'pipe' });
      execFileSync('qemu-img', ['convert', '-O', 'raw', image, raw], { stdio: 'pipe' });
    }
    expect(e2fsck(raw, '-f', '-n')).toMatchObject({ status: 0 });
    expect(fileInImage(raw, '/boots').toString()).toBe('2\n');
    expect(fileInImage(raw, '/numbers1').toString()).toBe(numbers);
    const random = md5(fileInImage(raw, '/random1'));
    expect(fileInImage(raw, '/sum1').toString()).toBe(`${random}  /mnt/random1\n`);
  });
});

describe('a CD that xorriso made', () => {
  it('is read by DMA through an IDE drive', async (context) => {
    const guest = await guestFor(context, readsCd);
    const data = new Uint8Array(9_000_001).map((_, index) => (index * 7919) >> 5);
    const source = path('cd');
    mkdirSync(source);
    writeFileSync(join(source, 'DATA.BIN'), data);
    const iso = path('cd.iso');
    execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-o', iso, source], { stdio: 'pipe' });
    const ended = await runCli([...bootArguments(guest), '-cdrom', iso, '--timeout', '300']);
    expect(ended.status, ended.output).toBe(0);
    expect(ended.output).toContain(`${md5(data)}  /mnt/DATA.BIN\r\n`);
  });
});
