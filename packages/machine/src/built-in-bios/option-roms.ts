/**
 * Option ROMs of the built-in BIOS: they stand from 0xc8000 on, 2 KiB apart at least; its code
 * calls each of them once (IBM AT Technical Reference, "ROM scan").
 *
 *     0 55h AAh | 2 length in units of 512 bytes | 3 entry | 1Ah offset of the header "$PnP"
 *     header "$PnP" (Plug and Play BIOS Specification 1.0a, 3.2): 1Ah boot entry vector
 */
import type { BiosBoard, BiosMemory } from './bios-memory.ts';

const firstRom = 0xc_8000;
const lastRom = 0xe_0000;
const unit = 0x800;
const signature = 0xaa55;
const pnpSignature = 0x506e_5024;
const headerPointer = 0x1a;
const bootEntryVector = 0x1a;

/** The PAM registers of the host bridge from 0xc8000 on; 33h is RAM for reads and writes. */
const pamRegisters: readonly number[] = [0x5b, 0x5c, 0x5d];
const readAndWrite = 0x33;
const pci = { address: 0xcf8, data: 0xcfc } as const;

/** Puts ROMs into the RAM of their place; those that do not fit are left out. */
export function placeOptionRoms({ memory, ports }: BiosBoard, roms: readonly Uint8Array[]): void {
  if (roms.length === 0) {
    return;
  }
  for (const register of pamRegisters) {
    ports.writePort(pci.address, 4, 0x8000_0000 + (register & 0xfc));
    ports.writePort(pci.data + (register & 3), 1, readAndWrite);
  }
  memory.write(firstRom, new Uint8Array(lastRom - firstRom));
  let at = firstRom;
  for (const rom of roms) {
    if (at + rom.length <= lastRom) {
      memory.write(at, rom);
      at += Math.ceil(rom.length / unit) * unit;
    }
  }
}

/** Returns segment and offset of the first ROM's boot entry, segment in the upper half. */
export function bootVectorOfRoms(memory: BiosMemory): number | undefined {
  for (let at = firstRom; at < lastRom; at += unit) {
    const header = at + memory.read16(at + headerPointer);
    if (memory.read16(at) === signature && memory.read32(header) === pnpSignature) {
      const vector = memory.read16(header + bootEntryVector);
      if (vector !== 0) {
        return (at << 12) | vector;
      }
    }
  }
  return undefined;
}
