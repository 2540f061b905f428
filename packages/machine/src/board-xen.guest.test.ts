/** Debian's stock kernel as a PVH guest: with Xen's interface, and without. */
import { readFile } from 'node:fs/promises';

import { Disk, MemoryStore, RawImage } from '@ringfence/disk';
import { debianGuest } from '@ringfence/guest';
import { afterEach, describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { createMachine } from './machine.ts';
import type { HostServices, MachineOptions } from './options/machine-options.ts';

const mebibyte = 0x10_0000;
const bootMs = 300_000;
const commandMs = 120_000;
const nodeHost: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer: (callback, delayMs) => {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => {
        clearImmediate(immediate);
      };
    }
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
const accels = ['interpreter', 'translator'] as const;

let machine: Machine | undefined;
afterEach(() => {
  machine?.dispose();
});

async function boot(options: Partial<MachineOptions>, modules: readonly string[] = []) {
  const guest = await debianGuest({ flavour: '686-pae', modules });
  const [kernel, initrd] = await Promise.all([readFile(guest.kernel), readFile(guest.initrd)]);
  const serial = options.xen === false ? 'ttyS0' : 'hvc0';
  machine = await createMachine({
    memoryBytes: 256 * mebibyte,
    host: nodeHost,
    machine: 'pvh',
    boot: {
      kind: 'kernel',
      kernel: new Uint8Array(kernel),
      initrd: new Uint8Array(initrd),
      commandLine: `console=${serial} cryptomgr.notests`,
    },
    ...options,
  });
  const port = machine.serial[0];
  if (port === undefined) throw new Error('no console');
  const ended = machine.start();
  await port.expect(/BOOT-OK/, bootMs);
  await port.expect(/# /, commandMs);
  const say = async (command: string): Promise<string> => {
    port.write(`${command}; echo DONE-$?\r`);
    const match = await port.expect(/([^]*)DONE-(\d+)/, commandMs);
    return `${match[1] ?? ''}${match[2] ?? ''}`;
  };
  return { machine, port, ended, say };
}

describe.each(accels)('the 686-pae kernel by its PVH entry (%s)', (accel) => {
  it('comes to a shell on ttyS0 without Xen', async () => {
    const { say } = await boot({ accel, xen: false });
    expect(await say('dmesg | grep -c Hypervisor')).toContain('1');
  });

  it('comes to a shell on hvc0 with Xen, and powers itself off', async () => {
    const { say, port, ended } = await boot({ accel });
    expect(await say('cat /sys/hypervisor/type')).toContain('xen');
    expect(
      await say('cat /sys/devices/system/clocksource/clocksource0/current_clocksource'),
    ).toContain('xen');
    expect(await say('dmesg | grep -c "FIFO-based"')).toMatch(/^[^]*1\r?\n0$/);
    port.write('poweroff -f\r');
    expect(await ended).toEqual({ reason: 'poweroff' });
  });
});

describe.each(accels)('the 686-pae kernel on a PC with Xen (%s)', (accel) => {
  it('takes console, clock and disk from Xen, and has the emulated disk unplugged', async () => {
    const disk = (): Disk => {
      const contents = new Uint8Array(8 * mebibyte);
      return new Disk(new RawImage(new MemoryStore({ contents })));
    };
    const drives = [
      { interface: 'xen', kind: 'disk', unit: 0, storage: disk() },
      { interface: 'ide', kind: 'disk', unit: 0, storage: disk() },
    ] as const;
    const modules = ['crc32c_generic', 'xen-blkfront', 'ext4', 'ata_piix', 'sd_mod'];
    const { say } = await boot({ accel, machine: 'pc', xen: true, drives }, modules);
    expect(await say('cat /sys/hypervisor/type')).toContain('xen');
    expect(await say('cat /sys/bus/pci/devices/0000:00:05.0/vendor')).toContain('0x5853');
    expect(
      await say('cat /sys/devices/system/clocksource/clocksource0/current_clocksource'),
    ).toContain('xen');
    expect(await say('mke2fs -F /dev/xvda > /dev/null && mount /dev/xvda /tmp')).toMatch(/0$/);
    expect(await say('cp /bin/busybox /tmp/b && sync && cmp /bin/busybox /tmp/b')).toMatch(/0$/);
    expect(await say('ls /dev/sda')).toMatch(/[^0]$/);
  });
});

describe.each(accels)('xen-blkfront (%s)', (accel) => {
  it('mounts a disk, writes to it, and reads it back', async () => {
    const contents = new Uint8Array(16 * mebibyte);
    const storage = new Disk(new RawImage(new MemoryStore({ contents })));
    const drives = [{ interface: 'xen', kind: 'disk', unit: 0, storage }] as const;
    const { say } = await boot({ accel, drives }, ['crc32c_generic', 'xen-blkfront', 'ext4']);
    expect(await say('mke2fs -F /dev/xvda > /dev/null && mount /dev/xvda /tmp')).toMatch(/0$/);
    expect(await say('dd if=/bin/busybox of=/tmp/b bs=64k && sync && umount /tmp')).toMatch(/0$/);
    expect(await say('mount /dev/xvda /tmp && cmp /bin/busybox /tmp/b')).toMatch(/0$/);
  });
});
