import { describe, expect, it } from 'vitest';

import { MachineError } from '../error.ts';
import { loadKernel, loadPvhKernel } from './kernel.ts';
import {
  makeElf,
  makeLinux,
  multibootHeader,
  numbersFrom,
  TestLoaderMemory,
} from './test-images.ts';

const mebibyte = 0x10_0000;
const load = (kernel: Uint8Array, initrd?: Uint8Array) => {
  const memory = new TestLoaderMemory(4 * mebibyte);
  const options = { kind: 'kernel', kernel, ...(initrd && { initrd }) } as const;
  return { state: loadKernel(options, memory), memory };
};
const failure = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof MachineError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'no error';
};
const two = (first: object, second: object = {}): Uint8Array =>
  makeElf(mebibyte, [
    { physical: mebibyte, content: [1, 2, 3, 4], ...first },
    { physical: 2 * mebibyte, content: [5], ...second },
  ]);

describe('a bare ELF kernel', () => {
  it('starts like Linux, with boot_params, command line and initrd', () => {
    const memory = new TestLoaderMemory(4 * mebibyte);
    const kernel = two({});
    const initrd = Uint8Array.of(6, 6);
    const state = loadKernel({ kind: 'kernel', kernel, initrd, commandLine: 'quiet' }, memory);
    const params = state.gpr[6] ?? 0;
    expect(state.eip).toBe(mebibyte);
    expect(memory.u32(params + 0x202)).toBe(0x5372_6448);
    expect(memory.text(memory.u32(params + 0x228))).toBe('quiet');
    expect([memory.u32(params + 0x218), memory.u32(params + 0x21c)]).toEqual([
      4 * mebibyte - 4096,
      2,
    ]);
    expect(memory.bytes[4 * mebibyte - 4096]).toBe(6);
  });

  it('starts at the physical place of an entry point that is virtual', () => {
    const kernel = makeElf(0xc010_0002, [
      { physical: mebibyte, virtual: 0xc010_0000, content: [1, 2, 3] },
    ]);
    expect(load(kernel).state.eip).toBe(mebibyte + 2);
  });

  it('skips program headers that are not loadable or empty', () => {
    const { memory } = load(two({}, { type: 4 }));
    expect(memory.bytes[2 * mebibyte]).toBe(0xcc);
  });

  it.each([
    ['no segment', makeElf(0, []), 'expected 1 to 256 program headers, found 0'],
    ['an entry point nowhere', makeElf(5, [{ physical: mebibyte, content: [1] }]), 'entry point'],
    ['overlapping segments', two({}, { physical: mebibyte + 3 }), 'found kernel segment 0'],
    ['a segment past the end of memory', two({ memoryBytes: 0xf000_0000 }), 'too-little-memory'],
    ['a segment that wraps around', two({}, { physical: 0xffff_ffff, memoryBytes: 9 }), 'too-'],
    ['more in the file than in memory', two({ memoryBytes: 3 }), 'expected at most the 3 bytes'],
    ['no loadable segment', two({ type: 2 }, { type: 6 }), 'expected a loadable segment'],
    ['a truncated segment', two({}).subarray(0, 119), 'expected a segment (4 bytes)'],
    ['truncated headers', two({}).subarray(0, 80), 'expected a program header (32 bytes)'],
    ['less than a header', two({}).subarray(0, 20), 'the end of the file'],
  ])('with %s is refused', (_name, kernel, message) => {
    expect(failure(() => load(kernel))).toContain(message);
  });

  it.each([
    [4, 2, 'expected a 32-bit ELF file, found a 64-bit one'],
    [5, 2, 'expected little-endian data (1), found 2'],
    [16, 1, 'expected an executable (type 2), found 1'],
    [18, 62, 'expected code for the 80386 (machine 3), found 62'],
  ])('of another kind (byte %i is %i) is refused as unsupported', (offset, value, message) => {
    const kernel = two({});
    kernel[offset] = value;
    const where = `unsupported: kernel at byte 0x${offset.toString(16)}: `;
    expect(failure(() => load(kernel))).toBe(where + message);
  });

  it('with an initrd that does not fit is refused', () => {
    expect(failure(() => load(two({}), new Uint8Array(2 * mebibyte)))).toContain('initrd of 2 MiB');
  });
});

describe('an ELF kernel for machine pvh that has no notes', () => {
  const start = (entry: number, virtual = mebibyte): number => {
    const kernel = makeElf(entry, [{ virtual, physical: mebibyte, content: [1, 2, 3, 4] }]);
    const machine = { map: [{ base: 0, bytes: 4 * mebibyte, type: 1 }], rsdp: 0 };
    return loadPvhKernel({ kind: 'kernel', kernel }, new TestLoaderMemory(4 * mebibyte), machine)
      .eip;
  };

  it('starts at its entry, without paging', () => {
    expect(start(mebibyte + 2)).toBe(mebibyte + 2);
  });

  it('is refused where its entry is at no physical address of its own', () => {
    expect(failure(() => start(0xc010_0000, 0xc010_0000))).toContain('at a physical address');
  });
});

describe('a file that is no kernel', () => {
  it.each([
    [new Uint8Array(0), 'found nothing: the file is empty'],
    [Uint8Array.of(0x1f, 0x8b, 8), 'found gzip data, which has to be unpacked first'],
    [Uint8Array.of(0x4d, 0x5a), 'found none of these (it begins with 4d 5a)'],
    [new Uint8Array(100_000), 'found none of these (it begins with 00 00 00 00 00 00 00 00)'],
  ])('is refused with what it seems to be', (kernel, message) => {
    expect(failure(() => load(kernel))).toContain(message);
  });

  it('takes modules only for multiboot', () => {
    const modules = [{ bytes: Uint8Array.of(1), commandLine: '' }];
    const memory = new TestLoaderMemory(4 * mebibyte);
    const options = { kind: 'kernel', kernel: makeLinux(), modules } as const;
    expect(failure(() => loadKernel(options, memory))).toContain('expected a multiboot kernel');
  });
});

describe('hostile headers', () => {
  const header = multibootHeader(0x1_0000, [mebibyte, mebibyte, 0, 0, mebibyte]);
  const seeds: readonly [string, Uint8Array][] = [
    ['Linux', makeLinux({ initSize: 0x10_0000 })],
    ['ELF', two({ memoryBytes: 100 })],
    ['multiboot', Uint8Array.from([...header, ...Array.from({ length: 64 }, () => 0x90)])],
    ['multiboot ELF', makeElf(mebibyte, [{ physical: mebibyte, content: multibootHeader(3) }])],
  ];
  const interesting = [0, 1, 0x7f, 0x80, 0xff];

  it.each(seeds)('of a %s kernel give a MachineError or a kernel within RAM', (_name, seed) => {
    const next = numbersFrom(seed.length * 7919);
    const outcomes = new Set<string>();
    const headerEnd = Math.min(seed.length, 0x280);
    const memory = new TestLoaderMemory(4 * mebibyte);
    for (let round = 0; round < 20_000; round += 1) {
      const kernel = seed.slice(0, next() % 4 === 0 ? next() % (seed.length + 1) : seed.length);
      for (let change = next() % 6; change >= 0; change -= 1) {
        const byte = next() % 2 === 0 ? next() : interesting[next() % interesting.length];
        kernel[next() % headerEnd] = byte ?? 0;
      }
      try {
        const state = loadKernel({ kind: 'kernel', kernel, initrd: Uint8Array.of(1) }, memory);
        expect(state.eip).toBeLessThan(memory.ramBytes);
        outcomes.add('loaded');
      } catch (error) {
        expect(error).toBeInstanceOf(MachineError);
        outcomes.add(error instanceof MachineError ? error.code : 'other');
      }
    }
    expect(outcomes).toContain('loaded');
    expect(outcomes).toContain('bad-image');
  });
});
