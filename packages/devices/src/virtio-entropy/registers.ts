/** The entropy device of virtio 1.x (OASIS Virtual I/O Device 1.2, section 5.4): one queue. */

/** The device type. */
export const entropyType = 4;
/** PCI class: unclassified. */
export const entropyClass = 0xff_0000;
/** The most bytes that one chain gets: a driver asks again. */
export const mostEntropyBytes = 4096;
