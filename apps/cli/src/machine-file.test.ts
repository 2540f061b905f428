import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '@ringfence/machine';
import { afterAll, describe, expect, it } from 'vitest';
import { withMachineFiles } from './machine-file.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-machine-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const path = join(folder, 'pc.json');
  writeFileSync(path, text);
  return path;
}

describe('--machine-file', () => {
  it('stands for the options in the file, which later ones replace', () => {
    const path = fileOf('{"m": "64M", "nographic": true}');
    const settings = parseArguments(withMachineFiles([`--machine-file=${path}`, '-m', '128M']));
    expect([settings.memory, settings.nographic]).toEqual([128 << 20, true]);
    expect(withMachineFiles(['-m', '1', '--machine-file', path])).toEqual([
      ...['-m', '1', '-m', '64M', '-nographic'],
    ]);
  });

  it('says what is wrong with a file', () => {
    const path = fileOf('{"m": ');
    expect(() => withMachineFiles(['--machine-file', path])).toThrow(/pc.json: expected JSON: /);
    expect(() => withMachineFiles(['--machine-file'])).toThrow(UsageError);
    expect(() => withMachineFiles(['--machine-file', join(folder, 'none')])).toThrow(
      /no such file/,
    );
  });
});
