/**
 * Loads a kernel by its PVH entry: flat 32-bit protected mode without firmware, EBX on a
 * description of the machine (Xen, docs/misc/pvh.pandoc; include/public/arch-x86/hvm/start_info.h).
 *
 *     hvm_start_info (version 1)        module            memory map entry
 *     0  magic 0x336ec578               0  address        0  address
 *     4  version                        8  bytes          8  bytes
 *     8  flags                          16 command line   16 type, as in the e820 map
 *     12 number of modules              24 0              20 0
 *     16 modules
 *     24 command line
 *     32 RSDP
 *     40 memory map
 *     48 its entries, 52: 0
 *
 * Addresses have 64 bits. Nothing in it is Xen's own: without Xen's CPUID leaves this is the
 * shortest way past a BIOS.
 */
import { MachineError } from '../error.ts';
import type { BootModule } from '../options/machine-options.ts';

import { flatBootState } from './boot-state.ts';
import type { BootState } from './boot-state.ts';
import { bsdSymbols, symbolsPlace } from './bsd-symbols.ts';
import { placeElf, readElf, writeElf } from './elf.ts';
import type { ImageView } from './image-view.ts';
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
import type { E820Entry } from './memory-map.ts';

/** The first word of `hvm_start_info`: "xEn3" with the top bit of the E set. */
export const startInfoMagic = 0x336e_c578;

/** What goes along with a kernel. */
export interface PvhFiles {
  readonly commandLine: string;
  /** The first is the initial RAM disk, for Linux. */
  readonly modules: readonly BootModule[];
  /** Whether the kernel wants its symbols behind it. */
  readonly wantsSymbols?: boolean;
}

/** What the machine says about itself. */
export interface PvhMachine {
  readonly map: readonly E820Entry[];
  /** Address of the ACPI root pointer, 0 for none. */
  readonly rsdp: number;
}

/** Where the parts of the description stand, from `LoaderArea.parameters`. */
const Place = { memoryMap: 0x100, modules: 0x800, end: 0x1000 } as const;
const mapEntryBytes = 24;
const moduleBytes = 32;
const mostModules = (Place.end - Place.modules) / moduleBytes;
const mostMapEntries = Math.floor((Place.modules - Place.memoryMap) / mapEntryBytes);

/** IA32_MTRR_DEF_TYPE: MTRRs are on, and memory is write-back (docs/misc/pvh.pandoc, "MTRR"). */
const memoryTypes = [0x2ff, 0x806, 0] as const;

/** 32-bit Linux maps this much at first, and modules must be below. */
const moduleCeiling = 0x3800_0000;
const pageBytes = 4096;

/**
 * Puts an ELF kernel with a PVH entry into memory, with its command line and modules.
 *
 * @throws MachineError `bad-image`, `unsupported`, `too-little-memory` or `bad-option`.
 */
export function loadPvh(
  image: ImageView,
  entry: number,
  files: PvhFiles,
  machine: PvhMachine,
  memory: LoaderMemory,
): BootState {
  const file = readElf(image);
  const placements = new PlacementMap(usableEnd(machine.map, memory.ramBytes));
  placeElf(file, placements);
  const symbols = files.wantsSymbols === true ? bsdSymbols(image) : undefined;
  const symbolsAt = symbolsPlace(file.segments);
  if (symbols !== undefined) {
    placements.take({ name: 'symbols', start: symbolsAt, end: symbolsAt + symbols.length });
  }
  const modules = placeModules(files.modules, placements, machine.map);
  const texts = [files.commandLine, ...files.modules.map((module) => module.commandLine)];
  const lines = texts.map((text) => encodeCommandLine(text, commandLineSpace - 1));
  if (lines.reduce((sum, line) => sum + line.length, 0) > commandLineSpace) {
    throw new MachineError('bad-option', {
      where: 'command lines of the kernel and its modules',
      expected: `at most ${String(commandLineSpace)} bytes in all`,
      found: 'more',
    });
  }
  writeElf(image, file, memory);
  if (symbols !== undefined) {
    memory.write(symbolsAt, symbols);
  }
  const places: number[] = [];
  let at: number = LoaderArea.text;
  for (const line of lines) {
    memory.write(at, line);
    places.push(at);
    at += line.length;
  }
  for (const { start, bytes } of modules) {
    memory.write(start, bytes);
  }
  memory.write(LoaderArea.parameters, describe(machine, modules, places));
  writeBootGdt(memory);
  const state = flatBootState(entry, LoaderArea.gdt, { ebx: LoaderArea.parameters });
  const tr = { selector: 0, base: 0, limit: 0x67, attributes: 0x8b };
  return { ...state, tr, msrs: [memoryTypes] };
}

interface PlacedModule {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The end of the memory from 1 MiB up that the map gives to the guest. */
function usableEnd(map: readonly E820Entry[], ramBytes: number): number {
  const ends = map.filter((entry) => entry.type === 1).map((entry) => entry.base + entry.bytes);
  return Math.min(Math.max(0, ...ends), ramBytes);
}

/** Places modules from the top of memory down, so that they are out of a kernel's way. */
function placeModules(
  modules: readonly BootModule[],
  placements: PlacementMap,
  map: readonly E820Entry[],
): readonly PlacedModule[] {
  if (modules.length > mostModules) {
    throw new MachineError('bad-option', {
      where: 'modules',
      expected: `at most ${String(mostModules)}`,
      found: String(modules.length),
    });
  }
  let ceiling = usableEnd(map, moduleCeiling);
  return modules.map(({ bytes }) => {
    const start = Math.floor((ceiling - bytes.length) / pageBytes) * pageBytes;
    if (start < alignUp(placements.highest(), pageBytes)) {
      throw new MachineError('too-little-memory', {
        where: `module or initrd of ${megabytes(bytes.length)}`,
        expected: `as much memory behind the kernel's end ${megabytes(placements.highest())}`,
        found: `memory up to ${megabytes(ceiling)}`,
      });
    }
    ceiling = start;
    return { start, bytes };
  });
}

function describe(
  machine: PvhMachine,
  modules: readonly PlacedModule[],
  commandLines: readonly number[],
): Uint8Array {
  const base: number = LoaderArea.parameters;
  const view = new DataView(new ArrayBuffer(Place.end));
  const word = (offset: number, value: number): void => {
    view.setUint32(offset, value, true);
  };
  const map = machine.map.slice(0, mostMapEntries);
  word(0, startInfoMagic);
  word(4, 1);
  word(12, modules.length);
  word(16, modules.length > 0 ? base + Place.modules : 0);
  word(24, commandLines[0] ?? 0);
  word(32, machine.rsdp);
  word(40, base + Place.memoryMap);
  word(48, map.length);
  for (const [index, entry] of map.entries()) {
    const offset = Place.memoryMap + index * mapEntryBytes;
    word(offset, entry.base);
    word(offset + 8, entry.bytes);
    word(offset + 16, entry.type);
  }
  for (const [index, module] of modules.entries()) {
    const offset = Place.modules + index * moduleBytes;
    word(offset, module.start);
    word(offset + 8, module.bytes.length);
    word(offset + 16, commandLines[index + 1] ?? 0);
  }
  return new Uint8Array(view.buffer);
}
