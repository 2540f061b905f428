import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { KernelFolder } from './kernel-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-kernels-'));
afterAll(() => rmSync(folder, { recursive: true }));

const packed = (number: number): Uint8Array => Uint8Array.of(number, 1, 2);
const unpacked = (number: number): Uint8Array => new Uint8Array(100).fill(number);

it('has what was kept for the same bytes, in a later run too', () => {
  const path = join(folder, 'of', 'kernels');
  expect(new KernelFolder(path).find(packed(1))).toBeUndefined();
  new KernelFolder(path).keep(packed(1), unpacked(1));
  expect(new Uint8Array(new KernelFolder(path).find(packed(1)) ?? [])).toEqual(unpacked(1));
  expect(new KernelFolder(path).find(packed(2))).toBeUndefined();
});

it('keeps the four that were used last', () => {
  const path = join(folder, 'four');
  const kernels = new KernelFolder(path);
  for (let number = 0; number < 4; number++) {
    kernels.keep(packed(number), unpacked(number));
    for (const name of readdirSync(path)) {
      const before = new Date(Date.now() - 60_000 - 1000 * number);
      if (number < 3) utimesSync(join(path, name), before, before);
    }
  }
  kernels.find(packed(0));
  kernels.keep(packed(4), unpacked(4));
  expect(readdirSync(path)).toHaveLength(4);
  expect(kernels.find(packed(0))).toBeDefined();
  expect(kernels.find(packed(4))).toBeDefined();
});

it('keeps nothing, and says nothing, where it cannot', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const kernels = new KernelFolder(join(file, 'kernels'));
  kernels.keep(packed(1), unpacked(1));
  expect(kernels.find(packed(1))).toBeUndefined();
});
