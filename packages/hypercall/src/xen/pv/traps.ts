/**
 * Traps of a paravirtual guest: what the entry stub pushed, and how the guest's own handlers are
 * entered (Xen, arch/x86/x86_64/compat/entry.S, "create_bounce_frame";
 * public/arch-x86/xen-x86_32.h).
 *
 *     frame: EDI ESI EBP - EBX EDX ECX EAX, vector, error, EIP, CS, EFLAGS, ESP, SS
 *
 *     on the guest's stack: [DS, ES, FS, GS,] [error,] EIP, CS, EFLAGS [, ESP, SS]; bits 23..16
 *     of the word of CS are the upcall mask
 */
import type { XenMemory } from '../interfaces.ts';
import type { GuestCopy } from '../guest-copy.ts';
import { guestSelector } from './descriptors.ts';
import type { FarPointer, PvGuest } from './guest.ts';
import { Selector } from './hypervisor-area.ts';

/** Offsets of a trap frame. */
export const FrameField = {
  edi: 0,
  esi: 4,
  ebp: 8,
  ebx: 16,
  edx: 20,
  ecx: 24,
  eax: 28,
  vector: 32,
  error: 36,
  eip: 40,
  cs: 44,
  eflags: 48,
  esp: 52,
  ss: 56,
} as const;

/** Flags. */
const Flag = {
  trap: 0x100,
  interrupt: 0x200,
  privilege: 0x3000,
  nested: 0x4000,
  resume: 0x1_0000,
} as const;
const virtual8086 = 0x2_0000;
/** A selector is null without these bits. */
const nullMask = 0xfffc;
const privilegeShift = 12;

/** A trap frame in memory. */
export class TrapFrame {
  readonly #memory: XenMemory;
  #at = 0;

  /** Reads and writes frames in a memory. */
  constructor(memory: XenMemory) {
    this.#memory = memory;
  }

  /** Moves to the frame at a physical address. */
  moveTo(physical: number): void {
    this.#at = physical;
  }

  get(field: number): number {
    return this.#memory.read32(this.#at + field) >>> 0;
  }

  set(field: number, value: number): void {
    this.#memory.write32(this.#at + field, value);
  }

  /** Moves what the stub pushed, from EDI to the error code, up by bytes, and itself with it. */
  moveUp(bytes: number): void {
    for (let field: number = FrameField.error; field >= 0; field -= 4) {
      this.#memory.write32(this.#at + bytes + field, this.get(field));
    }
    this.#at += bytes;
  }

  /** Privilege level that the trap came from. */
  get level(): number {
    return this.get(FrameField.cs) & 3;
  }
}

/**
 * EFLAGS as a guest may have them: interrupts on, since Xen's own need them, and no I/O privilege.
 */
export function guestFlags(flags: number): number {
  // A level that the guest sees is put into what it sees, and not into the processor's.
  return ((flags & ~(Flag.privilege | virtual8086)) | Flag.interrupt | 2) >>> 0;
}

/**
 * Lets the guest go on in a handler of its own, with what it did before on its kernel's stack.
 *
 * `extra` words go in front of all. False when its stack cannot be written, and where the handler's
 * selector is null: nothing can be told to such a guest.
 */
export function enterHandler(
  guest: PvGuest,
  frame: TrapFrame,
  copy: GuestCopy,
  handler: FarPointer & { readonly masks: boolean },
  error: number | undefined,
  extra: readonly number[] = [],
): boolean {
  const { shared } = guest.domain;
  if ((handler.selector & nullMask) === 0) {
    return false;
  }
  const isFromKernel = frame.level < 2;
  const mask = shared.upcallMask;
  const flags = frame.get(FrameField.eflags);
  const level = guest.hasArchitecturalIopl ? guest.ioPrivilege << privilegeShift : 0;
  const interrupts = mask === 0 ? Flag.interrupt : 0;
  const seenFlags = (flags & ~(Flag.interrupt | Flag.privilege)) | interrupts | level;
  const words = [
    ...extra,
    ...(error === undefined ? [] : [error]),
    frame.get(FrameField.eip),
    (frame.get(FrameField.cs) & 0xffff) | (mask << 16),
    seenFlags,
    ...(isFromKernel ? [] : [frame.get(FrameField.esp), frame.get(FrameField.ss)]),
  ];
  const top = isFromKernel ? frame.get(FrameField.esp) : guest.kernelStack.offset;
  const stack = (top - words.length * 4) >>> 0;
  if (!copy.writeWords(stack, words)) {
    return false;
  }
  const cleared = Flag.trap | Flag.nested | Flag.resume | virtual8086;
  frame.set(FrameField.esp, stack);
  if (!isFromKernel) {
    frame.set(FrameField.ss, guest.kernelStack.selector);
  }
  frame.set(FrameField.cs, guestSelector(handler.selector));
  frame.set(FrameField.eip, handler.offset);
  frame.set(FrameField.eflags, guestFlags(flags & ~cleared));
  if (handler.masks) {
    shared.upcallMask = mask | 1;
  }
  return true;
}

/**
 * `iret`: goes on with what stands on the guest's stack: EAX, EIP, CS, EFLAGS, and for ring 3 ESP,
 * SS.
 *
 * False when the stack cannot be read, and where it would go on in ring 0.
 */
export function returnFromHandler(guest: PvGuest, frame: TrapFrame, copy: GuestCopy): boolean {
  const stack = frame.get(FrameField.esp);
  const words = copy.words(stack, 4);
  if (words === undefined) {
    return false;
  }
  const [eax = 0, eip = 0, cs = 0, flags = 0] = words;
  frame.set(FrameField.eax, eax);
  if ((flags & virtual8086) !== 0) {
    return refuseVirtual8086(guest, frame, copy);
  }
  if ((cs & 3) === 0) {
    return false;
  }
  const isOuter = (cs & 3) > 1;
  const outer = isOuter ? copy.words(stack + 16, 2) : [stack + 16, frame.get(FrameField.ss)];
  if (outer === undefined) {
    return false;
  }
  const [esp = 0, ss = 0] = outer;
  frame.set(FrameField.eip, eip);
  frame.set(FrameField.cs, cs & 0xffff);
  frame.set(FrameField.eflags, guestFlags(flags));
  frame.set(FrameField.esp, esp);
  frame.set(FrameField.ss, guestSelector(ss & 0xffff));
  guest.domain.shared.upcallMasked = (flags & Flag.interrupt) === 0;
  if (guest.hasArchitecturalIopl) {
    guest.ioPrivilege = (flags & Flag.privilege) >>> privilegeShift;
  }
  return true;
}

/** Words of a frame of virtual-8086 mode behind EAX: EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS. */
const virtual8086Words = 9;
const generalProtection = 13;

/**
 * There is no virtual-8086 mode for such guests: the kernel's handler of #GP is entered, with an
 * error code of 0 and the state to which it wanted to return on its stack.
 */
function refuseVirtual8086(guest: PvGuest, frame: TrapFrame, copy: GuestCopy): boolean {
  const handler = guest.traps[generalProtection];
  const words = copy.words(frame.get(FrameField.esp) + 4, virtual8086Words);
  const stack = (guest.kernelStack.offset - 4 * (virtual8086Words + 1)) >>> 0;
  if (handler === undefined || words === undefined || !copy.writeWords(stack, [0, ...words])) {
    return false;
  }
  const [, , flags = 0] = words;
  const cleared = Flag.trap | Flag.nested | Flag.resume;
  frame.set(FrameField.eip, handler.address);
  frame.set(FrameField.cs, handler.selector);
  frame.set(FrameField.eflags, guestFlags(flags & ~cleared));
  frame.set(FrameField.esp, stack);
  frame.set(FrameField.ss, guest.kernelStack.selector);
  guest.domain.shared.upcallMasked = handler.masks || (flags & Flag.interrupt) === 0;
  return true;
}

/** Says in a line for the console why a guest cannot go on. */
export function describeCrash(frame: TrapFrame, vector: number, cr2: number): string {
  const hex = (value: number): string => (value >>> 0).toString(16);
  const place = `${hex(frame.get(FrameField.cs))}:${hex(frame.get(FrameField.eip))}`;
  const detail = `error ${hex(frame.get(FrameField.error))}, cr2 ${hex(cr2)}`;
  const text = `guest crashed: no handler for vector ${String(vector)} at ${place}, ${detail}`;
  return `\r\n(xen) ${text}\r\n`;
}

/** Fills a frame so that the guest begins at its entry, in its kernel's segments. */
export function beginGuest(
  frame: TrapFrame,
  first: { readonly entry: number; readonly stack: number; readonly startInfo: number },
): void {
  for (let field = 0; field < FrameField.eip; field += 4) {
    frame.set(field, 0);
  }
  frame.set(FrameField.esi, first.startInfo);
  frame.set(FrameField.eip, first.entry);
  frame.set(FrameField.cs, Selector.kernelCode);
  frame.set(FrameField.eflags, guestFlags(0));
  frame.set(FrameField.esp, first.stack);
  frame.set(FrameField.ss, Selector.kernelData);
}
