import { describe, expect, it } from 'vitest';

import { buildFont } from './font.ts';

const rowsOf = (font: Uint8Array, code: number, height: number): string[] =>
  Array.from(font.subarray(code * height, (code + 1) * height), (row) =>
    row.toString(2).padStart(8, '0').replaceAll('0', '.').replaceAll('1', '#'),
  );

describe('buildFont', () => {
  it('draws letters with strokes two dots wide', () => {
    expect(rowsOf(buildFont(8), 0x4c, 8)).toEqual([
      '.##.....',
      '.##.....',
      '.##.....',
      '.##.....',
      '.##.....',
      '.##.....',
      '.######.',
      '........',
    ]);
  });

  it('draws frames to the edges of their cells, so that neighbours join', () => {
    const font = buildFont(16);
    const row = (code: number, line: number): string => rowsOf(font, code, 16)[line] ?? '';
    expect([row(0xc4, 7), row(0xc5, 7)]).toEqual(['########', '########']);
    expect(rowsOf(font, 0xb3, 16).every((line) => line === '...##...')).toBe(true);
    expect([row(0xcd, 6), row(0xcd, 9), row(0xcd, 7)]).toEqual([
      '########',
      '########',
      '........',
    ]);
    expect([row(0xc9, 6), row(0xc9, 9), row(0xc9, 12)]).toEqual([
      '..######',
      '..#..###',
      '..#..#..',
    ]);
  });

  it('has an image for every printable character, different from all others', () => {
    const font = buildFont(16);
    const seen = new Set<string>();
    for (let code = 33; code < 127; code += 1) {
      const rows = rowsOf(font, code, 16).join();
      expect(rows).toContain('#');
      seen.add(rows);
    }
    expect(seen.size).toBe(94);
  });
});
