import { describe, expect, it } from 'vitest';

import { BlobStore } from './blob-store.ts';

const size = 0x5_0000;
const contents = Uint8Array.from(
  { length: size },
  (_nothing, index) => (index * 31) ^ (index >> 8),
);

async function readAt(store: BlobStore, offset: number, length: number): Promise<number[]> {
  const target = new Uint8Array(length);
  await store.read(offset, target);
  return [...target];
}

describe('BlobStore', () => {
  it('reads across pieces', async () => {
    const store = new BlobStore('disk', new Blob([contents]));
    expect(await readAt(store, 0xfff0, 0x20)).toEqual([...contents.subarray(0xfff0, 0x1_0010)]);
  });

  it('answers at once what it has read before', async () => {
    const store = new BlobStore('disk', new Blob([contents]));
    await readAt(store, 0, 10);
    expect(store.read(5, new Uint8Array(10))).toBeUndefined();
  });

  it('reads zeros past the end of a file that is no whole number of pieces', async () => {
    const store = new BlobStore('disk', new Blob([contents.subarray(0, 100)]));
    expect(await readAt(store, 99, 3)).toEqual([contents[99], 0, 0]);
  });
});
