/** A file that the browser keeps. */
export interface KeptFile {
  readonly name: string;
  readonly bytes: number;
  /** When it was written, in milliseconds since 1970. */
  readonly savedMs: number;
}

/** Whether this page may keep files: not over plain HTTP, nor in some private windows. */
export function canKeepFiles(): boolean {
  return 'storage' in navigator && 'getDirectory' in navigator.storage;
}

/**
 * A folder of the browser's own file system (WHATWG File System, "origin private file system"),
 * the same for a page and its workers. Where the browser keeps no files every method fails.
 */
export class OriginFolder {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** Returns the files that are there, the latest first. */
  async list(): Promise<KeptFile[]> {
    const found: KeptFile[] = [];
    // Directory handles are async iterables; the DOM types say so in a library of their own.
    const folder = (await this.#open()) as FileSystemDirectoryHandle &
      AsyncIterable<[string, FileSystemHandle]>;
    for await (const [name, handle] of folder) {
      if (handle.kind !== 'file') continue;
      const { size: bytes, lastModified: savedMs } = await (
        handle as FileSystemFileHandle
      ).getFile();
      found.push({ name, bytes, savedMs });
    }
    return found.sort((one, other) => other.savedMs - one.savedMs);
  }

  /** Returns a file as it is now. */
  async file(name: string): Promise<File> {
    return (await (await this.#open()).getFileHandle(name)).getFile();
  }

  /** Returns a file to be read and written in place, made if it is not there. */
  async handle(name: string): Promise<FileSystemFileHandle> {
    return (await this.#open()).getFileHandle(name, { create: true });
  }

  /** Writes a file, all or nothing of it. */
  async write(
    name: string,
    ...parts: readonly (string | Uint8Array<ArrayBuffer>)[]
  ): Promise<void> {
    const handle = await (await this.#open()).getFileHandle(name, { create: true });
    // A writable becomes the file when it is closed: who reads sees the old one or the new.
    const writable = await handle.createWritable();
    for (const part of parts) await writable.write(part);
    await writable.close();
  }

  /** Takes a file away. */
  async remove(name: string): Promise<void> {
    await (await this.#open()).removeEntry(name);
  }

  async #open(): Promise<FileSystemDirectoryHandle> {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(this.#name, { create: true });
  }
}

/** A name without slashes and such. */
export function fileNameOf(name: string): string {
  return name.replace(/[^\w .()-]/g, '_').slice(0, 80);
}
