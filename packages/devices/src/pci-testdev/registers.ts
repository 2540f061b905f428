/**
 * The layout of QEMU's `pci-testdev` (QEMU, docs/specs/pci-testdev.rst), as QEMU 7.2 behaves.
 *
 * Base address 0 is memory, base address 1 are ports. Both begin with a header about the test that
 * was chosen last, in either:
 *
 *     0    test      write: chooses a test, with a count of 0; read: its number, 0 to 5
 *     1    width     bytes of the writes that it counts; 0 without a test
 *     4    offset    where they go
 *     8    data      what they hold
 *     12   count     how many there were
 *     16   name      text with a closing zero
 */

/** Red Hat's vendor number, and the device's. */
export const pciTestVendor = 0x1b36;
/** The device number, of that vendor's. */
export const pciTestDevice = 0x0005;
/** PCI class: others. */
export const pciTestClass = 0x00_ff00;
/** Subsystem vendor and number, as all of QEMU's devices have them. */
export const pciTestSubsystem = [0x1af4, 0x1100] as const;

/** Bytes of memory of base address 0. */
export const pciTestMemoryBytes = 0x1000;
/** Ports of base address 1. */
export const pciTestPorts = 0x100;

/** A test: what is to be written, and whether the device counts it. */
export interface PciTest {
  readonly name: string;
  readonly offset: number;
  readonly data: number;
  /** Writes are taken by a notifier of the host, of which the guest sees nothing. */
  readonly notifies: boolean;
}

const row = (name: string, offset: number, data: number, notifies: boolean): PciTest => ({
  name,
  offset,
  data,
  notifies,
});

/** The tests: three of memory, three of ports. */
export const pciTests: readonly PciTest[] = [
  row('mmio-no-eventfd', 0x800, 0xfa, false),
  row('mmio-wildcard-eventfd', 0x801, 0xce, true),
  row('mmio-datamatch-eventfd', 0x802, 0xfa, true),
  row('portio-no-eventfd', 0x83, 0xfa, false),
  row('portio-wildcard-eventfd', 0x84, 0xce, true),
  row('portio-datamatch-eventfd', 0x85, 0xfa, true),
];

/** The first test of each base address. */
export const firstTest = { memory: 0, ports: 3 } as const;
/** How many tests each base address has. */
export const testsOfEach = 3;
