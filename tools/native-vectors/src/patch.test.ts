import { expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './patch.ts';
import { Random } from './random.ts';

it('reads back numbers of all lengths', () => {
  const numbers = [0, 1, 127, 128, 0x3fff, 0x4000, 0x7fffffff, 0x80000000, 0xffffffff];
  const writer = new ByteWriter();
  for (const number of numbers) writer.number(number);
  const reader = new ByteReader(writer.finish());
  expect(numbers.map(() => reader.number())).toEqual(numbers);
  expect(reader.atEnd).toBe(true);
});

it('turns one block into another', () => {
  const random = new Random(7);
  for (let round = 0; round < 50; round++) {
    const before = Uint8Array.from({ length: 600 }, () => random.below(256));
    const after = before.slice();
    const changes = random.below(20);
    for (let i = 0; i < changes; i++) after[random.below(600)] = random.below(256);
    const writer = new ByteWriter();
    writer.patch(before, after);
    const reader = new ByteReader(writer.finish());
    const patched = before.slice();
    reader.patch(patched);
    expect(patched).toEqual(after);
    expect(reader.atEnd).toBe(true);
  }
});

it('takes one byte for equal blocks', () => {
  const writer = new ByteWriter();
  writer.patch(new Uint8Array(100), new Uint8Array(100));
  expect(writer.finish()).toEqual(Uint8Array.of(0));
});

it('refuses data that ends too early', () => {
  expect(() => new ByteReader(Uint8Array.of(0x80)).number()).toThrow(RangeError);
  expect(() => new ByteReader(Uint8Array.of(1, 2)).bytes(3)).toThrow(RangeError);
});
