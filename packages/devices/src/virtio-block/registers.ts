/**
 * The block device of virtio 1.x (OASIS Virtual I/O Device 1.2, section 5.2).
 *
 *     configuration (5.2.4)
 *     0x00 capacity q (sectors of 512)   0x0c most segments d     0x14 block size d
 *     0x18 physical block exponent b     0x20 write-back b        0x22 queues w
 *
 *     request (5.2.6)
 *     0 type d | 4 reserved d | 8 sector q | data ... | status b
 */

/** The device type. */
export const blockType = 2;
/** PCI class: mass storage, other. */
export const blockClass = 0x01_8000;

/** Bits of the low feature word. */
export const blockFeature = {
  segments: 0x0004,
  readOnly: 0x0020,
  blockSize: 0x0040,
  flush: 0x0200,
} as const;

/** Types of requests that are served. */
export const blockRequest = { read: 0, write: 1, flush: 4, identity: 8 } as const;

/** What the status byte of a request says. */
export const blockStatus = { ok: 0, failed: 1, unsupported: 2 } as const;

/** The number of bytes of a request's header. */
export const blockHeaderBytes = 16;
/** The most segments of data in a request: a full queue without header and status. */
export const mostSegments = 254;
/** The number of bytes of an identity. */
export const identityBytes = 20;
/** The most data of one request; a larger one fails. Systems stay at 1 to 2 MiB. */
export const maximumRequestBytes = 0x80_0000;
