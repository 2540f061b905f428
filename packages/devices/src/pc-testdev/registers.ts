/**
 * The layout of QEMU's `pc-testdev`, by which test kernels try ports, MMIO and interrupt inputs; as
 * QEMU 7.2 behaves.
 *
 *     port 0xe0..0xe3       a register of 32 bits, each byte and word of which can be accessed
 *     port 0xe4..0xe7       takes any write, reads as 0
 *     port 0xe8..0xeb       the same register as 0xe0..0xe3
 *     port 0x2000..0x200f   write: drives interrupt request 0 to 15 high unless 0; reads 0
 *     memory 0xff000000     64 KiB of registers that hold what is written
 */

/** The register that holds what is written. */
export const testRegister = 0xe0;
/** Ports that take what is written. */
export const testFlush = 0xe4;
/** The register once more. */
export const testRegisterAlias = 0xe8;
/** The port of interrupt request 0. */
export const testRequests = 0x2000;
/** How many requests there are. */
export const testRequestCount = 16;
/** Where the registers in memory stand. */
export const testMemoryAddress = 0xff00_0000;
/** The bytes of the registers in memory. */
export const testMemoryBytes = 0x1_0000;
