import { pciConfigShape, type PciConfigState } from '../pci/function.ts';
import { flag, integer, list, oneOf, record, type Shape } from '../state-shape.ts';
import { mostMultiple, mostPioBytes } from './registers.ts';

/** The task file of one drive; the values with `before` are what was written one time earlier. */
export interface TaskState {
  features: number;
  featuresBefore: number;
  count: number;
  countBefore: number;
  lbaLow: number;
  lbaLowBefore: number;
  lbaMid: number;
  lbaMidBefore: number;
  lbaHigh: number;
  lbaHighBefore: number;
  device: number;
  status: number;
  error: number;
}

/**
 * What a drive is about: nothing, a command that takes its time, data to be read or written at the
 * data port, data for the bus master.
 */
export type DriveStage = 'idle' | 'busy' | 'in' | 'out' | 'dma';

/** The kinds of work behind a stage. */
export type DriveWork =
  'none' | 'read' | 'write' | 'flush' | 'reply' | 'packet' | 'end' | 'identify';

/** The registers of one drive. */
export interface DriveState {
  task: TaskState;
  stage: DriveStage;
  work: DriveWork;
  /** Whether the work's data goes through the bus master. */
  dma: boolean;
  /** Whether the work's data must reach the medium before it is done. */
  through: boolean;
  /** The sectors, of the medium's own size, that remain, and the first of them. */
  lba: number;
  left: number;
  /** The number of sectors of one data request. */
  block: number;
  /** Data of the present request that was not read yet, or was written. */
  data: number[];
  /** The number of bytes that a request for written data has. */
  wanted: number;
  /** What is left of a reply to a packet command. */
  reply: number[];
  /** The largest PIO data request of a packet command. */
  limit: number;
  /** READ MULTIPLE's number of sectors; 0 for none. */
  multiple: number;
  /** The geometry that the host set. */
  heads: number;
  sectorsPerTrack: number;
  writeCache: boolean;
  /** The transfer mode that was set (SET FEATURES, subcommand 3). */
  mode: number;
  /** ATAPI: sense key and code, the tray, and whether the medium is new to the host. */
  senseKey: number;
  senseCode: number;
  open: boolean;
  locked: boolean;
  changed: boolean;
}

/** The registers of a bus master. */
export interface BusMasterState {
  command: number;
  status: number;
  table: number;
  /** Where the table is read next, and what is left of the present descriptor. */
  next: number;
  address: number;
  bytes: number;
  last: boolean;
}

/** The registers of one channel. */
export interface ChannelState {
  /** The second drive is selected. */
  second: boolean;
  control: number;
  /** The interrupt of the drives, before nIEN. */
  interrupt: boolean;
  master: BusMasterState;
  drives: DriveState[];
}

/** The registers of the controller. */
export interface IdeState {
  config: PciConfigState;
  channels: ChannelState[];
}

const byte = integer(0, 0xff);
const word = integer(0, 0xffff_ffff);

const taskShape = record<TaskState>({
  features: byte,
  featuresBefore: byte,
  count: byte,
  countBefore: byte,
  lbaLow: byte,
  lbaLowBefore: byte,
  lbaMid: byte,
  lbaMidBefore: byte,
  lbaHigh: byte,
  lbaHighBefore: byte,
  device: byte,
  status: byte,
  error: byte,
});

/** The shape of a drive's saved registers. */
export const driveShape: Shape<DriveState> = record<DriveState>({
  task: taskShape,
  stage: oneOf<DriveStage>('idle', 'busy', 'in', 'out', 'dma'),
  work: oneOf<DriveWork>('none', 'read', 'write', 'flush', 'reply', 'packet', 'end', 'identify'),
  dma: flag(),
  through: flag(),
  lba: integer(0, 2 ** 48),
  left: integer(0, 2 ** 32),
  block: integer(1, mostMultiple),
  data: list(byte, 0, mostPioBytes),
  wanted: integer(0, mostPioBytes),
  reply: list(byte, 0, mostPioBytes),
  limit: integer(2, 0xfffe),
  multiple: integer(0, mostMultiple),
  heads: integer(1, 16),
  sectorsPerTrack: integer(1, 255),
  writeCache: flag(),
  mode: byte,
  senseKey: integer(0, 15),
  senseCode: integer(0, 0xffff),
  open: flag(),
  locked: flag(),
  changed: flag(),
});

/** The shape of a bus master's saved registers. */
export const busMasterShape: Shape<BusMasterState> = record<BusMasterState>({
  command: byte,
  status: byte,
  table: word,
  next: integer(0, 2 ** 33),
  address: word,
  bytes: integer(0, 0x1_0000),
  last: flag(),
});

/** The shape of the controller's saved registers. */
export const ideShape: Shape<IdeState> = record<IdeState>({
  config: pciConfigShape,
  channels: list(
    record<ChannelState>({
      second: flag(),
      control: byte,
      interrupt: flag(),
      master: busMasterShape,
      drives: list(driveShape, 2),
    }),
    2,
  ),
});
