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

describe('fileRole', () => {
  it.each([
    ['a bzImage', file(100_000, [0x202, 'HdrS']), 'kernel'],
    ['an ELF file', file(5000, [0, '\u007fELF']), 'kernel'],
    [
      'a multiboot kernel',
      file(9000, [16, '\u0002\u00b0\u00ad\u001b\u0000\u0000\u0001\u0000\u00fe\u004f\u0051\u00e4']),
      'kernel',
    ],
    ['a cpio archive', file(1_474_560, [0, '070701']), 'initrd'],
    ['a gzip file', file(3000, [0, '\u001f\u008b\u0008']), 'initrd'],
    ['a CD', file(0x10_0000, [0x8001, 'CD001']), 'cdrom'],
    ['a qcow2 image', file(0x3_0000, [0, 'QFI\u00fb']), 'hda'],
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
