/** The table is read as operating systems read it. */
import { describe, expect, it } from 'vitest';

import { builtInBios } from './program.ts';

const segment = 0xf_0000;
const ramBytes = 0x600_0000;

interface Structure {
  readonly type: number;
  readonly handle: number;
  readonly fields: DataView;
  readonly strings: readonly string[];
}

/** Reads the structures of a table: strings begin behind the fields, an empty one ends them. */
function parse(table: Uint8Array): Structure[] {
  const found: Structure[] = [];
  for (let at = 0; at < table.length;) {
    const length = table[at + 1] ?? 0;
    const fields = new DataView(table.buffer, table.byteOffset + at, length);
    let end = at + length;
    while (table[end] !== 0 || table[end + 1] !== 0) end += 1;
    const text = String.fromCharCode(...table.subarray(at + length, end));
    const strings = text === '' ? [] : text.split('\0');
    found.push({ type: table[at] ?? 0, handle: fields.getUint16(2, true), fields, strings });
    at = end + 2;
  }
  return found;
}

/** Finds the entry point on a boundary of 16 bytes in the last 64 KiB, and reads what it names. */
function read(): { sums: number[]; count: number; longest: number; found: Structure[] } {
  const rom = builtInBios(ramBytes).rom.subarray(-0x1_0000);
  const starts = Array.from({ length: rom.length / 16 }, (_, index) => index * 16);
  const is = (at: number, text: string): boolean =>
    String.fromCharCode(...rom.subarray(at, at + text.length)) === text;
  const entries = starts.filter((at) => is(at, '_SM_') && is(at + 16, '_DMI_'));
  expect(entries).toHaveLength(1);
  const [at = 0] = entries;
  const entry = new DataView(rom.buffer, rom.byteOffset + at, 31);
  const sum = (from: number): number =>
    rom.subarray(at + from, at + 31).reduce((total, byte) => (total + byte) & 0xff, 0);
  const first = entry.getUint32(0x18, true) - segment;
  const table = rom.subarray(first, first + entry.getUint16(0x16, true));
  return {
    sums: [sum(0), sum(16)],
    longest: entry.getUint16(8, true),
    count: entry.getUint16(0x1c, true),
    found: parse(table),
  };
}

describe('the SMBIOS of the built-in BIOS', () => {
  it('has sums of zero, and as many structures as it says, each with a handle of its own', () => {
    const { sums, count, longest, found } = read();
    expect(sums).toEqual([0, 0]);
    expect(found.map(({ type }) => type)).toEqual([0, 1, 3, 4, 16, 17, 19, 32, 127]);
    expect(count).toBe(found.length);
    expect(new Set(found.map(({ handle }) => handle)).size).toBe(count);
    expect(longest).toBeLessThan(100);
  });

  it('has structures as long as version 2.8 has them', () => {
    const lengths = read().found.map(({ fields }) => fields.byteLength);
    expect(lengths).toEqual([24, 27, 22, 42, 23, 40, 31, 11, 4]);
  });

  it('names the maker, and tells how much memory there is', () => {
    const { found } = read();
    const of = (type: number): Structure => {
      const one = found.find((structure) => structure.type === type);
      if (one === undefined) throw new Error(`no structure of type ${String(type)}`);
      return one;
    };
    expect(of(1).strings[0]).toBe('Ringfence');
    expect(of(16).fields.getUint32(7, true)).toBe(ramBytes / 1024);
    expect(of(17).fields.getUint16(0x0c, true)).toBe(96);
    expect(of(17).fields.getUint16(4, true)).toBe(of(16).handle);
    expect(of(19).fields.getUint32(8, true)).toBe(ramBytes / 1024 - 1);
  });
});
