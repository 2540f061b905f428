/** A paravirtual guest that has begun, for tests. */
import { pageBytes } from '@ringfence/memory';
import { XenCallNumber } from '../constants.ts';
import type { XenDisk } from '../interfaces.ts';
import { makePvGuest } from '../test-guest.ts';
import type { TestPvGuest } from '../test-guest.ts';

const self = 0x7ff0;
const { mmuUpdate, mmuextOp } = XenCallNumber;

/** What tests do with one. */
export interface BegunGuest extends TestPvGuest {
  /** A page of its own for arguments. */
  readonly argumentsAt: number;
  /** A frame that nothing maps. */
  readonly spare: number;
  /** Whether the guest itself could write to a frame. */
  canWrite(frame: number): boolean;
  update(address: number, low: number, high?: number): number;
  extend(command: number, first: number, second?: number): number;
  leaf(linear: number): number;
}

/** A guest that has begun, with a page of its own for arguments and a few that nothing maps. */
export function begun(disks: readonly XenDisk[] = []): BegunGuest {
  const guest = makePvGuest(disks);
  guest.trap(0);
  const argumentsAt = (guest.firstFrame + 1) * pageBytes;
  const spare = guest.firstFrame + guest.pages - 1;
  const update = (address: number, low: number, high: number = 0): number =>
    guest.call(mmuUpdate, guest.put(argumentsAt, address, 0, low, high), 1, 0, self);
  const extend = (command: number, first: number, second: number = 0): number =>
    guest.call(mmuextOp, guest.put(argumentsAt, command, first, second), 1, 0, self);
  /** Machine address of the first-level entry for a linear address. */
  const leaf = (linear: number): number => {
    const [frame = 0, index = 0] = guest.abi.guest.findLeaf(linear) ?? [];
    return frame * pageBytes + index * 8;
  };
  const canWrite = (frame: number): boolean => guest.abi.guest.mayTouch(frame, true);
  return { ...guest, argumentsAt, spare, update, extend, leaf, canWrite };
}
