import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { makeElf, makeLinux } from '../test-images.ts';
import { findPayload, unpackKernel } from './kernel-payload.ts';
import { branchBytes, zstdElf } from './test-packed.ts';

const host = { monotonicMs: () => 0, setTimer: () => () => undefined };
const elf = makeElf(0x100_0000, [{ physical: 0x100_0000, content: [1, 2, 3] }]);
const codeOffset = 2048;
const withSize = (packed: Uint8Array, bytes: number): Uint8Array =>
  new Uint8Array([...packed, ...new Uint8Array(Uint32Array.of(bytes).buffer)]);

/** A bzImage that carries `payload` 0x80 bytes into its code. */
function kernelWith(payload: Uint8Array, version: number = 0x20f): Uint8Array {
  const image = makeLinux({ codeBytes: 0x80 + payload.length, version });
  const view = new DataView(image.buffer);
  view.setUint32(0x248, 0x80, true);
  view.setUint32(0x24c, payload.length, true);
  image.set(payload, codeOffset + 0x80);
  return image;
}

describe('findPayload', () => {
  it('finds what the setup header says, from protocol 2.08 on', () => {
    const payload = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(findPayload(kernelWith(payload))).toEqual(payload);
    expect(findPayload(kernelWith(payload, 0x207))).toBeUndefined();
  });

  it('finds nothing in a file that is no kernel, or past the end of one', () => {
    expect(findPayload(new Uint8Array(2000))).toBeUndefined();
    const image = kernelWith(Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(findPayload(image.subarray(0, image.length - 1))).toBeUndefined();
  });
});

describe('unpackKernel', () => {
  it('unpacks gzip, which ends with the size by itself', async () => {
    expect(await unpackKernel(kernelWith(gzipSync(elf)), host)).toEqual(new Uint8Array(elf));
  });

  it('takes an ELF file that is not packed', async () => {
    expect(await unpackKernel(kernelWith(elf), host)).toEqual(elf);
  });

  it('gives nothing for what unpacks to no ELF file', async () => {
    expect(await unpackKernel(kernelWith(gzipSync(branchBytes(100))), host)).toBeUndefined();
  });

  it('unpacks zstd with its size behind it, and no other size', async () => {
    const packed = Buffer.from(zstdElf, 'base64');
    expect(await unpackKernel(kernelWith(withSize(packed, elf.length)), host)).toEqual(elf);
    const short = withSize(packed, elf.length - 1);
    expect(await unpackKernel(kernelWith(short), host)).toBeUndefined();
  });

  it('has what the host kept of the same payload, if it is whole', async () => {
    const kept = new Map<string, Uint8Array>();
    const key = (packed: Uint8Array): string => Buffer.from(packed).toString('hex');
    const unpackedKernels = {
      find: (packed: Uint8Array) => kept.get(key(packed)),
      keep: (packed: Uint8Array, unpacked: Uint8Array) => void kept.set(key(packed), unpacked),
    };
    const keeping = { ...host, unpackedKernels };
    const packed = gzipSync(elf);
    const unpacked = await unpackKernel(kernelWith(packed), keeping);
    expect(await unpackKernel(kernelWith(packed), keeping)).toBe(unpacked);
    kept.set(key(packed), elf.subarray(0, elf.length - 1));
    expect(await unpackKernel(kernelWith(packed), keeping)).toEqual(new Uint8Array(elf));
    expect(kept.get(key(packed))?.length).toBe(elf.length);
    await unpackKernel(kernelWith(gzipSync(branchBytes(100)).subarray(0, 60)), keeping);
    expect(kept.size).toBe(1);
  });

  it('gives nothing for a payload that is damaged, cut off, or of another kind', async () => {
    const packed = gzipSync(elf);
    const damaged = packed.map((byte, index) => (index === 14 ? byte ^ 0x55 : byte));
    const short = withSize(packed.subarray(0, packed.length - 20), elf.length);
    const others = [damaged, short, Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 1, 0, 0, 0)];
    for (const payload of others) {
      expect(await unpackKernel(kernelWith(payload), host)).toBeUndefined();
    }
  });

  it('does not reserve what a payload only claims to unpack to', async () => {
    const claim = withSize(Buffer.from(zstdElf, 'base64'), 0xffff_ffff);
    expect(await unpackKernel(kernelWith(claim), host)).toBeUndefined();
  });
});
