import type { BlockStorage } from '../block-storage.ts';
import { cutOffFloppyGeometry, floppyGeometry, type FloppyGeometry } from './geometry.ts';
import { floppySectorBytes } from './registers.ts';

/** A disk in a drive: an image and how it is laid out. */
export class FloppyDisk {
  readonly geometry: FloppyGeometry;
  readonly readOnly: boolean;
  readonly #storage: BlockStorage;

  private constructor(storage: BlockStorage, geometry: FloppyGeometry) {
    this.#storage = storage;
    this.geometry = geometry;
    this.readOnly = storage.readOnly;
  }

  /**
   * Returns the disk of an image; nothing for one that is too large for every format, or empty.
   */
  static of(storage: BlockStorage): FloppyDisk | undefined {
    const { bytes } = storage;
    const geometry = geometryOfImage(storage);
    return geometry === undefined || bytes === 0 ? undefined : new FloppyDisk(storage, geometry);
  }

  /** Whether there is such a sector; sectors count from 1. */
  has(track: number, head: number, sector: number): boolean {
    const { tracks, heads, sectors } = this.geometry;
    return track < tracks && head < heads && sector >= 1 && sector <= sectors;
  }

  /** Reads a sector that is there; behind a cut-off image's end it is empty. */
  read(
    track: number,
    head: number,
    sector: number,
    done: (ok: boolean, bytes: Uint8Array) => void,
  ): void {
    const offset = this.#offset(track, head, sector);
    const target = new Uint8Array(floppySectorBytes);
    if (offset + floppySectorBytes > this.#storage.bytes) {
      done(true, target);
    } else {
      this.#storage.read(offset, target, (ok) => {
        done(ok, target);
      });
    }
  }

  /** Writes a sector that is there; behind a cut-off image's end that fails. */
  write(
    track: number,
    head: number,
    sector: number,
    bytes: Uint8Array,
    done: (ok: boolean) => void,
  ): void {
    const offset = this.#offset(track, head, sector);
    if (offset + floppySectorBytes > this.#storage.bytes) {
      done(false);
    } else {
      this.#storage.write(offset, bytes, done);
    }
  }

  #offset(track: number, head: number, sector: number): number {
    const { heads, sectors } = this.geometry;
    return ((track * heads + head) * sectors + sector - 1) * floppySectorBytes;
  }
}

/**
 * Returns the format of an image: by its size, or, where it is cut off, by its first sector, if
 * that can be read at once.
 */
export function geometryOfImage(storage: BlockStorage): FloppyGeometry | undefined {
  const { bytes } = storage;
  const bySize = floppyGeometry(bytes);
  if (bySize !== undefined || bytes < floppySectorBytes) {
    return bySize ?? cutOffFloppyGeometry(bytes);
  }
  const target = new Uint8Array(floppySectorBytes);
  let sector: Uint8Array | undefined;
  storage.read(0, target, (ok) => {
    sector = ok ? target : undefined;
  });
  return cutOffFloppyGeometry(bytes, sector);
}
