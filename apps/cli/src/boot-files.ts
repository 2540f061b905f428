import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type BootFiles,
  type BootModule,
  type OptionRom,
  type Settings,
  builtInPrefix,
  needsFirmware,
} from '@ringfence/machine';
import { cacheFolder } from './cache-folder.ts';
import { UsageError } from './usage-error.ts';

/** A 32-bit guest cannot hold more; a larger file is a mistake, and is not read. */
const MOST_FILE_BYTES = 2 ** 32;
const MOST_MODULES = 64;

/**
 * Reads the files that the settings name.
 *
 * `-initrd` is one file if there is a file of that name, and else a list of multiboot modules as in
 * QEMU: `FILE [ARGUMENTS],FILE [ARGUMENTS]`. Throws UsageError for a file that cannot be read.
 */
export function readBootFiles(settings: Settings): BootFiles {
  const { kernel, initrd } = settings;
  return {
    ...(isFileName(kernel) ? { kernel: readInput('-kernel', kernel) } : {}),
    ...(initrd === undefined ? {} : readInitrd(initrd)),
    ...readFirmware(settings),
  };
}

/** Whether `-kernel` names a file: programs that come with Ringfence have names of their own. */
function isFileName(kernel: string | undefined): kernel is string {
  return kernel !== undefined && !kernel.startsWith(builtInPrefix);
}

/**
 * Folders of SeaBIOS: its package's, and where `pnpm start` and the tests keep what they fetched.
 */
function firmwareFolders(): readonly string[] {
  const fetched = 'guest/packages/seabios/usr/share/seabios';
  return ['/usr/share/seabios', join(cacheFolder(), fetched)];
}

/** Reads the BIOS that the settings name or need; none for the built-in one. */
function readFirmware(settings: Settings): Pick<BootFiles, 'bios' | 'vgaBios' | 'optionRoms'> {
  const roms = settings.optionRom;
  return {
    ...readBiosFiles(settings),
    ...(roms.length === 0 ? {} : { optionRoms: roms.map(readOptionRom) }),
  };
}

function readOptionRom(path: string): OptionRom {
  return { name: basename(path), bytes: readInput('-option-rom', path) };
}

function readBiosFiles(settings: Settings): Pick<BootFiles, 'bios' | 'vgaBios'> {
  const { bios, kernel } = settings;
  if (bios === 'built-in') return {};
  if (bios !== undefined) return readBios(bios);
  if (kernel !== undefined || !needsFirmware(settings)) return {};
  const paths = firmwareFolders().map((folder) => join(folder, 'bios-256k.bin'));
  const found = paths.find((path) => isFile(path));
  return found === undefined ? {} : readBios(found);
}

/** Reads a BIOS, and the VGA BIOS that SeaBIOS's package has beside it if there is one. */
function readBios(path: string): Pick<BootFiles, 'bios' | 'vgaBios'> {
  const bios = readInput('-bios', path);
  const vgaPath = join(dirname(path), 'vgabios-stdvga.bin');
  return isFile(vgaPath) ? { bios, vgaBios: readInput('-bios', vgaPath) } : { bios };
}

function readInitrd(text: string): Pick<BootFiles, 'initrd' | 'modules'> {
  if (isFile(text) || !/[ ,]/.test(text)) return { initrd: readInput('-initrd', text) };
  const parts = text.split(',');
  if (parts.length > MOST_MODULES) {
    throw new UsageError(`option -initrd: expected at most ${MOST_MODULES} modules`);
  }
  const modules = parts.map((commandLine): BootModule => {
    const path = commandLine.split(' ')[0] ?? '';
    return { bytes: readInput('-initrd', path), commandLine };
  });
  return { modules };
}

/** Reads a file that an option names; throws UsageError for one that cannot be read. */
export function readInput(option: string, path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > MOST_FILE_BYTES) {
      throw new UsageError(
        `option ${option}: ${path}: expected at most 4 GiB, found ${size} bytes`,
      );
    }
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`option ${option}: ${path}: ${fileFault(error)}`);
  }
}

/** Says in words why a file could not be used. */
export function fileFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'is a folder',
    ENOTDIR: 'a part of the path is no folder',
    ENOSPC: 'no space left',
    EROFS: 'the file system is read-only',
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
