import { floppyGeometryOf } from '@ringfence/devices';
import type { BlockStorage } from '@ringfence/devices';

/** A drive as the BIOS sees it. */
export interface BiosDrive {
  readonly kind: 'floppy' | 'disk' | 'cdrom';
  readonly storage: BlockStorage;
}

/** How a drive counts its sectors. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  /** Sectors of a track. */
  readonly sectors: number;
}

const usualFloppy = { tracks: 80, heads: 2, sectors: 18 } as const;
/** The types of drives that INT 13h, AH = 08h tells. */
const floppyTypes = { dense5: 2, double3: 3, dense3: 4, extended3: 5, double5: 1 } as const;

const diskSectors = 63;
const mostCylinders = 1024;

const cdSectorBytes = 2048;
/** KiB of the floppies that a CD emulates, by the media type of its boot entry. */
const emulatedKib: Readonly<Record<number, number>> = { 1: 1200, 2: 1440, 3: 2880 };
/** The media type of a disk that a CD emulates. */
export const emulatedDisk = 4;

/** What a CD emulates from one of its sectors on. */
export interface Emulated {
  readonly type: number;
  readonly sector: number;
  /** Of a disk: how it counts its sectors, and how many it has. */
  readonly geometry: Geometry;
  readonly count: number;
}

/** Returns the drive that a CD emulates, if there is such a type. */
export function emulatedDrive(
  cd: BlockStorage,
  { type, sector, count }: Emulated,
): BiosDrive | undefined {
  const kib = emulatedKib[type];
  const bytes = type === emulatedDisk ? count * 512 : (kib ?? 0) * 1024;
  const first = sector * cdSectorBytes;
  return bytes === 0 || first >= cd.bytes
    ? undefined
    : { kind: type === emulatedDisk ? 'disk' : 'floppy', storage: partOf(cd, first, bytes) };
}

/**
 * Returns how a disk counts its sectors whose first one is given: as its first partition ends, by
 * El Torito 1.0 ("Hard disk emulation") the only one.
 */
export function emulatedGeometry(sector: Uint8Array): Pick<Emulated, 'geometry' | 'count'> {
  const entry = new DataView(sector.buffer, sector.byteOffset + 446, 16);
  const [heads, low, high] = [entry.getUint8(5) + 1, entry.getUint8(6), entry.getUint8(7)];
  const cylinders = (high | ((low & 0xc0) << 2)) + 1;
  const geometry = { cylinders, heads, sectors: Math.max(1, low & 0x3f) };
  const count = entry.getUint32(8, true) + entry.getUint32(12, true);
  return { geometry, count: Math.min(count, 0xffff_ffff) };
}

/** Returns a part of a CD, which may end before the part does. */
function partOf(cd: BlockStorage, first: number, bytes: number): BlockStorage {
  return {
    bytes,
    readOnly: true,
    read: (offset, target, done) => {
      const left = Math.max(0, Math.min(target.length, cd.bytes - first - offset));
      target.fill(0, left);
      if (left === 0) {
        done(true);
      } else {
        cd.read(first + offset, target.subarray(0, left), done);
      }
    },
    write: (_offset, _source, done) => {
      done(false);
    },
    flush: (done) => {
      done(true);
    },
  };
}

/** A floppy: how it counts its sectors, its type, and all of them, also if an image ends early. */
export interface BiosFloppy {
  readonly geometry: Geometry;
  readonly type: number;
  readonly storage: BlockStorage;
}

/** Returns a floppy's geometry and type, and its sectors. */
export function biosFloppy(storage: BlockStorage): BiosFloppy {
  const { tracks, heads, sectors } = floppyGeometryOf(storage) ?? usualFloppy;
  const geometry = { cylinders: tracks, heads, sectors };
  return { geometry, type: floppyType(tracks, sectors), storage: padded(storage, geometry) };
}

function floppyType(tracks: number, sectors: number): number {
  if (tracks < 80) {
    return floppyTypes.double5;
  }
  if (sectors <= 10) {
    return floppyTypes.double3;
  }
  return sectors === 15
    ? floppyTypes.dense5
    : sectors >= 36
      ? floppyTypes.extended3
      : floppyTypes.dense3;
}

/** Returns storage of a floppy's full size; behind the image's end it is empty, and stays so. */
function padded(storage: BlockStorage, { cylinders, heads, sectors }: Geometry): BlockStorage {
  const bytes = cylinders * heads * sectors * 512;
  if (bytes <= storage.bytes) {
    return storage;
  }
  return {
    bytes,
    readOnly: storage.readOnly,
    read: (offset, target, done) => {
      const left = Math.max(0, Math.min(target.length, storage.bytes - offset));
      target.fill(0, left);
      if (left === 0) {
        done(true);
      } else {
        storage.read(offset, target.subarray(0, left), done);
      }
    },
    write: (offset, source, done) => {
      if (offset + source.length > storage.bytes) {
        done(false);
      } else {
        storage.write(offset, source, done);
      }
    },
    flush: (done) => {
      storage.flush(done);
    },
  };
}

/** Returns the geometry that a disk has for programs without LBA: at most 1,024 cylinders. */
export function diskGeometry(bytes: number): Geometry {
  const total = Math.floor(bytes / 512);
  const heads =
    [16, 32, 64, 128].find((count) => total <= mostCylinders * count * diskSectors) ?? 255;
  const cylinders = Math.max(2, Math.floor(total / (heads * diskSectors)));
  return { cylinders: Math.min(mostCylinders, cylinders), heads, sectors: diskSectors };
}
