/**
 * Drives in a snapshot: which there are, and what was written to those that keep it apart from
 * what they stand on, in memory or in an image on another. What was written to any other image is
 * only there, and a snapshot is refused once it holds something else.
 */
import type { DriveOptions } from '../board-storage.ts';
import { MachineError } from '../error.ts';
import { badSnapshot } from './container.ts';
import type { SavedDrive } from './saved-machine.ts';
import { told } from './saved-machine.ts';

const nothing = { offsets: [], pieces: new Uint8Array(0) } as const;

/** Returns the drives that hold something, with their changes. */
export function saveDrives(drives: readonly DriveOptions[]): SavedDrive[] {
  return drives.flatMap((drive) => {
    const { storage } = drive;
    if (storage === undefined) {
      return [];
    }
    const { base, offsets, pieces } = changesOf(drive);
    const removable = drive.kind === 'cdrom' || drive.interface === 'floppy';
    const { bytes } = storage;
    const contents = base === '' ? (storage.contents?.() ?? '') : '';
    return [{ place: placeOf(drive), removable, bytes, base, contents, offsets, pieces }];
  });
}

/** What was written to a drive; of an image over a network its base cannot be read at once. */
function changesOf(drive: DriveOptions): Pick<SavedDrive, 'base' | 'offsets' | 'pieces'> {
  const changes = drive.storage?.changes;
  if (changes === undefined) {
    return { base: '', ...nothing };
  }
  try {
    const { offsets, pieces } = changes.save();
    return { base: changes.base, offsets, pieces };
  } catch (error) {
    throw new MachineError('unsupported', {
      where: `snapshot at drive ${placeOf(drive)}`,
      expected: 'a disk whose changes can be read at once',
      found: error instanceof Error ? error.message : String(error),
    });
  }
}

/**
 * Checks that a machine has the drives of a snapshot, before anything is restored.
 *
 * @throws MachineError `bad-snapshot` for a drive that is missing, of another size, or whose
 * changes were made on something else.
 */
export function checkDrives(saved: readonly SavedDrive[], drives: readonly DriveOptions[]): void {
  for (const { place, bytes, base, contents, removable, offsets } of saved) {
    const where = `its drive ${place}`;
    const storage = drives.find((drive) => placeOf(drive) === place)?.storage;
    if (storage === undefined && removable && offsets.length === 0) {
      continue; // The guest finds the drive empty.
    }
    if (storage === undefined) {
      throw badSnapshot(where, `a disk of ${String(bytes)} bytes`, 'none');
    }
    if (storage.bytes !== bytes) {
      throw badSnapshot(where, `a disk of ${String(bytes)} bytes`, String(storage.bytes));
    }
    const own = base === '' ? '' : told(() => storage.changes?.base, where);
    if (own !== base) {
      const found = own ?? 'one that is written itself';
      throw badSnapshot(where, `an overlay on the same base (${base})`, found);
    }
    const now = contents === '' ? undefined : storage.contents?.();
    if (now !== undefined && now !== contents) {
      throw badSnapshot(where, `what it held when the snapshot was taken (${contents})`, now);
    }
  }
}

/** Gives drives their changes back. */
export function restoreDrives(saved: readonly SavedDrive[], drives: readonly DriveOptions[]): void {
  for (const { place, base, offsets, pieces } of saved) {
    const changes = drives.find((drive) => placeOf(drive) === place)?.storage?.changes;
    if (base !== '') {
      told(() => changes?.restore({ offsets, pieces }), `its drive ${place}`);
    }
  }
}

function placeOf({ interface: connection, unit }: DriveOptions): string {
  return `${connection} ${String(unit)}`;
}
