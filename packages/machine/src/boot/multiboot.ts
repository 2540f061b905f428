/**
 * Loads a multiboot kernel with its modules (Multiboot Specification 0.6.96, 3.2 and 3.3).
 *
 * The information structure, as far as it is filled in:
 *
 *     0   flags                        20  mods_count, mods_addr
 *     4   mem_lower, mem_upper         44  mmap_length, mmap_addr
 *     12  boot_device                  64  boot_loader_name
 *     16  cmdline                      88  framebuffer: the text screen
 */
import { MachineError } from '../error.ts';

import { flatBootState } from './boot-state.ts';
import type { BootState } from './boot-state.ts';
import { isElf, placeElf, readElf, withoutRomPart, writeElf } from './elf.ts';
import type { ImageView } from './image-view.ts';
import {
  alignUp,
  encodeCommandLine,
  LoaderArea,
  PlacementMap,
  writeBootGdt,
} from './loader-memory.ts';
import type { LoaderMemory } from './loader-memory.ts';
import { conventionalEnd, e820Map, extendedMemory } from './memory-map.ts';
import type { MultibootHeader } from './multiboot-header.ts';

/** What EAX holds when a multiboot kernel starts. */
export const multibootMagic = 0x2bad_b002;

/** Flags of the information structure: which fields are filled in. */
const InfoFlag = {
  memory: 0x1,
  bootDevice: 0x2,
  commandLine: 0x4,
  modules: 0x8,
  memoryMap: 0x40,
  loaderName: 0x200,
  framebuffer: 0x1000,
} as const;

const infoBytes = 116;
const moduleBytes = 16;
const mapEntryBytes = 24;
const pageBytes = 4096;
const loaderName = 'Ringfence';

/** Everything is filled in; without modules their count is 0. */
const infoFlags = Object.values(InfoFlag).reduce((flags, flag) => flags | flag, 0);

/** The boot device: the first disk, no partition. */
const firstDisk = 0x8000_ffff;

/** The most modules that can be loaded. */
export const maximumModules = 64;

/** A module: its bytes and its command line. */
export interface MultibootModule {
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** What goes along with a multiboot kernel. */
export interface MultibootFiles {
  readonly commandLine: string;
  readonly modules: readonly MultibootModule[];
}

/**
 * Puts a multiboot kernel, its modules and the information structure into memory.
 *
 * Nothing is written unless everything fits.
 *
 * @throws MachineError `bad-image`, `unsupported`, `too-little-memory` or `bad-option`.
 */
export function loadMultiboot(
  image: ImageView,
  header: MultibootHeader,
  files: MultibootFiles,
  memory: LoaderMemory,
): BootState {
  const placements = new PlacementMap(memory.ramBytes);
  const kernel = prepareKernel(image, header, placements);
  const modules = placeModules(files.modules, placements);
  const tables = new TableBuilder();
  const info = buildInfo(tables, files, modules, memory.ramBytes);
  kernel.write(memory);
  for (const module of modules) {
    memory.write(module.start, module.bytes);
  }
  memory.write(LoaderArea.parameters, info);
  memory.write(LoaderArea.text, tables.bytes());
  writeBootGdt(memory);
  const registers = { eax: multibootMagic, ebx: LoaderArea.parameters };
  return flatBootState(kernel.entry, LoaderArea.gdt, registers);
}

function prepareKernel(
  image: ImageView,
  header: MultibootHeader,
  placements: PlacementMap,
): { entry: number; write: (memory: LoaderMemory) => void } {
  const { addresses } = header;
  if (addresses !== undefined) {
    const { start, loadEnd, end, fileOffset, entry } = addresses;
    placements.take({ name: 'kernel', start, end });
    const bytes = image.part(fileOffset, loadEnd - start, 'the kernel');
    return {
      entry,
      write: (memory) => {
        memory.write(start, bytes);
        memory.zero(loadEnd, end - loadEnd);
      },
    };
  }
  if (!isElf(image)) {
    const what = 'an ELF file, or addresses in its multiboot header';
    throw image.bad(header.offset + 4, what, 'neither');
  }
  const file = withoutRomPart(readElf(image));
  placeElf(file, placements);
  return {
    entry: file.entry,
    write: (memory) => {
      writeElf(image, file, memory);
    },
  };
}

interface PlacedModule extends MultibootModule {
  readonly start: number;
}

/**
 * Modules stand page-aligned behind the kernel, in order (Multiboot Specification 3.1.2, bit 0).
 */
function placeModules(
  modules: readonly MultibootModule[],
  placements: PlacementMap,
): readonly PlacedModule[] {
  if (modules.length > maximumModules) {
    throw new MachineError('bad-option', {
      where: 'multiboot modules',
      expected: `at most ${String(maximumModules)}`,
      found: String(modules.length),
    });
  }
  return modules.map((module, index) => {
    const start = alignUp(placements.highest(), pageBytes);
    const end = start + module.bytes.length;
    placements.take({ name: `module ${String(index)}`, start, end });
    return { ...module, start };
  });
}

/** Collects strings and tables into the loader's area and says where each will be. */
class TableBuilder {
  readonly #chunks: Uint8Array[] = [];
  #next: number = LoaderArea.text;

  /** Adds bytes and returns their address, a multiple of 4. */
  add(bytes: Uint8Array): number {
    const address = this.#next;
    const padded = new Uint8Array(alignUp(bytes.length, 4));
    padded.set(bytes);
    this.#chunks.push(padded);
    this.#next += padded.length;
    if (this.#next > LoaderArea.textEnd) {
      throw new MachineError('bad-option', {
        where: 'multiboot command lines',
        expected: `less than ${String(LoaderArea.textEnd - LoaderArea.text)} bytes together`,
        found: 'more',
      });
    }
    return address;
  }

  /** Adds text with a closing zero. */
  addText(text: string): number {
    return this.add(encodeCommandLine(text, LoaderArea.textEnd - LoaderArea.text));
  }

  /** Returns everything that was added. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#next - LoaderArea.text);
    let offset = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }
}

function buildInfo(
  tables: TableBuilder,
  files: MultibootFiles,
  modules: readonly PlacedModule[],
  ramBytes: number,
): Uint8Array {
  const info = new DataView(new ArrayBuffer(infoBytes));
  const put = (offset: number, value: number): void => {
    info.setUint32(offset, value, true);
  };
  put(0, infoFlags);
  put(4, conventionalEnd / 1024);
  put(8, Math.max(0, ramBytes - extendedMemory) / 1024);
  put(12, firstDisk);
  put(16, tables.addText(files.commandLine));
  put(20, modules.length);
  put(24, modules.length === 0 ? 0 : tables.add(moduleList(tables, modules)));
  const map = memoryMapBytes(ramBytes);
  put(44, map.length);
  put(48, tables.add(map));
  put(64, tables.addText(loaderName));
  // The screen: text (type 2) at 0xb8000, 160 bytes a row, 80 by 25 cells of 16 bits.
  put(88, 0xb_8000);
  put(96, 160);
  put(100, 80);
  put(104, 25);
  info.setUint8(108, 16);
  info.setUint8(109, 2);
  return new Uint8Array(info.buffer);
}

function moduleList(tables: TableBuilder, modules: readonly PlacedModule[]): Uint8Array {
  const list = new DataView(new ArrayBuffer(modules.length * moduleBytes));
  for (const [index, module] of modules.entries()) {
    const offset = index * moduleBytes;
    list.setUint32(offset, module.start, true);
    list.setUint32(offset + 4, module.start + module.bytes.length, true);
    list.setUint32(offset + 8, tables.addText(module.commandLine), true);
  }
  return new Uint8Array(list.buffer);
}

/** Entries of 24 bytes; the size field of each does not count itself. */
function memoryMapBytes(ramBytes: number): Uint8Array {
  const entries = e820Map(ramBytes);
  const map = new DataView(new ArrayBuffer(entries.length * mapEntryBytes));
  for (const [index, entry] of entries.entries()) {
    const offset = index * mapEntryBytes;
    map.setUint32(offset, mapEntryBytes - 4, true);
    map.setUint32(offset + 4, entry.base, true);
    map.setUint32(offset + 12, entry.bytes, true);
    map.setUint32(offset + 20, entry.type, true);
  }
  return new Uint8Array(map.buffer);
}
