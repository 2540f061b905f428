/**
 * Returns the CMOS bytes that tell firmware how much memory there is.
 *
 *     0x15/16  KiB below 1 MiB: 640          0x17/18, 0x30/31  KiB above 1 MiB, at most 65,535
 *     0x34/35  64 KiB blocks above 16 MiB    0x5b..0x5d        64 KiB blocks above 4 GiB
 *
 * The first three are of the IBM AT (Technical Reference, "CMOS RAM"), the others are what SeaBIOS
 * reads.
 *
 * @param belowBytes the size of the memory that starts at address 0
 * @param aboveBytes the size of the memory that starts at 4 GiB
 */
export function memorySizeBytes(
  belowBytes: number,
  aboveBytes: number = 0,
): Record<number, number> {
  const extendedKib = clamp(Math.floor(belowBytes / 1024) - 1024, 0xffff);
  const blocks = clamp(Math.floor(belowBytes / 0x1_0000) - 256, 0xffff);
  const highBlocks = clamp(Math.floor(aboveBytes / 0x1_0000), 0xff_ffff);
  return {
    0x15: 640 & 0xff,
    0x16: 640 >> 8,
    0x17: extendedKib & 0xff,
    0x18: extendedKib >> 8,
    0x30: extendedKib & 0xff,
    0x31: extendedKib >> 8,
    0x34: blocks & 0xff,
    0x35: blocks >> 8,
    0x5b: highBlocks & 0xff,
    0x5c: (highBlocks >> 8) & 0xff,
    0x5d: highBlocks >> 16,
  };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
