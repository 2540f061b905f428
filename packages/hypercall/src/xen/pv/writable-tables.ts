/**
 * A guest's direct writes to its page tables, which are mapped read-only: the instruction is taken
 * apart, and what it would store goes the way of `update_va_mapping` (Xen,
 * arch/x86/pv/ro-page-fault.c).
 *
 * Only tables of the first level are served so, as in Xen. A store is of one, two or four bytes
 * within an entry, or of eight, an entry as a whole.
 */
import { pageBytes } from '@ringfence/memory';
import type { GuestCopy } from '../guest-copy.ts';
import type { PvGuest } from './guest.ts';
import { PageOwner, PageType } from './page-info.ts';
import { EntryBit, frameOf } from './page-tables.ts';
import type { Entry } from './page-tables.ts';
import { decodeGuest, registerFields } from './instruction.ts';
import type { GuestInstruction } from './instruction.ts';
import { codeLinear } from './segments.ts';
import { FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';

/** Bits of EFLAGS that the arithmetic here sets: CF, PF, AF, ZF, SF, OF. */
const arithmeticFlags = 0x8d5;
const zeroFlag = 0x40;
const carryFlag = 1;
const directionFlag = 0x400;

/** Where a store goes: the entry, the store's first byte within, and its bytes. */
interface Store {
  readonly frame: number;
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A store as a number: what it finds becomes what it leaves, flags and registers beside. */
type Result = { readonly value: number; readonly isKept?: boolean } | undefined;

/** Does a store to a page table at `linear`; false where it is none, or may not be. */
export function emulateTableWrite(
  guest: PvGuest,
  frame: TrapFrame,
  copy: GuestCopy,
  linear: number,
): boolean {
  const eip = frame.get(FrameField.eip);
  const table = tableAt(guest, linear);
  const instruction = table === undefined ? undefined : decodeGuest(copy, codeLinear(guest, frame));
  if (table === undefined || instruction === undefined) {
    return false;
  }
  const place = { frame: table, index: (linear & (pageBytes - 1)) >>> 3, offset: linear & 7 };
  const flags = frame.get(FrameField.eflags);
  const isDone =
    instruction.opcode === 0x0fc7
      ? exchangeEntry(guest, frame, instruction, { ...place, bytes: 8 })
      : storeWord(guest, frame, copy, instruction, { ...place, bytes: bytesOf(instruction) });
  if (isDone && !(instruction.repeats && frame.get(FrameField.ecx) !== 0)) {
    frame.set(FrameField.eip, (eip + instruction.bytes) >>> 0);
  }
  if (!isDone) {
    frame.set(FrameField.eflags, flags);
  }
  return isDone;
}

/** The frame of the first-level table that stands at an address; nothing for other pages. */
function tableAt(guest: PvGuest, linear: number): number | undefined {
  const leaf = guest.findLeaf(linear);
  const entry = leaf && guest.tables.read(leaf[0], leaf[1]);
  const frame = entry === undefined || (entry.low & EntryBit.present) === 0 ? -1 : frameOf(entry);
  const isTable =
    guest.info.owner(frame) === PageOwner.guest && guest.info.type(frame) === PageType.l1;
  return isTable ? frame : undefined;
}

function bytesOf({ opcode, operandBytes }: GuestInstruction): number {
  // The low bit of an opcode is its width; of bit tests it is not.
  const isBitTest = [0x0fab, 0x0fb3, 0x0fba, 0x0fbb].includes(opcode);
  const isByte = !isBitTest && (opcode & 1) === 0 && opcode !== 0x0fc7;
  const isGroup = opcode === 0x83;
  return isByte && !isGroup ? 1 : operandBytes;
}

function storeWord(
  guest: PvGuest,
  frame: TrapFrame,
  copy: GuestCopy,
  instruction: GuestInstruction,
  store: Store,
): boolean {
  const { bytes, offset } = store;
  if (offset % bytes !== 0) {
    return false;
  }
  const entry = guest.tables.read(store.frame, store.index);
  const word = offset < 4 ? entry.low : entry.high;
  const shift = (offset & 3) * 8;
  const mask = bytes === 4 ? -1 : (1 << (8 * bytes)) - 1;
  const result = compute(frame, copy, instruction, (word >>> shift) & mask, mask);
  if (result === undefined) {
    return false;
  }
  if (result.isKept === true) {
    finish(frame, instruction, (word >>> shift) & mask, bytes);
    return true;
  }
  const fresh = (word & ~(mask << shift)) | ((result.value & mask) << shift);
  const next = offset < 4 ? { low: fresh, high: entry.high } : { low: entry.low, high: fresh };
  if (!change(guest, instruction, store, next)) {
    return false;
  }
  finish(frame, instruction, (word >>> shift) & mask, bytes);
  return true;
}

/** Instructions that exchange: what they store is wanted as it is, or not at all. */
const exchanges: ReadonlySet<number> = new Set([0x87, 0x0fb1, 0x0fc1]);

/**
 * Changes an entry. A low half that makes no valid entry loses its present bit: the guest may be
 * writing the halves in the wrong order, and then the other one comes (Xen, "PTE half-write").
 */
function change(
  guest: PvGuest,
  { opcode }: GuestInstruction,
  { frame, index, bytes, offset }: Store,
  entry: Entry,
): boolean {
  const isPresent = (entry.low & EntryBit.present) !== 0;
  const isHalf = bytes === 4 && offset === 0 && isPresent && !exchanges.has(opcode);
  const without = { low: entry.low & ~EntryBit.present, high: entry.high };
  return (
    guest.tables.change(frame, index, entry) === 0 ||
    (isHalf && guest.tables.change(frame, index, without) === 0)
  );
}

/** What an instruction stores over `old`; flags are set here, registers in `finish`. */
function compute(
  frame: TrapFrame,
  copy: GuestCopy,
  { opcode, modRm, immediate }: GuestInstruction,
  old: number,
  mask: number,
): Result {
  const bytes = mask === -1 ? 4 : mask === 0xffff ? 2 : 1;
  const source = readRegister(frame, (modRm >> 3) & 7, bytes);
  const group = (modRm >> 3) & 7;
  if (opcode < 0x40 && (opcode & 7) < 2) {
    return arithmetic(frame, opcode >> 3, old, source, mask);
  }
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x83:
      return arithmetic(frame, group, old, immediate & mask, mask);
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
      return { value: source };
    case 0xa2:
    case 0xa3:
    case 0xaa:
    case 0xab:
      return { value: frame.get(FrameField.eax) };
    case 0xa4:
    case 0xa5: {
      const view = copy.read(frame.get(FrameField.esi), bytes);
      return view && { value: bytes === 4 ? view.getInt32(0, true) : view.getUint8(0) };
    }
    case 0xc6:
    case 0xc7:
      return group === 0 ? { value: immediate } : undefined;
    case 0xf6:
    case 0xf7:
      return group === 2 ? { value: ~old } : undefined;
    case 0x0fab:
      return bitTest(frame, 5, old, source);
    case 0x0fb3:
      return bitTest(frame, 6, old, source);
    case 0x0fbb:
      return bitTest(frame, 7, old, source);
    case 0x0fba:
      return bitTest(frame, group, old, immediate);
    case 0x0fb0:
    case 0x0fb1: {
      const isEqual = (frame.get(FrameField.eax) & mask) >>> 0 === old >>> 0;
      setFlags(frame, zeroFlag, isEqual ? zeroFlag : 0);
      return { value: source, isKept: !isEqual };
    }
    case 0x0fc0:
    case 0x0fc1:
      return arithmetic(frame, 0, old, source, mask);
    default:
      return undefined;
  }
}

/** What an instruction leaves in registers once its store is done. */
function finish(
  frame: TrapFrame,
  { opcode, modRm, repeats }: GuestInstruction,
  old: number,
  bytes: number,
): void {
  const register = (modRm >> 3) & 7;
  switch (opcode) {
    case 0x86:
    case 0x87:
    case 0x0fc0:
    case 0x0fc1:
      writeRegister(frame, register, bytes, old);
      break;
    case 0x0fb0:
    case 0x0fb1:
      if ((frame.get(FrameField.eflags) & zeroFlag) === 0) {
        writeRegister(frame, 0, bytes, old);
      }
      break;
    case 0xa4:
    case 0xa5:
    case 0xaa:
    case 0xab: {
      const step = (frame.get(FrameField.eflags) & directionFlag) === 0 ? bytes : -bytes;
      const moved = opcode < 0xaa ? [FrameField.edi, FrameField.esi] : [FrameField.edi];
      for (const field of moved) {
        frame.set(field, (frame.get(field) + step) >>> 0);
      }
      if (repeats) {
        frame.set(FrameField.ecx, frame.get(FrameField.ecx) - 1);
      }
      break;
    }
    default:
  }
}

/** ADD, OR, ADC, SBB, AND, SUB, XOR, CMP by their numbers; flags as the processor sets them. */
function arithmetic(
  frame: TrapFrame,
  operation: number,
  old: number,
  source: number,
  mask: number,
): Result {
  const carry = frame.get(FrameField.eflags) & carryFlag;
  const [one, other] = [old >>> 0, (source & mask) >>> 0];
  const isSubtraction = operation === 3 || operation === 5 || operation === 7;
  const carryIn = operation === 2 || operation === 3 ? carry : 0;
  const logical = [
    undefined,
    one | other,
    undefined,
    undefined,
    one & other,
    undefined,
    one ^ other,
  ];
  const found = logical[operation];
  const wide = found ?? (isSubtraction ? one - other - carryIn : one + other + carryIn);
  const value = wide & mask;
  const top = mask === -1 ? 0x8000_0000 : (mask + 1) >> 1;
  const isCarried = found === undefined && (isSubtraction ? wide < 0 : wide > mask >>> 0);
  const overflow =
    found !== undefined
      ? 0
      : isSubtraction
        ? (one ^ other) & (one ^ value) & top
        : ~(one ^ other) & (one ^ value) & top;
  const bits = value & 0xff;
  const parity = [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum ^ ((bits >> bit) & 1), 1);
  setFlags(
    frame,
    arithmeticFlags,
    (isCarried ? carryFlag : 0) |
      (parity << 2) |
      (found === undefined ? (one ^ other ^ value) & 0x10 : 0) |
      (value === 0 ? zeroFlag : 0) |
      ((value & top) === 0 ? 0 : 0x80) |
      (overflow === 0 ? 0 : 0x800),
  );
  return { value, isKept: operation === 7 };
}

/** BT, BTS, BTR, BTC, 4 to 7; a bit within the word that the processor faulted at. */
function bitTest(frame: TrapFrame, operation: number, old: number, bit: number): Result {
  const mask = 1 << (bit & 31);
  setFlags(frame, carryFlag, (old & mask) === 0 ? 0 : carryFlag);
  switch (operation) {
    case 5:
      return { value: old | mask };
    case 6:
      return { value: old & ~mask };
    case 7:
      return { value: old ^ mask };
    default:
      return undefined;
  }
}

/** CMPXCHG8B of an entry as a whole. */
function exchangeEntry(
  guest: PvGuest,
  frame: TrapFrame,
  { modRm }: GuestInstruction,
  store: Store,
): boolean {
  if (((modRm >> 3) & 7) !== 1 || store.offset !== 0) {
    return false;
  }
  const old = guest.tables.read(store.frame, store.index);
  const isEqual =
    old.low >>> 0 === frame.get(FrameField.eax) && old.high >>> 0 === frame.get(FrameField.edx);
  if (isEqual) {
    const entry = { low: frame.get(FrameField.ebx) | 0, high: frame.get(FrameField.ecx) | 0 };
    if (guest.tables.change(store.frame, store.index, entry) !== 0) {
      return false;
    }
  } else {
    frame.set(FrameField.eax, old.low);
    frame.set(FrameField.edx, old.high);
  }
  setFlags(frame, zeroFlag, isEqual ? zeroFlag : 0);
  return true;
}

function setFlags(frame: TrapFrame, mask: number, value: number): void {
  frame.set(FrameField.eflags, (frame.get(FrameField.eflags) & ~mask) | value);
}

/** A general register; of bytes, 4 to 7 are AH to BH. */
function readRegister(frame: TrapFrame, register: number, bytes: number): number {
  const isHigh = bytes === 1 && register > 3;
  const value = frame.get(registerFields[isHigh ? register - 4 : register] ?? FrameField.eax);
  return isHigh ? value >>> 8 : value;
}

function writeRegister(frame: TrapFrame, register: number, bytes: number, value: number): void {
  const isHigh = bytes === 1 && register > 3;
  const field = registerFields[isHigh ? register - 4 : register] ?? FrameField.eax;
  const shift = isHigh ? 8 : 0;
  const mask = bytes === 4 ? -1 : ((1 << (8 * bytes)) - 1) << shift;
  frame.set(field, (frame.get(field) & ~mask) | ((value << shift) & mask));
}
