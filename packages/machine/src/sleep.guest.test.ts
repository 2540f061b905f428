/** An operating system that no one here made sleeps in S3 until the clock's alarm, and goes on. */
import { readFile } from 'node:fs/promises';
import { type DebianGuest, type KernelFlavour, debianGuest } from '@ringfence/guest';
import { type TestContext, describe, expect, it } from 'vitest';

import { createMachine } from './machine.ts';
import type { HostServices } from './options/machine-options.ts';

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

const commands = `
dd if=/dev/urandom of=/before bs=64k count=16 2>/dev/null
sum=$(md5sum < /before)
echo +3 > /sys/class/rtc/rtc0/wakealarm
echo mem > /sys/power/state
echo ended $?
[ "$sum" = "$(md5sum < /before)" ] && echo memory is as it was
echo successes $(cat /sys/power/suspend_stats/success)
poweroff -f
`;

/** The guest; where it cannot be fetched the test is left out, but never in CI. */
async function guestFor(context: TestContext, flavour: KernelFlavour): Promise<DebianGuest> {
  try {
    return await debianGuest({ flavour, initramfs: { commands } });
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

describe.each(['686', '686-pae'] as const)("Debian's stock %s kernel", (flavour) => {
  it('sleeps and wakes', async (context) => {
    const guest = await guestFor(context, flavour);
    const machine = await createMachine({
      memoryBytes: 256 << 20,
      host,
      clock: 'instructions',
      boot: {
        kind: 'kernel',
        kernel: new Uint8Array(await readFile(guest.kernel)),
        initrd: new Uint8Array(await readFile(guest.initrd)),
        commandLine: 'console=ttyS0 panic=-1 no_console_suspend',
      },
    });
    const parts: Uint8Array[] = [];
    machine.serial[0]?.onData((bytes) => parts.push(bytes.slice()));
    const end = await machine.start();
    const said = Buffer.concat(parts).toString('latin1');
    expect(end, said.slice(-2000)).toEqual({ reason: 'poweroff' });
    expect(said).toMatch(/Waking up from system sleep state S3/);
    expect(said).toMatch(/ended 0\r\nmemory is as it was\r\nsuccesses 1\r\n/);
  });
});
