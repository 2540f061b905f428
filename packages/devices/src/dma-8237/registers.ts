/**
 * The registers of two 8237A and their page registers as a PC wires them (Intel 8237A data sheet,
 * order 231466; 82371SB data sheet, order 290550, section 2.5.1).
 *
 *     controller 1, channels 0..3, bytes    0x00..0x0f, one port a register
 *     controller 2, channels 4..7, words    0xc0..0xdf, two ports a register; 4 is the cascade
 *
 *     0, 2, 4, 6  address of channel 0..3, low byte then high byte
 *     1, 3, 5, 7  count less one, the same way
 *     8   command (write): 2 controller off     status (read): 7..4 requests | 3..0 ended
 *     9   request: 2 set | 1..0 channel
 *     10  mask of one channel: 2 set | 1..0 channel
 *     11  mode: 7..6 demand, single, block, cascade | 5 down | 4 start over
 *         3..2 verify, to memory, from memory | 1..0 channel
 *     12  clears the byte pointer     13 master clear     14 clears the masks     15 all masks
 *
 *     pages: 0x87, 0x83, 0x81, 0x82 for channels 0..3, 0x8f, 0x8b, 0x89, 0x8a for 4..7
 */

/** The ports of the pair; 0x80, a page register that no channel has, is left to the POST port. */
export const dmaPort = { first: 0x00, second: 0xc0, pages: 0x80 } as const;

/** Register numbers from 8 on. */
export const dmaRegister = {
  command: 8,
  request: 9,
  mask: 10,
  mode: 11,
  clearPointer: 12,
  masterClear: 13,
  clearMasks: 14,
  allMasks: 15,
} as const;

/** Command: the controller takes no requests. */
export const dmaOff = 0x04;

/** Bits of the mode register. */
export const dmaMode = { down: 0x20, startsOver: 0x10 } as const;

/** Directions, mode bits 3..2, as seen from memory. */
export const dmaDirection = { verify: 0, toMemory: 1, fromMemory: 2 } as const;

/** The page register of each channel, counted from 0x80. */
export const dmaPages: readonly number[] = [7, 3, 1, 2, 0xf, 0xb, 9, 0xa];
