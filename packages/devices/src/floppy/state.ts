import {
  finite,
  flag,
  integer,
  list,
  nullable,
  oneOf,
  record,
  type Shape,
} from '../state-shape.ts';
import { floppySectorBytes } from './registers.ts';

/** What a drive is about; the disk itself belongs to the machine. */
export interface FloppyDriveState {
  /** Where the head stands. */
  track: number;
  /** The cylinder that the controller believes in (PCN). */
  cylinder: number;
  /** The disk was changed, and the head has not moved since. */
  changed: boolean;
  /** Clock reading at which a seek ends, or -1. */
  seekEndsNs: number;
  /** Where the seek goes. */
  target: number;
  /** ST0 for SENSE INTERRUPT STATUS, or -1. */
  status: number;
}

/** What a transfer does with sectors. */
export type TransferKind = 'read' | 'readTrack' | 'write' | 'verify' | 'format' | 'fail' | 'readId';

/**
 * Where a transfer is: waiting for a sector from the disk, moving data with the host, or waiting
 * for a sector to be on the disk.
 */
export type TransferStage = 'load' | 'feed' | 'store';

/** A command in its execution phase. */
export interface TransferState {
  kind: TransferKind;
  stage: TransferStage;
  /** Clock reading at which `load` or `store` is done. */
  dueNs: number;
  drive: number;
  cylinder: number;
  head: number;
  sector: number;
  /** The last sector of a track. */
  lastSector: number;
  bothHeads: boolean;
  dma: boolean;
  /** Sectors that VERIFY or FORMAT still has to do. */
  left: number;
  /** The byte that FORMAT fills sectors with. */
  fill: number;
  buffer: number[];
  offset: number;
  /** How much of `buffer` this stage moves. */
  length: number;
  /** The terminal count has come. */
  ended: boolean;
  /** ST1 and ST2 of a transfer that fails. */
  error: number[];
}

/** The registers of a floppy controller. */
export interface FloppyState {
  dor: number;
  tape: number;
  rate: number;
  /** Bytes 2 and 3 of CONFIGURE. */
  configuration: number[];
  specification: number[];
  perpendicular: number;
  locked: boolean;
  /** The bytes of the command that is being written. */
  command: number[];
  /** What is left to be read of a result. */
  result: number[];
  /** Whether the interrupt request is up. */
  interrupt: boolean;
  /** Statuses of the drives after a reset that the host has not read. */
  resetStatuses: number;
  /** The sector whose identifier was read last. */
  idSector: number;
  drives: FloppyDriveState[];
  transfer: TransferState | null;
}

const byte = integer(0, 0xff);

const driveShape: Shape<FloppyDriveState> = record<FloppyDriveState>({
  track: integer(0, 0xff),
  cylinder: byte,
  changed: flag(),
  seekEndsNs: finite(),
  target: byte,
  status: integer(-1, 0xff),
});

const transferShape: Shape<TransferState> = record<TransferState>({
  kind: oneOf('read', 'readTrack', 'write', 'verify', 'format', 'fail', 'readId'),
  stage: oneOf('load', 'feed', 'store'),
  dueNs: finite(),
  drive: integer(0, 3),
  cylinder: byte,
  head: integer(0, 1),
  sector: byte,
  lastSector: byte,
  bothHeads: flag(),
  dma: flag(),
  left: integer(0, 0xff),
  fill: byte,
  buffer: list(byte, 0, 4 * 0xff > floppySectorBytes ? 4 * 0xff : floppySectorBytes),
  offset: integer(0, 4 * 0xff),
  length: integer(0, 4 * 0xff),
  ended: flag(),
  error: list(byte, 2),
});

/** The shape of the saved registers. */
export const floppyShape: Shape<FloppyState> = record<FloppyState>({
  dor: byte,
  tape: byte,
  rate: integer(0, 3),
  configuration: list(byte, 2),
  specification: list(byte, 2),
  perpendicular: byte,
  locked: flag(),
  command: list(byte, 0, 9),
  result: list(byte, 0, 10),
  interrupt: flag(),
  resetStatuses: integer(0, 4),
  idSector: byte,
  drives: list(driveShape, 4),
  transfer: nullable(transferShape),
});

/** Returns the registers after power-on: held in reset, every drive at track 0. */
export function powerOnFloppy(): FloppyState {
  return {
    dor: 0,
    tape: 0,
    rate: 0,
    configuration: [0, 0],
    specification: [0, 0],
    perpendicular: 0,
    locked: false,
    command: [],
    result: [],
    interrupt: false,
    resetStatuses: 0,
    idSector: 0,
    drives: Array.from({ length: 4 }, () => ({
      // Heads stand where they were left: the first recalibration moves them, which ends the disk
      // change of disks that are in already.
      track: 1,
      cylinder: 0,
      changed: true,
      seekEndsNs: -1,
      target: 0,
      status: -1,
    })),
    transfer: null,
  };
}
