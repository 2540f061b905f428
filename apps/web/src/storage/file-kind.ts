/** What a file is for a machine, told by its contents: the options that somebody meant by it. */

/** The option that a dropped file belongs to, or `snapshot`. */
export type FileRole = 'kernel' | 'initrd' | 'bios' | 'fda' | 'cdrom' | 'hda' | 'snapshot';

/** Sizes of floppy images in KiB, and the largest in bytes. */
const floppyKib: readonly number[] = [
  160, 180, 320, 360, 640, 720, 800, 1200, 1440, 1600, 1680, 1722, 1743, 2880,
];
const largestFloppy = 2880 * 1024;

/** Where a boot sector has its partitions, four of 16 bytes, and then its mark. */
const partitionsAt = 446;
const bootMark = 0xaa55;
const sectorBytes = 512;

/** How much of a file's beginning is looked at: up to the volume descriptor of a CD. */
const headBytes = 0x9000;

/** How far a multiboot 1 header can be from the beginning (Multiboot 0.6.96, 3.1). */
const multibootBytes = 0x2000;

/** Tells what a file is by what stands in it; raw disks have no mark and are what is left. */
export async function fileRole(file: Blob): Promise<FileRole> {
  const head = new DataView(await file.slice(0, headBytes).arrayBuffer());
  return roleOf(head, file.size);
}

/** Tells what a file is, by its beginning and its size. */
export function roleOf(head: DataView, size: number): FileRole {
  const text = (at: number, length: number): string =>
    at + length > head.byteLength
      ? ''
      : String.fromCharCode(...new Uint8Array(head.buffer, head.byteOffset + at, length));
  const word = (at: number): number => (at + 4 > head.byteLength ? 0 : head.getUint32(at, true));
  if (text(1, 3) === 'RFS') return 'snapshot';
  if (text(0x202, 4) === 'HdrS' || text(0, 4) === '\u007fELF') return 'kernel';
  if (/^07070[12]/.test(text(0, 6)) || isCompressed(word(0))) return 'initrd';
  if (text(0x8001, 5) === 'CD001') return 'cdrom';
  if (text(0, 4) === 'QFI\u00fb') return 'hda';
  // Kernels stand behind boot sectors too. Boot sectors alone and small systems are floppies.
  const isBootSector = word(partitionsAt + 62) >>> 16 === bootMark;
  if (!isBootSector && hasMultiboot(word)) return 'kernel';
  if (floppyKib.includes(size / 1024)) return 'fda';
  if (isBootSector) return size <= largestFloppy && !hasPartitions(head, size) ? 'fda' : 'hda';
  // A BIOS is a power of two in size and ends in a jump at its reset vector.
  if (size <= 0x40_0000 && size >= 0x1_0000 && (size & (size - 1)) === 0) return 'bios';
  return 'hda';
}

/** Whether a boot sector has a table of partitions, each of them within the disk or empty. */
function hasPartitions(head: DataView, size: number): boolean {
  const sectors = Math.floor(size / sectorBytes);
  const kinds = [0, 1, 2, 3].map((index) => {
    const at = partitionsAt + 16 * index;
    const [first, count] = [head.getUint32(at + 8, true), head.getUint32(at + 12, true)];
    if (head.getUint8(at + 4) === 0) return 'empty';
    const isMarked = (head.getUint8(at) & 0x7f) === 0;
    return isMarked && first > 0 && count > 0 && first + count <= sectors ? 'there' : 'no';
  });
  return kinds.includes('there') && !kinds.includes('no');
}

/** Whether a word is the mark of gzip, xz, zstd, lz4 or bzip2: an initial RAM disk, packed. */
function isCompressed(word: number): boolean {
  return (
    (word & 0xffff) === 0x8b1f ||
    word === 0x587a_37fd ||
    word === 0xfd2f_b528 ||
    word === 0x184c_2102 ||
    (word & 0xff_ffff) === 0x68_5a42
  );
}

function hasMultiboot(word: (at: number) => number): boolean {
  for (let at = 0; at < multibootBytes; at += 4) {
    const isSum = ((word(at) + word(at + 4) + word(at + 8)) & 0xffff_ffff) === 0;
    if (word(at) === 0x1bad_b002 && isSum) return true;
  }
  return false;
}
