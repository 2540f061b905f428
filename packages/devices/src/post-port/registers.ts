/**
 * The port for power-on self-test codes (IBM AT Technical Reference, "I/O address map":
 * manufacturer's checkpoint).
 *
 *     port 0x80  7..0 the code last written
 *
 * It is one of the DMA page registers that no channel uses; Linux writes to it to spend a
 * microsecond.
 */

/** The port for checkpoint codes. */
export const postPortAddress = 0x80;
