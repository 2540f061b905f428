/**
 * What a BIOS would have left behind for a kernel that is booted without one: the ACPI tables.
 */
import { buildAcpiTables, hpetAddress, ioApicAddress, localApicAddress } from '@ringfence/devices';
import type { AcpiTables } from '@ringfence/devices';

import { apicIds } from './board-interrupts.ts';
import { extendedMemory, systemRom } from './boot/memory-map.ts';

/** Where firmware puts the power management ports. */
export const powerManagementBase = 0x600;

/** To which interrupt requests PIRQA to PIRQD are routed. */
export const pirqRoutes: readonly number[] = [10, 10, 11, 11];

/** The interrupt requests that a guest may route them to. */
const pirqChoices: readonly number[] = [5, 10, 11];

/** First port and interrupt request of the serial ports. */
export const serialPorts: readonly (readonly [first: number, irq: number])[] = [
  [0x3f8, 4],
  [0x2f8, 3],
  [0x3e8, 4],
  [0x2e8, 3],
];

/** The end of the PCI memory range: the chips' registers begin here. */
export const pciMemoryEnd = 0xfec0_0000;

/** The lowest start of the PCI memory range, above the largest RAM that has one. */
export const pciMemoryFirst = 0xe800_0000;

/**
 * Where the RSDP stands without firmware: as BIOSes do it in the upper half of the range that ACPI
 * names (ACPI 2.0c, 5.2.4.1), the only one that some small kernels look through.
 */
export const rootPointer = 0xf_0000;

/**
 * Where the FACS stands without firmware, and with the built-in BIOS: guests write to it, so it is
 * in the extended BIOS data area.
 */
export const facsAddress = 0x9_fc80;

const rsdpBytes = 64;

/**
 * Returns the ACPI tables of the board for the address at which they will stand; the FACS is among
 * them unless it stands elsewhere.
 */
export function acpiTables(address: number, facs?: number): AcpiTables {
  return buildAcpiTables({
    address,
    ...(facs === undefined ? {} : { facsAddress: facs }),
    pmBase: powerManagementBase,
    pirqChoices,
    pciMemoryFirst,
    pciMemoryLast: pciMemoryEnd - 1,
    uarts: serialPorts,
    hpetAddress,
    floppy: true,
    reserved: [
      [ioApicAddress, 0x1000],
      [localApicAddress, 0x1000],
    ],
    apic: {
      localApicAddress,
      processors: [apicIds.processor],
      ioApicId: apicIds.ioApic,
      ioApicAddress,
    },
  });
}

/** Returns the FACS, for `facsAddress`. */
export function facsTable(): Uint8Array {
  return acpiTables(0, facsAddress).facs;
}

/**
 * Returns a ROM without code, which ends below 1 MiB: the RSDP at `pointer`, then the tables. In a
 * machine without firmware it is at `rootPointer`.
 */
export function systemRomImage(pointer: number): Uint8Array {
  const { tables, rsdp } = acpiTables(pointer + rsdpBytes, facsAddress);
  const image = new Uint8Array(extendedMemory - systemRom);
  image.set(rsdp, pointer - systemRom);
  image.set(tables, pointer - systemRom + rsdpBytes);
  return image;
}
