/** The properties of a `-drive` or `-device` option: `key=value` pairs, all text. */
export type Properties = Readonly<Record<string, string>>;

/**
 * What somebody asked for, as plain data: one field per row of the option table.
 *
 * It is what the command line, the URL of the web page and a machine description (JSON) have in
 * common. Files are paths or URLs here; the application reads them and passes bytes to
 * `createMachine`.
 */
export interface Settings {
  /** Guest RAM in bytes. */
  readonly memory: number;
  /** The kind of machine; without it the kernel says. */
  readonly machine?: 'pc' | 'pvh' | 'xenpv';
  /** Whether there is Xen's interface; by default in a machine `pvh`. */
  readonly xen?: 'on' | 'off';
  /** Path of the kernel: bzImage, multiboot or ELF. */
  readonly kernel?: string;
  /** Path of the initial RAM disk; for multiboot a list of modules, `FILE [ARGUMENTS],FILE...`. */
  readonly initrd?: string;
  /** The kernel's command line. */
  readonly append: string;
  /** Whether the loader unpacks a bzImage; otherwise the kernel does it itself. */
  readonly kernelUnpack: 'on' | 'off';
  /** Path of a BIOS image, or `built-in`. */
  readonly bios?: string;
  /** Paths of option ROMs. */
  readonly optionRom: readonly string[];
  readonly hda?: string;
  readonly hdb?: string;
  readonly hdc?: string;
  readonly hdd?: string;
  readonly cdrom?: string;
  readonly fda?: string;
  readonly fdb?: string;
  /** Drives: `file`, `if`, `format`, `index`, `media`, `readonly`. */
  readonly drive: readonly Properties[];
  /** Whether what the guest writes to its disks stays: in the files, in a page in the browser. */
  readonly keepDisks?: 'on' | 'off';
  /** `order` of boot devices, letters as in `cda`; `menu` `on` or `off`; `splash-time` in ms. */
  readonly boot?: Properties;
  /** No window: serial port 0 is on the terminal. */
  readonly nographic: boolean;
  /** Where serial ports 0 to 3 and a virtio console go: `stdio`, `null` or `file:PATH`. */
  readonly serial: readonly string[];
  /** Where the parallel port goes: `stdio`, `null` or `file:PATH`. */
  readonly parallel?: string;
  /** Where the debug console goes, likewise. */
  readonly debugcon?: string;
  /** Where checkpoint codes go, likewise. */
  readonly post?: string;
  /** Extra devices; `driver` names the kind. */
  readonly device: readonly Properties[];
  /** The CPU model. */
  readonly cpu?: string;
  /** How guest code runs. */
  readonly accel: 'interpreter' | 'translator';
  /** Where guest time comes from. */
  readonly clock: 'host' | 'instructions';
  /** A guest reset ends the run. */
  readonly noReboot: boolean;
  /** A debugger may connect to TCP port 1234. */
  readonly gdbDefault: boolean;
  /** Where a debugger may connect: `tcp:[HOST]:PORT`. */
  readonly gdb?: string;
  /** The machine stands still until a debugger lets it run. */
  readonly frozen: boolean;
  /** Leave with status 0 when serial output matches. */
  readonly until?: string;
  /** Leave with status 0 when the text screen matches. */
  readonly untilScreen?: string;
  /** Leave with status 124 after this many seconds. */
  readonly timeout?: number;
  /** Text to type on the keyboard. */
  readonly type?: string;
  /** Type once the screen matches. */
  readonly typeAfter?: string;
  /** File that gets the text of the screen on leaving. */
  readonly screenText?: string;
  /** File that gets a picture of the screen on leaving. */
  readonly screenshot?: string;
  /** A snapshot to go on from. */
  readonly restore?: string;
  /** File that gets a snapshot on leaving, and on `Ctrl-A s`. */
  readonly snapshot?: string;
  /** File that gets statistics as JSON on leaving. */
  readonly stats?: string;
  /** File that gets a line for each translated region that is made or dropped. */
  readonly traceTranslation?: string;
  /** File that remembers what was translated, or `none`. */
  readonly translationProfile?: string;
  /** File that gets a line for each hypercall. */
  readonly traceHypercalls?: string;
}
