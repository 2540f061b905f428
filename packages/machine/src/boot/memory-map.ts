/**
 * The guest-physical memory map of a PC of the i440FX kind.
 *
 *     0x0000_0000  conventional memory (RAM), the last KiB of it for the extended BIOS data area
 *     0x000a_0000  video memory
 *     0x000c_0000  option ROMs: nothing there
 *     0x000e_0000  system ROM: the ACPI tables
 *     0x0010_0000  RAM up to its size
 *                  PCI memory space, from the top of RAM up to
 *     0xfec0_0000  chips' registers and the BIOS ROM's place
 */

/** The end of conventional memory that a kernel may use: above it is the BIOS's data area. */
export const conventionalEnd = 0x9_fc00;

/** Start of the video memory. */
export const videoMemory = 0xa_0000;

/** Start of the system ROM area. */
export const systemRom = 0xe_0000;

/** Start of the memory above the hole. */
export const extendedMemory = 0x10_0000;

/** What an entry of the memory map says of its range (ACPI 6.4, 15.2 table 15.4). */
export const E820Type = { ram: 1, reserved: 2, acpiData: 3 } as const;

/** One range of the memory map as INT 15h, E820h reports it. */
export interface E820Entry {
  readonly base: number;
  readonly bytes: number;
  readonly type: number;
}

/** Returns the memory map of a machine with `ramBytes` of RAM, by ascending address. */
export function e820Map(ramBytes: number): readonly E820Entry[] {
  const entries: E820Entry[] = [
    { base: 0, bytes: conventionalEnd, type: E820Type.ram },
    { base: conventionalEnd, bytes: videoMemory - conventionalEnd, type: E820Type.reserved },
    { base: systemRom, bytes: extendedMemory - systemRom, type: E820Type.reserved },
  ];
  if (ramBytes > extendedMemory) {
    entries.push({ base: extendedMemory, bytes: ramBytes - extendedMemory, type: E820Type.ram });
  }
  return entries;
}
