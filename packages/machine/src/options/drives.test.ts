import { expect, it } from 'vitest';
import { driveSettings } from './drives.ts';
import { settingsOf } from './test-words.ts';

const drivesOf = (...args: readonly string[]) =>
  driveSettings(settingsOf(args)).map(({ interface: where, kind, unit, file, readOnly }) => {
    return `${where} ${kind} ${String(unit)} ${file}${readOnly ? ' (read-only)' : ''}`;
  });

it('puts -hda to -hdd and -cdrom into their places', () => {
  expect(drivesOf('-hda', 'a', '-hdd', 'd', '-cdrom', 'c.iso')).toEqual([
    'ide disk 0 a',
    'ide disk 3 d',
    'ide cdrom 2 c.iso (read-only)',
  ]);
});

it('gives -drive the place that it names, and others the first that is left', () => {
  expect(
    drivesOf(
      ...['-drive', 'file=x', '-drive', 'file=y,index=0', '-drive', 'file=v,if=virtio'],
      ...['-drive', 'file=r,media=cdrom', '-drive', 'file=w,if=virtio,readonly=on', '-hdb', 'b'],
    ),
  ).toEqual([
    'ide disk 1 b',
    'ide disk 0 y',
    'ide disk 2 x',
    'virtio disk 0 v',
    'ide cdrom 3 r (read-only)',
    'virtio disk 1 w (read-only)',
  ]);
});

it.each([
  [['-hdc', 'x', '-cdrom', 'y'], 'option -cdrom: expected a place that is free'],
  [['-drive', 'if=virtio'], 'option -drive: expected file=FILE, found none'],
  [['-drive', 'file=x,if=scsi'], 'option -drive: expected if='],
  [['-drive', 'file=x,index=4'], 'expected index=0 to 3, found "4"'],
  [['-drive', 'file=x,if=virtio,media=cdrom'], 'media=cdrom with if=ide'],
  [['-drive', 'file=x,format=vdi'], 'expected format=raw|qcow2, found "vdi"'],
])('refuses %j with a message that says where', (args, message) => {
  expect(() => drivesOf(...args)).toThrow(message);
});

it('leaves the files as they are where --keep-disks is off or a drive says so', () => {
  const overlays = (...args: readonly string[]): boolean[] =>
    driveSettings(settingsOf(args)).map(({ overlay }) => overlay === true);
  const drives = ['-hda', 'a', '-fda', 'f', '-cdrom', 'c'];
  const said = ['-drive', 'file=x,if=virtio,snapshot=on'];
  expect(overlays(...drives, ...said)).toEqual([false, false, false, true]);
  expect(overlays(...drives, ...said, '--keep-disks', 'off')).toEqual([true, true, false, true]);
});
