/** The disks of a machine in a page: files that somebody chose, or addresses. */
import { Disk, HttpStore, openImage, OverlayImage, runToEnd } from '@ringfence/disk';
import type { ByteStore, DiskImage, KeptOverlay } from '@ringfence/disk';
import { driveSettings } from '@ringfence/machine';
import type { DriveOptions, DriveSetting, Settings } from '@ringfence/machine';

import { openKept } from '../storage/kept-disks.ts';
import { BlobStore } from './blob-store.ts';
import { HeldStorage } from './held-storage.ts';
import type { MachineFiles } from './messages.ts';

/** How long a write may wait: many guests never tell a disk to flush. */
const keepAfterMs = 2000;

/** What drives are opened for. */
export interface DriveRequest {
  readonly settings: Settings;
  /** A file under an option's name stands for its path. */
  readonly files: MachineFiles;
  /** Whether what was kept of disks goes away. */
  readonly forgetDisks: boolean;
}

/** The opened drives of a machine. */
export class OpenDrives {
  readonly drives: readonly DriveOptions[];
  readonly #kept: readonly KeptDisk[];
  readonly #onFault: (error: unknown) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(
    drives: readonly DriveOptions[],
    kept: readonly KeptDisk[],
    onFault: (error: unknown) => void,
  ) {
    this.drives = drives;
    this.#kept = kept;
    this.#onFault = onFault;
    this.#keepNowAndThen();
  }

  /** Opens the drives that settings name; `fault` is told of requests that fail later. */
  static async open(request: DriveRequest, fault: (message: string) => void): Promise<OpenDrives> {
    const drives: DriveOptions[] = [];
    const kept: KeptDisk[] = [];
    const onFault = (error: unknown): void => {
      fault(error instanceof Error ? error.message : String(error));
    };
    try {
      for (const setting of driveSettings(request.settings)) {
        const image = await openBase(setting, request.files);
        const isKept = request.settings.keepDisks === 'on' && setting.overlay !== true;
        if (setting.readOnly) {
          drives.push({ ...setting, storage: new Disk(image, { onFault }) });
        } else if (isKept) {
          const name = nameOf(setting, request.files);
          const overlay = await openKept(name, image, { forget: request.forgetDisks });
          const storage = new HeldStorage(new Disk(overlay, { onFault }));
          kept.push({ name, base: image, overlay, storage });
          drives.push({ ...setting, storage });
        } else {
          // What the guest writes stays in memory, and goes into snapshots.
          const storage = new Disk(await runToEnd(OverlayImage.open(image)), { onFault });
          drives.push({ ...setting, storage });
        }
      }
    } catch (error) {
      await closeAll(kept);
      throw error;
    }
    return new OpenDrives(drives, kept, onFault);
  }

  /** Whether the browser keeps what is written to any of them. */
  get areKept(): boolean {
    return this.#kept.length > 0;
  }

  /** Has the browser keep what was written. */
  keep(): void {
    for (const { overlay, storage } of this.#kept) {
      if (overlay.isAhead) storage.flush(() => undefined);
    }
  }

  /** Keeps what was written and lets go of the files; the machine can use the disks no more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await closeAll(this.#kept);
  }

  /**
   * Opens the files anew that `close` let go of: the machine, which waited, finds its disks as it
   * left them.
   */
  async reopen(): Promise<void> {
    for (const disk of this.#kept) {
      disk.overlay = await openKept(disk.name, disk.base, { forget: false });
      disk.storage.hold(new Disk(disk.overlay, { onFault: this.#onFault }));
    }
    this.#keepNowAndThen();
  }

  #keepNowAndThen(): void {
    this.#timer = setInterval(() => {
      this.keep();
    }, keepAfterMs);
  }
}

interface KeptDisk {
  readonly name: string;
  readonly base: DiskImage;
  readonly storage: HeldStorage;
  overlay: KeptOverlay;
}

async function closeAll(kept: readonly KeptDisk[]): Promise<void> {
  // A disk that cannot be written any more has told of it.
  await Promise.allSettled(kept.map(({ storage }) => storage.disk.close()));
}

async function openBase(setting: DriveSetting, files: MachineFiles): Promise<DiskImage> {
  const { file, format } = setting;
  const store = await openStore(file, sourceOf(setting, files));
  const named = format === undefined ? {} : { format };
  return runToEnd(openImage(store, { readOnly: true, ...named }));
}

function sourceOf({ option, file }: DriveSetting, files: MachineFiles): string | Blob {
  return files[option.replace(/^-+/, '')] ?? file;
}

function nameOf(setting: DriveSetting, files: MachineFiles): string {
  const source = sourceOf(setting, files);
  return source instanceof File ? source.name : setting.file;
}

async function openStore(name: string, source: string | Blob): Promise<ByteStore> {
  return typeof source === 'string'
    ? HttpStore.open(source, { fetch })
    : new BlobStore(name, source);
}
