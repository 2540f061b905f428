/** The formats of floppy disks of a PC, by the size of their images. */

/** Drive types as CMOS RAM byte 0x10 tells them (IBM AT Technical Reference). */
export const floppyDriveType = { none: 0, inch5: 2, inch3: 4, inch3Extended: 5 } as const;

/** How a disk is laid out: heads alternate within a cylinder, sectors count from 1. */
export interface FloppyGeometry {
  readonly tracks: number;
  readonly heads: number;
  /** Sectors of 512 bytes on a track. */
  readonly sectors: number;
  /** Data rates at which the disk can be read: 0 is 500, 1 300, 2 250 kbit/s, 3 1 Mbit/s. */
  readonly rates: readonly number[];
  /** The drive in which such a disk is. */
  readonly driveType: number;
}

const row = (
  tracks: number,
  heads: number,
  sectors: number,
  rates: readonly number[],
  driveType: number,
): FloppyGeometry => ({ tracks, heads, sectors, rates, driveType });

const { inch5, inch3, inch3Extended } = floppyDriveType;

/** Every format, with the number of its KiB in the comment. */
export const floppyGeometries: readonly FloppyGeometry[] = [
  row(40, 1, 8, [1, 2], inch5), // 160
  row(40, 1, 9, [1, 2], inch5), // 180
  row(40, 2, 8, [1, 2], inch5), // 320
  row(40, 2, 9, [1, 2], inch5), // 360
  row(80, 2, 8, [2], inch3), // 640
  row(80, 2, 9, [2], inch3), // 720
  row(80, 2, 10, [2], inch3), // 800
  row(80, 2, 15, [0], inch5), // 1200
  row(80, 2, 18, [0], inch3), // 1440
  row(80, 2, 20, [0], inch3), // 1600
  row(80, 2, 21, [0], inch3), // 1680
  row(82, 2, 21, [0], inch3), // 1722
  row(83, 2, 21, [0], inch3), // 1743
  row(80, 2, 36, [3], inch3Extended), // 2880
];

/** Returns the format of an image of so many bytes, or nothing where there is none. */
export function floppyGeometry(bytes: number): FloppyGeometry | undefined {
  return floppyGeometries.find(
    ({ tracks, heads, sectors }) => tracks * heads * sectors * 512 === bytes,
  );
}

/**
 * Returns the format of an image that is cut off behind its last used sector, as those of boot
 * sectors and small systems are: what the parameters in its first sector say, else 1440 KiB, and
 * 2880 KiB for a larger one. Nothing is returned for an image larger than that.
 */
export function cutOffFloppyGeometry(
  bytes: number,
  firstSector?: Uint8Array,
): FloppyGeometry | undefined {
  const said = firstSector === undefined ? undefined : geometryInSector(firstSector);
  const usual = [1440, 2880].map((kib) => floppyGeometry(kib * 1024));
  return [said, ...usual].find((each) => each !== undefined && bytesOf(each) >= bytes);
}

/** The BIOS parameter block of a FAT file system: sectors in all, of a track, and heads. */
function geometryInSector(sector: Uint8Array): FloppyGeometry | undefined {
  if (sector.length < 0x1c) {
    return undefined;
  }
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const [size, total] = [view.getUint16(0x0b, true), view.getUint16(0x13, true)];
  const [sectors, heads] = [view.getUint16(0x18, true), view.getUint16(0x1a, true)];
  return floppyGeometries.find(
    (each) =>
      size === 512 &&
      each.sectors === sectors &&
      each.heads === heads &&
      each.tracks * heads * sectors === total,
  );
}

/** Returns the number of bytes of a disk of this format. */
export function bytesOf(geometry: FloppyGeometry): number {
  return geometry.tracks * geometry.heads * geometry.sectors * 512;
}

/**
 * Returns the bytes of CMOS RAM that tell firmware of the drives A and B: their types at 0x10, and
 * their number in the equipment byte at 0x14.
 */
export function floppyCmosBytes(types: readonly number[]): Readonly<Record<number, number>> {
  const [first = 0, second = 0] = types;
  const count = types.filter((type) => type !== floppyDriveType.none).length;
  const equipment = count === 0 ? 0 : 0x01 | ((count - 1) << 6);
  return { 0x10: (first << 4) | second, 0x14: equipment };
}
