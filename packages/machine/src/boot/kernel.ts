import type { PvImage } from '@ringfence/hypercall';

import { MachineError } from '../error.ts';
import type { BootOptions, MachineKind } from '../options/machine-options.ts';

import type { BootState } from './boot-state.ts';
import { loadLinux } from './bzimage.ts';
import { loadElfKernel } from './elf-kernel.ts';
import { bsdSymbols, symbolsPlace } from './bsd-symbols.ts';
import { isElf, readElf } from './elf.ts';
import { ImageView } from './image-view.ts';
import { isLinuxImage } from './linux-header.ts';
import { encodeCommandLine } from './loader-memory.ts';
import type { LoaderMemory } from './loader-memory.ts';
import { findMultibootHeader } from './multiboot-header.ts';
import { loadMultiboot } from './multiboot.ts';
import { unpackKernel } from './payload/kernel-payload.ts';
import type { UnpackHost } from './payload/kernel-payload.ts';
import { loadPvh } from './pvh.ts';
import type { PvhMachine } from './pvh.ts';
import { readXenNotes } from './xen-notes.ts';
import type { XenNotes } from './xen-notes.ts';

/** A kernel and what belongs to it. */
export type KernelOptions = Extract<BootOptions, { readonly kind: 'kernel' }>;

/** A kernel, with what the loader unpacked of it. */
export interface PreparedKernel extends KernelOptions {
  /** The ELF file that a bzImage carries; absent where the image is to unpack itself. */
  readonly unpacked?: Uint8Array;
  /** The kind of machine that it can only run in, if its file says so. */
  readonly needs?: MachineKind;
}

/**
 * Unpacks a kernel if it is a bzImage of a known kind and `unpack` was not switched off.
 *
 * Takes up to a second, and lets the host look after its own events meanwhile.
 */
export async function prepareKernel(
  options: KernelOptions,
  host: UnpackHost,
): Promise<PreparedKernel> {
  const unpacked = options.unpack === false ? undefined : await unpackKernel(options.kernel, host);
  const needs = kindNeeded(options.kernel, unpacked);
  return {
    ...options,
    ...(unpacked === undefined ? {} : { unpacked }),
    ...(needs === undefined ? {} : { needs }),
  };
}

/** A kernel that has notes for Xen and no other way to start says what machine it needs. */
function kindNeeded(kernel: Uint8Array, unpacked: Uint8Array | undefined): MachineKind | undefined {
  const image = new ImageView('kernel', kernel);
  const file = isElf(image) ? image : new ImageView('kernel', unpacked ?? new Uint8Array(0));
  const hasOther = isLinuxImage(image) || findMultibootHeader(file) !== undefined;
  const notes = hasOther || !isElf(file) ? undefined : readXenNotes(file);
  if (notes?.physicalEntry !== undefined) {
    return 'pvh';
  }
  return notes?.isParavirtual === true ? 'xenpv' : undefined;
}

/**
 * Puts a kernel into memory to be started by its PVH entry.
 *
 * @throws MachineError as `loadKernel`, and `bad-image` for a kernel that has no such entry.
 */
export function loadPvhKernel(
  options: PreparedKernel,
  memory: LoaderMemory,
  machine: PvhMachine,
): BootState {
  const image = new ImageView('kernel', options.unpacked ?? options.kernel);
  const notes = isElf(image) ? readXenNotes(image) : undefined;
  const entry = isElf(image) ? physicalEntry(image, notes) : undefined;
  if (entry === undefined) {
    throw new MachineError('bad-image', {
      where: 'kernel for machine pvh',
      expected: 'a 32-bit ELF file, or a bzImage with one, that starts at a physical address',
      found: 'none',
    });
  }
  const { initrd, modules = [], commandLine = '' } = options;
  const first = initrd === undefined ? [] : [{ bytes: initrd, commandLine: '' }];
  const wantsSymbols = notes?.wantsSymbols === true;
  const files = { commandLine, modules: [...first, ...modules], wantsSymbols };
  return loadPvh(image, entry, files, machine, memory);
}

/**
 * Returns where an ELF file is entered without paging: by its note, or, where none of Xen's notes
 * says what it is, at its own entry, as Xen starts firmware and small kernels of its translated
 * guests.
 */
function physicalEntry(image: ImageView, notes: XenNotes | undefined): number | undefined {
  if (notes?.physicalEntry !== undefined || notes?.isParavirtual === true) {
    return notes.physicalEntry;
  }
  const { segments, headerEntry } = readElf(image);
  const isWithin = segments.some(({ physical, memoryBytes }) => {
    return headerEntry >= physical && headerEntry < physical + memoryBytes;
  });
  return isWithin ? headerEntry : undefined;
}

/**
 * Finds out what a kernel is and puts it into memory; returns the state that it starts in.
 *
 * A Linux setup header comes first, then a multiboot header, then bare ELF.
 *
 * @throws MachineError with code `bad-image`, `unsupported`, `too-little-memory` or `bad-option`.
 */
export function loadKernel(
  options: PreparedKernel,
  memory: LoaderMemory,
  longMode: boolean = false,
): BootState {
  const image = new ImageView('kernel', options.kernel);
  const { initrd, modules = [], commandLine = '', unpacked } = options;
  if (isLinuxImage(image)) {
    refuseModules(modules.length);
    const files = {
      commandLine,
      longMode,
      ...(initrd === undefined ? {} : { initrd }),
      ...(unpacked === undefined ? {} : { unpacked }),
    };
    return loadLinux(image, files, memory);
  }
  const header = findMultibootHeader(image);
  if (header !== undefined) {
    const { name, initrdName = '' } = options;
    const first = initrd === undefined ? [] : [{ bytes: initrd, commandLine: initrdName }];
    // The kernel's name comes first, as programs know it of their arguments.
    const line = name === undefined ? commandLine : `${name} ${commandLine}`;
    return loadMultiboot(
      image,
      header,
      { commandLine: line, modules: [...first, ...modules] },
      memory,
    );
  }
  if (isElf(image)) {
    refuseModules(modules.length);
    const files = { commandLine, ...(initrd === undefined ? {} : { initrd }) };
    return loadElfKernel(image, files, memory);
  }
  throw new MachineError('bad-image', {
    where: `kernel of ${String(options.kernel.length)} bytes`,
    expected: 'a Linux bzImage, a multiboot kernel or a 32-bit ELF file',
    found: describeStart(options.kernel),
  });
}

/**
 * Returns what the builder of paravirtual guests needs of a kernel.
 *
 * @throws MachineError `bad-image` for a kernel that was not ported to Xen, or is not 32-bit.
 */
export function paravirtualImage(options: PreparedKernel): PvImage {
  const image = new ImageView('kernel', options.unpacked ?? options.kernel);
  const notes = isElf(image) ? readXenNotes(image) : undefined;
  if (notes?.isParavirtual !== true) {
    throw new MachineError('bad-image', {
      where: 'kernel for machine xenpv',
      expected: 'a 32-bit ELF file that was ported to Xen',
      found: 'none',
    });
  }
  const { segments, headerEntry } = readElf(image);
  const virtBase = notes.virtBase ?? 0;
  const offset = virtBase - (notes.physicalOffset ?? (notes.isLegacy === true ? virtBase : 0));
  const { initrd, modules = [], commandLine = '' } = options;
  const module = initrd ?? modules[0]?.bytes;
  const page = notes.hypercallPage;
  const found = notes.wantsSymbols === true ? bsdSymbols(image) : undefined;
  const virtual = symbolsPlace(segments) + offset;
  const symbols = found ? [{ virtual, bytes: found, memoryBytes: found.length }] : [];
  return {
    virtBase,
    entry: notes.entry ?? headerEntry,
    segments: [
      ...segments.map((segment) => ({
        virtual: segment.physical + offset,
        bytes: image.part(segment.fileOffset, segment.fileBytes, 'a segment'),
        memoryBytes: segment.memoryBytes,
      })),
      ...symbols,
    ],
    ...(page === undefined ? {} : { hypercallPage: page }),
    ...(module === undefined ? {} : { module }),
    hasExtendedCr3: hasExtendedCr3(notes),
    commandLine: encodeCommandLine(commandLine, 1023),
  };
}

/**
 * Whether page directories may be above 4 GiB: a plain `yes` means so in a note, and not in the
 * string that was there before notes (elfnote.h, XEN_ELFNOTE_PAE_MODE).
 */
function hasExtendedCr3({ paeMode = '', isLegacy = false }: XenNotes): boolean {
  return isLegacy ? paeMode.includes('[extended-cr3]') : /yes|bimodal/.test(paeMode);
}

function refuseModules(count: number): void {
  if (count > 0) {
    throw new MachineError('bad-option', {
      where: 'multiboot modules',
      expected: 'a multiboot kernel to take them',
      found: 'another kind',
    });
  }
}

function describeStart(bytes: Uint8Array): string {
  if (bytes.length === 0) {
    return 'nothing: the file is empty';
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return 'gzip data, which has to be unpacked first';
  }
  const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return `none of these (it begins with ${first.join(' ')})`;
}
