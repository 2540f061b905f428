import { closeSync, fsyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { type ByteStore, DiskError, refuseWrite } from '@ringfence/disk';
import { fileFault } from './boot-files.ts';
import { type FileIdentity, lockFile } from './file-lock.ts';

/**
 * A disk image in a file of the host; one that is written is locked against other writers.
 *
 * Reads and writes are made at once: what the guest was told is done is with the system, and
 * survives the end of the process; what was flushed survives a power cut.
 */
export class FileStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #file: number;
  #unlock: () => void = () => {};
  #size: number;
  #closed = false;

  /** Opens a file that exists, or with `create` makes one that does not; throws DiskError. */
  constructor(path: string, options: { readOnly?: boolean; create?: boolean } = {}) {
    this.name = path;
    this.readOnly = options.readOnly ?? false;
    const flags = options.create === true ? 'wx+' : this.readOnly ? 'r' : 'r+';
    this.#file = this.#try(() => openSync(path, flags));
    const stats = this.#try(() => fstatSync(this.#file));
    if (!stats.isFile() && !stats.isBlockDevice()) {
      this.close();
      throw new DiskError('io', `${path}: is no file`);
    }
    if (!this.readOnly) this.#lock(stats);
    this.#size = stats.size;
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, target: Uint8Array): undefined {
    let done = 0;
    while (done < target.length) {
      const left = target.length - done;
      const got = this.#try(() => readSync(this.#file, target, done, left, offset + done));
      if (got === 0) break;
      done += got;
    }
    target.fill(0, done);
  }

  write(offset: number, source: Uint8Array): undefined {
    if (this.readOnly) throw refuseWrite(this);
    let done = 0;
    while (done < source.length) {
      const left = source.length - done;
      done += this.#try(() => writeSync(this.#file, source, done, left, offset + done));
    }
    this.#size = Math.max(this.#size, offset + source.length);
  }

  flush(): undefined {
    if (!this.readOnly) this.#try(() => fsyncSync(this.#file));
  }

  close(): undefined {
    if (!this.#closed) {
      this.#closed = true;
      closeSync(this.#file);
      this.#unlock();
    }
  }

  #lock(identity: FileIdentity): void {
    try {
      this.#unlock = lockFile(this.name, identity);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new DiskError('io', `${this.name}: ${fileFault(error)}`);
    }
  }
}
