import { maxRamBytes } from '@ringfence/memory';

import type { Settings } from './settings.ts';

/** How the text of an option's value is understood. */
export type OptionKind =
  /** No value; the option's presence is the value. */
  | { readonly kind: 'flag' }
  | { readonly kind: 'text' }
  /** A path that the application reads or writes. */
  | { readonly kind: 'file' }
  /** A whole number of MiB in bytes, written with a suffix K, M or G; a bare number counts MiB. */
  | { readonly kind: 'size'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'seconds' }
  /** A regular expression of JavaScript's syntax. */
  | { readonly kind: 'pattern' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /**
   * `key=value,key=value`; a doubled comma is a comma; a first word without `=` is `head`'s value.
   */
  | { readonly kind: 'properties'; readonly keys: readonly string[]; readonly head?: string };

/** One option of a machine or of the program that runs it. */
export interface OptionRow {
  /** The field of `Settings`, and of a machine description. */
  readonly name: keyof Settings;
  /** The spelling on a command line; without its dashes, the name in a URL. */
  readonly flag: string;
  /** Another spelling. */
  readonly alias?: string;
  /** How the value is written in the help; absent for a flag. */
  readonly argument?: string;
  /** How the value is read. */
  readonly value: OptionKind;
  /**
   * The most times that it can be given; more than 1 makes the field an array. The default is 1.
   */
  readonly most?: number;
  /** Values (or `*` for all) that are known and that this version cannot serve, with the reason. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** Whether it says what the machine is, or what the program around it does. */
  readonly scope: 'machine' | 'program';
  /** One line for the help. */
  readonly help: string;
}

/** The smallest guest RAM in bytes: below 1 MiB there is no memory to load a kernel into. */
export const minimumRamBytes = 0x10_0000;

const file = { kind: 'file' } as const;
const text = { kind: 'text' } as const;
const flag = { kind: 'flag' } as const;
const pattern = { kind: 'pattern' } as const;

/**
 * Every option, in the order of the help: the spellings are those that QEMU users know, where QEMU
 * has them.
 *
 * The command line, URL parameters, machine descriptions and the help derive from these rows.
 */
export const optionTable: readonly OptionRow[] = [
  {
    name: 'memory',
    flag: '-m',
    argument: 'SIZE',
    value: { kind: 'size', minimum: minimumRamBytes, maximum: maxRamBytes },
    scope: 'machine',
    help: 'guest memory, in MiB or with a suffix K, M, G (default 256M)',
  },
  {
    name: 'machine',
    flag: '-machine',
    argument: 'KIND',
    value: { kind: 'choice', choices: ['pc', 'pvh', 'xenpv'] },
    scope: 'machine',
    help: 'kind of machine: pc, pvh or xenpv (default: pc, or what the kernel needs)',
  },
  {
    name: 'xen',
    flag: '-xen',
    argument: 'on|off',
    value: { kind: 'choice', choices: ['on', 'off'] },
    scope: 'machine',
    help: "whether there is Xen's interface (default: on for machine pvh, off for pc)",
  },
  {
    name: 'kernel',
    flag: '-kernel',
    argument: 'FILE',
    value: file,
    scope: 'machine',
    help: 'kernel to boot: bzImage, multiboot, ELF, or builtin:shell|teaching|teaching-ported',
  },
  {
    name: 'initrd',
    flag: '-initrd',
    argument: 'FILE',
    value: file,
    scope: 'machine',
    help: 'initial RAM disk; for multiboot: FILE [ARGUMENTS],FILE...',
  },
  {
    name: 'append',
    flag: '-append',
    argument: 'TEXT',
    value: text,
    scope: 'machine',
    help: "the kernel's command line",
  },
  {
    name: 'kernelUnpack',
    flag: '-kernel-unpack',
    argument: 'on|off',
    value: { kind: 'choice', choices: ['on', 'off'] },
    scope: 'machine',
    help: 'on (default): a bzImage is unpacked before it starts; off: it unpacks itself',
  },
  {
    name: 'bios',
    flag: '-bios',
    argument: 'FILE',
    value: file,
    scope: 'machine',
    help: 'BIOS: an image, or built-in (default: SeaBIOS if installed); it boots -kernel too',
  },
  {
    name: 'optionRom',
    flag: '-option-rom',
    argument: 'FILE',
    value: file,
    most: 8,
    scope: 'machine',
    help: 'option ROM for the BIOS',
  },
  ...(['hda', 'hdb', 'hdc', 'hdd', 'cdrom', 'fda', 'fdb'] as const).map((name): OptionRow => ({
    name,
    flag: `-${name}`,
    argument: 'FILE',
    value: file,
    scope: 'machine',
    help: name === 'cdrom' ? 'CD-ROM image' : name.startsWith('fd') ? 'floppy image' : 'disk image',
  })),
  {
    name: 'drive',
    flag: '-drive',
    argument: 'file=FILE,if=ide|virtio|xen|ringfence|floppy,format=raw|qcow2',
    value: {
      kind: 'properties',
      keys: ['file', 'if', 'format', 'index', 'media', 'readonly', 'snapshot'],
    },
    most: 16,
    scope: 'machine',
    help: 'a drive (also index=N,media=cdrom,readonly=on,snapshot=on); FILE may be a URL',
  },
  {
    name: 'keepDisks',
    flag: '--keep-disks',
    argument: 'on|off',
    value: { kind: 'choice', choices: ['on', 'off'] },
    scope: 'machine',
    help: "whether a guest's writes to its disks stay (default: on, in a page off)",
  },
  {
    name: 'boot',
    flag: '-boot',
    argument: 'ORDER[,menu=on]',
    value: { kind: 'properties', keys: ['order', 'menu', 'splash-time'], head: 'order' },
    scope: 'machine',
    help: 'boot devices by letters (a floppy, c disk, d CD), such as cda; and the boot menu',
  },
  {
    name: 'nographic',
    flag: '-nographic',
    value: flag,
    scope: 'program',
    help: 'serial port 0 on the terminal; Ctrl-A x leaves',
  },
  {
    name: 'serial',
    flag: '-serial',
    argument: 'stdio|null|file:PATH',
    value: text,
    most: 5,
    scope: 'program',
    help: 'where serial ports 0 to 3, and a virtio console, go, one option for each in turn',
  },
  {
    name: 'parallel',
    flag: '-parallel',
    argument: 'stdio|null|file:PATH',
    value: text,
    scope: 'program',
    help: 'where the parallel port at 0x378 goes (default null)',
  },
  {
    name: 'debugcon',
    flag: '-debugcon',
    argument: 'stdio|null|file:PATH',
    value: text,
    scope: 'program',
    help: 'where the debug console at port 0xe9 goes (default null)',
  },
  {
    name: 'post',
    flag: '--post',
    argument: 'stdio|null|file:PATH',
    value: text,
    scope: 'program',
    help: 'where checkpoint codes of ports 0x80 and 0x190 go, a line of hex each',
  },
  {
    name: 'device',
    flag: '-device',
    argument: 'isa-debug-exit[,iobase=0xf4]|pc-testdev|pci-testdev|virtio-console|virtio-rng',
    value: { kind: 'properties', keys: ['driver', 'iobase', 'iosize'], head: 'driver' },
    most: 8,
    scope: 'machine',
    help: 'writing v to isa-debug-exit ends with status (v << 1) | 1; the console is serial 4',
  },
  {
    name: 'cpu',
    flag: '-cpu',
    argument: 'MODEL[,+FEATURE][,-FEATURE]',
    value: text,
    scope: 'machine',
    help: 'CPU model: qemu32 (default; kvm64, qemu64), max (host), pentium3, pentium or 486',
  },
  {
    name: 'accel',
    flag: '-accel',
    argument: 'interpreter|translator',
    value: { kind: 'choice', choices: ['interpreter', 'translator'] },
    scope: 'machine',
    help: 'how guest code runs',
  },
  {
    name: 'clock',
    flag: '-clock',
    argument: 'host|instructions',
    value: { kind: 'choice', choices: ['host', 'instructions'] },
    scope: 'machine',
    help: 'guest time is real time (host, default) or retired instructions',
  },
  {
    name: 'noReboot',
    flag: '-no-reboot',
    value: flag,
    scope: 'machine',
    help: 'a reset by the guest ends the run',
  },
  {
    name: 'gdbDefault',
    flag: '-s',
    value: flag,
    scope: 'program',
    help: 'the same as -gdb tcp::1234',
  },
  {
    name: 'gdb',
    flag: '-gdb',
    argument: 'tcp:[HOST]:PORT',
    value: text,
    scope: 'program',
    help: 'wait for a debugger there (GDB: target remote :PORT)',
  },
  {
    name: 'frozen',
    flag: '-S',
    value: flag,
    scope: 'program',
    help: 'do not start before a debugger says so',
  },
  {
    name: 'until',
    flag: '--until',
    argument: 'REGEX',
    value: pattern,
    scope: 'program',
    help: 'leave with status 0 when serial output matches',
  },
  {
    name: 'untilScreen',
    flag: '--until-screen',
    argument: 'REGEX',
    value: pattern,
    scope: 'program',
    help: 'leave with status 0 when the text screen matches',
  },
  {
    name: 'timeout',
    flag: '--timeout',
    argument: 'SECONDS',
    value: { kind: 'seconds' },
    scope: 'program',
    help: 'leave with status 124 after that time',
  },
  {
    name: 'type',
    flag: '--type',
    argument: 'TEXT',
    value: text,
    scope: 'program',
    help: 'type TEXT on the keyboard',
  },
  {
    name: 'typeAfter',
    flag: '--type-after',
    argument: 'REGEX',
    value: pattern,
    scope: 'program',
    help: 'type once the text screen matches',
  },
  {
    name: 'screenText',
    flag: '--screen-text',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write the text of the screen on leaving',
  },
  {
    name: 'screenshot',
    flag: '--screenshot',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write a PNG picture of the screen on leaving',
  },
  {
    name: 'restore',
    flag: '--restore',
    alias: '-loadvm',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'go on from a snapshot, also -loadvm; machine and overlays become what it says',
  },
  {
    name: 'snapshot',
    flag: '--snapshot',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write a snapshot on leaving, and on Ctrl-A s',
  },
  {
    name: 'stats',
    flag: '--stats',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write statistics as JSON on leaving',
  },
  {
    name: 'traceTranslation',
    flag: '--trace-translation',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write a line for each translated region: where, how large, why made, why dropped',
  },
  {
    name: 'translationProfile',
    flag: '--translation-profile',
    argument: 'FILE|none',
    value: file,
    scope: 'program',
    help: 'remember there what was translated, for later runs (default: a file for all guests)',
  },
  {
    name: 'traceHypercalls',
    flag: '--trace-hypercalls',
    argument: 'FILE',
    value: file,
    scope: 'program',
    help: 'write a line for each hypercall: name, arguments, result',
  },
];

/** What holds where an option is not given. */
export const defaultSettings: Settings = {
  memory: 256 * 1024 * 1024,
  append: '',
  kernelUnpack: 'on',
  optionRom: [],
  drive: [],
  nographic: false,
  serial: [],
  device: [],
  accel: 'translator',
  clock: 'host',
  noReboot: false,
  gdbDefault: false,
  frozen: false,
};
