/**
 * Instructions that ring 1 may not execute and that a paravirtual guest uses all the same (Xen,
 * arch/x86/pv/emul-priv-op.c). All others fault in the guest.
 *
 * A guest's kernel counts as ring 1 where I/O privilege is asked for, as it did on processors
 * without 64-bit mode, and as ring 0 once it has chosen `architectural_iopl`.
 */
import { XenError } from '../constants.ts';
import type { GuestCopy } from '../guest-copy.ts';
import type { PvGuest } from './guest.ts';
import { guestCr0, StubAction } from './hypervisor-area.ts';
import { codeAt, decodeGuest, registerFields } from './instruction.ts';
import type { GuestInstruction } from './instruction.ts';
import {
  readBeforeHandlers,
  readPvMsr,
  timeStampAuxiliary,
  timeStampCounter,
  writePvMsr,
} from './msr.ts';
import { isFinished, mostPortElements, portString } from './port-strings.ts';
import type { EmulatedFault, PortAccess } from './port-strings.ts';
import { forcedEmulation } from '../hvm-abi.ts';
import { codeLinear } from './segments.ts';
import { FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';

const invalidOpcode = 6;
/** Bit of a #PF's error code: not the kernel. */
const userAccess = 4;
const taskSwitchedBit = 8;
const trapFlag = 0x100;
const portCount = 0x1_0000;

/** What an emulated instruction works on. */
interface Emulation {
  readonly guest: PvGuest;
  readonly frame: TrapFrame;
  readonly copy: GuestCopy;
  readonly instruction: GuestInstruction;
}

/**
 * What became of an instruction: done, with bits of the breakpoints of ports that it was at; none
 * of those that are emulated; or a fault of its own.
 */
export type PrivilegedResult = { readonly breakpoints: number } | 'none' | EmulatedFault;

/** Does the instruction at which a guest faulted. */
export function emulatePrivileged(
  guest: PvGuest,
  frame: TrapFrame,
  copy: GuestCopy,
): PrivilegedResult {
  const eip = frame.get(FrameField.eip);
  const instruction = decodeGuest(copy, codeLinear(guest, frame));
  if (instruction === undefined) {
    return 'none';
  }
  const { opcode, operandBytes } = instruction;
  const isPort = isPortInstruction(opcode);
  const port = isPort ? portOf(frame, instruction) : 0;
  const bytes = (opcode & 1) === 0 ? 1 : operandBytes;
  const breakpoints = isPort ? guest.debug.portBreakpoints(port, bytes) : 0;
  // Each element of a string is told of at a breakpoint, or in steps.
  const isTold = breakpoints !== 0 || (frame.get(FrameField.eflags) & trapFlag) !== 0;
  const mostElements = isTold ? 1 : mostPortElements;
  const emulation = { guest, frame, copy, instruction };
  const result = isPort
    ? emulatePort(emulation, { port, bytes, mostElements })
    : emulateOther(emulation);
  if (result !== true) {
    return result === false ? 'none' : result;
  }
  // What is left of a repeated instruction comes by again.
  if (!isString(opcode) || isFinished(frame, instruction)) {
    skip(frame, eip + instruction.bytes);
  }
  return { breakpoints };
}

function skip(frame: TrapFrame, eip: number): true {
  frame.set(FrameField.eip, eip >>> 0);
  return true;
}

/** Whether the guest may use ports, and CLI and STI. */
function hasPorts(guest: PvGuest, frame: TrapFrame): boolean {
  const kernelLevel = guest.hasArchitecturalIopl ? 0 : 1;
  return guest.ioPrivilege >= (frame.level < 2 ? kernelLevel : 3);
}

const isString = (opcode: number): boolean => opcode >= 0x6c && opcode <= 0x6f;

function isPortInstruction(opcode: number): boolean {
  return isString(opcode) || (opcode >= 0xe4 && opcode <= 0xe7) || (opcode & 0xfc) === 0xec;
}

/** The port of an instruction's own, or that in DX. */
function portOf(frame: TrapFrame, { opcode, immediate }: GuestInstruction): number {
  const isImmediate = opcode < 0xe8 && !isString(opcode);
  return isImmediate ? immediate & 0xff : frame.get(FrameField.edx) & 0xffff;
}

function emulatePort(
  { guest, frame, copy, instruction }: Emulation,
  { port, bytes, mostElements }: PortAccess,
): boolean | EmulatedFault {
  const { opcode } = instruction;
  const isAllowed = hasPorts(guest, frame) || isPortOpen(guest, copy, port, bytes);
  if (!isAllowed) {
    return false;
  }
  if (isString(opcode)) {
    return portString(guest, frame, copy, instruction, { port, bytes, mostElements }) ?? true;
  }
  if ((opcode & 2) === 0) {
    const mask = bytes === 4 ? 0xffff_ffff : 2 ** (8 * bytes) - 1;
    const kept = frame.get(FrameField.eax) & ~mask;
    frame.set(FrameField.eax, (kept | guest.ports.read(port, bytes)) >>> 0);
  } else {
    guest.ports.write(port, bytes, frame.get(FrameField.eax));
  }
  return true;
}

/** The guest's own map of ports that its programs may use (physdev.h, PHYSDEVOP_set_iobitmap). */
function isPortOpen(guest: PvGuest, copy: GuestCopy, port: number, bytes: number): boolean {
  const { address, ports } = guest.portMap;
  for (let at = port; at < port + bytes; at += 1) {
    const view = at < Math.min(ports, portCount) ? copy.read(address + (at >> 3), 1) : undefined;
    if (view === undefined || (view.getUint8(0) & (1 << (at & 7))) !== 0) {
      return false;
    }
  }
  return true;
}

/**
 * CLI and STI by I/O privilege, without any effect: a POPF behind them could not be told of, so
 * that the upcall mask is the guest's own to change. All others are the kernel's alone; HLT is
 * nobody's.
 */
function emulateOther(emulation: Emulation): boolean | EmulatedFault {
  const { guest, frame, instruction } = emulation;
  const { opcode } = instruction;
  if (opcode === 0xfa || opcode === 0xfb) {
    return hasPorts(guest, frame);
  }
  if (frame.level > 1) {
    return false;
  }
  switch (opcode) {
    case 0x0f01:
      return emulateSystem(emulation);
    case 0x0f06:
      return setTaskSwitched(guest, false);
    case 0x0f09:
      // WBINVD: nothing is cached apart. INVD would lose what was written: it faults.
      return true;
    case 0x0f20:
    case 0x0f22:
    case 0x0f21:
    case 0x0f23:
      return moveSystemRegister(emulation);
    case 0x0f31:
      return readTime(emulation);
    case 0x0f30:
      return writeMsr(emulation);
    case 0x0f32:
      return readMsr(emulation);
    default:
      return false;
  }
}

const systemForm = { xsetbv: 0xd1, rdtscp: 0xf9 } as const;

/** XSETBV of XCR0, and RDTSCP. */
function emulateSystem(emulation: Emulation): boolean | EmulatedFault {
  const { guest, frame, instruction } = emulation;
  switch (instruction.modRm) {
    case systemForm.xsetbv: {
      if (!guest.hasExtendedState) {
        return { vector: invalidOpcode, error: 0 };
      }
      const [low, high] = [frame.get(FrameField.eax), frame.get(FrameField.edx)];
      return frame.get(FrameField.ecx) === 0 && guest.extendedState?.choose(low, high) === true;
    }
    case systemForm.rdtscp: {
      const isDone = readTime(emulation);
      const auxiliary = readPvMsr(guest, timeStampAuxiliary);
      if (isDone) frame.set(FrameField.ecx, auxiliary?.low ?? 0);
      return isDone;
    }
    default:
      return false;
  }
}

function setTaskSwitched(guest: PvGuest, set: boolean): true {
  guest.taskSwitched = set;
  guest.actions |= StubAction.loadCr0;
  return true;
}

function moveSystemRegister({ guest, frame, instruction }: Emulation): boolean | EmulatedFault {
  const { opcode, modRm } = instruction;
  const field = registerFields[modRm & 7] ?? FrameField.eax;
  const register = (modRm >> 3) & 7;
  const isDebug = (opcode & 1) === 1;
  if (isDebug && guest.debug.isUndefined(register)) {
    return { vector: invalidOpcode, error: 0 };
  }
  if ((opcode & 2) === 0) {
    const value = isDebug ? guest.debug.read(register) : readControl(guest, register);
    if (value !== undefined) {
      frame.set(field, value);
    }
    return value !== undefined;
  }
  const value = frame.get(field);
  return isDebug ? guest.debug.write(register, value) === 0 : writeControl(guest, register, value);
}

function readControl(guest: PvGuest, register: number): number | undefined {
  switch (register) {
    case 0:
      return guestCr0 | (guest.taskSwitched ? taskSwitchedBit : 0);
    case 2:
      return guest.domain.shared.cr2;
    case 3:
      // Frames past 4 GiB turn up in the low bits (xen-x86_32.h, xen_pfn_to_cr3).
      return guest.base << 12;
    case 4:
      return guest.control4;
    default:
      return undefined;
  }
}

/**
 * CR0: TS alone can change. CR3: a page table by its frame, whose high bits turn up in the low
 * ones (xen-x86_32.h, xen_cr3_to_pfn). CR4: TSD, DE and OSXSAVE, and no other bit.
 */
function writeControl(guest: PvGuest, register: number, value: number): boolean {
  switch (register) {
    case 0:
      return (
        ((value ^ guestCr0) & ~taskSwitchedBit) === 0 &&
        setTaskSwitched(guest, (value & taskSwitchedBit) !== 0)
      );
    case 2:
      guest.domain.shared.cr2 = value;
      return true;
    case 3:
      return guest.setBase(((value >>> 12) | (value << 20)) >>> 0) === 0;
    case 4:
      guest.setControl4(value);
      return true;
    default:
      return false;
  }
}

/** RDTSC, which the processor leaves to the kernel while CR4.TSD is set. */
function readTime({ guest, frame }: Emulation): boolean {
  const time = guest.hidesTime ? readPvMsr(guest, timeStampCounter) : undefined;
  if (time !== undefined) {
    frame.set(FrameField.eax, time.low);
    frame.set(FrameField.edx, time.high);
  }
  return time !== undefined;
}

function readMsr({ guest, frame }: Emulation): boolean {
  const index = frame.get(FrameField.ecx);
  const value = readPvMsr(guest, index) ?? readBeforeHandlers(guest, index);
  if (value === undefined) {
    return false;
  }
  frame.set(FrameField.eax, value.low);
  frame.set(FrameField.edx, value.high);
  return true;
}

function writeMsr({ guest, frame }: Emulation): boolean {
  const value = { low: frame.get(FrameField.eax), high: frame.get(FrameField.edx) };
  return writePvMsr(guest, frame.get(FrameField.ecx), value);
}

/** What an invalid opcode turned out to be: none, one that is done, or another fault. */
export type ForcedResult = 'none' | 'skipped' | EmulatedFault;

const generalProtection = 13;
const pageFault = 14;

/**
 * Skips the prefix in front of a forced instruction, which may be executed as it is; a program for
 * which CPUID faults is told so. The prefix is read whole before it is looked at, and so is what
 * stands behind it: UD2 in front of a page that is not there is a fault of that page.
 */
export function skipForcedPrefix(guest: PvGuest, frame: TrapFrame, copy: GuestCopy): ForcedResult {
  const linear = codeLinear(guest, frame);
  const bytes = codeAt(copy, linear);
  const missing = (): EmulatedFault => ({
    ...{ vector: pageFault, error: frame.level > 1 ? userAccess : 0 },
    linear: (linear + bytes.length) >>> 0,
  });
  if (bytes.length < forcedEmulation.length) {
    return missing();
  }
  if (!forcedEmulation.every((byte, index) => bytes[index] === byte)) {
    return 'none';
  }
  const [first, second] = bytes.slice(forcedEmulation.length);
  if (second === undefined) {
    return missing();
  }
  if (first !== 0x0f || second !== 0xa2) {
    return 'none';
  }
  frame.set(FrameField.eip, frame.get(FrameField.eip) + forcedEmulation.length);
  const isFaulting = guest.domain.cpuidFaulting && frame.level > 1;
  return isFaulting ? { vector: generalProtection, error: 0 } : 'skipped';
}

/** Sets the I/O privilege that the guest's kernel gives; an error for one that is none. */
export function setIoPrivilege(guest: PvGuest, level: number): number {
  if (level > 3) {
    return -XenError.invalid;
  }
  guest.ioPrivilege = level;
  return 0;
}
