import { execFileSync } from 'node:child_process';
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError } from '@ringfence/disk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockFile } from './file-lock.ts';
import { FileStore } from './file-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-lock-'));
const image = join(folder, 'disk.raw');
const runtime = process.env['XDG_RUNTIME_DIR'];
beforeAll(() => {
  writeFileSync(image, new Uint8Array(1024));
  process.env['XDG_RUNTIME_DIR'] = folder;
});
afterAll(() => {
  if (runtime === undefined) delete process.env['XDG_RUNTIME_DIR'];
  else process.env['XDG_RUNTIME_DIR'] = runtime;
  rmSync(folder, { recursive: true });
});

describe('an image that is written', () => {
  it('is not opened for writing a second time, by whatever name, until it is closed', () => {
    const other = join(folder, 'other.raw');
    linkSync(image, other);
    const store = new FileStore(image);
    expect(() => new FileStore(other)).toThrow(DiskError);
    expect(() => new FileStore(other)).toThrow(/other\.raw: is written by this machine/);
    new FileStore(image, { readOnly: true }).close();
    store.close();
    new FileStore(other).close();
  });

  it('is free again when the process that had it is gone', () => {
    const { dev, ino } = statSync(image);
    const lock = join(folder, `ringfence-locks-${process.getuid?.() ?? 'user'}`, `${dev}-${ino}`);
    const pid = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
    writeFileSync(lock, `${pid} 12345`);
    lockFile(image, { dev, ino })();
    // A process of that number that was started at another time is another one.
    writeFileSync(lock, `${process.pid} 1`);
    lockFile(image, { dev, ino })();
  });
});
