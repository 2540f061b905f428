/** The board as an operating system that no one here made uses it: APICs, ACPI, HPET, floppy. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type DebianGuest, type KernelFlavour, debianGuest } from '@ringfence/guest';
import { type TestContext, describe, expect, it } from 'vitest';

import type { DriveStorage } from './board-storage.ts';
import { createMachine } from './machine.ts';
import type { HostServices, MachineOptions } from './options/machine-options.ts';

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

/** The guest; where it cannot be fetched the test is left out, but never in CI. */
async function guestFor(
  context: TestContext,
  flavour: KernelFlavour,
  commands: string,
  modules: readonly string[] = [],
): Promise<DebianGuest> {
  try {
    return await debianGuest({ flavour, modules, initramfs: { commands } });
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

/** Boots a guest and returns what it said until it ended, by switching itself off if not else. */
async function bootToEnd(
  guest: DebianGuest,
  more: Partial<MachineOptions>,
  words: string = '',
  reason: string = 'poweroff',
): Promise<string> {
  const machine = await createMachine({
    memoryBytes: 256 << 20,
    host,
    noReboot: true,
    boot: {
      kind: 'kernel',
      kernel: new Uint8Array(await readFile(guest.kernel)),
      initrd: new Uint8Array(await readFile(guest.initrd)),
      commandLine: `console=ttyS0 panic=-1 ${words}`,
    },
    ...more,
  });
  const parts: Uint8Array[] = [];
  machine.serial[0]?.onData((bytes) => parts.push(bytes.slice()));
  const end = await machine.start();
  const said = Buffer.concat(parts).toString('latin1');
  expect(end, said.slice(-2000)).toEqual({ reason });
  return said;
}

const tellOfPlatform = `
echo events $(cat /sys/devices/system/clockevents/clockevent0/current_device)
echo sources $(cat /sys/devices/system/clocksource/clocksource0/available_clocksource)
cat /proc/interrupts
echo first $(grep LOC: /proc/interrupts)
sleep 1
echo later $(grep LOC: /proc/interrupts)
poweroff -f
`;

describe.each(['686', '686-pae'] as const)("Debian's stock %s kernel", (flavour) => {
  it('uses the APICs, the ACPI tables and the HPET without a complaint', async (context) => {
    const guest = await guestFor(context, flavour, tellOfPlatform);
    // The guest measures one clock by another, which a busy host must not disturb.
    const said = await bootToEnd(guest, { clock: 'instructions' });
    expect(said).toContain('ACPI: Using IOAPIC for interrupt routing');
    expect(said).toContain('Enabling APIC mode:  Flat.  Using 1 I/O APICs');
    expect(said).toMatch(/ACPI: PCI: Interrupt link LNKD configured for IRQ 11/);
    expect(said).toMatch(/hpet0: 3 comparators, 64-bit 100\.000000 MHz counter/);
    expect(said).toMatch(/^events lapic-deadline/m);
    expect(said).toMatch(/^sources .*hpet.*acpi_pm/m);
    expect(said).toMatch(/ +4: +[1-9]\d* +IO-APIC +4-edge +ttyS0/);
    expect(said).toMatch(/ +9: +0 +IO-APIC +9-fasteoi +acpi/);
    const complaints = /ACPI (BIOS )?(Error|Warning|Exception)|APIC error|nobody cared|MP-BIOS bug/;
    expect(said).not.toMatch(complaints);
    const [first = 0, later = 0] = ['first', 'later'].map((word) => {
      return Number(new RegExp(`^${word} LOC: (\\d+)`, 'm').exec(said)?.[1]);
    });
    expect(later).toBeGreaterThan(first);
    if (flavour === '686') {
      const interpreted = await bootToEnd(guest, { clock: 'instructions', accel: 'interpreter' });
      expect(interpreted).toBe(said);
    }
  });
});

describe("Debian's stock 686 kernel told to do without", () => {
  const ways = {
    'the I/O APIC': ['noapic', /ACPI: Using PIC for interrupt routing/],
    ACPI: ['acpi=off', / +0: +[1-9]\d* +XT-PIC +timer/],
    'the local APIC': ['nolapic clocksource=hpet', /Switched to clocksource hpet/],
    'the TSC and KVM': [
      'no-kvmclock lapic=notscdeadline clocksource=acpi_pm',
      /Switched to clocksource acpi_pm/,
    ],
  } as const;
  for (const [what, [words, pattern]] of Object.entries(ways)) {
    it(`${what} boots as well`, async (context) => {
      // Without ACPI there is no soft-off.
      const commands = tellOfPlatform.replace('poweroff', 'reboot');
      const guest = await guestFor(context, '686', commands);
      const said = await bootToEnd(guest, { clock: 'instructions' }, words, 'reset');
      expect(said).toMatch(pattern);
      expect(said).toMatch(/^later/m);
    });
  }
});

/** A floppy in memory. */
function floppy(): { storage: DriveStorage; image: Uint8Array } {
  const image = Uint8Array.from({ length: 1440 * 1024 }, (_nothing, index) => {
    return (index * 7 + (index >> 9)) & 0xff;
  });
  const storage: DriveStorage = {
    bytes: image.length,
    readOnly: false,
    read: (offset, target, done) => {
      target.set(image.subarray(offset, offset + target.length));
      done(true);
    },
    write: (offset, source, done) => {
      image.set(source, offset);
      done(true);
    },
    flush: (done) => {
      done(true);
    },
  };
  return { storage, image };
}

const useFloppy = `
for each in 1 2 3 4 5; do [ -b /dev/fd0 ] || sleep 1; done
dd if=/dev/fd0 of=/tmp/image bs=18k 2>/dev/null
echo sum $(md5sum < /tmp/image)
yes ringfence | dd of=/dev/fd0 bs=512 seek=1000 count=40 conv=fsync 2>/dev/null
grep -c . /proc/interrupts
poweroff -f
`;

describe("Linux's floppy driver", () => {
  it('reads a whole disk and writes to it', async (context) => {
    const guest = await guestFor(context, '686', useFloppy, ['floppy']);
    const { storage, image } = floppy();
    const sum = createHash('md5').update(image).digest('hex');
    const drives = [{ interface: 'floppy', kind: 'disk', unit: 0, storage }] as const;
    const said = await bootToEnd(guest, { drives, clock: 'instructions' });
    expect(said).toMatch(/FDC 0 is a/);
    expect(said).toContain(`sum ${sum}`);
    const written = Buffer.from(image.subarray(1000 * 512, 1040 * 512)).toString('latin1');
    expect(written).toBe('ringfence\n'.repeat(2048));
  });
});
