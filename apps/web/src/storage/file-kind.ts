/** What a file is for a machine, told by its contents: the options that somebody meant by it. */

/** The option that a dropped file belongs to, or `snapshot`. */
export type FileRole = 'kernel' | 'initrd' | 'bios' | 'fda' | 'cdrom' | 'hda' | 'snapshot';

/** Sizes of floppy images: 160 KiB to 2880 KiB. */
const floppySizes: readonly number[] = [160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880].map(
  (kibibytes) => kibibytes * 1024,
);

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
  if (text(0x202, 4) === 'HdrS' || text(0, 4) === '\u007fELF' || hasMultiboot(word))
    return 'kernel';
  if (/^07070[12]/.test(text(0, 6)) || isCompressed(word(0))) return 'initrd';
  if (text(0x8001, 5) === 'CD001') return 'cdrom';
  if (text(0, 4) === 'QFI\u00fb') return 'hda';
  if (floppySizes.includes(size)) return 'fda';
  // A BIOS is a power of two in size and ends in a jump at its reset vector.
  if (size <= 0x40_0000 && size >= 0x1_0000 && (size & (size - 1)) === 0) return 'bios';
  return 'hda';
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
