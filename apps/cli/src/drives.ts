/** The disks of a run: opens the images that the settings name, and closes them at its end. */
import { dirname, isAbsolute, join } from 'node:path';
import {
  type ByteStore,
  type DiskImage,
  type OpenOptions,
  Disk,
  DiskError,
  HttpStore,
  OverlayImage,
  openImage,
  runToEnd,
} from '@ringfence/disk';
import {
  type DriveOptions,
  type DriveSetting,
  type Settings,
  driveSettings,
} from '@ringfence/machine';
import { FileStore } from './file-store.ts';
import { UsageError } from './usage-error.ts';

/** The opened drives of a run. */
export interface OpenDrives {
  readonly drives: readonly DriveOptions[];
  /** Flushes and closes all of them; returns what went wrong, if anything. */
  close(): Promise<string | undefined>;
}

/**
 * Opens the drives that the settings name; `fault` is told of requests of the guest that failed.
 *
 * Throws UsageError for an image that cannot be used; nothing stays open then.
 */
export async function openDrives(
  settings: Settings,
  fault: (message: string) => void,
): Promise<OpenDrives> {
  const disks: Disk[] = [];
  const close = async (): Promise<string | undefined> => {
    const ends = await Promise.allSettled(disks.map((disk) => disk.close()));
    const faults = ends.flatMap((end) => (end.status === 'rejected' ? [words(end.reason)] : []));
    return faults.length === 0 ? undefined : faults.join('; ');
  };
  const drives: DriveOptions[] = [];
  try {
    for (const setting of driveSettings(settings)) {
      const storage = await openDrive(setting, fault);
      disks.push(storage);
      drives.push({ ...setting, storage });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { drives, close };
}

async function openDrive(
  { file, format, readOnly, overlay, option }: DriveSetting,
  fault: (message: string) => void,
): Promise<Disk> {
  try {
    const isRead = readOnly || overlay === true;
    const options = { readOnly: isRead, ...(format === undefined ? {} : { format }) };
    const image = await openFile(file, options);
    const disk = overlay === true ? await runToEnd(OverlayImage.open(image)) : image;
    return new Disk(disk, { onFault: (error) => fault(words(error)) });
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new UsageError(`option ${option}: ${error.message}`);
  }
}

/** Opens an image by path or URL, with the images that it stands on; throws DiskError. */
export async function openFile(file: string, options: OpenOptions): Promise<DiskImage> {
  const store = await openStore(file, options.readOnly ?? false);
  try {
    return await runToEnd(openImage(store, { ...options, openBacking }));
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the place that a path or URL names; a URL can only be read. */
export async function openStore(file: string, readOnly: boolean): Promise<ByteStore> {
  return isUrl(file) ? HttpStore.open(file, { fetch }) : new FileStore(file, { readOnly });
}

/** A relative name of a backing image counts from the folder of the image that has it. */
function openBacking(name: string, from: ByteStore): Promise<ByteStore> {
  const isPlain = isUrl(name) || isAbsolute(name) || isUrl(from.name);
  return openStore(isPlain ? name : join(dirname(from.name), name), true);
}

function isUrl(file: string): boolean {
  return /^https?:\/\//i.test(file);
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
