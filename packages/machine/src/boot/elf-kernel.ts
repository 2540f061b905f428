/**
 * Loads a bare ELF32 kernel, such as Linux's `vmlinux`, in the state of Linux's 32-bit boot
 * protocol.
 *
 * ESI points to `boot_params` with a setup header that the loader made up, since the file has none.
 * A kernel that is not Linux need not look at it: it starts in flat 32-bit protected mode.
 */
import { MachineError } from '../error.ts';

import { flatBootState } from './boot-state.ts';
import type { BootState } from './boot-state.ts';
import { buildBootParams } from './boot-params.ts';
import { placeElf, readElf, writeElf } from './elf.ts';
import type { ImageView } from './image-view.ts';
import { bootFlag, SetupOffset, setupMagic } from './linux-header.ts';
import {
  commandLineSpace,
  encodeCommandLine,
  LoaderArea,
  megabytes,
  PlacementMap,
  writeBootGdt,
} from './loader-memory.ts';
import type { LoaderMemory } from './loader-memory.ts';
import { e820Map } from './memory-map.ts';

/**
 * The end of the memory that 32-bit Linux maps directly, where an initial RAM disk must be below.
 */
const initrdMaximum = 0x37ff_ffff;
const pageBytes = 4096;
const headerBytes = SetupOffset.initSize + 4 - SetupOffset.setupSectors;

/**
 * Puts a bare ELF kernel, its command line and an initial RAM disk into memory.
 *
 * @throws MachineError `bad-image`, `unsupported`, `too-little-memory` or `bad-option`.
 */
export function loadElfKernel(
  image: ImageView,
  files: { readonly commandLine: string; readonly initrd?: Uint8Array },
  memory: LoaderMemory,
): BootState {
  const file = readElf(image);
  const placements = new PlacementMap(memory.ramBytes);
  placeElf(file, placements);
  const initrd = files.initrd && placeInitrd(files.initrd.length, placements, memory.ramBytes);
  const commandLine = encodeCommandLine(files.commandLine, commandLineSpace - 1);
  const params = buildBootParams({
    header: madeUpHeader(),
    ramBytes: memory.ramBytes,
    map: e820Map(memory.ramBytes),
    loadAddress: file.entry,
    commandLine: LoaderArea.text,
    ...(initrd === undefined ? {} : { initrd }),
  });
  writeElf(image, file, memory);
  if (initrd !== undefined && files.initrd !== undefined) {
    memory.write(initrd.start, files.initrd);
  }
  memory.write(LoaderArea.parameters, params);
  memory.write(LoaderArea.text, commandLine);
  writeBootGdt(memory);
  return flatBootState(file.entry, LoaderArea.gdt, { esi: LoaderArea.parameters });
}

function placeInitrd(
  bytes: number,
  placements: PlacementMap,
  ramBytes: number,
): { start: number; bytes: number } {
  const ceiling = Math.min(ramBytes, initrdMaximum + 1);
  const start = Math.floor((ceiling - bytes) / pageBytes) * pageBytes;
  if (start < placements.highest()) {
    throw new MachineError('too-little-memory', {
      where: `initrd of ${megabytes(bytes)}`,
      expected: `as much memory between the kernel's end ${megabytes(placements.highest())} and`,
      found: megabytes(ceiling),
    });
  }
  return { start, bytes };
}

/** A setup header of protocol 2.10 that says no more than that the other fields hold. */
function madeUpHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(headerBytes));
  const at = (offset: number): number => offset - SetupOffset.setupSectors;
  view.setUint16(at(SetupOffset.videoMode), 0xffff, true);
  view.setUint16(at(SetupOffset.bootFlag), bootFlag, true);
  view.setUint32(at(SetupOffset.magic), setupMagic, true);
  view.setUint16(at(SetupOffset.version), 0x20a, true);
  view.setUint8(at(SetupOffset.loadFlags), 1);
  view.setUint32(at(SetupOffset.initrdMaximum), initrdMaximum, true);
  view.setUint32(at(SetupOffset.commandLineSize), commandLineSpace - 1, true);
  return new Uint8Array(view.buffer);
}
