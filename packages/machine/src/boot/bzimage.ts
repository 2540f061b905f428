/**
 * Loads a Linux kernel by the 32-bit boot protocol (Linux, Documentation/arch/x86/boot.rst, "32-bit
 * Boot Protocol").
 *
 * Where the kernel's ELF file was unpacked from the image already, its segments go to their
 * physical addresses and it starts at its own entry, which asks for the same state as the code that
 * unpacks it. Otherwise, or when that file does not fit, the image unpacks itself:
 *
 * The code goes to its preferred address if memory reaches so far, else as low as it can be; the
 * initial RAM disk as high as kernel and memory allow, out of the way of a kernel that unpacks
 * itself.
 */
import { MachineError } from '../error.ts';

import { flatBootState } from './boot-state.ts';
import type { BootState } from './boot-state.ts';
import { buildBootParams } from './boot-params.ts';
import { placeElf, readElf, writeElf } from './elf.ts';
import { hex, ImageView } from './image-view.ts';
import { readLinuxHeader, SetupOffset } from './linux-header.ts';
import type { LinuxHeader } from './linux-header.ts';
import {
  alignUp,
  commandLineSpace,
  encodeCommandLine,
  LoaderArea,
  megabytes,
  PlacementMap,
  writeBootGdt,
} from './loader-memory.ts';
import type { LoaderMemory } from './loader-memory.ts';
import { e820Map, extendedMemory } from './memory-map.ts';

/** What goes along with a kernel. */
export interface LinuxFiles {
  readonly commandLine: string;
  readonly initrd?: Uint8Array;
  /** Whether the processor has 64-bit mode; without it 64-bit kernels are refused. */
  readonly longMode: boolean;
  /** The ELF file that the image carries, unpacked; without it the image unpacks itself. */
  readonly unpacked?: Uint8Array;
}

/** Where a kernel will stand and start. */
interface LinuxPlace {
  /** The address of its first instruction. */
  readonly start: number;
  /** The end of the memory that it takes before it looks at the memory map. */
  readonly end: number;
  /** Copies it there. */
  write(): void;
}

const pageBytes = 4096;
const noProtocol202 = 0x202;

/**
 * Puts a Linux kernel, its command line and its initial RAM disk into memory.
 *
 * Nothing is written unless everything fits.
 *
 * @throws MachineError `bad-image`, `unsupported`, `too-little-memory` or `bad-option`.
 */
export function loadLinux(image: ImageView, files: LinuxFiles, memory: LoaderMemory): BootState {
  const header = readLinuxHeader(image);
  if (header.is64Bit && !files.longMode) {
    const offset = SetupOffset.extendedLoadFlags;
    throw image.unsupported(offset, 'a kernel for 32-bit processors', 'one for 64-bit mode');
  }
  const { start, end, write } =
    placeUnpacked(files, header, memory) ?? placeImage(image, header, memory);
  const initrd = files.initrd && placeInitrd(files.initrd.length, header, end, memory.ramBytes);
  const limit = Math.min(header.commandLineBytes, commandLineSpace - 1);
  const commandLine = encodeCommandLine(files.commandLine, limit);
  const params = buildBootParams({
    header: image.part(SetupOffset.setupSectors, header.headerBytes, 'the setup header'),
    ramBytes: memory.ramBytes,
    map: e820Map(memory.ramBytes),
    loadAddress: start,
    commandLine: LoaderArea.text,
    ...(initrd === undefined ? {} : { initrd }),
    ...(start % header.alignment === 0 ? {} : { alignment: header.minimumAlignment }),
    ...(header.version < noProtocol202
      ? { oldCommandLineOffset: LoaderArea.text - LoaderArea.parameters }
      : {}),
  });
  write();
  memory.write(LoaderArea.parameters, params);
  memory.write(LoaderArea.text, commandLine);
  if (initrd !== undefined && files.initrd !== undefined) {
    memory.write(initrd.start, files.initrd);
  }
  writeBootGdt(memory);
  return flatBootState(start, LoaderArea.gdt, { esi: LoaderArea.parameters });
}

/** Finds the place of the code that unpacks the kernel. */
function placeImage(image: ImageView, header: LinuxHeader, memory: LoaderMemory): LinuxPlace {
  const start = chooseStart(header, memory.ramBytes);
  const runStart = header.relocatable ? start : Math.max(start, header.preferredAddress);
  const end = Math.max(start + header.codeBytes, runStart + header.initBytes);
  new PlacementMap(memory.ramBytes).take({ name: 'kernel', start, end });
  const code = image.part(header.codeOffset, header.codeBytes, 'protected-mode code');
  return {
    start,
    end,
    write: () => {
      memory.write(start, code);
    },
  };
}

/**
 * Finds the places of an unpacked kernel's segments; nothing where they or the initrd do not fit.
 */
function placeUnpacked(
  files: LinuxFiles,
  header: LinuxHeader,
  memory: LoaderMemory,
): LinuxPlace | undefined {
  if (files.unpacked === undefined || header.is64Bit) {
    return undefined;
  }
  const image = new ImageView('kernel unpacked', files.unpacked);
  try {
    const file = readElf(image);
    const placements = new PlacementMap(memory.ramBytes);
    placeElf(file, placements);
    const end = placements.highest();
    if (files.initrd !== undefined) {
      placeInitrd(files.initrd.length, header, end, memory.ramBytes);
    }
    return {
      start: file.entry,
      end,
      write: () => {
        writeElf(image, file, memory);
      },
    };
  } catch (error) {
    if (error instanceof MachineError) {
      return undefined;
    }
    throw error;
  }
}

/** Returns the address for the code: the preferred one, or the lowest that suits it. */
function chooseStart(header: LinuxHeader, ramBytes: number): number {
  const { relocatable, preferredAddress, initBytes, loadAddress } = header;
  if (!relocatable) {
    return loadAddress;
  }
  const preferred = preferredAddress === 0 ? loadAddress : preferredAddress;
  const aligned = alignUp(Math.max(preferred, extendedMemory), header.alignment);
  if (aligned + initBytes <= ramBytes) {
    return aligned;
  }
  return alignUp(extendedMemory, header.minimumAlignment);
}

function placeInitrd(
  bytes: number,
  header: LinuxHeader,
  kernelEnd: number,
  ramBytes: number,
): { start: number; bytes: number } {
  const ceiling = Math.min(ramBytes, header.initrdMaximum + 1);
  const start = Math.floor((ceiling - bytes) / pageBytes) * pageBytes;
  if (start < alignUp(kernelEnd, pageBytes)) {
    const need = alignUp(kernelEnd, pageBytes) + alignUp(bytes, pageBytes);
    const byKernel = need > header.initrdMaximum + 1;
    throw new MachineError('too-little-memory', {
      where: `initrd of ${megabytes(bytes)}`,
      expected: byKernel
        ? `one that fits between the kernel's end ${hex(kernelEnd)} and its limit for an initrd`
        : `at least ${megabytes(need)} of memory (the kernel ends at ${hex(kernelEnd)})`,
      found: byKernel ? hex(header.initrdMaximum) : megabytes(ramBytes),
    });
  }
  return { start, bytes };
}
