import { describe, expect, it } from 'vitest';

import { MachineError } from '../error.ts';
import { loadLinux } from './bzimage.ts';
import type { LinuxFiles } from './bzimage.ts';
import { ImageView } from './image-view.ts';
import { makeElf, makeLinux, TestLoaderMemory } from './test-images.ts';
import type { TestLinuxFields } from './test-images.ts';

const mebibyte = 0x10_0000;
const plain: LinuxFiles = { commandLine: '', longMode: false };
const load = (
  fields: TestLinuxFields = {},
  files: Partial<LinuxFiles> = {},
  memory: TestLoaderMemory = new TestLoaderMemory(64 * mebibyte),
) => {
  const state = loadLinux(
    new ImageView('kernel', makeLinux(fields)),
    { ...plain, ...files },
    memory,
  );
  return { state, memory, params: state.gpr[6] ?? 0 };
};
const failure = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof MachineError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'no error';
};

describe('loadLinux', () => {
  it('starts in the state that the 32-bit boot protocol asks for', () => {
    const { state } = load();
    expect(state.gpr.filter((_value, register) => register !== 6)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(state.cs).toEqual({ selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xc09b });
    for (const segment of [state.ds, state.es, state.ss]) {
      expect(segment).toEqual({ selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc093 });
    }
    expect([state.cr0 & 0x8000_0001, state.eflags]).toEqual([1, 2]);
  });

  it('leaves a GDT in memory with the descriptors of the segments', () => {
    const { state, memory } = load();
    const { base, limit } = state.gdtr;
    expect(limit).toBe(31);
    expect([memory.u32(base + 0x10), memory.u32(base + 0x14)]).toEqual([0xffff, 0x00cf_9b00]);
    expect([memory.u32(base + 0x18), memory.u32(base + 0x1c)]).toEqual([0xffff, 0x00cf_9300]);
  });

  it('puts the code at its preferred address', () => {
    const { state, memory, params } = load();
    expect(state.eip).toBe(0x100_0000);
    expect([...memory.bytes.subarray(0x100_0000, 0x100_0003)]).toEqual([1, 2, 3]);
    expect(memory.u32(params + 0x214)).toBe(0x100_0000);
    expect(memory.u32(params + 0x230)).toBe(0x100_0000);
  });

  it('puts a relocatable kernel lower where memory ends before its preferred place', () => {
    const { state, memory, params } = load({}, {}, new TestLoaderMemory(8 * mebibyte));
    expect(state.eip).toBe(mebibyte);
    expect(memory.u32(params + 0x230)).toBe(0x2000);
  });

  it('puts a kernel that cannot be moved at 1 MiB, and an old one at 64 KiB', () => {
    expect(load({ relocatable: 0 }).state.eip).toBe(mebibyte);
    expect(load({ version: 0x204 }).state.eip).toBe(mebibyte);
    expect(load({ version: 0x202, loadFlags: 0 }).state.eip).toBe(0x1_0000);
  });

  it('copies the setup header and names itself an undefined loader', () => {
    const { memory, params } = load();
    expect(memory.u32(params + 0x202)).toBe(0x5372_6448);
    expect(memory.u16(params + 0x1fe)).toBe(0xaa55);
    expect(memory.bytes[params + 0x210]).toBe(0xff);
    expect(memory.bytes[params + 0x1ef]).toBe(0);
  });

  it('describes memory by an e820 map with the hole and the ROM', () => {
    const { memory, params } = load();
    const entry = (index: number): number[] => {
      const at = params + 0x2d0 + index * 20;
      return [0, 4, 8, 12, 16].map((offset) => memory.u32(at + offset));
    };
    expect(memory.bytes[params + 0x1e8]).toBe(4);
    expect([0, 1, 2, 3].map(entry)).toEqual([
      [0, 0, 0x9_fc00, 0, 1],
      [0x9_fc00, 0, 0x400, 0, 2],
      [0xe_0000, 0, 0x2_0000, 0, 2],
      [mebibyte, 0, 63 * mebibyte, 0, 1],
    ]);
    expect(memory.u32(params + 0x1e0)).toBe(63 * 1024);
    expect(memory.u16(params + 2)).toBe(63 * 1024);
  });

  it('says that the screen is in VGA text mode 3', () => {
    const { memory, params } = load();
    const byte = (offset: number): number | undefined => memory.bytes[params + offset];
    expect([6, 7, 0xe, 0xf, 0x10].map(byte)).toEqual([3, 80, 25, 1, 16]);
  });

  it('passes the command line with its closing zero, in UTF-8', () => {
    const { memory, params } = load({}, { commandLine: 'console=ttyS0 ä€😀' });
    const encoded = new TextEncoder().encode('console=ttyS0 ä€😀');
    const at = memory.u32(params + 0x228);
    expect(memory.bytes.subarray(at, at + encoded.length)).toEqual(encoded);
    expect(memory.bytes[at + encoded.length]).toBe(0);
  });

  it('passes the command line the old way before protocol 2.02', () => {
    const { memory, params } = load({ version: 0x201 }, { commandLine: 'quiet' });
    expect(memory.u16(params + 0x20)).toBe(0xa33f);
    expect(memory.text(params + memory.u16(params + 0x22))).toBe('quiet');
  });

  it('refuses a command line that is longer than the kernel takes', () => {
    expect(failure(() => load({}, { commandLine: 'x'.repeat(2048) }))).toBe(
      'bad-option: kernel command line: expected at most 2047 bytes, found 2048',
    );
    expect(load({}, { commandLine: 'x'.repeat(2047) }).state.eip).toBeGreaterThan(0);
    const huge = { commandLineSize: 0xffff_ffff };
    expect(failure(() => load(huge, { commandLine: 'x'.repeat(70_000) }))).toContain('bad-option');
  });

  it('puts the initial RAM disk on whole pages at the top of memory', () => {
    const { memory, params } = load({}, { initrd: new Uint8Array(5000).fill(7) });
    const start = memory.u32(params + 0x218);
    expect([start, memory.u32(params + 0x21c)]).toEqual([64 * mebibyte - 8192, 5000]);
    expect([memory.bytes[start], memory.bytes[start + 4999]]).toEqual([7, 7]);
  });

  it('keeps the initial RAM disk below the address that the kernel allows', () => {
    const fields = { initrdMaximum: 48 * mebibyte - 1 };
    const { memory, params } = load(fields, { initrd: new Uint8Array(4096) });
    expect(memory.u32(params + 0x218)).toBe(48 * mebibyte - 4096);
  });

  it('keeps the initial RAM disk off the memory that the kernel unpacks itself into', () => {
    const memory = new TestLoaderMemory(24 * mebibyte);
    const fits = new Uint8Array(2 * mebibyte);
    expect(load({}, { initrd: fits }, memory).state.eip).toBe(0x100_0000);
    const over = new Uint8Array(2 * mebibyte + 1);
    expect(failure(() => load({}, { initrd: over }, memory))).toBe(
      'too-little-memory: initrd of 2.01 MiB: expected at least 24.01 MiB of memory ' +
        '(the kernel ends at 0x1600000), found 24 MiB',
    );
  });

  it('writes nothing when something does not fit', () => {
    const memory = new TestLoaderMemory(24 * mebibyte);
    failure(() => load({}, { initrd: new Uint8Array(3 * mebibyte) }, memory));
    expect(memory.written).toBe(0);
  });

  it('says how much memory the kernel needs when there is too little', () => {
    const memory = new TestLoaderMemory(4 * mebibyte);
    expect(failure(() => load({}, {}, memory))).toBe(
      'too-little-memory: kernel: expected memory at 0x100000..0x700000, at least 7 MiB, ' +
        'found 4 MiB',
    );
  });

  it('refuses a kernel for 64-bit mode on a 32-bit processor', () => {
    expect(failure(() => load({ extendedLoadFlags: 1 }))).toBe(
      'unsupported: kernel at byte 0x236: expected a kernel for 32-bit processors, ' +
        'found one for 64-bit mode',
    );
    expect(load({ extendedLoadFlags: 1 }, { longMode: true }).state.eip).toBe(0x100_0000);
  });
});

describe('a damaged Linux kernel', () => {
  const damaged = (change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string =>
    failure(() =>
      loadLinux(
        new ImageView('kernel', change(makeLinux())),
        plain,
        new TestLoaderMemory(mebibyte),
      ),
    );
  const poke =
    (offset: number, ...values: number[]) =>
    (bytes: Uint8Array<ArrayBuffer>): Uint8Array => {
      bytes.set(values, offset);
      return bytes;
    };

  it.each([
    ['is empty', (bytes: Uint8Array) => bytes.subarray(0, 0), 'the end of the file at byte 0x0'],
    ['ends in its header', (bytes: Uint8Array) => bytes.subarray(0, 0x230), 'the end of the file'],
    [
      'ends in its code',
      (bytes: Uint8Array) => bytes.subarray(0, 6000),
      'kernel at byte 0x800: expected 16384 bytes of protected-mode code, found 3952 bytes up to',
    ],
    ['has no boot signature', poke(0x1fe, 0), 'expected the boot signature 0xaa55'],
    ['has no header', poke(0x202, 0), 'expected "HdrS"'],
    ['is of a protocol that is none', poke(0x206, 0, 1), 'expected boot protocol 0x200'],
    ['jumps out of its header', poke(0x201, 0xff), 'expected a jump to'],
    ['is aligned to no power of two', poke(0x230, 3), 'expected a power of two'],
  ])('that %s is refused with a message that says where', (_name, change, message) => {
    const found = damaged(change);
    expect(found).toContain('bad-image: kernel at byte 0x');
    expect(found).toContain(message);
  });
});

describe('loadLinux with the kernel unpacked', () => {
  const unpacked = makeElf(0xc100_0002, [
    { physical: 0x100_0000, virtual: 0xc100_0000, content: [7, 8, 9], memoryBytes: 0x2000 },
    { physical: 0x180_0000, virtual: 0xc180_0000, content: [5], memoryBytes: 0x1000 },
  ]);

  it('puts segments at their addresses, zeros behind them, and starts at the entry', () => {
    const { state, memory, params } = load({}, { unpacked });
    expect(state.eip).toBe(0x100_0002);
    expect([...memory.bytes.subarray(0x100_0000, 0x100_0004)]).toEqual([7, 8, 9, 0]);
    expect(memory.bytes[0x100_1fff]).toBe(0);
    expect([...memory.bytes.subarray(0x180_0000, 0x180_0002)]).toEqual([5, 0]);
    expect(memory.u32(params + 0x202)).toBe(0x5372_6448);
  });

  it('lets the image unpack itself where a segment would not fit', () => {
    const { state, memory } = load({}, { unpacked }, new TestLoaderMemory(24 * mebibyte));
    expect(state.eip).toBe(0x100_0000);
    expect([...memory.bytes.subarray(0x100_0000, 0x100_0003)]).toEqual([1, 2, 3]);
  });

  it('lets the image unpack itself where it would be in the way of the initial RAM disk', () => {
    const initrd = new Uint8Array(8 * mebibyte);
    const memory = new TestLoaderMemory(32 * mebibyte);
    expect(load({}, { unpacked, initrd }, memory).state.eip).toBe(0x100_0000);
  });

  it('lets an image of another processor unpack itself', () => {
    const elf64 = unpacked.slice();
    elf64[4] = 2;
    expect(load({}, { unpacked: elf64 }).state.eip).toBe(0x100_0000);
  });
});
