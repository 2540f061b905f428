/**
 * What drives say of themselves: IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, 8.15).
 */
import type { DriveState } from './state.ts';
import { mostMultiple } from './registers.ts';

/** The names of a drive, in ASCII. */
export interface DriveNames {
  /** At most 40 characters. */
  readonly model: string;
  /** At most 20 characters. */
  readonly serial: string;
}

const firmware = '1.0';
const mostLba28 = 0x0fff_ffff;

/** The geometry of a disk as translated for CHS addresses. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
}

/**
 * The fewest cylinders that a disk tells of: SeaBIOS keeps the last one to itself, and a disk of a
 * boot sector alone would have none.
 */
const fewestCylinders = 2;

/** Returns the geometry of a disk with a number of sectors. */
export function geometryOf(sectors: number, heads: number, sectorsPerTrack: number): Geometry {
  const cylinders = Math.max(
    fewestCylinders,
    Math.min(16383, Math.floor(sectors / (heads * sectorsPerTrack))),
  );
  return { cylinders, heads, sectorsPerTrack };
}

/** Returns the 512 bytes by which a disk identifies itself. */
export function identifyDisk(names: DriveNames, sectors: number, state: DriveState): Uint8Array {
  const words = new Uint16Array(256);
  const native = geometryOf(sectors, 16, 63);
  const set = geometryOf(sectors, state.heads, state.sectorsPerTrack);
  const chs = set.cylinders * set.heads * set.sectorsPerTrack;
  const lba28 = Math.min(sectors, mostLba28);
  words.set([0x0040, native.cylinders, 0, native.heads], 0);
  words[6] = native.sectorsPerTrack;
  putNames(words, names);
  words[47] = 0x8000 | mostMultiple;
  words[48] = 1; // 32-bit data port.
  words[49] = 0x0b00; // DMA, LBA, IORDY.
  words[51] = 0x0200;
  words[53] = 7;
  words.set([set.cylinders, set.heads, set.sectorsPerTrack, chs & 0xffff, chs >>> 16], 54);
  words[59] = state.multiple === 0 ? 0 : 0x0100 | state.multiple;
  words.set([lba28 & 0xffff, lba28 >>> 16], 60);
  putModes(words, state.mode);
  words[80] = 0x7e; // ATA-1 to ATA/ATAPI-6.
  const features = 0x4020; // NOP and write cache.
  const flushes = 0x7400; // FLUSH CACHE (EXT), 48-bit addresses.
  const enabled = state.writeCache ? features : features & ~0x20;
  words.set([features, flushes, 0x4000, enabled, flushes & 0x3fff, 0x4000], 82);
  words[93] = 0x6001;
  for (let index = 0; index < 4; index += 1) {
    words[100 + index] = Math.floor(sectors / 2 ** (16 * index)) & 0xffff;
  }
  return new Uint8Array(words.buffer);
}

/** Returns the 512 bytes by which a CD drive identifies itself. */
export function identifyCd(names: DriveNames, state: DriveState): Uint8Array {
  const words = new Uint16Array(256);
  words[0] = 0x85c0; // Packet device, CD-ROM, removable, 50 us to DRQ, 12-byte packets.
  putNames(words, names);
  words[48] = 1;
  words[49] = 0x0b00;
  words[53] = 6;
  putModes(words, state.mode);
  words[80] = 0x7e;
  words.set([0x4210, 0x4000, 0x4000, 0x4210, 0x0000, 0x4000], 82); // PACKET, DEVICE RESET.
  return new Uint8Array(words.buffer);
}

/** Returns whether a transfer mode can be set; the controller has multiword DMA up to mode 2. */
export function isTransferMode(mode: number): boolean {
  return mode <= 1 || (mode >= 0x08 && mode <= 0x0c) || (mode >= 0x20 && mode <= 0x22);
}

function putModes(words: Uint16Array, mode: number): void {
  const selected = mode >= 0x20 && mode <= 0x22 ? 0x100 << (mode & 7) : 0;
  words[63] = 0x07 | selected;
  words[64] = 0x03;
  words.set([120, 120, 120, 120], 65);
}

function putNames(words: Uint16Array, { model, serial }: DriveNames): void {
  putText(words, 10, 10, serial);
  putText(words, 23, 4, firmware);
  putText(words, 27, 20, model);
}

/** Text stands with the first character of each pair in the high byte. */
function putText(words: Uint16Array, at: number, count: number, text: string): void {
  const padded = text.slice(0, 2 * count).padEnd(2 * count);
  for (let index = 0; index < count; index += 1) {
    const first = padded.charCodeAt(2 * index) & 0x7f;
    words[at + index] = (first << 8) | (padded.charCodeAt(2 * index + 1) & 0x7f);
  }
}
