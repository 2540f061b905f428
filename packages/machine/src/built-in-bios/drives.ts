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

/** Floppies by their size in KiB: cylinders, heads, sectors, and the type that CMOS RAM has. */
const floppies: readonly (readonly [kib: number, geometry: Geometry, type: number])[] = [
  [160, { cylinders: 40, heads: 1, sectors: 8 }, 1],
  [180, { cylinders: 40, heads: 1, sectors: 9 }, 1],
  [320, { cylinders: 40, heads: 2, sectors: 8 }, 1],
  [360, { cylinders: 40, heads: 2, sectors: 9 }, 1],
  [720, { cylinders: 80, heads: 2, sectors: 9 }, 3],
  [1200, { cylinders: 80, heads: 2, sectors: 15 }, 2],
  [1440, { cylinders: 80, heads: 2, sectors: 18 }, 4],
  [2880, { cylinders: 80, heads: 2, sectors: 36 }, 5],
];

const diskSectors = 63;
const mostCylinders = 1024;

const cdSectorBytes = 2048;
/** KiB of the floppies that a CD emulates, by the media type of its boot entry. */
const emulatedKib: Readonly<Record<number, number>> = { 1: 1200, 2: 1440, 3: 2880 };

/** Returns the floppy that a CD emulates from a sector on, if there is such a type. */
export function emulatedFloppy(
  cd: BlockStorage,
  type: number,
  sector: number,
): BlockStorage | undefined {
  const kib = emulatedKib[type];
  const first = sector * cdSectorBytes;
  if (kib === undefined || first >= cd.bytes) {
    return undefined;
  }
  return {
    bytes: kib * 1024,
    readOnly: true,
    read: (offset, target, done) => {
      // A CD may end before the floppy does.
      const left = Math.max(0, Math.min(target.length, cd.bytes - first - offset));
      if (left === 0) {
        target.fill(0);
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

/** Returns a floppy's geometry and type: that of its size, or the next larger one. */
export function floppyGeometry(bytes: number): { geometry: Geometry; type: number } {
  const row = floppies.find(([kib]) => bytes <= kib * 1024) ?? floppies.at(-1);
  const [, geometry, type] = row ?? [0, { cylinders: 80, heads: 2, sectors: 18 }, 4];
  return { geometry, type };
}

/** Returns the geometry that a disk has for programs without LBA: at most 1,024 cylinders. */
export function diskGeometry(bytes: number): Geometry {
  const total = Math.floor(bytes / 512);
  const heads =
    [16, 32, 64, 128].find((count) => total <= mostCylinders * count * diskSectors) ?? 255;
  const cylinders = Math.max(1, Math.floor(total / (heads * diskSectors)));
  return { cylinders: Math.min(mostCylinders, cylinders), heads, sectors: diskSectors };
}
