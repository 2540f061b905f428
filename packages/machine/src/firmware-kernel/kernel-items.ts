/**
 * A Linux kernel as items of the firmware configuration device, for the option ROM that boots it.
 *
 *     0x0001_0000  the real-mode code ("setup"), its stack and heap above it
 *     0x0002_0000  the command line
 *     0x0010_0000  the protected-mode code
 *     high up      the initial RAM disk, below what firmware keeps for itself
 */
import { fwCfgKey, itemNumber } from '@ringfence/devices';

import { ImageView } from '../boot/image-view.ts';
import { isLinuxImage, readLinuxHeader, SetupOffset } from '../boot/linux-header.ts';
import type { LinuxHeader } from '../boot/linux-header.ts';
import { encodeCommandLine, megabytes } from '../boot/loader-memory.ts';
import { extendedMemory } from '../boot/memory-map.ts';
import { MachineError } from '../error.ts';
import type { FirmwareKernel } from '../options/machine-options.ts';
import { linuxPlace } from './linux-rom.ts';

const pageBytes = 4096;
/** What a BIOS may keep at the end of RAM for its tables. */
const firmwareBytes = 0x20_0000;
/** Room for the real-mode code, so that its heap and stack have the other half of the segment. */
const mostSetupBytes = 0x8000;
const protocol202 = 0x202;
const undefinedLoader = 0xff;
const canUseHeap = 0x80;
const loadedHigh = 1;
const heapEnd = 0x224;

/**
 * Returns the items of a kernel, with the fields of its header that a loader fills in.
 *
 * @throws MachineError `bad-image` or `unsupported` for what is no such kernel,
 * `too-little-memory` for an initrd that does not fit.
 */
export function kernelItems(
  { kernel, initrd, commandLine = '' }: FirmwareKernel,
  ramBytes: number,
): Map<number, Uint8Array> {
  const image = new ImageView('kernel for a BIOS', kernel);
  if (!isLinuxImage(image)) {
    const start = 'other kernels start without a BIOS';
    throw image.bad(SetupOffset.magic, `a Linux kernel image (${start})`, 'none');
  }
  const header = readLinuxHeader(image);
  const isHigh = (image.u8(SetupOffset.loadFlags) & loadedHigh) !== 0;
  if (header.version < protocol202 || !isHigh || header.codeOffset > mostSetupBytes) {
    const found = `protocol 0x${header.version.toString(16)}`;
    throw image.unsupported(SetupOffset.version, 'a bzImage of boot protocol 2.02', found);
  }
  const setup = image.part(0, header.codeOffset, 'real-mode code').slice();
  const code = image.part(header.codeOffset, header.codeBytes, 'protected-mode code');
  const text = encodeCommandLine(commandLine, header.commandLineBytes);
  const initrdAddress = initrd === undefined ? 0 : placeInitrd(initrd.length, header, ramBytes);
  const view = new DataView(setup.buffer);
  view.setUint8(SetupOffset.loaderType, undefinedLoader);
  view.setUint8(SetupOffset.loadFlags, image.u8(SetupOffset.loadFlags) | canUseHeap);
  view.setUint16(heapEnd, linuxPlace.stack - 0x200, true);
  view.setUint32(SetupOffset.commandLine, linuxPlace.commandLine, true);
  view.setUint32(SetupOffset.ramdiskImage, initrdAddress, true);
  view.setUint32(SetupOffset.ramdiskSize, initrd?.length ?? 0, true);
  const part = (
    [address, bytes, data]: readonly [number, number, number],
    at: number,
    contents: Uint8Array,
  ): (readonly [number, Uint8Array])[] => [
    [address, itemNumber(at, 4)],
    [bytes, itemNumber(contents.length, 4)],
    [data, contents],
  ];
  const key = fwCfgKey;
  return new Map([
    ...part([key.setupAddress, key.setupBytes, key.setupData], linuxPlace.setup, setup),
    ...part([key.kernelAddress, key.kernelBytes, key.kernelData], extendedMemory, code),
    ...part([key.initrdAddress, key.initrdBytes, key.initrdData], initrdAddress, initrd ?? none),
    ...part(
      [key.commandLineAddress, key.commandLineBytes, key.commandLineData],
      linuxPlace.commandLine,
      text,
    ),
  ]);
}

const none = new Uint8Array(0);

function placeInitrd(bytes: number, header: LinuxHeader, ramBytes: number): number {
  const kernelEnd = Math.max(extendedMemory, header.preferredAddress) + header.initBytes;
  const ceiling = Math.min(ramBytes - firmwareBytes, header.initrdMaximum + 1);
  const start = Math.floor((ceiling - bytes) / pageBytes) * pageBytes;
  if (start < kernelEnd) {
    throw new MachineError('too-little-memory', {
      where: `initrd of ${megabytes(bytes)}`,
      expected: `at least ${megabytes(bytes + firmwareBytes + kernelEnd)} of memory`,
      found: megabytes(ramBytes),
    });
  }
  return start;
}
