/** Numbers of the platform device (Xen, docs/misc/hvm-emulated-unplug.pandoc; xen-pci.h). */

/** Its PCI vendor number: XenSource's. */
export const platformVendor = 0x5853;
/** Its PCI device number, of that vendor's. */
export const platformDevice = 0x0001;
/** PCI class: one that nothing else has. */
export const platformClass = 0xff_8000;

/** The first of the ports at a fixed place. */
export const platformPort = 0x10;
/** How many of them there are. */
export const platformPortCount = 4;
/** What a word at the first port reads as. */
export const platformMagic = 0x49d2;
/** What a byte at the third port reads as. */
export const protocolVersion = 1;

/** What a word written to the first port takes away. */
export const Unplug = { allDisks: 1, network: 2, auxiliaryDisks: 4 } as const;

/** Ports of base address register 0. */
export const platformPorts = 0x100;
/** Bytes of memory of base address register 1. */
export const platformMemory = 0x100_0000;
