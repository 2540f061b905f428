/** Snapshots in the browser's own file system. */
import { canKeepFiles, fileNameOf, OriginFolder } from './origin-folder.ts';
import type { KeptFile } from './origin-folder.ts';

const folder = new OriginFolder('ringfence-snapshots');
const ending = '.rfs';

/** Returns the snapshots that are kept, the latest first. */
export async function listSnapshots(): Promise<KeptFile[]> {
  if (!canKeepFiles()) return [];
  const files = (await folder.list()).filter(({ name }) => name.endsWith(ending));
  return files.map((file) => ({ ...file, name: file.name.slice(0, -ending.length) }));
}

/** Keeps a snapshot; one of the same name is replaced once the new one is whole. */
export function saveSnapshot(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  return folder.write(nameOf(name), bytes);
}

/** Returns a snapshot as a file. */
export function loadSnapshot(name: string): Promise<File> {
  return folder.file(nameOf(name));
}

/** Keeps a snapshot no longer. */
export function deleteSnapshot(name: string): Promise<void> {
  return folder.remove(nameOf(name));
}

function nameOf(name: string): string {
  return `${fileNameOf(name)}${ending}`;
}
