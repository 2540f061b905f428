/**
 * The debug console of Bochs and QEMU (Bochs, "port E9 hack"; QEMU, hw/char/debugcon.c).
 *
 *     port 0xe9  write: one byte of output   read: 0xe9, by which guests find it
 */

/** The port of the console, and what it reads as. */
export const debugConsoleAddress = 0xe9;
