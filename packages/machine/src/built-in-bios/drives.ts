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
