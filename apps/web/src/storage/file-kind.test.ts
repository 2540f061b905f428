import { describe, expect, it } from 'vitest';

import { fileRole } from './file-kind.ts';

/** A file with text at some places. */
function file(size: number, ...marks: readonly (readonly [at: number, text: string])[]): Blob {
  const bytes = new Uint8Array(size);
  for (const [at, text] of marks) {
    bytes.set(
      Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
      at,
    );
  }
  return new Blob([bytes]);
}

/** The mark of a boot sector. */
const mark = [510, '\u0055\u00aa'] as const;

/** The header of a multiboot kernel. */
function multiboot(at: number): readonly [at: number, text: string] {
  return [at, '\u0002\u00b0\u00ad\u001b\u0000\u0000\u0001\u0000\u00fe\u004f\u0051\u00e4'];
}

/** A first partition, of FAT12. */
function partition(first: number, count: number): readonly [at: number, text: string] {
  const word = (value: number): string => String.fromCharCode(value & 0xff, value >> 8, 0, 0);
  return [446, `\u0080\u0001\u0001\u0000\u0001\u0001\u0001\u0001${word(first)}${word(count)}`];
}

describe('fileRole', () => {
  it.each([
    ['a bzImage', file(100_000, [0x202, 'HdrS']), 'kernel'],
    ['an ELF file', file(5000, [0, '\u007fELF']), 'kernel'],
    ['a multiboot kernel', file(9000, multiboot(16)), 'kernel'],
    ['a cpio archive', file(1_474_560, [0, '070701']), 'initrd'],
    ['a gzip file', file(3000, [0, '\u001f\u008b\u0008']), 'initrd'],
    ['a CD', file(0x10_0000, [0x8001, 'CD001']), 'cdrom'],
    ['a qcow2 image', file(0x3_0000, [0, 'QFI\u00fb']), 'hda'],
    ['a boot sector alone', file(512, mark), 'fda'],
    [
      'a boot sector alone with text at its end',
      file(512, [440, 'press any key to play'], mark),
      'fda',
    ],
    ['a small system whose size is that of a BIOS', file(0x10_0000, mark), 'fda'],
    [
      'a floppy with a multiboot kernel behind its boot sector',
      file(9000, multiboot(1024), mark),
      'fda',
    ],
    ['a floppy of 800 KiB', file(800 * 1024), 'fda'],
    ['a small disk with a partition', file(0x10_0000, partition(63, 1000), mark), 'hda'],
    ['a small floppy with half of a partition', file(0x10_0000, partition(63, 5000), mark), 'fda'],
    ['a disk with a boot sector', file(3_000_000, mark), 'hda'],
    ['a floppy of 1440 KiB', file(1440 * 1024), 'fda'],
    ['a floppy of 360 KiB', file(360 * 1024), 'fda'],
    ['a BIOS', file(0x2_0000), 'bios'],
    ['a raw disk', file(3_000_000), 'hda'],
    ['a snapshot', file(5000, [0, '\u0089RFS']), 'snapshot'],
    ['an empty file', file(0), 'hda'],
  ])('knows %s', async (_name, blob, role) => {
    expect(await fileRole(blob)).toBe(role);
  });
});
