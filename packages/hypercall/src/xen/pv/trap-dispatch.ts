/**
 * What is done about a trap of a paravirtual guest: an instruction is done for its kernel, or a
 * handler of its own is entered (Xen, arch/x86/traps.c; arch/x86/pv/traps.c).
 */
import type { GuestCopy } from '../guest-copy.ts';
import type { FarPointer, PvGuest } from './guest.ts';
import { errorVectors, eventVector, guestReturn, Selector, StubAction } from './hypervisor-area.ts';
import { emulatePrivileged, skipForcedPrefix } from './privileged.ts';
import type { PrivilegedResult } from './privileged.ts';
import type { EmulatedFault } from './port-strings.ts';
import type { XenPvOptions } from './pv-options.ts';
import { codeAt } from './instruction.ts';
import { codeLinear, readSegment } from './segments.ts';
import { describeCrash, enterHandler, FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';
import { emulateTableWrite } from './writable-tables.ts';

/** Vectors with a meaning here (SDM 3A table 6-1). */
export const Vector = {
  debug: 1,
  nonMaskable: 2,
  invalidOpcode: 6,
  deviceNotAvailable: 7,
  generalProtection: 13,
  pageFault: 14,
} as const;
/** Low bits of a #GP's error code: a gate of the IDT, used by an instruction. */
const gateError = 2;
const interruptFlag = 0x200;
const trapFlag = 0x100;
const resumeFlag = 0x1_0000;
/** DR6.BS. */
const singleStep = 0x4000;
/** Bits of a #PF's error code: the page is there, and it was a write. */
const protectedStore = 3;
/** Bit of a #PF's error code: not the kernel. */
const userAccess = 4;
/** Segment registers that a guest's kernel loads for its programs: DS, ES, FS, GS. */
const dataSegments: readonly number[] = [3, 0, 4, 5];
const opcodeSysenter: readonly number[] = [0x0f, 0x34];
/** EIP, CS and EFLAGS that a fault within ring 0 pushed. */
const innerFrameBytes = 12;

/** What traps need of the processor. */
type TrapOptions = Pick<XenPvOptions, 'cr2' | 'clearSegment'>;

/** The traps of one paravirtual guest. */
export class PvTraps {
  readonly #guest: PvGuest;
  readonly #frame: TrapFrame;
  readonly #copy: GuestCopy;
  readonly #options: TrapOptions;
  /** Bytes by which the stack of ring 0 is to move before the stub goes on. */
  stackMoved: number = 0;

  /** Deals with the trap whose frame stands in `frame`. */
  constructor(guest: PvGuest, frame: TrapFrame, copy: GuestCopy, options: TrapOptions) {
    this.#guest = guest;
    this.#frame = frame;
    this.#copy = copy;
    this.#options = options;
  }

  /**
   * A trap of ring 0; true where it became one of the guest's.
   *
   * An interrupt ended a wait: the path goes on without another before it has looked. A breakpoint
   * that was put off to here is nobody's (Xen, "do_debug"). A fault of the way back is one of the
   * state that the guest wanted to go on with, and told to it as if it had happened there.
   */
  takeOwn(): boolean {
    const frame = this.#frame;
    const vector = frame.get(FrameField.vector);
    if (vector === eventVector) {
      frame.set(FrameField.eflags, frame.get(FrameField.eflags) & ~interruptFlag);
    } else if (vector === Vector.debug) {
      this.#guest.debug.forget();
    } else if (frame.get(FrameField.eip) === guestReturn) {
      frame.moveUp(innerFrameBytes);
      this.stackMoved = innerFrameBytes;
      return true;
    } else if (vector !== Vector.nonMaskable) {
      this.crash(vector);
    }
    return false;
  }

  /** A trap of the guest's. */
  take(vector: number): void {
    const frame = this.#frame;
    const error = errorVectors.has(vector) ? frame.get(FrameField.error) : undefined;
    const isKernel = frame.level === 1;
    switch (vector) {
      case eventVector:
        return;
      case Vector.invalidOpcode: {
        const forced = skipForcedPrefix(this.#guest, frame, this.#copy);
        if (forced === 'none') {
          this.#raise(vector, error);
        } else if (forced !== 'skipped') {
          this.#raiseFault(forced);
        }
        return;
      }
      case Vector.debug:
        this.#guest.debug.note();
        this.#raise(vector, error);
        return;
      case Vector.deviceNotAvailable:
        this.#guest.taskSwitched = false;
        this.#guest.actions |= StubAction.loadCr0;
        this.#raise(vector, error);
        return;
      case Vector.generalProtection:
        this.#generalProtection(error ?? 0);
        return;
      case Vector.pageFault:
        this.#pageFault(isKernel, error ?? 0);
        return;
      default:
        this.#raise(vector, error);
    }
  }

  /** Enters a handler of the guest's; a guest that cannot be told of anything has crashed. */
  enter(
    vector: number,
    handler: FarPointer & { readonly masks: boolean },
    error: number | undefined,
    extra: readonly number[] = [],
  ): void {
    if (!enterHandler(this.#guest, this.#frame, this.#copy, handler, error, extra)) {
      this.crash(vector);
    }
  }

  /**
   * Enters the handler of a non-maskable interrupt that waits, unless one has not returned yet;
   * without a handler it is lost.
   */
  deliverNmi(): void {
    const guest = this.#guest;
    if (!guest.nmiPending || guest.nmiMasked) {
      return;
    }
    guest.nmiPending = false;
    const handler = guest.traps[Vector.nonMaskable];
    if (handler !== undefined) {
      guest.nmiMasked = true;
      this.enter(Vector.nonMaskable, { ...handler, offset: handler.address }, undefined);
    }
  }

  /**
   * The guest runs again after it waited: segment registers that could not be loaded any more
   * become null, and its failsafe callback is told what they were (Xen, "load_segments").
   */
  checkSegments(): void {
    const guest = this.#guest;
    const selectors = dataSegments.map((register) => guest.selectorOf(register) ?? 0);
    const isBad = (selector: number): boolean => {
      const found = (selector & 0xfffc) === 0 ? undefined : readSegment(guest, selector);
      return (selector & 0xfffc) !== 0 && (found === undefined || (found.isCode && !found.isOpen));
    };
    const bad = dataSegments.filter((_register, index) => isBad(selectors[index] ?? 0));
    if (bad.length === 0) {
      return;
    }
    for (const register of bad) {
      this.#options.clearSegment?.(register);
    }
    if (guest.failsafeCallback !== undefined) {
      this.enter(Vector.generalProtection, guest.failsafeCallback, undefined, selectors);
    }
  }

  /** Ends the guest with a line on its console. */
  crash(vector: number): void {
    const line = describeCrash(this.#frame, vector, this.#options.cr2());
    this.#guest.domain.stop('crash', line);
  }

  /** A gate that only the guest's table has, an instruction to emulate, or the guest's fault. */
  #generalProtection(error: number): void {
    const frame = this.#frame;
    if ((error & 7) === gateError) {
      this.#softwareInterrupt((error >>> 3) & 0xff, error);
    } else if (error !== 0) {
      this.#raise(Vector.generalProtection, error);
    } else {
      this.#emulated(emulatePrivileged(this.#guest, frame, this.#copy));
    }
  }

  /** What comes of an instruction that was done for the guest, or was not. */
  #emulated(result: PrivilegedResult): void {
    if (result === 'none') {
      if (!this.#systemEntered()) this.#raise(Vector.generalProtection, 0);
      return;
    }
    if ('vector' in result) {
      this.#raiseFault(result);
      return;
    }
    const flags = this.#frame.get(FrameField.eflags);
    this.#frame.set(FrameField.eflags, flags & ~resumeFlag);
    const status = result.breakpoints | ((flags & trapFlag) === 0 ? 0 : singleStep);
    if (status !== 0) {
      this.#guest.debug.addStatus(status);
      this.#raise(Vector.debug, undefined);
    }
  }

  #raiseFault({ vector, error, linear }: EmulatedFault): void {
    const { shared } = this.#guest.domain;
    shared.cr2 = linear ?? shared.cr2;
    this.#raise(vector, error);
  }

  /**
   * SYSENTER: nothing is known of where the program was. A guest that does not want to be told of
   * it is told of a fault there (Xen, arch/x86/x86_64/entry.S, "sysenter_entry").
   */
  #systemEntered(): boolean {
    const frame = this.#frame;
    const code = codeAt(this.#copy, codeLinear(this.#guest, frame));
    if (opcodeSysenter.some((byte, index) => code[index] !== byte)) {
      return false;
    }
    frame.set(FrameField.eip, 0);
    frame.set(FrameField.cs, 3);
    frame.set(FrameField.esp, 0);
    frame.set(FrameField.ss, Selector.userData);
    const callback = this.#guest.sysenterCallback;
    if (callback === undefined) {
      this.#raise(Vector.generalProtection, 0);
    } else {
      this.enter(Vector.generalProtection, callback, undefined);
    }
    return true;
  }

  /** A fault of the guest's, or a store to a page table that is done for its kernel. */
  #pageFault(isKernel: boolean, error: number): void {
    const cr2 = this.#options.cr2() >>> 0;
    const table = this.#guest.ldt.fault(cr2);
    if (table === true) {
      return;
    }
    const linear = table ?? cr2;
    const isWanted = isKernel && this.#guest.hasWritableTables;
    const isStore = isWanted && (error & protectedStore) === protectedStore;
    if (isStore && emulateTableWrite(this.#guest, this.#frame, this.#copy, linear)) {
      this.#emulated({ breakpoints: 0 });
    } else {
      this.#guest.domain.shared.cr2 = linear;
      // Ring 2 counts as a program.
      const level = this.#frame.level === 2 ? userAccess : 0;
      this.#raise(Vector.pageFault, error | level);
    }
  }

  /** INT with a vector that only the guest's own table allows. */
  #softwareInterrupt(vector: number, error: number): void {
    const handler = this.#guest.traps[vector];
    const kernelLevel = this.#guest.hasArchitecturalIopl ? 0 : 1;
    // Ring 2 counts as a program.
    const level = this.#frame.level === 1 ? kernelLevel : 3;
    if (handler !== undefined && handler.level >= level) {
      this.#frame.set(FrameField.eip, this.#frame.get(FrameField.eip) + 2);
      // Whatever the vector, such an interrupt has no error code.
      this.enter(vector, { ...handler, offset: handler.address }, undefined);
    } else {
      this.#raise(Vector.generalProtection, error);
    }
  }

  /** Enters the guest's handler of a vector; a guest without one has crashed. */
  #raise(vector: number, error: number | undefined): void {
    const handler = this.#guest.traps[vector];
    if (handler === undefined) {
      this.crash(vector);
    } else {
      const coded = errorVectors.has(vector) ? (error ?? 0) : undefined;
      this.enter(vector, { ...handler, offset: handler.address }, coded);
    }
  }
}
