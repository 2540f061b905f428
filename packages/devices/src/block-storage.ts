/**
 * What a disk controller needs from whoever holds the bytes: sectors behind requests that may take
 * time.
 *
 * `done` is called exactly once for each request, before it returns where the bytes are at hand, or
 * later, between two accesses of the guest. `ok` is false when the bytes could not be had; a
 * request outside the disk fails. A controller makes one request at a time.
 */
export interface BlockStorage {
  /** The size in bytes, a multiple of 512. */
  readonly bytes: number;
  /** Whether writes fail. */
  readonly readOnly: boolean;
  /** Fills `target` from the byte `offset` on; the buffer is the storage's until `done`. */
  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void;
  /** Writes from the byte `offset` on; the buffer is the storage's until `done`. */
  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void;
  /** Makes everything written survive a power cut. */
  flush(done: (ok: boolean) => void): void;
}

/** The bytes of a sector of a hard disk, in which all sizes and places are counted. */
export const sectorBytes = 512;
