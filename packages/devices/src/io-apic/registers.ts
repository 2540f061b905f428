/**
 * The registers of an I/O APIC (Intel 82093AA data sheet, order 290566, section 3; the EOI register
 * is that of later chips, 82801 ICH data sheets).
 *
 *     0x00 IOREGSEL   7..0 which register IOWIN is
 *     0x10 IOWIN      the register
 *     0x40 EOI        7..0 vector: ends the level-triggered interrupts that have it
 *
 *     register 0x00 identifier   27..24
 *     register 0x01 version      23..16 last entry | 7..0 version
 *     register 0x02 arbitration  27..24
 *     register 0x10 + 2 n, 0x11 + 2 n   the redirection of pin n
 *
 *     redirection  63..56 destination | 16 masked | 15 level | 14 remote IRR | 13 active low
 *                  12 pending | 11 logical | 10..8 delivery mode | 7..0 vector
 */

/** Where the first I/O APIC of a PC stands. */
export const ioApicAddress = 0xfec0_0000;

/** The number of pins. */
export const ioApicPins = 24;

/** Offsets within the page. */
export const ioApicOffset = { select: 0x00, window: 0x10, endOfInterrupt: 0x40 } as const;

/** Registers behind the window. */
export const ioApicRegister = { id: 0, version: 1, arbitration: 2, redirections: 0x10 } as const;

/** Version: 24 entries, version 0x20, the first with an EOI register. */
export const ioApicVersion: number = ((ioApicPins - 1) << 16) | 0x20;

/** Bits of the low half of a redirection. */
export const redirection = {
  masked: 0x1_0000,
  level: 0x8000,
  remoteIrr: 0x4000,
  logical: 0x0800,
  writable: 0x1_afff,
} as const;
