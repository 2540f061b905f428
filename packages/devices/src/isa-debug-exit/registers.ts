/**
 * The layout of QEMU's `isa-debug-exit` device (QEMU, hw/misc/debugexit.c).
 *
 *     port 0xf4..0xf7  write v of 1, 2 or 4 bytes: end the machine with status (v << 1) | 1
 *
 * The status is therefore odd, so that a guest cannot pretend to have been powered off.
 */

/** The first port that test guests expect. */
export const debugExitAddress = 0xf4;
/** The number of ports. */
export const debugExitCount = 4;

/** Returns the process status, 0 to 255, that a written value asks for. */
export function debugExitStatus(value: number): number {
  return ((value << 1) | 1) & 0xff;
}
