/**
 * The floppy drives of a PC, and the DMA controllers that they need.
 *
 * Drive A is always there, as in most PCs of its time, and B when it has a disk.
 */
import {
  Dma8237Pair,
  floppyCmosBytes,
  FloppyController,
  floppyDriveType,
  floppyGeometryOf,
} from '@ringfence/devices';

import type { DriveOptions, DriveStorage } from './board-storage.ts';
import type { Board } from './board.ts';
import { MachineError } from './error.ts';

/** How many floppy drives a machine can have. */
export const mostFloppies = 2;

/** Equipment byte: a coprocessor, and a mouse at the keyboard controller. */
const equipment = 0x06;
const equipmentByte = 0x14;

/** CMOS RAM, as whoever fits drives sets it up. */
export interface CmosMemory {
  setByte(index: number, value: number): void;
}

/**
 * Puts the floppy controller on a board, with the disks of the drives that are floppy drives.
 *
 * @throws MachineError `bad-option` for an image of no size that disks have.
 */
export function addFloppies(
  board: Board,
  drives: readonly DriveOptions[],
  cmos: CmosMemory,
): FloppyController {
  const { memory, clock, timers } = board;
  const dma = board.own('dma', new Dma8237Pair({ memory }));
  const floppies = drives.filter((drive) => drive.interface === 'floppy');
  const disks = [0, 1].map((unit) => floppies.find((drive) => drive.unit === unit)?.storage);
  const count = disks[1] === undefined ? 1 : mostFloppies;
  const connections = { clock, timers, irq: board.isaIrq(6), dma: dma.channel(2), drives: count };
  const controller = board.own('floppy', new FloppyController(connections));
  const types = disks.slice(0, count).map((storage) => driveTypeFor(storage));
  const bytes = floppyCmosBytes(types);
  for (const [index, value] of Object.entries(bytes)) {
    const number = Number(index);
    cmos.setByte(number, number === equipmentByte ? value | equipment : value);
  }
  for (const [unit, storage] of disks.entries()) {
    if (storage !== undefined && !controller.insert(unit, storage)) {
      throw new MachineError('bad-option', {
        where: `floppy drive ${String(unit)}`,
        expected: 'an image of 1 byte to 2880 KiB',
        found: `${String(storage.bytes)} bytes`,
      });
    }
  }
  return controller;
}

/** Returns the type of the drive that a disk needs; an empty one is for disks of 1440 KiB. */
function driveTypeFor(storage: DriveStorage | undefined): number {
  const geometry = storage === undefined ? undefined : floppyGeometryOf(storage);
  return geometry?.driveType ?? floppyDriveType.inch3;
}
