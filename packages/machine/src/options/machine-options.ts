import type { RegionCompiler } from '@ringfence/cpu';
import type { DriveOptions } from '../board-storage.ts';
import { MachineError } from '../error.ts';

import type { Settings } from './settings.ts';

/**
 * What a machine needs from the program around it; nothing in this package knows Node or the DOM.
 */
export interface HostServices {
  /**
   * Returns milliseconds of a clock that never goes back (fractions welcome), as
   * `performance.now()`.
   */
  monotonicMs(): number;
  /** Returns milliseconds since 1970-01-01 00:00 UTC, as `Date.now()`. */
  unixTimeMs(): number;
  /**
   * Calls back once after `delayMs`; 0 means as soon as the host has looked after its own events.
   *
   * Returns a function that cancels it.
   */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Returns 32 random bits for RDRAND; `Math.random` serves where there is none. */
  random32?(): number;
  /** Returns bytes deflated (RFC 1951), quickly; JavaScript does it where this is absent. */
  deflate?(bytes: Uint8Array): Promise<Uint8Array>;
  /** Returns what was deflated, `size` bytes; JavaScript does it where this is absent. */
  inflate?(bytes: Uint8Array, size: number): Promise<Uint8Array>;
  /** Returns how much memory the process holds, for statistics. */
  residentBytes?(): number;
  /**
   * Compiles what was translated, beside the guest; the engine does where this is absent. A host
   * may have modules at hand that it compiled before, and remember what regions came to.
   */
  readonly compiler?: RegionCompiler;
  /**
   * Whether the guest waits while the engine compiles what was translated, as it does with the
   * instruction clock: which tier does what can then be repeated. By default it goes on in the
   * interpreter.
   */
  readonly compilesAtOnce?: boolean;
  /**
   * Whether the engine runs a new module unoptimized for a while, as browsers do: then code has to
   * be hotter until it is translated.
   */
  readonly optimizesLate?: boolean;
  /** What kernels unpack to, for those that were unpacked before: xz takes half a second. */
  readonly unpackedKernels?: UnpackedKernels;
}

/** Where a host keeps what packed kernels unpack to, from one machine to the next. */
export interface UnpackedKernels {
  /** What was kept for these packed bytes, undefined if nothing was. */
  find(packed: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Keeps what they unpack to, if it can; the machine does not wait for it. */
  keep(packed: Uint8Array, unpacked: Uint8Array): void;
}

/** What a machine boots. */
export type BootOptions =
  /** A kernel in memory: bzImage, multiboot 1 or ELF32, told apart by their headers. */
  | {
      readonly kind: 'kernel';
      readonly kernel: Uint8Array;
      /** The initial RAM disk, or the first multiboot module. */
      readonly initrd?: Uint8Array;
      /** Further multiboot modules with their command lines. */
      readonly modules?: readonly BootModule[];
      readonly commandLine?: string;
      /** The kernel's file name: the first word of a multiboot kernel's command line. */
      readonly name?: string;
      /** The command line of a multiboot module that `initrd` is. */
      readonly initrdName?: string;
      /**
       * Whether the loader unpacks a bzImage and starts the ELF file in it; the default is true.
       *
       * Otherwise, or where the loader cannot, the image unpacks itself in the guest.
       */
      readonly unpack?: boolean;
    }
  /** A program that comes with Ringfence (see `built-in-guest`); `shell` by default. */
  | { readonly kind: 'built-in'; readonly program?: BuiltInProgram }
  /** Whatever firmware finds on the disks. */
  | FirmwareBoot;

/** The programs that come with Ringfence. */
export const builtInPrograms = ['shell', 'teaching', 'teaching-ported'] as const;

/** Name of a program that comes with Ringfence, in the option `-kernel builtin:NAME`. */
export type BuiltInProgram = (typeof builtInPrograms)[number];

/** How `-kernel` names a program that comes with Ringfence. */
export const builtInPrefix = 'builtin:';

/** A start at the reset vector, in firmware. */
export interface FirmwareBoot {
  readonly kind: 'firmware';
  /** The image of a BIOS, as it stands below 4 GiB; by default the built-in one. */
  readonly bios?: Uint8Array;
  /** The option ROM of the display adapter. */
  readonly vgaBios?: Uint8Array;
  /** Boot devices by their letters: a floppy, c disk, d CD, n network. */
  readonly order?: string;
  /** Whether the BIOS offers its boot menu. */
  readonly menu?: boolean;
  /** How long it offers the menu, in milliseconds. */
  readonly menuWaitMs?: number;
  /** Further option ROMs, each with a name that the BIOS may show. */
  readonly optionRoms?: readonly OptionRom[];
  /** A kernel that the BIOS boots first, and offers in its menu. */
  readonly kernel?: FirmwareKernel;
}

/** An option ROM: what it is called, and its image. */
export interface OptionRom {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A Linux kernel that a BIOS boots: an option ROM reads it out of fw_cfg. */
export interface FirmwareKernel {
  /** A bzImage. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly commandLine?: string;
}

/** A multiboot module: its bytes and its command line. */
export interface BootModule {
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** The kinds of machines. */
export type MachineKind = 'pc' | 'pvh' | 'xenpv';

/** Everything that makes a machine. */
export interface MachineOptions {
  /** Guest RAM in bytes, a whole number of MiB, 1 MiB to `maxRamBytes`. */
  readonly memoryBytes: number;
  /** What runs in it. */
  readonly boot: BootOptions;
  /** Clock, time of day and timers of the host. */
  readonly host: HostServices;
  /** Where guest time comes from; the default is `host`. */
  readonly clock?: 'host' | 'instructions';
  /**
   * What kind of machine it is: a PC, one that starts a kernel by its PVH entry without firmware,
   * or one for a kernel that was ported to Xen. By default a PC, unless the kernel can only be one
   * of the others.
   */
  readonly machine?: MachineKind;
  /**
   * Whether there is Xen's interface: by default in a machine `pvh`, and not in a PC, whose guest
   * may take paravirtual devices beside its chips or instead of them.
   */
  readonly xen?: boolean;
  /** How guest code runs; the default is `translator`. */
  readonly accel?: 'interpreter' | 'translator';
  /**
   * What `Machine.translationProfile` returned of an earlier run, or no bytes: hot code of that run
   * is translated as soon as it is met again. It names places and holds no code, so one that is
   * damaged, or of other guests, changes nothing but speed. Without the option nothing is
   * remembered, and with the instruction clock it is not used, as runs are then repeated exactly.
   */
  readonly translationProfile?: Uint8Array;
  /** CPU model, as the cpu package names it. */
  readonly cpu?: string;
  /** Disks and CDs. */
  readonly drives?: readonly DriveOptions[];
  /** Whether there is a virtio console; it is `Machine.serial[4]`. */
  readonly virtioConsole?: boolean;
  /** Whether there is a virtio entropy device. */
  readonly virtioEntropy?: boolean;
  /** Whether a reset by the guest ends the machine's run instead of booting it again. */
  readonly noReboot?: boolean;
  /**
   * A file that `Machine.snapshot` returned: the machine goes on from there.
   *
   * What it says of the machine (memory, CPU model, clock, what is booted) replaces the other
   * options, all but `host`, `accel`, `noReboot` and those that hold more than plain data.
   */
  readonly snapshot?: Uint8Array;
  /** I/O port of the debug-exit device; absent for none. */
  readonly debugExitPort?: number;
  /** Whether there is a device for test kernels, `pc-testdev`. */
  readonly testDevice?: boolean;
  /** Whether there is one on the PCI bus, `pci-testdev`. */
  readonly pciTestDevice?: boolean;
}

/** The files that settings name, already read. */
export interface BootFiles {
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly modules?: readonly BootModule[];
  readonly bios?: Uint8Array;
  readonly vgaBios?: Uint8Array;
  readonly optionRoms?: readonly OptionRom[];
}

/**
 * Turns settings and the files that they name into machine options.
 *
 * @throws MachineError with code `bad-option` when settings contradict each other.
 */
export function machineOptions(
  settings: Settings,
  files: BootFiles,
  host: HostServices,
): MachineOptions {
  const { kernel, initrd } = files;
  if (kernel === undefined && (initrd !== undefined || settings.append !== '')) {
    throw new MachineError('bad-option', {
      where: initrd !== undefined ? 'option -initrd' : 'option -append',
      expected: 'a kernel that it belongs to (-kernel FILE)',
      found: 'none',
    });
  }
  const boot = chooseBoot(settings, files);
  const debugExitPort = findDebugExit(settings);
  return {
    ...(settings.machine === undefined ? {} : { machine: settings.machine }),
    ...(settings.xen === undefined ? {} : { xen: settings.xen === 'on' }),
    memoryBytes: settings.memory,
    boot,
    host,
    clock: settings.clock,
    accel: settings.accel,
    noReboot: settings.noReboot,
    ...(settings.cpu === undefined ? {} : { cpu: settings.cpu }),
    ...(debugExitPort === undefined ? {} : { debugExitPort }),
    ...(hasDevice(settings, 'virtio-console') ? { virtioConsole: true } : {}),
    ...(hasDevice(settings, 'pc-testdev') ? { testDevice: true } : {}),
    ...(hasDevice(settings, 'pci-testdev') ? { pciTestDevice: true } : {}),
    ...(hasDevice(settings, 'virtio-rng') ? { virtioEntropy: true } : {}),
  };
}

function hasDevice(settings: Settings, driver: string): boolean {
  return settings.device.some((device) => device['driver'] === driver);
}

function chooseBoot(settings: Settings, files: BootFiles): BootOptions {
  const { kernel, initrd, modules } = files;
  if (settings.kernel?.startsWith(builtInPrefix) === true) {
    return builtInBoot(settings.kernel.slice(builtInPrefix.length));
  }
  // A kernel is loaded directly unless a BIOS was asked for.
  const isPc = settings.machine === undefined || settings.machine === 'pc';
  if (kernel === undefined || (settings.bios !== undefined && isPc)) {
    const isFirmware = files.bios !== undefined || needsFirmware(settings);
    return isFirmware ? firmwareBoot(settings, files) : { kind: 'built-in' };
  }
  return {
    kind: 'kernel',
    kernel,
    commandLine: settings.append,
    ...(settings.kernel === undefined ? {} : { name: settings.kernel }),
    ...(settings.initrd === undefined ? {} : { initrdName: settings.initrd }),
    ...(settings.kernelUnpack === 'off' ? { unpack: false } : {}),
    ...(initrd === undefined ? {} : { initrd }),
    ...(modules === undefined ? {} : { modules }),
  };
}

function builtInBoot(name: string): BootOptions {
  const program = builtInPrograms.find((one) => one === name);
  if (program === undefined) {
    throw new MachineError('bad-option', {
      where: 'option -kernel',
      expected: `a file, or one of ${builtInPrograms.map((one) => builtInPrefix + one).join(', ')}`,
      found: `"${builtInPrefix}${name}"`,
    });
  }
  return { kind: 'built-in', program };
}

/** Returns whether settings name something that only a BIOS boots: disks, or a BIOS itself. */
export function needsFirmware(settings: Settings): boolean {
  const { hda, hdb, hdc, hdd, cdrom, fda, drive, boot, bios, optionRom } = settings;
  const named = [hda, hdb, hdc, hdd, cdrom, fda, boot, bios];
  return drive.length + optionRom.length > 0 || named.some((setting) => setting !== undefined);
}

function firmwareBoot(settings: Settings, files: BootFiles): FirmwareBoot {
  const { order, menu, 'splash-time': wait } = settings.boot ?? {};
  if ((menu !== undefined && !/^(on|off)$/.test(menu)) || !/^\d{1,5}$/.test(wait ?? '0')) {
    throw new MachineError('bad-option', {
      where: 'option -boot',
      expected: 'menu=on or menu=off, splash-time=MILLISECONDS',
      found: `"menu=${menu ?? ''},splash-time=${wait ?? ''}"`,
    });
  }
  return {
    kind: 'firmware',
    ...(files.bios === undefined ? {} : { bios: files.bios }),
    ...(files.vgaBios === undefined ? {} : { vgaBios: files.vgaBios }),
    ...(order === undefined ? {} : { order }),
    ...(menu === undefined ? {} : { menu: menu === 'on' }),
    ...(wait === undefined ? {} : { menuWaitMs: Math.min(Number(wait), 0xffff) }),
    ...(files.optionRoms === undefined ? {} : { optionRoms: files.optionRoms }),
    ...firmwareKernel(settings, files),
  };
}

function firmwareKernel(
  { append }: Settings,
  { kernel, initrd, modules }: BootFiles,
): Pick<FirmwareBoot, 'kernel'> {
  if (modules !== undefined) {
    throw new MachineError('bad-option', {
      where: 'option -initrd',
      expected: 'one file, as a BIOS boots the kernel (-bios)',
      found: `${String(modules.length)} modules`,
    });
  }
  return kernel === undefined
    ? {}
    : { kernel: { kernel, ...(initrd === undefined ? {} : { initrd }), commandLine: append } };
}

/** Devices without properties. */
const plainDevices = ['pc-testdev', 'pci-testdev', 'virtio-console', 'virtio-rng'];

function findDebugExit(settings: Settings): number | undefined {
  let port: number | undefined;
  for (const device of settings.device) {
    if (plainDevices.includes(device['driver'] ?? '')) {
      continue;
    }
    if (device['driver'] !== 'isa-debug-exit') {
      throw new MachineError('bad-option', {
        where: 'option -device',
        expected: `isa-debug-exit or ${plainDevices.join(', ')}`,
        found: `"${device['driver'] ?? ''}"`,
      });
    }
    const text = device['iobase'] ?? '0xf4';
    port = Number(text);
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(text) || port > 0xffff) {
      throw new MachineError('bad-option', {
        where: 'option -device isa-debug-exit',
        expected: 'iobase=0 to 0xffff',
        found: `"${text}"`,
      });
    }
  }
  return port;
}
