import { describe, expect, it } from 'vitest';
import {
  decodeNull,
  decodeSegment,
  descriptorBase,
  descriptorDpl,
  descriptorLimit,
  gateOffset,
  isCode,
  isConforming,
  isReadable,
  isWritableData,
  readSegment,
  Word,
} from './descriptor.ts';
import { gate, segment } from './test-machine.ts';

describe('descriptor fields', () => {
  // SDM 3A figure 3-8.
  it('gathers the base from its three places', () => {
    expect(descriptorBase(0x5678_ffff, 0x12_00_93_34) >>> 0).toBe(0x1234_5678);
    expect(descriptorBase(0, 0xff00_0000 | 0)).toBe(0xff00_0000 | 0);
  });

  it('scales the limit by 4 KiB only with G', () => {
    expect(descriptorLimit(0x1234, 0x000f_0000)).toBe(0xf_1234);
    expect(descriptorLimit(0x1234, 0x0080_0000)).toBe(0x123_4fff);
    expect(descriptorLimit(0xffff, 0x008f_0000)).toBe(-1);
    expect(descriptorLimit(0, 0x0080_0000)).toBe(0xfff);
  });

  it('reads DPL', () => {
    for (let dpl = 0; dpl < 4; dpl++) {
      expect(descriptorDpl(segment(0x93 | (dpl << 5), 0, 0)[1])).toBe(dpl);
    }
  });

  it('takes 16 or 32 bits of a gate offset by its type', () => {
    const [low, high] = gate(0x8e, 8, 0x1234_5678);
    expect(gateOffset(low, high)).toBe(0x1234_5678);
    const [low16, high16] = gate(0x86, 8, 0x1234_5678);
    expect(gateOffset(low16, high16)).toBe(0x5678);
  });
});

describe('descriptor types', () => {
  // SDM 3A table 3-1: S and type, 5 bits.
  it.each(Array.from({ length: 32 }, (_, type) => type))('classifies S:type %i', (type) => {
    const [, high] = segment(0x80 | type, 0, 0);
    const s = type >= 16;
    const code = s && (type & 8) !== 0;
    expect(isCode(high)).toBe(code);
    expect(isConforming(high)).toBe(code && (type & 4) !== 0);
    expect(isWritableData(high)).toBe(s && !code && (type & 2) !== 0);
    expect(isReadable(high)).toBe(s && (!code || (type & 2) !== 0));
  });
});

describe('decodeSegment', () => {
  const full = 0xffff_ffff;
  // access, base, limit, flags (G=8, D/B=4) -> readFirst, readLast, writeFirst (SDM 3A 5.3)
  it.each([
    ['read/write data', 0x93, 0xffff, 0, 0, 0xffff, 0],
    ['read-only data', 0x91, 0xffff, 0, 0, 0xffff, full],
    ['flat data', 0x93, 0xf_ffff, 0xc, 0, full, 0],
    ['expand-down data, 16 bits', 0x97, 0x0fff, 0, 0x1000, 0xffff, 0x1000],
    ['expand-down data, 32 bits', 0x97, 0x0fff, 4, 0x1000, full, 0x1000],
    ['expand-down data, pages', 0x97, 0x1, 0xc, 0x2000, full, 0x2000],
    ['expand-down read-only data', 0x95, 0x0fff, 4, 0x1000, full, full],
    ['expand-down data of no size, 16 bits', 0x97, 0xffff, 0, full, 0, full],
    ['expand-down data of no size, 32 bits', 0x97, 0xf_ffff, 0xc, full, 0, full],
    ['expand-down data past 64 KiB, 16 bits', 0x97, 0xf_ffff, 0, full, 0, full],
    ['readable code', 0x9b, 0xf_ffff, 0xc, 0, full, full],
    ['execute-only code', 0x99, 0xf_ffff, 0xc, full, 0, full],
    ['conforming execute-only code', 0x9d, 0xffff, 0, full, 0, full],
    ['a segment of one byte', 0x93, 0, 0, 0, 0, 0],
  ])('bounds %s', (_name, access, limit, flags, readFirst, readLast, writeFirst) => {
    const words = new Int32Array(8);
    decodeSegment(words, 0, 0x10, ...segment(access, 0, limit, flags));
    const unsigned = (word: number): number => (words[word] ?? 0) >>> 0;
    expect([unsigned(Word.readFirst), unsigned(Word.readLast), unsigned(Word.writeFirst)]).toEqual([
      readFirst,
      readLast,
      writeFirst,
    ]);
  });

  it('keeps selector, base, limit and attributes, accessed', () => {
    const words = new Int32Array(16);
    decodeSegment(words, 8, 0x1b, ...segment(0xf2, 0x89ab_cdef, 0x1_2345, 0xd));
    expect(readSegment(words, 8)).toEqual({
      selector: 0x1b,
      base: 0x89ab_cdef,
      limit: 0x1234_5fff,
      attributes: 0xd0f3,
    });
  });
});

describe('decodeNull', () => {
  it('closes all bounds and keeps the limit', () => {
    const words = new Int32Array(8);
    decodeSegment(words, 0, 0x10, ...segment(0x93, 0x1000, 0xffff));
    decodeNull(words, 0, 3);
    expect(readSegment(words, 0)).toEqual({ selector: 3, base: 0, limit: 0xffff, attributes: 0 });
    expect([words[Word.readFirst], words[Word.readLast], words[Word.writeFirst]]).toEqual([
      -1, 0, -1,
    ]);
  });
});
