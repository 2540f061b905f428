import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fingerprintOf, programFingerprint } from './program-fingerprint.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-fingerprint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

it('is the same as long as the program is', () => {
  expect(hex(programFingerprint())).toMatch(/^[\da-f]{64}$/);
  expect(hex(programFingerprint())).toBe(hex(programFingerprint()));
});

it('changes with the files of code, whatever time they say, and not with tests', () => {
  const [code, test] = [join(folder, 'code.ts'), join(folder, 'code.test.ts')];
  const time = new Date(1e12);
  const write = (path: string, text: string): string => {
    writeFileSync(path, text);
    utimesSync(path, time, time);
    return hex(fingerprintOf([folder]));
  };
  const first = write(code, 'one');
  const second = write(code, 'three');
  expect(second).not.toBe(first);
  expect(write(join(folder, 'more.js'), 'one')).not.toBe(second);
  const last = hex(fingerprintOf([folder]));
  expect(write(test, 'a test')).toBe(last);
});
