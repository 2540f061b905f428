/** Debian's kernels, unpacked by the loader and by themselves. */
import { readFile } from 'node:fs/promises';

import { debianGuest } from '@ringfence/guest';
import type { KernelFlavour } from '@ringfence/guest';
import { afterEach, describe, expect, it } from 'vitest';

import type { Machine } from '../../api.ts';
import { createMachine } from '../../machine.ts';
import type { HostServices } from '../../options/machine-options.ts';

const bootMs = 500_000;
/** What the kernel's own decompressor takes, of Debian 12's kernels: 2.2 thousand million. */
const decompression = 1.5e9;

const host: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

let machine: Machine | undefined;
afterEach(() => {
  machine?.dispose();
});

/** Boots to the marker and returns the instructions that it took. */
async function boot(
  flavour: KernelFlavour,
  accel: 'interpreter' | 'translator',
  unpack: boolean,
): Promise<number> {
  const guest = await debianGuest({ flavour });
  const [kernel, initrd] = await Promise.all([readFile(guest.kernel), readFile(guest.initrd)]);
  const made = await createMachine({
    memoryBytes: 0x1000_0000,
    host,
    accel,
    boot: {
      kind: 'kernel',
      kernel: new Uint8Array(kernel),
      initrd: new Uint8Array(initrd),
      commandLine: 'console=ttyS0 cryptomgr.notests',
      unpack,
    },
  });
  machine = made;
  void made.start();
  await made.serial[0]?.expect(/BOOT-OK/, bootMs);
  return made.stats().instructions.total;
}

describe.each(['686', '686-pae'] as const)('the %s kernel', (flavour) => {
  it.each(['interpreter', 'translator'] as const)(
    'boots without its decompressor when the loader unpacks it (%s)',
    async (accel) => {
      expect(await boot(flavour, accel, true)).toBeLessThan(decompression);
    },
  );

  it('unpacks itself where that is asked for', async () => {
    expect(await boot(flavour, 'translator', false)).toBeGreaterThan(decompression);
  });
});
