/**
 * INS and OUTS of a paravirtual guest: segments and pages are checked (Xen,
 * arch/x86/pv/emul-priv-op.c, "rep_ins", "rep_outs").
 */
import { pageBytes } from '@ringfence/memory';
import type { GuestCopy } from '../guest-copy.ts';
import { EntryBit } from './page-tables.ts';
import type { PvGuest } from './guest.ts';
import type { GuestInstruction } from './instruction.ts';
import { readSegment } from './segments.ts';
import type { GuestSegment } from './segments.ts';
import { FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';

/** A fault of an emulated instruction; of a #PF the address too. */
export interface EmulatedFault {
  readonly vector: number;
  readonly error: number;
  readonly linear?: number;
}

/** Numbers of segment registers (SDM 2A table 2-1). */
const Register = { extra: 0, stack: 2, data: 3 } as const;
const directionFlag = 0x400;
/** The most elements of a repeated string instruction that are done at once. */
export const mostPortElements = 1024;
const pageFault = 14;
const ErrorBit = { present: 1, write: 2, user: 4 } as const;

/** The ports that an instruction accesses. */
export interface PortAccess {
  readonly port: number;
  readonly bytes: 1 | 2 | 4;
  /** The most elements of a string that are done at once. */
  readonly mostElements: number;
}

/** Does as many elements as can be at once; returns a fault of the one that cannot. */
export function portString(
  guest: PvGuest,
  frame: TrapFrame,
  copy: GuestCopy,
  instruction: GuestInstruction,
  { port, bytes, mostElements }: PortAccess,
): EmulatedFault | undefined {
  const { opcode, repeats, shortAddress, segment = Register.data } = instruction;
  const isInput = opcode < 0x6e;
  const field = isInput ? FrameField.edi : FrameField.esi;
  const mask = shortAddress ? 0xffff : 0xffff_ffff;
  const step = (frame.get(FrameField.eflags) & directionFlag) === 0 ? bytes : -bytes;
  const register = isInput ? Register.extra : segment;
  const found = segmentFor(guest, frame, register, isInput);
  const left = (): number => (frame.get(FrameField.ecx) & mask) >>> 0;
  const count = repeats ? Math.min(left(), mostElements) : 1;
  for (let done = 0; done < count; done += 1) {
    const offset = (frame.get(field) & mask) >>> 0;
    const isWithin = found !== undefined && offset + bytes - 1 <= found.limit;
    if (!isWithin) {
      return { vector: register === Register.stack ? 12 : 13, error: 0 };
    }
    const linear = (found.base + offset) >>> 0;
    if (!moveElement(guest, copy, { linear, port, bytes, isInput })) {
      return faultAt(guest, frame, linear, bytes, isInput);
    }
    setLow(frame, field, offset + step, mask);
    if (repeats) {
      setLow(frame, FrameField.ecx, left() - 1, mask);
    }
  }
  return undefined;
}

/** Moves an element between a port and memory; false where the memory cannot be used. */
function moveElement(
  guest: PvGuest,
  copy: GuestCopy,
  { linear, port, bytes, isInput }: Element,
): boolean {
  if (isInput) {
    const value = guest.ports.read(port, bytes);
    const element = Uint8Array.from({ length: bytes }, (_nothing, at) => value >>> (8 * at));
    return copy.write(linear, element);
  }
  const view = copy.read(linear, bytes);
  if (view === undefined) {
    return false;
  }
  let value = 0;
  for (let at = 0; at < bytes; at += 1) {
    value |= view.getUint8(at) << (8 * at);
  }
  guest.ports.write(port, bytes, value);
  return true;
}

interface Element {
  readonly linear: number;
  readonly port: number;
  readonly bytes: 1 | 2 | 4;
  readonly isInput: boolean;
}

/** Whether a repeated string instruction has done all of its elements. */
export function isFinished(frame: TrapFrame, { repeats, shortAddress }: GuestInstruction): boolean {
  const mask = shortAddress ? 0xffff : 0xffff_ffff;
  return !repeats || (frame.get(FrameField.ecx) & mask) === 0;
}

function setLow(frame: TrapFrame, field: number, value: number, mask: number): void {
  frame.set(field, ((frame.get(field) & ~mask) | (value & mask)) >>> 0);
}

/** The segment of a register, if what is asked may be done there. */
function segmentFor(
  guest: PvGuest,
  frame: TrapFrame,
  register: number,
  write: boolean,
): GuestSegment | undefined {
  const selector =
    register === Register.stack ? frame.get(FrameField.ss) : guest.selectorOf(register);
  const flat = { base: 0, limit: 0xffff_ffff, isCode: false, isOpen: true };
  const found = selector === undefined ? flat : readSegment(guest, selector);
  const isAllowed =
    found !== undefined && (write ? !found.isCode && found.isOpen : !found.isCode || found.isOpen);
  return isAllowed ? found : undefined;
}

function faultAt(
  guest: PvGuest,
  frame: TrapFrame,
  linear: number,
  bytes: number,
  write: boolean,
): EmulatedFault {
  const isThere = (at: number): boolean => {
    const leaf = guest.findLeaf(at);
    return leaf !== undefined && (guest.tables.read(...leaf).low & EntryBit.present) !== 0;
  };
  const last = (linear + bytes - 1) >>> 0;
  // The first page that is not there is the one to tell; else the first that may not be used.
  const at = isThere(linear) && !isThere(last) ? (last & -pageBytes) >>> 0 : linear;
  const error =
    (isThere(at) ? ErrorBit.present : 0) |
    (write ? ErrorBit.write : 0) |
    (frame.level === 3 ? ErrorBit.user : 0);
  return { vector: pageFault, error, linear: at };
}
