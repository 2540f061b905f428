/**
 * The debug console of Bochs and QEMU (Bochs, "port E9 hack"; QEMU, hw/char/debugcon.c).
 *
 *     port 0xe9  write: one byte of output   read: 0xe9, by which guests find it
 *     port 0x402 the same for SeaBIOS
 */

/** The port of the console, and what it reads as at any port. */
export const debugConsoleAddress = 0xe9;

/** Another port for such a console, where SeaBIOS writes what it does. */
export const firmwareConsoleAddress = 0x402;
