import type { DiskChanges } from './overlay-image.ts';
import type { Steps } from './steps.ts';

/** The formats of disk images. */
export type DiskFormat = 'raw' | 'qcow2';

/** The contents of a disk behind an image format; operations are run one at a time. */
export interface DiskImage {
  readonly format: DiskFormat;
  /** The size of the disk in bytes, a multiple of 512. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** What was written, where that is kept apart from what the disk stands on. */
  readonly changes?: DiskChanges;
  /** Fills `target` with the disk's bytes from `offset` on. */
  read(offset: number, target: Uint8Array): Steps<void>;
  /** Writes the disk's bytes from `offset` on. */
  write(offset: number, source: Uint8Array): Steps<void>;
  /** Makes everything written before survive the end of the process and a power cut. */
  flush(): Steps<void>;
  /** Flushes and lets go of what holds the image, its backing images too. */
  close(): Steps<void>;
}
