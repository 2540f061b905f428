import { MachineError } from '../error.ts';
import type { BootOptions } from '../options/machine-options.ts';

import type { BootState } from './boot-state.ts';
import { loadLinux } from './bzimage.ts';
import { loadElfKernel } from './elf-kernel.ts';
import { isElf } from './elf.ts';
import { ImageView } from './image-view.ts';
import { isLinuxImage } from './linux-header.ts';
import type { LoaderMemory } from './loader-memory.ts';
import { findMultibootHeader } from './multiboot-header.ts';
import { loadMultiboot } from './multiboot.ts';
import { unpackKernel } from './payload/kernel-payload.ts';
import type { UnpackHost } from './payload/kernel-payload.ts';

/** A kernel and what belongs to it. */
export type KernelOptions = Extract<BootOptions, { readonly kind: 'kernel' }>;

/** A kernel, with what the loader unpacked of it. */
export interface PreparedKernel extends KernelOptions {
  /** The ELF file that a bzImage carries; absent where the image is to unpack itself. */
  readonly unpacked?: Uint8Array;
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
  return { ...options, ...(unpacked === undefined ? {} : { unpacked }) };
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
    const first = initrd === undefined ? [] : [{ bytes: initrd, commandLine: '' }];
    return loadMultiboot(image, header, { commandLine, modules: [...first, ...modules] }, memory);
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
