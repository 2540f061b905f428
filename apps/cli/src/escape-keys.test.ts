import { expect, it } from 'vitest';
import { EscapeKeys } from './escape-keys.ts';

/** Filters the texts one after the other and gives what the guest gets, and the commands. */
function typed(...texts: readonly string[]): [string, string[]] {
  const keys = new EscapeKeys();
  const results = texts.map((text) => keys.filter(new TextEncoder().encode(text)));
  return [
    results.map(({ bytes }) => new TextDecoder().decode(bytes)).join(''),
    results.flatMap(({ commands }) => commands),
  ];
}

it('gives everything else to the guest, Ctrl-C included', () => {
  expect(typed('ls\r\x03\x1b[A')).toEqual(['ls\r\x03\x1b[A', []]);
});

it('leaves on Ctrl-A x, also when the two keys come apart', () => {
  expect(typed('a\x01xb')).toEqual(['ab', ['exit']]);
  expect(typed('a\x01', 'xb')).toEqual(['ab', ['exit']]);
});

it('sends Ctrl-A for Ctrl-A a and for Ctrl-A twice', () => {
  expect(typed('\x01a\x01\x01')).toEqual(['\x01\x01', []]);
});

it('drops a key that means nothing after Ctrl-A', () => {
  expect(typed('\x01qz')).toEqual(['z', []]);
});

it('helps on Ctrl-A h', () => {
  expect(typed('\x01h')).toEqual(['', ['help']]);
});

it.each([
  ['r', 'reset'],
  ['s', 'snapshot'],
  ['p', 'screenshot'],
  ['i', 'statistics'],
  ['?', 'help'],
])('knows Ctrl-A %s', (key, command) => {
  expect(typed(`\x01${key}`)).toEqual(['', [command]]);
});
