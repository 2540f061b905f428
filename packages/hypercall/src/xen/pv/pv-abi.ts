/**
 * The Xen interface of a paravirtual guest: every trap of the guest comes here through the stubs of
 * `HypervisorArea`, hypercalls among them.
 */
import { pageBytes } from '@ringfence/memory';
import type {
  AbiState,
  CpuidValues,
  HypercallAbi,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
} from '../../interfaces.ts';
import { describeCall } from '../calls.ts';
import type { XenCallTable } from '../calls.ts';
import { Assist, machineToPhysicalStart, XenError } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import { xenFrames } from '../xen-frames.ts';
import { restoreDomain, saveDomain, savedFields, savedList } from '../domain-state.ts';
import { GuestCopy } from '../guest-copy.ts';
import { XenHvmAbi } from '../hvm-abi.ts';
import { callWork } from '../ops/call.ts';
import { buildGuest } from './builder.ts';
import type { PvImage } from './builder.ts';
import { pvCalls } from './call-table.ts';
import { paravirtualCpuid } from './cpuid.ts';
import { PvGuest } from './guest.ts';
import {
  eventVector,
  guestCr0,
  HypervisorArea,
  hypercallVector,
  Selector,
  StubAction,
} from './hypervisor-area.ts';
import { PageOwner, PageType } from './page-info.ts';
import type { XenPvOptions } from './pv-options.ts';
import { PvTraps, Vector } from './trap-dispatch.ts';
import { TopTables } from './top-tables.ts';
import { beginGuest, FrameField, returnFromHandler, TrapFrame } from './traps.ts';
import { restorePvGuest, savePvGuest } from './saved-guest.ts';
import { Waiting } from '../waiting.ts';

/** CR0.TS. */
const taskSwitchedBit = 8;
const argumentFields: readonly number[] = [
  FrameField.ebx,
  FrameField.ecx,
  FrameField.edx,
  FrameField.esi,
  FrameField.edi,
  FrameField.ebp,
];
/** Bytes of `int $0x82`. */
const hypercallBytes = 2;

/** The Xen interface of one paravirtual guest. */
export class XenPvAbi implements HypercallAbi {
  /** Name of the interface. */
  readonly name: string = 'xen';
  readonly guest: PvGuest;
  readonly #options: XenPvOptions;
  readonly #area: HypervisorArea;
  readonly #copy: GuestCopy;
  readonly #callCopy: GuestCopy;
  readonly #frame: TrapFrame;
  readonly #traps: PvTraps;
  readonly #calls: XenCallTable;
  /** CPUID and time are those of any Xen guest. */
  readonly #common: XenHvmAbi;
  #first:
    { readonly entry: number; readonly stack: number; readonly startInfo: number } | undefined;
  readonly #tops: TopTables;
  readonly #waiting: Waiting;

  /** Makes the interface; `load` puts a guest into it. */
  constructor(options: XenPvOptions) {
    const { domain, info, frames } = options;
    const { memory } = domain.services;
    this.#options = options;
    this.#area = new HypervisorArea(memory, frames);
    this.#tops = new TopTables(memory, this.#area.topTables);
    this.guest = new PvGuest(domain, info, this.#area);
    this.guest.debug.unit = options.debug;
    this.guest.processor = options.processor;
    this.guest.extendedState = options.extendedState;
    this.guest.selectorOf = (register) => options.selector?.(register);
    this.#frame = new TrapFrame(memory);
    const space = {
      translate: (linear: number, write: boolean): number => {
        const physical = options.space.translate(linear, write);
        const frame = Math.floor(physical / pageBytes);
        return physical >= 0 && this.#isGuests(frame, write) ? physical : -1;
      },
    };
    // What a call names lies below Xen: not even the table that the guest can read may be named.
    const callSpace = {
      translate: (linear: number, write: boolean): number =>
        linear >>> 0 < machineToPhysicalStart ? space.translate(linear, write) : -1,
    };
    this.#copy = new GuestCopy(memory, space);
    this.#callCopy = new GuestCopy(memory, callSpace);
    this.#common = new XenHvmAbi({ domain, space: callSpace, log: options.log });
    this.#traps = new PvTraps(this.guest, this.#frame, this.#copy, options);
    this.#calls = pvCalls(this.guest, () => this.#iret());
    this.#waiting = new Waiting(domain, () => this.#isUpcallDue());
  }

  get domain(): XenDomain {
    return this.#options.domain;
  }

  /** Vector by which an event interrupts the guest. */
  readonly upcallVector: number = eventVector;

  /** Whether the guest is to be interrupted: an upcall is due, or what it waits for has come. */
  get upcallDue(): boolean {
    return this.#waiting.active ? this.#waiting.isOver : this.#isUpcallDue();
  }

  /**
   * Builds a guest and returns the physical address at which the processor starts, in flat
   * protected mode without paging; a text says what is wrong with one that cannot be built.
   */
  load(image: PvImage): number | string {
    const { domain, info, firstFrame } = this.#options;
    const { memory } = domain.services;
    this.guest.reset();
    this.#waiting.end();
    info.reset();
    domain.reset();
    const built = buildGuest(image, {
      memory,
      firstFrame,
      pages: domain.pages,
      sharedInfo: domain.frame(xenFrames.shared),
      storePort: domain.storePort,
      consolePort: domain.consolePort,
    });
    if (typeof built === 'string') {
      return built;
    }
    domain.storePage = built.storeFrame * pageBytes;
    domain.consolePage = built.consoleFrame * pageBytes;
    domain.begin();
    domain.assists = image.hasExtendedCr3 === true ? 1 << Assist.paeExtendedCr3 : 0;
    domain.shared.upcallMasked = true;
    this.guest.hasNoExecute = this.#options.noExecute?.() ?? false;
    this.#tops.reset();
    this.#area.build(this.#tops.first, this.guest.hasNoExecute);
    this.#tops.load(built.pageTable);
    this.guest.giveFrames(firstFrame);
    domain.holdOwnFrames();
    this.guest.setKernelStack({ selector: Selector.kernelData, offset: built.stack });
    const isBad =
      this.guest.tables.use(built.pageTable, PageType.l3) !== 0 ||
      this.guest.setBase(built.pageTable) !== 0;
    if (isBad) {
      return 'page tables that do not hold';
    }
    info.setPinned(built.pageTable, true);
    this.guest.actions = 0;
    this.#first = built;
    return this.#area.start;
  }

  cpuid(base: number, offset: number, subleaf: number): CpuidValues | undefined {
    return this.#common.cpuid(base, offset, subleaf);
  }

  /** Whether CPUID faults at a privilege level: in the guest's programs, if its kernel said so. */
  cpuidFaults(cpl: number): boolean {
    return this.guest.domain.cpuidFaulting && cpl === 3;
  }

  shownCpuid(leaf: number, subleaf: number, values: CpuidValues): CpuidValues {
    return paravirtualCpuid(leaf, subleaf, values);
  }

  readMsr(_index: number): MsrValue | undefined {
    return undefined;
  }

  writeMsr(_index: number, _low: number, _high: number): MsrWriteResult {
    return 'absent';
  }

  /** VMCALL of a stub; one that the guest executes itself is undefined. */
  hypercall(registers: HypercallRegisters): boolean {
    const physical = this.#area.frameAt(registers.low(4));
    if (registers.cpl !== 0 || physical < 0) {
      return false;
    }
    this.#frame.moveTo(physical);
    const action = this.#serve();
    if ((action & StubAction.loadCr3) !== 0) {
      registers.set(3, this.#tops.load(this.guest.base), 0);
    }
    registers.set(1, this.guest.ldtSelector, 0);
    registers.set(2, guestCr0 | (this.guest.taskSwitched ? taskSwitchedBit : 0), 0);
    registers.set(6, this.guest.control4, 0);
    registers.set(0, action, 0);
    if (this.#traps.stackMoved !== 0) {
      registers.set(4, registers.low(4) + this.#traps.stackMoved, 0);
      this.#traps.stackMoved = 0;
    }
    return true;
  }

  beforeRun(): void {
    // Nothing here depends on what the host did.
  }

  clockChanged(): void {
    this.domain.clockChanged();
  }

  reset(): void {
    // `load` does it, with the guest's image.
  }

  save(): AbiState {
    const first = this.#first;
    const own = {
      ...savePvGuest(this.guest),
      waiting: this.#waiting.save(),
      first: first === undefined ? [] : [first.entry, first.stack, first.startInfo],
    };
    return { abi: `${this.name}-pv`, version: 1, fields: { ...saveDomain(this.domain), ...own } };
  }

  restore(state: unknown): void {
    const fields = savedFields(state, `${this.name}-pv`);
    const list = savedList(fields);
    restorePvGuest(this.guest, list);
    this.guest.hasNoExecute = this.#options.noExecute?.() ?? false;
    restoreDomain(this.domain, fields);
    this.#waiting.restore(list('waiting'));
    const [entry, stack = 0, startInfo = 0] = list('first');
    this.#first = entry === undefined ? undefined : { entry, stack, startInfo };
  }

  #isGuests(frame: number, write: boolean): boolean {
    const owner = this.guest.info.owner(frame);
    const isOpen = owner === PageOwner.guest || owner === PageOwner.shared;
    return isOpen || (owner === PageOwner.readable && !write);
  }

  #isUpcallDue(): boolean {
    const { shared } = this.domain;
    const isWanted = this.guest.eventCallback !== undefined && !shared.upcallMasked;
    return isWanted && shared.upcallPending;
  }

  /** Serves the trap whose frame stands; returns what the stub is to do. */
  #serve(): number {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      beginGuest(this.#frame, first);
      return 0;
    }
    if (this.#frame.level === 0 && !this.#traps.takeOwn()) {
      return 0;
    }
    this.guest.leaveTables();
    const vector = this.#frame.get(FrameField.vector);
    if (vector === hypercallVector) {
      // The one that waits comes by again.
      if (!this.#waiting.active) this.#hypercall();
    } else if (!this.#waiting.active) {
      this.#traps.take(vector);
    }
    if (this.#waiting.active) {
      if (!this.#waiting.isOver) {
        return StubAction.wait;
      }
      this.#waiting.end();
      this.#traps.checkSegments();
    }
    this.#deliverEvents();
    const actions = this.guest.actions;
    this.guest.actions = 0;
    return actions;
  }

  #deliverEvents(): void {
    this.#traps.deliverNmi();
    const callback = this.guest.eventCallback;
    if (callback !== undefined && this.#isUpcallDue()) {
      this.#traps.enter(eventVector, { ...callback, masks: true }, undefined);
    }
  }

  #hypercall(): void {
    const frame = this.#frame;
    const number = frame.get(FrameField.eax);
    const found = this.#calls[number];
    const args = argumentFields.map((field) => frame.get(field));
    const { work } = this.guest.tables;
    work.left = callWork;
    // The call is made again by the same instruction, `int $0x82`.
    const again = (later: readonly number[]): number => {
      for (const [index, value] of later.entries()) {
        frame.set(argumentFields[index] ?? FrameField.ebp, value);
      }
      frame.set(FrameField.eip, frame.get(FrameField.eip) - hypercallBytes);
      this.domain.services.machine.yield();
      return number;
    };
    const call = { domain: this.domain, args, copy: this.#callCopy, work, again };
    const result = this.#options.log.run(
      'xen',
      found?.name ?? 'unknown',
      () => (found === undefined ? '' : describeCall(found, args)),
      () => found?.serve(call) ?? -XenError.noSuchCall,
    );
    frame.set(FrameField.eax, result);
  }

  /** The result is what the guest wants in EAX. */
  #iret(): number {
    this.guest.nmiMasked = false;
    if (!returnFromHandler(this.guest, this.#frame, this.#copy)) {
      this.#traps.crash(Vector.generalProtection);
    }
    return this.#frame.get(FrameField.eax);
  }
}
