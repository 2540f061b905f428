/** Drives by number, and the transfers that callers of INT 13h ask for. */

import type { BiosMemory } from './bios-memory.ts';
import { biosFloppy, diskGeometry } from './drives.ts';
import type { BiosDrive, Geometry } from './drives.ts';
import type { BiosFrame } from './frame.ts';

/** The numbers of the first disk and of the first CD. */
export const firstDisk = 0x80;
/** Number of the first CD-ROM drive, as INT 13h knows it. */
export const firstCd = 0xe0;

/** A drive with its number and geometry. */
export interface NumberedDrive extends BiosDrive {
  readonly number: number;
  readonly geometry: Geometry;
  readonly sectorBytes: number;
  readonly floppyType: number;
}

/** A transfer between a drive and memory. */
export interface Transfer {
  readonly drive: NumberedDrive;
  readonly kind: 'read' | 'write' | 'verify' | 'format';
  /** First sector. */
  readonly first: number;
  readonly count: number;
  readonly address: number;
  /** What the sectors of a track are filled with. */
  readonly fill?: number;
}

/** In the table that vector 1Eh points at: the byte that a formatted sector is filled with. */
const fillOffset = 8;
const parameterVector = 4 * 0x1e;
const format = 0x05;

/** Returns how many of a transfer's sectors the drive has. */
export function sectorsThere({ drive, first, count }: Transfer): number {
  const sectors = Math.floor(drive.storage.bytes / drive.sectorBytes);
  return Math.max(0, Math.min(count, sectors - first));
}

/** Gives a drive its number, counted by its kind, and its geometry. */
export function numbered(drive: BiosDrive, index: number): NumberedDrive {
  const { bytes } = drive.storage;
  if (drive.kind === 'floppy') {
    const { geometry, type, storage } = biosFloppy(drive.storage);
    return { ...drive, storage, number: index, geometry, sectorBytes: 512, floppyType: type };
  }
  const isCd = drive.kind === 'cdrom';
  return {
    ...drive,
    number: (isCd ? firstCd : firstDisk) + index,
    geometry: diskGeometry(bytes),
    sectorBytes: isCd ? 2048 : 512,
    floppyType: 0,
  };
}

/** Returns the transfer that a caller asks for, if it asks for one. */
export function transferOf(
  frame: BiosFrame,
  drive: NumberedDrive,
  memory: BiosMemory,
): Transfer | 'bad-sector' | undefined {
  const isFormat = frame.ah === format && drive.kind === 'floppy';
  const kind = isFormat ? 'format' : (['read', 'write', 'verify'] as const)[frame.ah - 2];
  if (kind === undefined) {
    return extendedTransfer(frame, drive, memory);
  }
  const { cylinders, heads, sectors } = drive.geometry;
  const cylinder = frame.ch | ((frame.cl & 0xc0) << 2);
  // A track is formatted as a whole, whatever it had before.
  const sector = isFormat ? 1 : frame.cl & 0x3f;
  const isPlace = sector >= 1 && sector <= sectors && frame.dh < heads && cylinder < cylinders;
  if (!isPlace || drive.kind === 'cdrom') {
    return 'bad-sector';
  }
  const first = (cylinder * heads + frame.dh) * sectors + sector - 1;
  const address = frame.at('es', frame.get('ebx'));
  if (isFormat) {
    const table = memory.read16(parameterVector + 2) * 16 + memory.read16(parameterVector);
    return { drive, kind, first, count: sectors, address, fill: memory.read8(table + fillOffset) };
  }
  return { drive, kind, first, count: frame.al, address };
}

/** AH = 42h to 44h: a packet at DS:SI says where, in 64 bits of sector number. */
function extendedTransfer(
  frame: BiosFrame,
  drive: NumberedDrive,
  memory: BiosMemory,
): Transfer | undefined {
  const kind = { 0x42: 'read', 0x43: 'write', 0x44: 'verify' }[frame.ah];
  if ((kind !== 'read' && kind !== 'write' && kind !== 'verify') || drive.kind === 'floppy') {
    return undefined;
  }
  const at = frame.at('ds', frame.get('esi'));
  const count = Math.min(memory.read16(at + 2), 0x7f * 4);
  const offset = memory.read16(at + 4);
  const address = memory.read16(at + 6) * 16 + offset;
  const high = memory.read32(at + 12) >>> 0;
  const first = high * 2 ** 32 + (memory.read32(at + 8) >>> 0);
  return { drive, kind, first, count, address };
}
