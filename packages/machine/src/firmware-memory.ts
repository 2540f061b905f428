/**
 * The memory between 0xc0000 and 4 GiB in which firmware stands: the ROM at its two places, and the
 * RAM under the lower one (82441FX data sheet, section 3.2.18).
 *
 *     0x000c_0000  RAM, or nothing                      by the PAM registers
 *     0x000e_0000  RAM, or the last 128 KiB of the ROM  by the PAM registers
 *     4 GiB - size the ROM, whose last 16 bytes hold the first instruction after reset
 */
import type { ShadowSegment } from '@ringfence/devices';
import { Layout } from '@ringfence/memory';
import type { PhysicalMemory } from '@ringfence/memory';

import { extendedMemory, systemRom } from './boot/memory-map.ts';
import { MachineError } from './error.ts';

/** The largest ROM in bytes: what fits between the chips' registers and 4 GiB. */
export const maximumRomBytes = 0x80_0000;

const romUnit = 0x1_0000;
const lowRomBytes = extendedMemory - systemRom;
const topOfMemory = 2 ** 32;

/** Returns the bytes that a ROM takes: whole units of 64 KiB, so that its low part is aligned. */
export function romBytes(image: Uint8Array): number {
  const bytes = Math.max(lowRomBytes, Math.ceil(image.length / romUnit) * romUnit);
  if (bytes > maximumRomBytes || image.length === 0) {
    throw new MachineError('bad-image', {
      where: 'BIOS image',
      expected: `1 to ${String(maximumRomBytes)} bytes`,
      found: String(image.length),
    });
  }
  return bytes;
}

/** The ROM, and the RAM that the host bridge puts in its place. */
export class FirmwareMemory {
  readonly #physical: PhysicalMemory;
  /** Where the part of the ROM that shows at 0xe0000 stands in linear memory. */
  readonly #lowRom: number;

  /** Puts a ROM into memory: all of it below 4 GiB, its end below 1 MiB as well. */
  constructor(physical: PhysicalMemory, image: Uint8Array) {
    const bytes = romBytes(image);
    const { machine } = physical;
    const backing = machine.reserve(bytes);
    // A ROM that is smaller than its place stands at the end of it, where the reset vector is.
    machine.u8.fill(0xff, backing, backing + bytes - image.length);
    machine.u8.set(image, backing + bytes - image.length);
    this.#physical = physical;
    this.#lowRom = backing + bytes - lowRomBytes;
    physical.mapRom(topOfMemory - bytes, bytes, backing);
  }

  /** Lets RAM or ROM show in a segment, for reads and for writes. */
  show(segment: ShadowSegment): void {
    const { start, size, reads, writes } = segment;
    const ram = Layout.ram + start;
    const rom = start < systemRom ? 0 : this.#lowRom + start - systemRom;
    const isRam = start + size <= this.#physical.machine.ramBytes;
    const read = reads && isRam ? ram : rom;
    this.#physical.map(start, size, { read, write: writes && isRam ? ram : 0 });
  }
}
