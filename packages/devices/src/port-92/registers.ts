/**
 * System control port A of the PS/2, as the 82371AB has it (order 290562, section 4.2.7).
 *
 *     port 0x92  7..2 reserved = 0 | 1 FAST_A20 | 0 FAST_INIT (a change from 0 to 1 resets the CPU)
 */

/** The port of system control A. */
export const port92Address = 0x92;
/** Opens address line 20. */
export const fastA20 = 0x02;
/** Pulses INIT when it changes from 0 to 1. */
export const fastInit = 0x01;
