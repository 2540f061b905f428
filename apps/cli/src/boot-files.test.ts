import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings } from '@ringfence/machine';
import { afterAll, expect, it } from 'vitest';
import { readBootFiles } from './boot-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const make = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const a = make('a', 'kernel');
const b = make('b', 'disk');

it('reads kernel and initrd', () => {
  expect(readBootFiles({ ...defaultSettings, kernel: a, initrd: b })).toEqual({
    kernel: bytes('kernel'),
    initrd: bytes('disk'),
  });
});

it('reads nothing when nothing is named', () => {
  expect(readBootFiles(defaultSettings)).toEqual({});
});

it('takes a list of files with arguments for multiboot modules', () => {
  expect(readBootFiles({ ...defaultSettings, initrd: `${a} one two,${b}` })).toEqual({
    modules: [
      { bytes: bytes('kernel'), commandLine: `${a} one two` },
      { bytes: bytes('disk'), commandLine: b },
    ],
  });
});

it('takes a file with a comma in its name for one file', () => {
  const odd = make('a,b c', 'odd');
  expect(readBootFiles({ ...defaultSettings, initrd: odd })).toEqual({ initrd: bytes('odd') });
});

it.each([
  ['-kernel', { kernel: join(folder, 'none') }, 'no such file'],
  ['-kernel', { kernel: folder }, 'is a folder'],
  ['-initrd', { initrd: `${a},${join(folder, 'none')}` }, 'no such file'],
])('says what is wrong with %s %j', (option, settings, words) => {
  const read = (): unknown => readBootFiles({ ...defaultSettings, ...settings });
  expect(read).toThrow(`option ${option}: `);
  expect(read).toThrow(words);
});
