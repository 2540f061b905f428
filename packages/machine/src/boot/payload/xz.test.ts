import { describe, expect, it } from 'vitest';

import { branchBytes, xzPlain, xzWithFilter } from './test-packed.ts';
import { unpackXz } from './xz.ts';

const noBreath = (): Promise<void> => Promise.resolve();
const decode = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

describe('unpackXz', () => {
  it('unpacks LZMA2 behind the x86 filter', async () => {
    expect(await unpackXz(decode(xzWithFilter), 1000, noBreath)).toEqual(branchBytes(1000));
  });

  it('unpacks LZMA2 alone', async () => {
    expect(await unpackXz(decode(xzPlain), 200, noBreath)).toEqual(branchBytes(200));
  });

  it('gives nothing for a size that is not the true one', async () => {
    expect(await unpackXz(decode(xzWithFilter), 999, noBreath)).toBeUndefined();
    expect(await unpackXz(decode(xzWithFilter), 1001, noBreath)).toBeUndefined();
  });

  it('gives nothing for a stream that ends early, wherever it ends', async () => {
    const stream = decode(xzPlain);
    for (let length = 0; length < stream.length; length += 1) {
      expect(await unpackXz(stream.subarray(0, length), 200, noBreath), String(length)).toBe(
        undefined,
      );
    }
  });

  it('never gives wrong bytes for a stream with one byte changed', async () => {
    const stream = decode(xzPlain);
    const right = branchBytes(200);
    for (let index = 0; index < stream.length; index += 1) {
      const damaged = stream.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 0x41;
      const unpacked = await unpackXz(damaged, 200, noBreath);
      // What is neither data nor check is not looked at, and may be anything.
      expect(unpacked ?? right, `byte ${String(index)}`).toEqual(right);
    }
  });
});
