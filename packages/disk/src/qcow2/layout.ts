/**
 * The layout of a qcow2 image (QEMU, docs/interop/qcow2.txt); numbers are big-endian.
 *
 *     header
 *      0 magic "QFI" 0xfb      4 version d           8 backing name at q      16 its bytes d
 *     20 cluster bits d       24 disk bytes q       32 encryption d
 *     36 L1 entries d         40 L1 at q
 *     48 refcount table at q  56 its clusters d     60 snapshots d            64 snapshots at q
 *     version 3 only
 *     72 incompatible features q   80 compatible q  88 autoclear q
 *     96 refcount order d    100 header bytes d    104 compression b
 *
 *     L1 entry   63 copied | 55..9 L2 table at
 *     L2 entry   63 copied | 62 compressed | 55..9 cluster at | 0 reads as zeros
 *     compressed 62 | sectors - 1 above x | x-1..0 at, with x = 62 - (cluster bits - 8)
 *
 * "Copied" says that the reference count is one, so that the cluster may be written in place.
 */

/** The magic number. */
export const magic = 0x5146_49fb;
/** The number of bytes of a header of version 2. */
export const headerBytes2 = 72;
/** The least number of bytes of a header of version 3. */
export const headerBytes3 = 104;

/** Offsets within the header. */
export const field = {
  version: 4,
  backingOffset: 8,
  backingBytes: 16,
  clusterBits: 20,
  bytes: 24,
  encryption: 32,
  l1Entries: 36,
  l1Offset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  snapshots: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  compatible: 80,
  autoclear: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compression: 104,
} as const;

/** Bits of the incompatible features. */
export const incompatible = {
  dirty: 0x01,
  corrupt: 0x02,
  externalData: 0x04,
  compression: 0x08,
  extendedL2: 0x10,
} as const;

/** Types of header extensions. */
export const extension = {
  end: 0,
  backingFormat: 0xe279_2aca,
} as const;

/** The smallest and largest cluster. */
export const clusterBitsRange: readonly [least: number, most: number] = [9, 21];
/** The largest L1 table in bytes, as QEMU has it. */
export const maximumL1Bytes = 0x200_0000;
/** The largest refcount table in bytes, as QEMU has it. */
export const maximumRefcountTableBytes = 0x80_0000;
/** The most snapshots, as QEMU has it. */
export const maximumSnapshots = 0x1_0000;
/** The longest name of a backing file in bytes. */
export const maximumBackingName = 1023;

/** High word of an entry: the cluster's reference count is one. */
export const copiedHigh = 0x8000_0000;
/** High word of an L2 entry: the cluster is compressed. */
export const compressedHigh = 0x4000_0000;
/** Low word of an L2 entry: the cluster reads as zeros. */
export const zeroLow = 1;

const twoTo32 = 2 ** 32;

/** Returns the place that an entry names, without its flags. */
export function entryOffset(high: number, low: number): number {
  return (high & 0x00ff_ffff) * twoTo32 + ((low & 0xffff_fe00) >>> 0);
}

/** Reads a big-endian number of 64 bits; what is past 2^53 loses its last digits. */
export function read64(view: DataView, at: number): number {
  return view.getUint32(at) * twoTo32 + view.getUint32(at + 4);
}

/** Writes a big-endian number of 64 bits. */
export function write64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / twoTo32));
  view.setUint32(at + 4, value % twoTo32);
}
