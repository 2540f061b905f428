/**
 * Snapshots in the browser's own file system (WHATWG File System, "origin private file system").
 */

const folderName = 'ringfence-snapshots';
const ending = '.rfs';

/** A snapshot that the browser keeps. */
export interface SavedSnapshot {
  readonly name: string;
  readonly bytes: number;
  /** When it was written, in milliseconds since 1970. */
  readonly savedMs: number;
}

/** Whether this page may keep files: not over plain HTTP, nor in some private windows. */
export function canSave(): boolean {
  return 'storage' in navigator && 'getDirectory' in navigator.storage;
}

/** Returns the snapshots that are kept, the latest first. */
export async function listSnapshots(): Promise<SavedSnapshot[]> {
  if (!canSave()) return [];
  const found: SavedSnapshot[] = [];
  // Directory handles are async iterables; the DOM types say so in a library of their own.
  const folder = (await openFolder()) as FileSystemDirectoryHandle &
    AsyncIterable<[string, FileSystemHandle]>;
  for await (const [name, handle] of folder) {
    if (!name.endsWith(ending) || handle.kind !== 'file') continue;
    const file = await (handle as FileSystemFileHandle).getFile();
    const { size: bytes, lastModified: savedMs } = file;
    found.push({ name: name.slice(0, -ending.length), bytes, savedMs });
  }
  return found.sort((one, other) => other.savedMs - one.savedMs);
}

/** Keeps a snapshot; one of the same name is replaced once the new one is whole. */
export async function saveSnapshot(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const handle = await (await openFolder()).getFileHandle(fileName(name), { create: true });
  // A writable becomes the file when it is closed, so a page that goes away leaves the old one.
  const writable = await handle.createWritable();
  await writable.write(bytes);
  await writable.close();
}

/** Returns a snapshot as a file. */
export async function loadSnapshot(name: string): Promise<File> {
  const handle = await (await openFolder()).getFileHandle(fileName(name));
  return handle.getFile();
}

/** Keeps a snapshot no longer. */
export async function deleteSnapshot(name: string): Promise<void> {
  await (await openFolder()).removeEntry(fileName(name));
}

async function openFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(folderName, { create: true });
}

/** A name of the file system: without slashes and such. */
function fileName(name: string): string {
  return `${name.replace(/[^\w .()-]/g, '_').slice(0, 80)}${ending}`;
}
