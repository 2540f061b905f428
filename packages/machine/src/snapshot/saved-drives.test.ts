import {
  type ByteStore,
  createQcow,
  Disk,
  MemoryStore,
  openImage,
  OverlayImage,
  RawImage,
  runNow,
  runToEnd,
} from '@ringfence/disk';
import { describe, expect, it } from 'vitest';

import type { DriveOptions } from '../board-storage.ts';
import { createMachine } from '../machine.ts';
import { TestHost } from '../test-host.ts';

function overlay(fill: number, bytes: number = 0x10_0000): Disk {
  const store = new MemoryStore({ contents: new Uint8Array(bytes).fill(fill) });
  return new Disk(runNow(OverlayImage.open(new RawImage(store))));
}

const ide = (storage: Disk): DriveOptions => ({
  ...{ interface: 'ide', kind: 'disk', unit: 0 },
  storage,
});

async function make(drives: readonly DriveOptions[], snapshot?: Uint8Array) {
  return createMachine({
    memoryBytes: 0x20_0000,
    boot: { kind: 'built-in' },
    host: new TestHost(),
    clock: 'instructions',
    drives,
    ...(snapshot === undefined ? {} : { snapshot }),
  });
}

function bytesAt(disk: Disk, offset: number): number[] {
  const target = new Uint8Array(512);
  disk.read(offset, target, () => undefined);
  return [...target.subarray(0, 2)];
}

describe('a snapshot with an overlay', () => {
  it('brings what was written to another machine on the same base', async () => {
    const disk = overlay(1);
    const machine = await make([ide(disk)]);
    disk.write(0x400, new Uint8Array(512).fill(7), () => undefined);
    const file = await machine.snapshot();
    const other = overlay(1);
    await make([ide(other)], file);
    expect([bytesAt(other, 0x400), bytesAt(other, 0x600)]).toEqual([
      [7, 7],
      [1, 1],
    ]);
  });

  it('brings what an image on another held, and takes away what came later', async () => {
    const image = (): Disk => {
      const base = new MemoryStore({ contents: new Uint8Array(0x10_0000).fill(1) });
      const store = new MemoryStore();
      const backing = { name: 'base', format: 'raw' } as const;
      runNow(createQcow(store, { bytes: 0x10_0000, backing }));
      return new Disk(runNow(openImage(store, { openBacking: () => base })));
    };
    const write = (disk: Disk, at: number, value: number): void => {
      disk.write(at, new Uint8Array(512).fill(value), () => undefined);
    };
    const disk = image();
    const machine = await make([ide(disk)]);
    write(disk, 0x400, 7);
    const file = await machine.snapshot();
    write(disk, 0x400, 8);
    write(disk, 0x4_0000, 9);
    await make([ide(disk)], file);
    const [other, inMemory] = [image(), overlay(1)];
    await make([ide(other)], file);
    await make([ide(inMemory)], file);
    for (const each of [disk, other, inMemory]) {
      expect([bytesAt(each, 0x400), bytesAt(each, 0x600), bytesAt(each, 0x4_0000)]).toEqual([
        [7, 7],
        [1, 1],
        [1, 1],
      ]);
    }
  });

  it('is refused of an image whose base does not answer at once', async () => {
    const base = new MemoryStore({ contents: new Uint8Array(0x10_0000) });
    const far: ByteStore = {
      ...{ name: 'far', size: base.size, readOnly: true },
      read: async (offset, target) => {
        await Promise.resolve();
        await base.read(offset, target);
      },
      write: () => undefined,
      flush: () => undefined,
      close: () => undefined,
    };
    const store = new MemoryStore();
    const backing = { name: 'far', format: 'raw' } as const;
    runNow(createQcow(store, { bytes: 0x10_0000, backing }));
    const disk = new Disk(await runToEnd(openImage(store, { openBacking: () => far })));
    const machine = await make([ide(disk)]);
    await expect(machine.snapshot()).rejects.toThrow(/drive ide 0: .*does not answer at once/);
  });

  it('is refused once an image that stands alone was written to', async () => {
    const store = new MemoryStore({ contents: new Uint8Array(0x10_0000) });
    const disk = new Disk(new RawImage(store));
    const machine = await make([ide(disk)]);
    const file = await machine.snapshot();
    await make([ide(disk)], file);
    disk.write(0, new Uint8Array(512).fill(7), () => undefined);
    await expect(make([ide(disk)], file)).rejects.toThrow(/ide 0: .*when the snapshot was taken/);
  });

  it.each([
    ['another base', [ide(overlay(2))], /its drive ide 0: .*same base/],
    ['another size', [ide(overlay(1, 0x20_0000))], /its drive ide 0: .*1048576.*2097152/],
    ['no drive', [], /its chips: .*no ide/],
  ] as const)('is refused with %s', async (_label, drives, message) => {
    const machine = await make([ide(overlay(1))]);
    const file = await machine.snapshot();
    await expect(make(drives, file)).rejects.toThrow(message);
  });

  it('leaves a floppy drive empty that has no disk any more', async () => {
    const floppy: DriveOptions = {
      ...{ interface: 'floppy', kind: 'disk', unit: 0 },
      storage: overlay(1, 1474560),
    };
    const machine = await make([floppy]);
    const restored = await make([], await machine.snapshot());
    expect(restored.state).not.toBe('ended');
  });
});
