import { describe, expect, it } from 'vitest';
import { type CpioEntry, cpioArchive } from './cpio.ts';

interface Read {
  path: string;
  mode: number;
  device: string;
  contents: string;
}

/** A reader written from the format's description, independent of the writer. */
function read(archive: Uint8Array): Read[] {
  const text = new TextDecoder('latin1').decode(archive);
  const members: Read[] = [];
  let at = 0;
  for (;;) {
    expect(at % 4).toBe(0);
    expect(text.slice(at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      parseInt(text.slice(at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameSize = field(11);
    const path = text.slice(at + 110, at + 110 + nameSize - 1);
    expect(text[at + 110 + nameSize - 1]).toBe('\0');
    const start = (at + 110 + nameSize + 3) & ~3;
    if (path === 'TRAILER!!!') return members;
    const contents = text.slice(start, start + field(6));
    members.push({ path, mode: field(1), device: `${field(9)}:${field(10)}`, contents });
    at = (start + field(6) + 3) & ~3;
  }
}

const entries: CpioEntry[] = [
  { kind: 'directory', path: 'bin' },
  { kind: 'file', path: 'bin/five', contents: '12345', mode: 0o755 },
  { kind: 'symlink', path: 'bin/sh', target: 'five' },
  { kind: 'character-device', path: 'console', major: 5, minor: 1 },
];

describe('cpioArchive', () => {
  it('writes every kind of member so that a reader of newc finds it again', () => {
    expect(read(cpioArchive(entries))).toEqual([
      { path: 'bin', mode: 0o040755, device: '0:0', contents: '' },
      { path: 'bin/five', mode: 0o100755, device: '0:0', contents: '12345' },
      { path: 'bin/sh', mode: 0o120777, device: '0:0', contents: 'five' },
      { path: 'console', mode: 0o020600, device: '5:1', contents: '' },
    ]);
  });

  it('gives every member an inode number of its own, or the kernel would see hard links', () => {
    const text = new TextDecoder('latin1').decode(cpioArchive(entries));
    const inodes = [...text.matchAll(/070701([0-9a-f]{8})/g)].map((match) => match[1]);
    expect(new Set(inodes).size).toBe(inodes.length);
  });

  it('gives equal bytes for equal entries', () => {
    expect(cpioArchive(entries)).toEqual(cpioArchive(entries));
  });

  it('refuses an absolute path', () => {
    expect(() => cpioArchive([{ kind: 'directory', path: '/bin' }])).toThrow(/leading slash/);
  });
});
