import { type ByteStore, refuseWrite, type Soon } from './byte-store.ts';
import { DiskError } from './error.ts';

/** The part of `FileSystemSyncAccessHandle` that a store uses (WHATWG File System, section 2.6). */
export interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  flush(): void;
  getSize(): number;
  close(): void;
}

/** A file of the browser's origin private file system, in a worker. */
export class AccessHandleStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  readonly #handle: SyncAccessHandle;
  #size: number;
  #closed = false;

  /** Makes a store over an open handle, which it closes. */
  constructor(name: string, handle: SyncAccessHandle, readOnly: boolean = false) {
    this.name = name;
    this.readOnly = readOnly;
    this.#handle = handle;
    this.#size = this.#do(() => handle.getSize());
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, target: Uint8Array): Soon {
    const got = this.#do(() => this.#handle.read(target, { at: offset }));
    target.fill(0, got);
    return undefined;
  }

  write(offset: number, source: Uint8Array): Soon {
    if (this.readOnly) throw refuseWrite(this);
    const put = this.#do(() => this.#handle.write(source, { at: offset }));
    if (put !== source.length) {
      const found = `${String(put)} of ${String(source.length)} bytes written`;
      throw new DiskError('io', `${this.name}: ${found}: no room is left`);
    }
    this.#size = Math.max(this.#size, offset + put);
    return undefined;
  }

  flush(): Soon {
    this.#do(() => {
      this.#handle.flush();
    });
    return undefined;
  }

  close(): Soon {
    if (!this.#closed) {
      this.#closed = true;
      this.#handle.close();
    }
    return undefined;
  }

  #do<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new DiskError('io', `${this.name}: ${words}`);
    }
  }
}
