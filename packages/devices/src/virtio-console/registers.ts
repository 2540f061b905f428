/**
 * The console device of virtio 1.x (OASIS Virtual I/O Device 1.2, section 5.3), with one port.
 *
 *     queue 0: to the guest; queue 1: from the guest
 *     configuration: 0 columns w | 2 rows w | 4 ports d | 8 emergency write d
 */

/** The device type. */
export const consoleType = 3;
/** PCI class: communication, other. */
export const consoleClass = 0x07_8000;
/** The queue of buffers for what is typed, and the queue of output. */
export const consoleQueue = { receive: 0, transmit: 1 } as const;
/** The number of bytes of the configuration. */
export const consoleConfigBytes = 12;
/** The most bytes that are taken from one chain; what a chain has beyond them is lost. */
export const mostConsoleBytes = 0x1_0000;
