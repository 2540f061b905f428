/**
 * Disks and CDs of a PC: where drives stand on the board, and the controllers that they are
 * connected to.
 *
 *     00:01.1      PIIX3 IDE: two channels of two drives
 *     00:08 to 17  one virtio block device for each drive
 *
 * Firmware puts base addresses and interrupt lines where it likes; a kernel that is booted without
 * firmware finds them set as firmware would.
 */
import { IdePiix3, VirtioBlock } from '@ringfence/devices';
import type { BlockStorage, MessageTarget } from '@ringfence/devices';

import { mostFloppies } from './board-floppy.ts';
import { virtioConnections } from './board-virtio.ts';
import type { Board } from './board.ts';
import { MachineError } from './error.ts';

/** A disk or CD of a machine. */
export interface DriveOptions {
  /**
   * What it is connected to; `xen` drives are served by the Xen block back end, `ringfence` ones by
   * Ringfence's own hypercalls.
   */
  readonly interface: 'ide' | 'virtio' | 'xen' | 'ringfence' | 'floppy';
  /** What it is; only IDE has CD drives. */
  readonly kind: 'disk' | 'cdrom';
  /** Its place among the drives of its interface: 0 to 3 for IDE, primary master first. */
  readonly unit: number;
  /** Its sectors; absent for a CD drive without a CD. */
  readonly storage?: DriveStorage;
}

/** What holds a drive's sectors, such as a `Disk` of `@ringfence/disk`. */
export interface DriveStorage extends BlockStorage {
  /** What was written, where that is kept apart: it becomes a part of snapshots. */
  readonly changes?: DriveChanges | undefined;
  /** Tells what it holds from what it held before; undefined where that cannot be told. */
  contents?(): string | undefined;
  /** Says what to call after each completion that came later than its request. */
  onLate?(wake: () => void): void;
}

/** What was written to a drive, apart from what it stands on (see `OverlayImage` of disk). */
export interface DriveChanges {
  /** Tells one base from another. */
  readonly base: string;
  save(): SavedDriveChanges;
  restore(changes: SavedDriveChanges): void;
}

/** Changes of a drive: offsets of pieces of one size, and the pieces one after another. */
export interface SavedDriveChanges {
  readonly offsets: readonly number[];
  readonly pieces: Uint8Array;
}

/** The most drives that one interface other than IDE has. */
export const mostDrives = 16;

/** CMOS RAM: the types of the first two disks, 47 for those whose geometry stands beside. */
const diskTypes = 0x12;
const userDefined = 47;

/** Where type and geometry of each of the two stand. */
const diskPlaces = [
  { type: 0x19, geometry: 0x1b },
  { type: 0x1a, geometry: 0x24 },
] as const;

/** The geometry of ATA disks, and its most cylinders. */
const [heads, sectorsPerTrack, mostCylinders] = [16, 63, 16383] as const;

/** Where the IDE bus master's ports stand without firmware. */
const idePorts = 0xc000;
/** The first PCI device number of virtio disks. */
const firstVirtioDisk = 8;

/**
 * Puts the drives of a machine on its board; returns the IDE controller, if there is one.
 *
 * @throws MachineError `bad-option` for two drives in one place, or one that is no place.
 */
export function addStorage(
  board: Board,
  drives: readonly DriveOptions[],
  messages: MessageTarget | undefined,
): IdePiix3 | undefined {
  const taken = new Set<string>();
  for (const drive of drives) {
    const { unit } = drive;
    const place = `${drive.interface} drive ${String(unit)}`;
    const most = mostOf(drive.interface);
    if (taken.has(place) || !Number.isInteger(unit) || unit < 0 || unit >= most) {
      const found = taken.has(place) ? 'a second one' : `number ${String(unit)}`;
      const expected = `at most one drive in each of ${String(most)} places`;
      throw new MachineError('bad-option', { where: place, expected, found });
    }
    taken.add(place);
    if (drive.interface === 'virtio') addVirtioDisk(board, drive, messages);
  }
  return addIde(
    board,
    drives.filter((drive) => drive.interface === 'ide'),
  );
}

/**
 * What CMOS RAM says of the disks of the first IDE channel, as in every AT: systems that ask no
 * BIOS look there for how many there are.
 */
export function diskCmosBytes(drives: readonly DriveOptions[]): ReadonlyMap<number, number> {
  const bytes = new Map<number, number>();
  for (const { interface: where, kind, unit, storage } of drives) {
    const place = diskPlaces[unit];
    if (where !== 'ide' || kind !== 'disk' || storage === undefined || place === undefined)
      continue;
    const tracks = Math.floor(storage.bytes / 512 / sectorsPerTrack);
    const cylinders = Math.min(mostCylinders, Math.floor(tracks / heads));
    const [low, high] = [cylinders & 0xff, cylinders >> 8];
    // No write precompensation; more than 8 heads and no retries; the heads rest behind the last.
    const geometry = [low, high, heads, 0xff, 0xff, 0xc8, low, high, sectorsPerTrack];
    geometry.forEach((value, index) => bytes.set(place.geometry + index, value));
    bytes.set(place.type, userDefined);
    bytes.set(diskTypes, (bytes.get(diskTypes) ?? 0) | (unit === 0 ? 0xf0 : 0x0f));
  }
  return bytes;
}

function mostOf(where: DriveOptions['interface']): number {
  return where === 'ide' ? 4 : where === 'floppy' ? mostFloppies : mostDrives;
}

/** The controller is there when it has a drive. */
function addIde(board: Board, drives: readonly DriveOptions[]): IdePiix3 | undefined {
  if (drives.length === 0) return undefined;
  const { memory, clock, timers, pciAddressSpace: addressSpace } = board;
  const irqs = [board.isaIrq(14), board.isaIrq(15)] as const;
  const places = [0, 1, 2, 3].map((unit) => drives.find((drive) => drive.unit === unit));
  const parts = { memory, clock, timers, addressSpace, irqs, drives: places, base: idePorts };
  const ide = board.own('ide', new IdePiix3(parts));
  board.pci.add(1, 1, ide);
  return ide;
}

function addVirtioDisk(
  board: Board,
  { unit, storage, kind }: DriveOptions,
  messages: MessageTarget | undefined,
): void {
  if (kind === 'cdrom' || storage === undefined) {
    const found = 'a CD drive or an empty one';
    throw new MachineError('bad-option', { where: 'virtio drive', expected: 'a disk', found });
  }
  const device = firstVirtioDisk + unit;
  const identity = `ringfence-${String(unit)}`;
  const connections = virtioConnections(board, device, messages);
  const disk = new VirtioBlock({ ...connections, storage, identity });
  board.pci.add(device, 0, board.own(`virtio-disk${String(unit)}`, disk));
}
