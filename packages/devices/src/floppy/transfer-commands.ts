/** From the bytes of a command that moves data to the transfer that it asks for. */
import type { FloppyDisk } from './disk.ts';
import * as reg from './registers.ts';
import type { TransferState } from './state.ts';

const { command, st1, st2 } = reg;

/** What a transfer depends on beside its command. */
export interface TransferContext {
  /** When its first sector is there. */
  readonly dueNs: number;
  /** Where the head of the drive stands. */
  readonly track: number;
  readonly dma: boolean;
  /** The data rate, as DSR codes it. */
  readonly rate: number;
  /** The sector that comes under the head, for READ ID. */
  readonly idSector: number;
  /** The disk in the drive. */
  readonly disk?: FloppyDisk;
}

/**
 * Returns the transfer of a command.
 *
 * One that cannot begin ends after a while too: nobody expects an interrupt at once.
 */
export function transferOf(
  code: number,
  bytes: readonly number[],
  context: TransferContext,
): TransferState {
  const transfer =
    code === command.readId
      ? readId(bytes, context)
      : code === command.format
        ? format(bytes, context)
        : readOrWrite(code, bytes, context);
  const error = transfer.kind === 'fail' ? transfer.error : refusal(transfer, context);
  return error === undefined ? transfer : { ...transfer, kind: 'fail', stage: 'load', error };
}

/** Returns ST1 and ST2 of a transfer that the drive cannot do, else nothing. */
function refusal(transfer: TransferState, context: TransferContext): number[] | undefined {
  const { disk, rate } = context;
  if (disk === undefined || !disk.geometry.rates.includes(rate)) {
    return [st1.noAddressMark, 0];
  }
  if ((transfer.kind === 'write' || transfer.kind === 'format') && disk.readOnly) {
    return [st1.writeProtected, 0];
  }
  return transfer.head < disk.geometry.heads ? undefined : [st1.noAddressMark, 0];
}

/** Returns what all transfers have in common. */
function basic(operand: number, context: TransferContext): TransferState {
  return {
    kind: 'read',
    stage: 'load',
    dueNs: context.dueNs,
    drive: operand & 3,
    cylinder: context.track,
    head: (operand >> 2) & 1,
    sector: 1,
    lastSector: 1,
    bothHeads: false,
    dma: context.dma,
    left: 0,
    fill: 0,
    buffer: [],
    offset: 0,
    length: 0,
    ended: false,
    error: [0, 0],
  };
}

function readId(bytes: readonly number[], context: TransferContext): TransferState {
  return { ...basic(bytes[1] ?? 0, context), kind: 'readId', sector: context.idSector };
}

function format(bytes: readonly number[], context: TransferContext): TransferState {
  const [, operand = 0, size = 0, count = 0, , fill = 0] = bytes;
  const length = 4 * count;
  const transfer: TransferState = {
    ...basic(operand, context),
    kind: 'format',
    stage: 'feed',
    left: count,
    fill,
    buffer: Array.from({ length }, () => 0),
    length,
  };
  const isPossible = size === reg.floppySizeCode && count > 0;
  return isPossible ? transfer : { ...transfer, kind: 'fail', error: [st1.noSector, 0] };
}

function readOrWrite(
  code: number,
  bytes: readonly number[],
  context: TransferContext,
): TransferState {
  const [first = 0, operand = 0, cylinder = 0, head = 0, sector = 0, size = 0, last = 0] = bytes;
  const isVerify = code === command.verify;
  const countsSectors = isVerify && (operand & reg.verifyCounts) !== 0;
  const transfer: TransferState = {
    ...basic(operand, context),
    kind: isVerify ? 'verify' : code === command.readTrack ? 'readTrack' : 'read',
    cylinder,
    head: head & 1,
    sector: code === command.readTrack ? 1 : sector,
    lastSector: last,
    bothHeads: (first & reg.multiTrack) !== 0,
    left: countsSectors ? (bytes[8] ?? 0) : 0,
  };
  if (cylinder !== context.track) {
    const wrong = cylinder === 0xff ? st2.badCylinder : st2.wrongCylinder;
    return { ...transfer, kind: 'fail', error: [st1.noSector, wrong] };
  }
  if (size !== reg.floppySizeCode || head !== ((operand >> 2) & 1)) {
    return { ...transfer, kind: 'fail', error: [st1.noSector, 0] };
  }
  const isWrite = code === command.write || code === command.writeDeleted;
  const length = reg.floppySectorBytes;
  const buffer = Array.from({ length }, () => 0);
  return isWrite ? { ...transfer, kind: 'write', stage: 'feed', buffer, length } : transfer;
}
