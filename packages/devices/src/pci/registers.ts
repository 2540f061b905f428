/**
 * The layout of PCI configuration space (PCI Local Bus Specification 2.1, chapter 6), of
 * configuration mechanism 1 (section 3.7.4.1), and of the chips of an i440FX PC: 82441FX (order
 * 290549) and 82371SB/AB (290550, 290562).
 *
 *     0xcf8 CONFADD   31 enable | 30..24 = 0 | 23..16 bus
 *                     15..11 device | 10..8 function | 7..2 register
 *     0xcf9 RC        2 reset CPU | 1 hard reset   (CONFADD is 32 bits at 0xcf8 only)
 *     0xcfc CONFDATA
 *
 *     type 0 header
 *     0x00 vendor    0x02 device   0x04 command  0x06 status     0x08 revision  0x09 class code
 *     0x0c line size 0x0d latency  0x0e type     0x10..0x27 base addresses      0x2c subsystem
 *     0x30 ROM       0x3c interrupt line         0x3d interrupt pin
 *
 *     base address   31..4 memory address | 3 prefetchable | 2..1 type (2 = 64 bits) | 0 = 0
 *                    31..2 port address   | 1 = 0 | 0 = 1
 */

/** The ports of configuration mechanism 1. */
export const pciPort = { address: 0xcf8, resetControl: 0xcf9, data: 0xcfc } as const;

/** CONFADD: accesses to CONFDATA are configuration cycles. */
export const configEnable = 0x8000_0000;
/** CONFADD: the bits that can be set. */
export const configAddressMask = 0x80ff_fffc;

/** Reset control: hard rather than soft reset. */
export const resetHard = 0x02;
/** Reset control: a change from 0 to 1 resets. */
export const resetCpu = 0x04;

/** Offsets within a function's configuration space. */
export const pciRegister = {
  vendor: 0x00,
  device: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  classCode: 0x09,
  headerType: 0x0e,
  bars: 0x10,
  subsystemVendor: 0x2c,
  subsystem: 0x2e,
  rom: 0x30,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;

/** The number of bytes of a function's configuration space. */
export const configSize = 256;
/** The number of base address registers. */
export const barCount = 6;

/** Command register bits. */
export const pciCommand = {
  ports: 0x01,
  memory: 0x02,
  busMaster: 0x04,
  interruptOff: 0x400,
} as const;
/** Command: the bits that can be set. */
export const commandWritable = 0x0547;
/** Status: the bits that a one clears. */
export const statusClearable = 0xf900;

/** Device and vendor numbers of the chips. */
export const pciIdentity = {
  intel: 0x8086,
  hostBridge: 0x1237,
  isaBridge: 0x7000,
  powerManagement: 0x7113,
} as const;

/** The subsystem by which boards of virtual machines are known (QEMU, docs/specs/pci-ids.rst). */
export const virtualSubsystem: readonly [vendor: number, subsystem: number] = [0x1af4, 0x1100];

/** 82441FX: the first of seven PAM registers. */
export const pamFirst = 0x59;
/** 82441FX: the last PAM register. */
export const pamLast = 0x5f;
/** PAM: reads of the segment go to memory. */
export const pamRead = 0x1;
/** PAM: writes to the segment go to memory. */
export const pamWrite = 0x2;

/** 82371SB: the first of the four PIRQ route control registers. */
export const pirqFirst = 0x60;
/** PIRQ route control: not routed. */
export const pirqOff = 0x80;
/** The interrupt requests to which a PIRQ can be routed (82371SB, section 2.2.9). */
export const pirqTargets = 0b1101_1110_1111_1000;

/** 82371AB function 3: PMBASE, where the power management ports stand. */
export const pmBase = 0x40;
/** 82371AB function 3: bit 0 lets the power management ports be decoded. */
export const pmRegMisc = 0x80;
/** The number of power management ports. */
export const pmPortCount = 64;
