/** The disks of a machine in a page: files that somebody chose, or addresses. */
import { Disk, HttpStore, openImage, OverlayImage, runToEnd } from '@ringfence/disk';
import type { ByteStore } from '@ringfence/disk';
import { driveSettings } from '@ringfence/machine';
import type { DriveOptions, Settings } from '@ringfence/machine';

import { BlobStore } from './blob-store.ts';
import type { MachineFiles } from './messages.ts';

/** Opens the drives that settings name; a file under an option's name stands for its path. */
export async function openDrives(
  settings: Settings,
  files: MachineFiles,
  fault: (message: string) => void,
): Promise<DriveOptions[]> {
  const drives: DriveOptions[] = [];
  for (const setting of driveSettings(settings)) {
    const { file, format, readOnly, option } = setting;
    const source = files[option.replace(/^-+/, '')] ?? file;
    const store = await openStore(file, source);
    const image = await runToEnd(
      openImage(store, { readOnly: true, ...(format === undefined ? {} : { format }) }),
    );
    // What the guest writes stays in memory, and goes into snapshots.
    const storage = new Disk(readOnly ? image : await runToEnd(OverlayImage.open(image)), {
      onFault: (error) => {
        fault(error instanceof Error ? error.message : String(error));
      },
    });
    drives.push({ ...setting, storage });
  }
  return drives;
}

async function openStore(name: string, source: string | Blob): Promise<ByteStore> {
  return typeof source === 'string'
    ? HttpStore.open(source, { fetch })
    : new BlobStore(name, source);
}
