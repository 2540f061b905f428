/**
 * The translation profile in the browser's own file system: what earlier machines of this origin
 * translated, so that the next one has it translated sooner. Where the browser keeps no files
 * nobody is bothered: a profile makes a machine faster and no more.
 */
import type { Settings } from '@ringfence/machine';

const folderName = 'ringfence-profiles';

/** Where a machine's profile is kept. */
export interface SavedProfile {
  /** What earlier machines left; no bytes if there were none. */
  read(): Promise<Uint8Array>;
  /** Leaves what later machines need, all or nothing of it. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The profile that settings name; undefined for `none`. All guests share one if none is named. */
export function savedProfile({ translationProfile: named }: Settings): SavedProfile | undefined {
  if (named === 'none') return undefined;
  const name = (named ?? 'default').replace(/[^\w .()-]/g, '_').slice(0, 80);
  return {
    async read() {
      try {
        const file = await (await (await openFolder()).getFileHandle(name)).getFile();
        return new Uint8Array(await file.arrayBuffer());
      } catch {
        return new Uint8Array();
      }
    },
    async write(bytes) {
      try {
        const handle = await (await openFolder()).getFileHandle(name, { create: true });
        // A writable becomes the file when it is closed: who reads sees the old one or the new.
        const writable = await handle.createWritable();
        await writable.write(bytes.slice());
        await writable.close();
      } catch {
        // The next machine begins with what was kept before.
      }
    },
  };
}

async function openFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(folderName, { create: true });
}
