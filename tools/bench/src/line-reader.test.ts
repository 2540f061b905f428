import { expect, it } from 'vitest';
import { LineReader } from './line-reader.ts';
import { readMarker } from './marker.ts';

it('cuts text that comes in pieces into lines without their ends', () => {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const piece of ['a', 'b\r', '\nc\n\nd']) reader.add(piece);
  expect(lines).toEqual(['ab', 'c', '']);
});

it('reads markers and nothing else', () => {
  expect(readMarker('BOOT-OK')).toEqual({ kind: 'boot', name: '' });
  expect(readMarker('@@begin int-loop')).toEqual({ kind: 'begin', name: 'int-loop' });
  expect(readMarker('echo @@begin x')).toBeUndefined();
});
