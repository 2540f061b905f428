import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings } from '@ringfence/machine';
import { afterAll, expect, it } from 'vitest';
import { openSerialLines } from './serial-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-serial-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (serial: readonly string[], written: string[] = []) =>
  openSerialLines({ ...defaultSettings, serial }, (bytes) =>
    written.push(Buffer.from(bytes).toString()),
  );

it('puts port 0 on the terminal when nothing is said', () => {
  const written: string[] = [];
  const lines = open([], written);
  lines[0]?.write(Buffer.from('hello'));
  expect(lines.map(({ isConsole }) => isConsole)).toEqual([true]);
  expect(written).toEqual(['hello']);
});

it('gives each option to the next port', () => {
  const path = join(folder, 'log');
  const lines = open(['null', 'stdio', `file:${path}`]);
  expect(lines.map(({ isConsole }) => isConsole)).toEqual([false, true, false]);
  lines[2]?.write(Buffer.from('kept'));
  lines[2]?.close();
  expect(readFileSync(path, 'utf8')).toBe('kept');
});

it.each([
  [['socket:7'], 'expected stdio, null or file:PATH, found "socket:7"'],
  [['stdio', 'stdio'], 'expected stdio once'],
  [[`file:${join(folder, 'none/log')}`], 'no such file'],
])('refuses %j', (serial, message) => {
  expect(() => open(serial)).toThrow(message);
});
