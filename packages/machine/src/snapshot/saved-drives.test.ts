import { Disk, MemoryStore, OverlayImage, RawImage, runNow } from '@ringfence/disk';
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
