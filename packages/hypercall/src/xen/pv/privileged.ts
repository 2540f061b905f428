/**
 * Instructions that ring 1 may not execute and that a paravirtual guest uses all the same (Xen,
 * arch/x86/pv/emul-priv-op.c). All others fault in the guest.
 */
import type { GuestCopy } from '../guest-copy.ts';
import type { PvGuest } from './guest.ts';
import { FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';
import { guestCr0 } from './hypervisor-area.ts';

/**
 * Registers by the manual's numbers, as offsets into a frame; ESP is where the processor pushed it.
 */
const registerFields: readonly number[] = [
  FrameField.eax,
  FrameField.ecx,
  FrameField.edx,
  FrameField.ebx,
  FrameField.esp,
  FrameField.ebp,
  FrameField.esi,
  FrameField.edi,
];

/** CR4 as a guest sees it: PAE. */
const guestCr4 = 0x20;
const taskSwitchedBit = 8;

/** Does the instruction at which a guest's kernel faulted; false where it is none of those. */
export function emulatePrivileged(guest: PvGuest, frame: TrapFrame, copy: GuestCopy): boolean {
  const eip = frame.get(FrameField.eip);
  const [first = 0, second = 0, third = 0] = bytesAt(copy, eip);
  const skip = (bytes: number): true => {
    frame.set(FrameField.eip, eip + bytes);
    return true;
  };
  switch (first) {
    case 0xf4:
      guest.domain.shared.upcallMasked = false;
      guest.domain.wait(() => guest.domain.shared.upcallPending);
      return skip(1);
    case 0xfa:
    case 0xfb:
      guest.domain.shared.upcallMasked = first === 0xfa;
      return skip(1);
    case 0x0f:
      return (
        emulateTwoByte(guest, frame, second, third) &&
        skip(second === 0x06 || second === 0x09 ? 2 : 3)
      );
    default:
      return false;
  }
}

/** CLTS, WBINVD, and moves from control registers. */
function emulateTwoByte(guest: PvGuest, frame: TrapFrame, opcode: number, modRm: number): boolean {
  switch (opcode) {
    case 0x06:
      guest.taskSwitched = false;
      guest.actions |= 16;
      return true;
    case 0x09:
      return true;
    case 0x20: {
      const value = readControl(guest, (modRm >> 3) & 7);
      if (value !== undefined) {
        frame.set(registerFields[modRm & 7] ?? FrameField.eax, value);
      }
      return value !== undefined;
    }
    default:
      return false;
  }
}

function readControl(guest: PvGuest, register: number): number | undefined {
  switch (register) {
    case 0:
      return guestCr0 | (guest.taskSwitched ? taskSwitchedBit : 0);
    case 2: {
      const { shared, services } = guest.domain;
      return services.memory.read32(shared.vcpu + shared.layout.cr2);
    }
    case 3:
      // Frames past 4 GiB turn up in the low bits (xen-x86_32.h, xen_pfn_to_cr3).
      return guest.base << 12;
    case 4:
      return guestCr4;
    default:
      return undefined;
  }
}

/** The prefix by which a guest has CPUID go through Xen: UD2A, "xen". */
const forcedPrefix = [0x0f, 0x0b, 0x78, 0x65, 0x6e];

/** Skips the prefix in front of a forced instruction, which may be executed as it is. */
export function skipForcedPrefix(frame: TrapFrame, copy: GuestCopy): boolean {
  const eip = frame.get(FrameField.eip);
  const bytes = bytesAt(copy, eip);
  const isForced = forcedPrefix.every((byte, index) => bytes[index] === byte);
  const isCpuid = bytes[5] === 0x0f && bytes[6] === 0xa2;
  if (isForced && isCpuid) {
    frame.set(FrameField.eip, eip + forcedPrefix.length);
  }
  return isForced && isCpuid;
}

/** Up to seven bytes from an address; the guest's code segment is flat. */
function bytesAt(copy: GuestCopy, linear: number): readonly number[] {
  const bytes: number[] = [];
  for (let index = 0; index < 7; index += 1) {
    const view = copy.read(linear + index, 1);
    if (view === undefined) {
      break;
    }
    bytes.push(view.getUint8(0));
  }
  return bytes;
}
