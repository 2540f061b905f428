/**
 * A paravirtual guest's virtual CPU and memory, as its hypercalls change them.
 */
import { pageBytes } from '@ringfence/memory';
import type { MsrValue } from '../../interfaces.ts';
import { Assist, XenError } from '../constants.ts';
import { xenFrames } from '../xen-frames.ts';
import type { XenDomain } from '../domain.ts';
import type { XenCall } from '../ops/call.ts';
import { argument } from '../ops/call.ts';
import { framePool } from './frame-pool.ts';
import { grantMapper } from './grant-mapper.ts';
import { GuestDebug } from './guest-debug.ts';
import { GuestPorts } from './guest-ports.ts';
import { guestGdtPages, StubAction } from './hypervisor-area.ts';
import type { HypervisorArea } from './hypervisor-area.ts';
import { GuestLdt } from './ldt.ts';
import { PageOwner, PageType } from './page-info.ts';
import type { PageInfo } from './page-info.ts';
import { EntryBit, frameOf, PageTables } from './page-tables.ts';
import type { Entry, EntryChange } from './page-tables.ts';

/** What the guest wants done for a vector. */
export interface TrapHandler {
  readonly selector: number;
  readonly address: number;
  /** Level from which a software interrupt may use it. */
  readonly level: number;
  /** Whether upcalls are masked when it starts. */
  readonly masks: boolean;
}

/** A selector and an offset. */
export interface FarPointer {
  readonly selector: number;
  readonly offset: number;
}

/** A place at which the guest is entered, and whether upcalls are masked then. */
export interface Callback extends FarPointer {
  readonly masks: boolean;
}

/** The components of extended state that a processor saves and restores (XCR0). */
export interface ExtendedState {
  /** Whether it does so at all. */
  readonly isPresent: boolean;
  /** Chooses the components; false for a choice that the processor refuses. */
  choose(low: number, high: number): boolean;
}

/** What of the processor itself the guest's kernel is shown. */
export interface PvProcessor {
  /** Who made it, as CPUID says. */
  readonly vendor: string;
  /** Value of a model-specific register that it keeps; nothing for any other. */
  readRegister(index: number): MsrValue | undefined;
  /** Writes one; false for any other, and for bits that cannot be written. */
  writeRegister(index: number, low: number, high: number): boolean;
}

/** CR4 of the processor: PAE, OSFXSR, OSXMMEXCPT. TSD, DE and OSXSAVE are the guest's. */
const firstControl4 = 0x620;
const timeStampDisable = 4;
const debugExtensions = 8;
const osXsave = 0x4_0000;
/** State that the hypercalls set. */
export class PvGuest {
  readonly domain: XenDomain;
  readonly info: PageInfo;
  readonly tables: PageTables;
  readonly area: HypervisorArea;
  /** Frame of the third-level table in use. */
  base: number = 0;
  readonly traps: (TrapHandler | undefined)[] = [];
  eventCallback: FarPointer | undefined;
  failsafeCallback: Callback | undefined;
  sysenterCallback: Callback | undefined;
  /** A non-maskable interrupt waits; none comes before the handler of one has returned. */
  nmiPending: boolean = false;
  nmiMasked: boolean = false;
  kernelStack: FarPointer = { selector: 0, offset: 0 };
  /** Frames of the GDT. */
  gdt: readonly number[] = [];
  readonly ldt: GuestLdt;
  readonly debug: GuestDebug = new GuestDebug(() => this.hasDebugExtensions);
  /** Whether the next use of the FPU traps. */
  taskSwitched: boolean = false;
  /** Level down to which CLI, STI and ports are allowed, 0 to 3. */
  ioPrivilege: number = 0;
  /** The map of ports that programs may use: linear address, number of ports. */
  portMap: { readonly address: number; readonly ports: number } = { address: 0, ports: 0 };
  readonly ports: GuestPorts = new GuestPorts();
  /** The processor; without it, it has no registers of its own. */
  processor: PvProcessor | undefined;
  /** The processor's state components, if it has such. */
  extendedState: ExtendedState | undefined;
  /** Returns what the processor has in a segment register; without it segments count as flat. */
  selectorOf: (register: number) => number | undefined = () => undefined;
  /** CR4 as the guest reads it. */
  control4: number = firstControl4;
  /** What the stub does before it returns: bits of `StubAction`. */
  actions: number = 0;
  ldtSelector: number = 0;

  /** Numbers of interrupts that the guest was given: of pins, and of messages. */
  interruptsGiven: readonly [pins: number, messages: number] = [0, 0];
  /** Frames that the guest gave back. */
  readonly freeFrames: number[] = [];
  /** Third-level tables that the processor may still be in. */
  readonly leaving: number[] = [];

  /** Makes a guest without memory; the builder gives it some. */
  constructor(domain: XenDomain, info: PageInfo, area: HypervisorArea) {
    this.domain = domain;
    this.info = info;
    this.area = area;
    this.tables = new PageTables(domain.services.memory, info, (frame) => {
      area.fillTop(frame);
    });
    this.ldt = new GuestLdt(this);
    this.tables.onDescriptorsUnmapped = () => {
      this.ldt.drop();
    };
    domain.pool = framePool(this);
    domain.mapper = grantMapper(this);
    domain.raiseNmi = () => {
      this.nmiPending = true;
    };
  }

  /** Forgets everything that the guest set. */
  reset(): void {
    this.base = 0;
    this.traps.length = 0;
    this.eventCallback = undefined;
    this.failsafeCallback = undefined;
    this.sysenterCallback = undefined;
    this.nmiPending = false;
    this.nmiMasked = false;
    this.kernelStack = { selector: 0, offset: 0 };
    this.gdt = [];
    this.ldt.reset();
    this.debug.reset();
    this.taskSwitched = false;
    this.ioPrivilege = 0;
    this.control4 = firstControl4;
    this.portMap = { address: 0, ports: 0 };
    this.ports.reset();
    this.actions = 0;
    this.ldtSelector = 0;
    this.interruptsGiven = [0, 0];
    this.freeFrames.length = 0;
    this.leaving.length = 0;
  }

  /** Sets the stack on which the kernel is entered from outside. */
  setKernelStack(stack: FarPointer): void {
    this.kernelStack = stack;
    this.area.setKernelStack(stack.selector, stack.offset);
  }

  /** Whether stores to page tables that the guest's kernel cannot make are made for it. */
  get hasWritableTables(): boolean {
    return (this.domain.assists & (1 << Assist.writableTables)) !== 0;
  }

  /** Whether I/O privilege is as the processor has it, and the kernel ring 0 in its eyes. */
  get hasArchitecturalIopl(): boolean {
    return (this.domain.assists & (1 << Assist.architecturalIopl)) !== 0;
  }

  /** Whether DR4 and DR5 are undefined, and breakpoints of ports allowed (SDM 3A 2.5, CR4.DE). */
  get hasDebugExtensions(): boolean {
    return (this.control4 & debugExtensions) !== 0;
  }

  /** Whether RDTSC is the kernel's alone. */
  get hidesTime(): boolean {
    return (this.control4 & timeStampDisable) !== 0;
  }

  /** Whether extended state may be saved: CR4.OSXSAVE. */
  get hasExtendedState(): boolean {
    return (this.control4 & osXsave) !== 0;
  }

  /** Sets the bits of CR4 that are the guest's; the others stay what they are. */
  setControl4(value: number): void {
    const extended = this.extendedState?.isPresent === true ? osXsave : 0;
    this.control4 = firstControl4 | (value & (timeStampDisable | debugExtensions | extended));
    this.actions |= StubAction.loadCr4;
  }

  /** Whether pages without execution are on. */
  get hasNoExecute(): boolean {
    return this.tables.hasNoExecute;
  }

  set hasNoExecute(on: boolean) {
    this.tables.hasNoExecute = on;
  }

  /** Whether a frame is the guest's and no table. */
  isOwnMemory(frame: number): boolean {
    return this.info.owner(frame) === PageOwner.guest && this.mayTouch(frame, true);
  }

  /** Gives the guest its memory, from a machine frame on, and what it may see of Xen's. */
  giveFrames(firstFrame: number): void {
    const { domain, info, area } = this;
    const xen = domain.frame(0) / pageBytes;
    info.setOwner(firstFrame, firstFrame + domain.pages, PageOwner.guest);
    info.setOwner(xen, xen + xenFrames.console, PageOwner.shared);
    const [first, end] = area.machineFrames;
    info.setOwner(first, end, PageOwner.readable);
    for (let frame = 0; frame < domain.pages; frame += 1) {
      area.setMachineFrame(firstFrame + frame, frame);
    }
  }

  /** Whether a frame may be read, or written, on the guest's behalf. */
  mayTouch(frame: number, write: boolean): boolean {
    const owner = this.info.owner(frame);
    if (owner === PageOwner.shared || (owner === PageOwner.readable && !write)) {
      return true;
    }
    const type = this.info.type(frame);
    const isFree = type === PageType.none || type === PageType.writable;
    return owner === PageOwner.guest && (!write || isFree);
  }

  /**
   * Frame of the first-level table for a linear address, and the index within; nothing without one.
   */
  findLeaf(linear: number): readonly [frame: number, index: number] | undefined {
    const address = linear >>> 0;
    const second = this.tables.read(this.base, address >>> 30);
    if ((second.low & EntryBit.present) === 0) {
      return undefined;
    }
    const first = this.tables.read(frameOf(second), (address >>> 21) & 511);
    if ((first.low & EntryBit.present) === 0) {
      return undefined;
    }
    return [frameOf(first), (address >>> 12) & 511];
  }

  /** Makes a checked third-level table the one in use. */
  setBase(frame: number): number {
    const result = frame === this.base ? 0 : this.tables.use(frame, PageType.l3);
    if (result !== 0) {
      return result;
    }
    if (frame !== this.base && this.base !== 0) {
      this.leaving.push(this.base);
    }
    this.base = frame;
    this.ldt.drop();
    this.actions |= StubAction.loadCr3;
    return 0;
  }

  /**
   * Lets go of tables that were in use, once the processor has left them: the stub that loads CR3
   * is itself mapped by Xen's entries in the old one.
   */
  leaveTables(): void {
    for (let frame = this.leaving.pop(); frame !== undefined; frame = this.leaving.pop()) {
      this.tables.unuse(frame);
    }
  }

  /** Changes an entry at a machine address: of a page table, or of plain memory. */
  writeEntry(frame: number, index: number, entry: Entry, kind: EntryChange): number {
    const { info, tables } = this;
    if (info.owner(frame) !== PageOwner.guest) {
      return -XenError.invalid;
    }
    switch (info.type(frame)) {
      case PageType.l3:
        this.actions |= frame === this.base ? StubAction.loadCr3 : 0;
        return tables.change(frame, index, entry, kind);
      case PageType.l1:
      case PageType.l2:
        return tables.change(frame, index, entry, kind);
      case PageType.descriptors:
        return -XenError.invalid;
      default: {
        const { memory } = this.domain.services;
        memory.write32(frame * pageBytes + index * 8, entry.low);
        memory.write32(frame * pageBytes + index * 8 + 4, entry.high);
        return 0;
      }
    }
  }

  /** Replaces the pages of the GDT; on an error everything stays. */
  setGdt(frames: readonly number[]): number {
    const taken: number[] = [];
    for (const frame of frames) {
      const result = this.tables.use(frame, PageType.descriptors);
      if (result !== 0) {
        taken.forEach((other) => {
          this.tables.unuse(other);
        });
        return -XenError.invalid;
      }
      taken.push(frame);
    }
    const old = this.gdt;
    this.gdt = taken;
    for (let index = 0; index < guestGdtPages; index += 1) {
      this.area.setGdtPage(index, taken[index]);
    }
    old.forEach((frame) => {
      this.tables.unuse(frame);
    });
    return 0;
  }
}

/** A call of a paravirtual guest. */
export type PvHandler = (guest: PvGuest, call: XenCall) => number;

/** Reads a 64-bit argument as an entry. */
export function entryAt(call: XenCall, index: number): Entry {
  return { low: argument(call, index) | 0, high: argument(call, index + 1) | 0 };
}
