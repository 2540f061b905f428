/**
 * What guests wrote to disks, in the browser's own file system: a file for each disk, which is told
 * by its name and samples of what it holds. Only a worker can write there in place.
 */
import { AccessHandleStore, identify, KeptOverlay, runToEnd } from '@ringfence/disk';
import type { DiskImage, SyncAccessHandle } from '@ringfence/disk';

import { fileNameOf, OriginFolder } from './origin-folder.ts';

const folder = new OriginFolder('ringfence-disks');

/** The DOM's types have this method in those of workers only. */
interface HandleMaker {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
}

/** What can be asked when a kept disk is opened. */
export interface KeptDiskOptions {
  /** Begins anew: what was kept of it before goes away. */
  readonly forget: boolean;
}

/**
 * Opens a disk with what was kept of it.
 *
 * @throws Error for people where the browser keeps no files, or another page writes to this disk.
 */
export async function openKept(
  name: string,
  base: DiskImage,
  { forget }: KeptDiskOptions,
): Promise<KeptOverlay> {
  const file = fileNameOf(
    `${name.replace(/^.*\//, '').slice(-40)} ${await runToEnd(identify(base))}`,
  );
  let handle: SyncAccessHandle;
  try {
    if (forget) await folder.remove(file).catch(() => undefined);
    const found = (await folder.handle(file)) as unknown as HandleMaker;
    handle = await found.createSyncAccessHandle();
  } catch (error) {
    const isUsed = error instanceof DOMException && error.name === 'NoModificationAllowedError';
    const why = isUsed ? 'another page is using it' : String(error);
    throw new Error(`what was written to ${name} cannot be kept: ${why}`, { cause: error });
  }
  const store = new AccessHandleStore(`what is kept of ${name}`, handle);
  try {
    return await runToEnd(KeptOverlay.open(base, store));
  } catch (error) {
    store.close();
    throw error;
  }
}
