/**
 * Firmware on the board: what stands in the ROM, and the devices by which it learns what machine
 * this is.
 */
import {
  DebugConsole,
  firmwareConsoleAddress,
  FwCfg,
  fwCfgKey,
  itemNumber,
  itemText,
} from '@ringfence/devices';
import type { ByteSink, FwCfgFile } from '@ringfence/devices';

import { acpiLoaderFiles } from './acpi-loader.ts';
import { buildFont } from './built-in-bios/font.ts';
import { builtInBios } from './built-in-bios/program.ts';
import type { BiosProgram } from './built-in-bios/program.ts';
import type { DisplayOptions } from './board-display.ts';
import type { Board } from './board.ts';
import { E820Type } from './boot/memory-map.ts';
import { MachineError } from './error.ts';
import { kernelItems } from './firmware-kernel/kernel-items.ts';
import { linuxRom } from './firmware-kernel/linux-rom.ts';
import { acpiTables, rootPointer } from './firmware.ts';
import type { BootOptions, FirmwareBoot } from './options/machine-options.ts';
import { kernelRomImage } from './processor-reset.ts';

/** The firmware of a machine: its ROM, and what it is told. */
export interface Firmware {
  /** The contents of the ROM, its last byte below 4 GiB. */
  readonly rom: Uint8Array;
  /** Bytes of CMOS RAM that tell it what to do. */
  readonly cmos: Readonly<Record<number, number>>;
  /** The VGA BIOS, or what stands in for it. */
  readonly display: DisplayOptions;
  /** How a BIOS boots that learns all from devices, as SeaBIOS does. */
  readonly boot?: FirmwareBoot;
  /** The built-in BIOS, the order in which it boots, and its option ROMs. */
  readonly builtIn?: {
    readonly program: BiosProgram;
    readonly order: string;
    readonly optionRoms: readonly Uint8Array[];
    /** Whether the first of the ROMs is booted before any drive. */
    readonly romFirst: boolean;
  };
}

/** Boot devices by the letters of `-boot`, and their numbers in CMOS RAM (SeaBIOS, src/boot.c). */
const bootDevices: Readonly<Record<string, number>> = { a: 1, b: 1, c: 2, d: 3, n: 4 };
/** The order where none is given: a disk, a floppy, a CD. */
const defaultOrder = 'cad';
const cmosBootFirst = 0x3d;
const cmosBootThird = 0x38;

/** Where the display stands for kernels that are started without a BIOS, as SeaBIOS places it. */
const displayPlaces = { frameBuffer: 0xfd00_0000, registers: 0xfebf_0000 } as const;

const kernelRomName = 'genroms/linux.rom';
/** What fits between the display's ROM and the system's. */
const mostRomBytes = 0x1_8000;

/**
 * Returns the firmware that a machine has: the tables that kernels look for, or a BIOS.
 *
 * @throws MachineError `bad-option` for a boot order that names no device.
 */
export function chooseFirmware(boot: BootOptions, ramBytes: number): Firmware {
  if (boot.kind !== 'firmware') {
    const display = { font: buildFont(16), places: displayPlaces };
    return { rom: kernelRomImage(rootPointer), cmos: {}, display };
  }
  const order = boot.order ?? defaultOrder;
  const cmos = bootOrderBytes(order);
  if (boot.bios === undefined) {
    const program = builtInBios(ramBytes);
    const optionRoms = romFiles(boot).map(({ bytes }) => bytes);
    return {
      rom: program.rom,
      cmos,
      display: { font: buildFont(16) },
      builtIn: { program, order, optionRoms, romFirst: boot.kernel !== undefined },
      ...(boot.kernel === undefined ? {} : { boot }),
    };
  }
  const display = boot.vgaBios === undefined ? {} : { rom: boot.vgaBios };
  return { rom: boot.bios, cmos, display, boot };
}

/**
 * Puts the devices on the board that tell firmware what machine this is, and kernels that are
 * started without it; the built-in BIOS knows.
 */
export function addFirmware(board: Board, firmware: Firmware, output: ByteSink): void {
  const { boot, builtIn } = firmware;
  if (builtIn !== undefined && boot === undefined) {
    return;
  }
  if (boot?.bios !== undefined) {
    board.own('firmware-console', new DebugConsole({ output, base: firmwareConsoleAddress }));
  }
  const { usableBytes: ramBytes } = board.memory.machine;
  const items = new Map([
    ...(boot?.kernel === undefined ? [] : kernelItems(boot.kernel, ramBytes)),
    [fwCfgKey.ramBytes, joinNumbers(ramBytes, 0)],
    [fwCfgKey.processors, itemNumber(1, 2)],
    [fwCfgKey.maximumProcessors, itemNumber(1, 2)],
    [fwCfgKey.noGraphic, itemNumber(0, 2)],
    [fwCfgKey.bootDevice, itemText((boot?.order ?? 'c').slice(0, 1))],
    [fwCfgKey.bootMenu, itemNumber(boot?.menu === true ? 1 : 0, 2)],
  ]);
  board.own('fw-cfg', new FwCfg({ items, files: files(boot, ramBytes), memory: board.memory }));
}

function files(boot: FirmwareBoot | undefined, ramBytes: number): readonly FwCfgFile[] {
  const memory = { name: 'etc/e820', bytes: e820Item(ramBytes) };
  if (boot === undefined) {
    return [memory];
  }
  const wait = boot.menuWaitMs;
  return [
    ...acpiLoaderFiles(acpiTables(0)),
    memory,
    ...romFiles(boot),
    ...(boot.kernel === undefined
      ? []
      : [{ name: 'bootorder', bytes: itemText(`/rom@${kernelRomName}\n`) }]),
    ...(wait === undefined ? [] : [{ name: 'etc/boot-menu-wait', bytes: itemNumber(wait, 2) }]),
  ];
}

/**
 * Returns the option ROMs as files, under the names that SeaBIOS looks for; what boots a kernel
 * comes first.
 *
 * @throws MachineError `bad-image` for a ROM without its signature.
 */
function romFiles({ optionRoms = [], kernel }: FirmwareBoot): readonly FwCfgFile[] {
  const roms = optionRoms.map(({ name, bytes }, index) => {
    if (bytes[0] !== 0x55 || bytes[1] !== 0xaa || bytes.length > mostRomBytes) {
      throw new MachineError('bad-image', {
        where: `option ROM ${name}`,
        expected: `at most ${String(mostRomBytes)} bytes that begin with 55 aa`,
        found: `${String(bytes.length)} bytes that begin with ${hexBytes(bytes.subarray(0, 2))}`,
      });
    }
    const plain = name.replace(/[^\w.-]/g, '_').slice(-32);
    return { name: `genroms/${String(index)}-${plain}`, bytes };
  });
  return kernel === undefined ? roms : [{ name: kernelRomName, bytes: linuxRom() }, ...roms];
}

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'nothing';
}

/** Returns the RAM as firmware is told of it: 64-bit start and length, and a type. */
function e820Item(ramBytes: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set(joinNumbers(0, 0));
  bytes.set(joinNumbers(ramBytes, 0), 8);
  bytes.set(itemNumber(E820Type.ram, 4), 16);
  return bytes;
}

function joinNumbers(low: number, high: number): Uint8Array {
  return Uint8Array.from([...itemNumber(low, 4), ...itemNumber(high, 4)]);
}

/** Returns the CMOS bytes of a boot order: the first two devices, and the third. */
function bootOrderBytes(order: string): Record<number, number> {
  const codes = Array.from(order, (letter) => bootDevices[letter]);
  if (codes.length === 0 || codes.length > 4 || codes.includes(undefined)) {
    throw new MachineError('bad-option', {
      where: 'boot order',
      expected: 'letters of a (floppy), c (disk), d (CD), n (network)',
      found: `"${order.slice(0, 20)}"`,
    });
  }
  const [first = 0, second = 0, third = 0] = codes;
  return {
    [cmosBootFirst]: (second << 4) | first,
    // Bit 0: floppies without the signature of a boot sector boot as well.
    [cmosBootThird]: (third << 4) | 1,
  };
}
