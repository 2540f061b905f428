import { describe, expect, it } from 'vitest';

import { MachineError } from '../error.ts';
import { loadKernel } from './kernel.ts';
import type { KernelOptions } from './kernel.ts';
import { makeElf, multibootHeader, TestLoaderMemory } from './test-images.ts';
import type { TestSegment } from './test-images.ts';

const mebibyte = 0x10_0000;
const load = (
  kernel: Uint8Array,
  more: Partial<KernelOptions> = {},
  memory: TestLoaderMemory = new TestLoaderMemory(4 * mebibyte),
) => {
  const state = loadKernel({ kind: 'kernel', kernel, ...more }, memory);
  return { state, memory, info: state.gpr[3] ?? 0 };
};
const failure = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof MachineError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'no error';
};
const code = [0xf4, 0xeb, 0xfd];
const elfWith = (flags: number, segments: readonly TestSegment[] = []): Uint8Array =>
  makeElf(mebibyte + 12, [
    { physical: mebibyte, content: [...multibootHeader(flags), ...code] },
    ...segments,
  ]);
const flat = (addresses: readonly number[], content: readonly number[] = code): Uint8Array =>
  Uint8Array.from([1, 2, 3, 4, ...multibootHeader(0x1_0000, addresses), ...content]);

describe('loadMultiboot', () => {
  it('starts with the magic in EAX and the information in EBX, flat and with paging off', () => {
    const { state, info, memory } = load(elfWith(3));
    expect([state.gpr[0], state.eip, state.cr0 & 0x8000_0001]).toEqual([
      0x2bad_b002,
      mebibyte + 12,
      1,
    ]);
    expect(info).toBeGreaterThan(0);
    expect(memory.bytes[state.eip]).toBe(0xf4);
  });

  it('gives memory sizes, the memory map, the command line and its own name', () => {
    const { info, memory } = load(elfWith(3), { commandLine: 'a=b c' });
    expect(memory.u32(info)).toBe(0x124f);
    expect([memory.u32(info + 4), memory.u32(info + 8)]).toEqual([639, 3072]);
    expect(memory.text(memory.u32(info + 16))).toBe('a=b c');
    expect(memory.text(memory.u32(info + 64))).toBe('Ringfence');
    const [bytes, map] = [memory.u32(info + 44), memory.u32(info + 48)];
    expect(bytes).toBe(4 * 24);
    const last = [0, 4, 8, 12, 16, 20].map((offset) => memory.u32(map + 72 + offset));
    expect(last).toEqual([20, mebibyte, 0, 3 * mebibyte, 0, 1]);
  });

  it('places modules on pages behind the kernel, the initrd first', () => {
    const { info, memory } = load(elfWith(1), {
      initrd: Uint8Array.of(9),
      modules: [{ bytes: Uint8Array.of(8, 7), commandLine: 'second' }],
    });
    expect(memory.u32(info) & 8).toBe(8);
    expect(memory.u32(info + 20)).toBe(2);
    const list = memory.u32(info + 24);
    const first = memory.u32(list);
    const second = memory.u32(list + 16);
    expect([first % 4096, memory.u32(list + 4) - first, memory.bytes[first]]).toEqual([0, 1, 9]);
    expect([second % 4096, memory.u32(list + 20) - second]).toEqual([0, 2]);
    expect([...memory.bytes.subarray(second, second + 2)]).toEqual([8, 7]);
    expect(memory.text(memory.u32(list + 24))).toBe('second');
    expect(second).toBeGreaterThan(first);
  });

  it('clears the memory behind what a segment has in the file', () => {
    const bss = { physical: 2 * mebibyte, content: [5], memoryBytes: 0x1000 };
    const { memory } = load(elfWith(0, [bss]));
    const { bytes } = memory;
    expect([bytes[2 * mebibyte], bytes[2 * mebibyte + 1], bytes[2 * mebibyte + 4095]]).toEqual([
      5, 0, 0,
    ]);
    expect(bytes[2 * mebibyte + 4096]).toBe(0xcc);
  });

  it.each([
    ['a segment of their own', [{ physical: 0xf_f000, content: [7, 7, 7, 7] }], []],
    ['the first segment', [], Array<number>(0x1000).fill(7)],
  ])('leaves out headers of the file in the page before 1 MiB, in %s', (_what, more, before) => {
    const content = [...before, ...multibootHeader(0), ...code];
    const physical = mebibyte - before.length;
    const kernel = makeElf(mebibyte + 12, [...more, { physical, content, memoryBytes: 0x3000 }]);
    const { state, memory } = load(kernel);
    expect(memory.bytes[state.eip]).toBe(0xf4);
    expect([...memory.bytes.subarray(0xf_f000, 0xf_f003)]).toEqual([0xcc, 0xcc, 0xcc]);
    const end = physical + 0x3000;
    expect([...memory.bytes.subarray(end - 2, end + 1)]).toEqual([0, 0, 0xcc]);
  });

  it('refuses an entry point in ROM', () => {
    const content = [...multibootHeader(0), ...code];
    const kernel = makeElf(0xf_f00c, [{ physical: 0xf_f000, content, memoryBytes: 0x3000 }]);
    expect(failure(() => load(kernel))).toContain('expected free memory, found video memory');
  });

  it('loads by the addresses of the header where there are some', () => {
    const addresses = [mebibyte + 4, mebibyte, mebibyte + 39, mebibyte + 64, mebibyte + 36];
    const { state, memory } = load(flat(addresses));
    expect(state.eip).toBe(mebibyte + 36);
    expect([...memory.bytes.subarray(mebibyte, mebibyte + 4)]).toEqual([1, 2, 3, 4]);
    expect(memory.bytes[state.eip]).toBe(0xf4);
    expect([memory.bytes[mebibyte + 63], memory.bytes[mebibyte + 64]]).toEqual([0, 0xcc]);
  });

  it('loads up to the end of the file when the header gives no end', () => {
    const addresses = [mebibyte + 4, mebibyte + 4, 0, 0, mebibyte + 36];
    const { memory } = load(flat(addresses));
    expect(memory.bytes[mebibyte + 38]).toBe(0xfd);
    expect(memory.bytes[mebibyte + 39]).toBe(0xcc);
  });

  it.each([
    ['unknown flags that it must know', elfWith(8), 'unsupported: kernel at byte 0x58'],
    [
      'a header outside its own image',
      flat([mebibyte, mebibyte + 4, 0, 0, mebibyte]),
      'expected a load address',
    ],
    [
      'a load address before the file',
      flat([mebibyte + 100, mebibyte, 0, 0, mebibyte]),
      'expected a load address in 0x100060..0x100064, found 0x100000',
    ],
    [
      'ends in the wrong order',
      flat([mebibyte + 4, mebibyte, mebibyte - 1, 0, mebibyte]),
      'load_addr <= load_end_addr',
    ],
    [
      'more to load than there is',
      flat([mebibyte + 4, mebibyte, mebibyte + 40, 0, mebibyte]),
      'the end of the file',
    ],
    [
      'an entry point outside of itself',
      flat([mebibyte + 4, mebibyte, 0, 0, mebibyte + 39]),
      'expected an entry point in 0x100000..0x100027, found 0x100027',
    ],
    [
      'a place in video memory',
      flat([0xa_0004, 0xa_0000, 0, 0, 0xa_0000]),
      'expected free memory, found video memory and ROM',
    ],
    [
      "a place on the loader's tables",
      flat([0x9_0004, 0x9_0000, 0, 0, 0x9_0000]),
      "expected free memory, found the loader's tables",
    ],
    [
      'more zeros than memory',
      flat([mebibyte + 4, mebibyte, 0, 0xffff_f000, mebibyte]),
      'too-little-memory: kernel',
    ],
    [
      'neither ELF nor addresses',
      Uint8Array.from([...multibootHeader(0), ...code]),
      'expected an ELF file, or addresses in its multiboot header, found neither',
    ],
    ['a header that is cut off', flat([1, 2]).subarray(0, 20), 'the end of the file'],
  ])('refuses a kernel with %s', (_name, kernel, message) => {
    expect(failure(() => load(kernel))).toContain(message);
  });

  it('does not take a magic with a wrong checksum for a header', () => {
    const kernel = flat([mebibyte + 4, mebibyte, 0, 0, mebibyte]);
    kernel[12] = (kernel[12] ?? 0) ^ 1;
    expect(failure(() => load(kernel))).toContain('expected a Linux bzImage, a multiboot kernel');
  });

  it('says when modules do not fit', () => {
    const initrd = new Uint8Array(3 * mebibyte);
    expect(failure(() => load(elfWith(0), { initrd }))).toContain(
      'too-little-memory: module 0: expected memory at 0x101000..0x401000',
    );
    const modules = Array.from({ length: 65 }, () => ({ bytes: initrd, commandLine: '' }));
    expect(failure(() => load(elfWith(0), { modules }))).toContain('at most 64');
  });

  it('says when command lines do not fit', () => {
    const commandLine = 'x'.repeat(0xe7ff);
    expect(failure(() => load(elfWith(0), { commandLine }))).toContain('bad-option');
  });
});
