/** A drive's storage whose disk can be let go of and opened anew under a machine that waits. */
import type { Disk, DiskChanges } from '@ringfence/disk';
import type { DriveStorage } from '@ringfence/machine';

/** Passes on what a machine asks of a drive to the disk that it holds at the time. */
export class HeldStorage implements DriveStorage {
  #disk: Disk;
  #wake: () => void = () => undefined;

  /** Makes a storage that holds a disk. */
  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The disk that it holds. */
  get disk(): Disk {
    return this.#disk;
  }

  /** Holds another disk from now on: the same one, opened anew. */
  hold(disk: Disk): void {
    this.#disk = disk;
    disk.onLate(this.#wake);
  }

  get bytes(): number {
    return this.#disk.bytes;
  }

  get readOnly(): boolean {
    return this.#disk.readOnly;
  }

  get changes(): DiskChanges | undefined {
    return this.#disk.changes;
  }

  contents(): string | undefined {
    return this.#disk.contents();
  }

  onLate(wake: () => void): void {
    this.#wake = wake;
    this.#disk.onLate(wake);
  }

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    this.#disk.read(offset, target, done);
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.#disk.write(offset, source, done);
  }

  flush(done: (ok: boolean) => void): void {
    this.#disk.flush(done);
  }
}
