/**
 * Linux's `boot_params`, the "zero page" (Linux, Documentation/arch/x86/zero-page.rst).
 *
 *     0x000  screen_info: the text mode that the screen is in
 *     0x1e0  alt_mem_k: KiB above 1 MiB
 *     0x1e8  number of memory map entries
 *     0x1f1  setup header, as in the kernel's file
 *     0x2d0  memory map, 20 bytes an entry
 */
import { extendedMemory } from './memory-map.ts';
import type { E820Entry } from './memory-map.ts';
import { SetupOffset } from './linux-header.ts';

/** Bytes of `boot_params`. */
export const bootParamsBytes = 4096;

const Offset = {
  videoMode: 0x06,
  videoColumns: 0x07,
  videoEgaBx: 0x0a,
  videoLines: 0x0e,
  videoIsVga: 0x0f,
  videoPoints: 0x10,
  extendedKilobytes: 0x02,
  oldCommandLineMagic: 0x20,
  oldCommandLineOffset: 0x22,
  alternativeKilobytes: 0x1e0,
  e820Entries: 0x1e8,
  e820Table: 0x2d0,
} as const;

/** The most memory map entries that `boot_params` has room for. */
export const maximumE820Entries = 128;

/** The loader's identity: "undefined" (boot.rst, type_of_loader). */
const undefinedLoader = 0xff;

/** What goes into `boot_params`. */
export interface BootParams {
  /** The setup header from offset 0x1f1 on. */
  readonly header: Uint8Array;
  readonly ramBytes: number;
  readonly map: readonly E820Entry[];
  /** Where the kernel's code was loaded. */
  readonly loadAddress: number;
  readonly commandLine: number;
  readonly initrd?: { readonly start: number; readonly bytes: number };
  /** Set when the code is aligned less than it prefers. */
  readonly alignment?: number;
  /** Where the command line is, from the start of `boot_params`, for protocols before 2.02. */
  readonly oldCommandLineOffset?: number;
}

/** Builds the bytes of `boot_params` from their contents. */
export function buildBootParams(params: BootParams): Uint8Array {
  const bytes = new Uint8Array(bootParamsBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(params.header, SetupOffset.setupSectors);
  writeScreen(view);
  writeMemory(view, params);
  view.setUint8(SetupOffset.loaderType, undefinedLoader);
  view.setUint32(SetupOffset.code32Start, params.loadAddress, true);
  view.setUint32(SetupOffset.ramdiskImage, params.initrd?.start ?? 0, true);
  view.setUint32(SetupOffset.ramdiskSize, params.initrd?.bytes ?? 0, true);
  if (params.oldCommandLineOffset === undefined) {
    view.setUint32(SetupOffset.commandLine, params.commandLine, true);
  } else {
    view.setUint16(Offset.oldCommandLineMagic, 0xa33f, true);
    view.setUint16(Offset.oldCommandLineOffset, params.oldCommandLineOffset, true);
  }
  if (params.alignment !== undefined) {
    view.setUint32(SetupOffset.kernelAlignment, params.alignment, true);
  }
  return bytes;
}

/** Text mode 3 of a VGA: 80 columns, 25 lines, characters 16 lines high (boot.rst, screen_info). */
function writeScreen(view: DataView): void {
  view.setUint8(Offset.videoMode, 3);
  view.setUint8(Offset.videoColumns, 80);
  view.setUint16(Offset.videoEgaBx, 3, true);
  view.setUint8(Offset.videoLines, 25);
  view.setUint8(Offset.videoIsVga, 1);
  view.setUint16(Offset.videoPoints, 16, true);
}

function writeMemory(view: DataView, params: BootParams): void {
  const kilobytes = Math.max(0, params.ramBytes - extendedMemory) / 1024;
  view.setUint16(Offset.extendedKilobytes, Math.min(kilobytes, 0xffff), true);
  view.setUint32(Offset.alternativeKilobytes, kilobytes, true);
  const map = params.map.slice(0, maximumE820Entries);
  view.setUint8(Offset.e820Entries, map.length);
  for (const [index, entry] of map.entries()) {
    const offset = Offset.e820Table + index * 20;
    writeAddress(view, offset, entry.base);
    writeAddress(view, offset + 8, entry.bytes);
    view.setUint32(offset + 16, entry.type, true);
  }
}

function writeAddress(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}
