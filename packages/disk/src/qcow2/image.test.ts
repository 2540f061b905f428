import { writeFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MemoryStore } from '../memory-store.ts';
import { openImage } from '../open-image.ts';
import { runNow } from '../steps.ts';
import { fileStore, hasQemuImg, imageFolder, qemuCheck, qemuImg } from '../test-qemu-img.ts';
import { TestRandom } from '../test-random.ts';
import { checkQcow } from './check.ts';
import { createQcow } from './create.ts';

const folder = imageFolder();
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string): string => join(folder, name);
const sound = { status: 0, words: expect.stringContaining('No errors') as unknown };

/** Writes random pieces to an image and to a plain copy of the disk. */
function scribble(image: ReturnType<typeof openNow>, copy: Uint8Array, seed: number, rounds = 200) {
  const random = new TestRandom(seed);
  for (let round = 0; round < rounds; round += 1) {
    const longest = random.below(8) === 0 ? 300_000 : 9000;
    const length = Math.min(copy.length, 512 * (1 + random.below(longest / 512)));
    const offset = 512 * random.below((copy.length - length) / 512 + 1);
    const bytes = random.bytes(length);
    runNow(image.write(offset, bytes));
    copy.set(bytes, offset);
    if (random.below(20) === 0) runNow(image.flush());
  }
}

const openNow = (...args: Parameters<typeof openImage>) => runNow(openImage(...args));

function contents(image: ReturnType<typeof openNow>): Uint8Array {
  const bytes = new Uint8Array(image.bytes);
  runNow(image.read(0, bytes));
  return bytes;
}

describe.runIf(hasQemuImg)('an image that we make and write', () => {
  it.each([9, 12, 16, 21])('with clusters of 2^%i bytes is sound and holds it', (bits) => {
    const name = path(`own-${String(bits)}.qcow2`);
    const store = fileStore(name);
    const copy = new Uint8Array(24 << 20);
    runNow(createQcow(store, { bytes: copy.length, clusterBytes: 2 ** bits }));
    expect(qemuCheck(name)).toMatchObject(sound);
    const image = openNow(store);
    scribble(image, copy, bits);
    expect(Buffer.compare(contents(image), copy)).toBe(0);
    runNow(image.close());
    expect(qemuCheck(name)).toMatchObject(sound);
    qemuImg('convert', '-O', 'raw', name, path('own.raw'));
    expect(Buffer.compare(readFileSync(path('own.raw')), copy)).toBe(0);
    expect(runNow(checkQcow(fileStore(name)))).toMatchObject({ errors: 0, leaks: 0 });
  });

  it('stands on a base, which stays as it is', () => {
    const random = new TestRandom(5);
    const base = random.bytes(3 << 20);
    writeFileSync(path('base.raw'), base);
    const name = path('overlay.qcow2');
    const backing = { name: 'base.raw', format: 'raw' } as const;
    runNow(createQcow(fileStore(name), { bytes: 5 << 20, backing }));
    const openBacking = (of: string) => fileStore(path(of), true);
    const image = openNow(fileStore(name), { openBacking });
    const copy = new Uint8Array(5 << 20);
    copy.set(base);
    scribble(image, copy, 6);
    runNow(image.close());
    expect(qemuCheck(name)).toMatchObject(sound);
    qemuImg('convert', '-O', 'raw', name, path('overlay.raw'));
    expect(Buffer.compare(readFileSync(path('overlay.raw')), copy)).toBe(0);
    expect(Buffer.compare(readFileSync(path('base.raw')), base)).toBe(0);
  });
});

describe.runIf(hasQemuImg)('an image that QEMU made', () => {
  const data = new TestRandom(7).bytes(2 << 20);
  data.fill(0, 300_000, 900_000);
  const raw = path('data.raw');
  writeFileSync(raw, data);

  const variants: readonly (readonly [string, readonly string[]])[] = [
    ['version 2', ['-o', 'compat=0.10']],
    ['version 3', []],
    ['compressed', ['-c']],
    ['small compressed clusters', ['-c', '-o', 'cluster_size=512']],
    ['large compressed clusters', ['-c', '-o', 'cluster_size=2M']],
    ['reference counts of 1 bit', ['-o', 'refcount_bits=1']],
    ['reference counts of 8 bits', ['-o', 'refcount_bits=8,cluster_size=1k']],
    ['reference counts of 64 bits', ['-o', 'refcount_bits=64,cluster_size=4k']],
    ['lazy reference counts', ['-o', 'lazy_refcounts=on']],
    ['preallocated', ['-o', 'preallocation=metadata']],
  ];
  it.each(variants)('with %s is read, written and left sound', (label, options) => {
    const name = path(`qemu-${label.replaceAll(' ', '-')}.qcow2`);
    qemuImg('convert', '-O', 'qcow2', ...options, raw, name);
    const image = openNow(fileStore(name));
    expect(Buffer.compare(contents(image), data)).toBe(0);
    const copy = data.slice();
    scribble(image, copy, 9, 60);
    runNow(image.close());
    expect(qemuCheck(name)).toMatchObject(sound);
    qemuImg('convert', '-O', 'raw', name, path('back.raw'));
    expect(Buffer.compare(readFileSync(path('back.raw')), copy)).toBe(0);
  });

  it('with a snapshot keeps the snapshot when it is written', () => {
    const name = path('snapshot.qcow2');
    qemuImg('convert', '-O', 'qcow2', raw, name);
    qemuImg('snapshot', '-c', 'before', name);
    const copy = data.slice();
    const image = openNow(fileStore(name));
    scribble(image, copy, 11);
    runNow(image.close());
    expect(qemuCheck(name)).toMatchObject(sound);
    qemuImg('convert', '-O', 'raw', name, path('after.raw'));
    expect(Buffer.compare(readFileSync(path('after.raw')), copy)).toBe(0);
    qemuImg('convert', '-l', 'before', '-O', 'raw', name, path('before.raw'));
    expect(Buffer.compare(readFileSync(path('before.raw')), data)).toBe(0);
  });

  it('on a base in another qcow2 image shows both', () => {
    const base = path('base.qcow2');
    qemuImg('convert', '-c', '-O', 'qcow2', raw, base);
    const name = path('top.qcow2');
    qemuImg('create', '-f', 'qcow2', '-b', base, '-F', 'qcow2', name, '3M');
    const image = openNow(fileStore(name), { openBacking: (of) => fileStore(of, true) });
    const copy = new Uint8Array(3 << 20);
    copy.set(data);
    expect(Buffer.compare(contents(image), copy)).toBe(0);
  });
});

describe('an image that grows past its refcount table', () => {
  it('gets a larger one and stays sound', () => {
    const name = path('grow.qcow2');
    const store = fileStore(name);
    runNow(createQcow(store, { bytes: 40 << 20, clusterBytes: 512 }));
    const image = openNow(store);
    const bytes = new TestRandom(3).bytes(1 << 20);
    for (let at = 0; at < 40 << 20; at += bytes.length) runNow(image.write(at, bytes));
    runNow(image.close());
    expect(qemuCheck(name)).toMatchObject(sound);
    const again = openNow(fileStore(name));
    const part = new Uint8Array(1 << 20);
    runNow(again.read(39 << 20, part));
    expect(Buffer.compare(part, bytes)).toBe(0);
  });
});

describe('an image in memory', () => {
  it('reads as zeros where nothing was written', () => {
    const store = new MemoryStore();
    runNow(createQcow(store, { bytes: 1 << 20 }));
    const image = openNow(store);
    expect(contents(image).every((byte) => byte === 0)).toBe(true);
  });
});
