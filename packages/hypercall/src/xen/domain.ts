/**
 * One Xen guest with one virtual CPU: what the hypercalls of every kind of guest work on.
 */
import { pageBytes } from '@ringfence/memory';
import { timeInfoBytes } from '../kvm/time-structures.ts';
import { DomainId, HvmParam, Virq } from './constants.ts';
import { EventChannels } from './event-channels.ts';
import { MappedGrants } from './mapped-grants.ts';
import type { GrantMapper, WideAddress as WideValue } from './mapped-grants.ts';
import { GrantTable, ReservedGrant } from './grant-table.ts';
import type { GrantPages } from './grant-table.ts';
import type { ShutdownReason, XenServices } from './interfaces.ts';
import type { FramePool } from './machine-frames.ts';
import { PlacedGrants } from './placed-grants.ts';
import { PlacedPages } from './placed-pages.ts';
import { RunState, Runstate } from './runstate.ts';
import type { GuestCopy } from './guest-copy.ts';
import { sharedLayouts, SharedInfo, vcpuInfoBytes } from './shared-info.ts';
import { Upcalls } from './upcalls.ts';
import { Watchdogs } from './watchdogs.ts';
import { xenFrames } from './xen-frames.ts';

/** Whether memory is translated for the guest (HVM, PVH) or the guest does it (PV). */
export type XenGuestKind = 'hvm' | 'pv';

/** A range of the memory map that the guest is told. */
export interface XenMapEntry {
  readonly base: number;
  readonly bytes: number;
  /** As in the e820 map: 1 is RAM. */
  readonly type: number;
}

/** What a virtual CPU waits for. */
export interface DomainWait {
  /** Ports of which one is to be pending; absent for an upcall. */
  readonly ports?: readonly number[];
  /** A time of the machine's clock at which the wait ends, 0 for none. */
  readonly timeoutNs: number;
}

/** State that can be written as text of characters 0 to 255. */
export interface SavedText {
  save(): string;
  /** Takes a state over; a text that it did not write is an error of the caller's. */
  restore(text: string): void;
}

/** What makes a guest. */
export interface XenDomainOptions {
  readonly kind: XenGuestKind;
  readonly services: XenServices;
  /** Physical address of the first of `xenFrames.count` pages. */
  readonly frames: number;
  /** The memory map of XENMEM_memory_map. */
  readonly map: readonly XenMapEntry[];
  /** Pages of memory that are the guest's. */
  readonly pages: number;
  /** Which pages a back end may use by grants; the default is all RAM. */
  readonly grantPages?: GrantPages;
}

/** A guest of Xen with one virtual CPU, whatever its kind. */
export class XenDomain {
  readonly kind: XenGuestKind;
  readonly services: XenServices;
  /** What the guest is told of its memory; it may change that. */
  map: readonly XenMapEntry[];
  readonly pages: number;
  readonly shared: SharedInfo;
  readonly events: EventChannels;
  readonly grants: GrantTable;
  /** Which pages may be used on the guest's behalf. */
  readonly grantPages: GrantPages;
  /** Grants that the guest has mapped, and what maps them. */
  readonly mapped: MappedGrants = new MappedGrants();
  mapper: GrantMapper;
  /** Where they stand with translated memory. */
  readonly placedGrants: PlacedGrants;
  /** Numbers of the guest's ports to the store and the console. */
  storePort: number = 0;
  consolePort: number = 0;
  /** Physical addresses of the ring pages of store and console. */
  storePage: number;
  consolePage: number;
  /** The page that says which interrupts of devices the guest is to end, 0 for none. */
  endsPage: number = 0;
  /** HVM parameters that were set, by index. */
  readonly params: Map<number, WideValue> = new Map<number, WideValue>();
  /** `vm_assist` types that are on, a bit each. */
  assists: number = 0;
  /** Whether CPUID faults outside of the guest's kernel. */
  cpuidFaulting: boolean = false;
  /** How upcalls reach a translated guest. */
  readonly upcalls: Upcalls;
  readonly watchdogs: Watchdogs;
  readonly runstate: Runstate = new Runstate();
  /** Linear addresses at which the guest is told of its time, 0 for none. */
  runstateArea: number = 0;
  timeArea: number = 0;
  /** The guest's memory by linear addresses, once an interface gives it. */
  copy: GuestCopy | undefined;
  /** Gives the virtual CPU a non-maskable interrupt. */
  raiseNmi: () => void;
  readonly #frames: number;
  readonly #firstMap: readonly XenMapEntry[];
  readonly #oneShot: ReturnType<XenServices['timers']['create']>;
  readonly #periodic: ReturnType<XenServices['timers']['create']>;
  #oneShotAt = 0;
  #periodNs = 0;
  #nextTickAt = 0;
  /** Pages that stand at other frames than by themselves. */
  readonly placed: PlacedPages;
  /** Frames of a paravirtual guest; translated memory has none. */
  pool: FramePool | undefined;
  /** What is saved beside the guest's memory, by name. */
  readonly saved: Map<string, SavedText> = new Map<string, SavedText>();
  /** How the virtual CPU waits, where it can; without it a wait returns at once, as it may. */
  waiter: ((wait: DomainWait) => void) | undefined;
  /** Called before the guest stops. */
  beforeStop: (() => void) | undefined;
  /** Called on reset, when the back ends are to start anew. */
  readonly #starters: (() => void)[] = [];

  /** Makes a guest; `reset` brings it to life. */
  constructor(options: XenDomainOptions) {
    const { services, frames } = options;
    this.kind = options.kind;
    this.services = services;
    this.map = options.map;
    this.#firstMap = options.map;
    this.pages = options.pages;
    this.#frames = frames;
    this.storePage = this.frame(xenFrames.store);
    this.consolePage = this.frame(xenFrames.console);
    const { memory, timers, clock } = services;
    this.shared = new SharedInfo(memory, this.frame(xenFrames.shared), clock.tscHertz);
    this.upcalls = new Upcalls(this.shared, services.machine);
    const all: GrantPages = {
      hold: (frame) => memory.isRam(frame * pageBytes, pageBytes),
      drop: () => undefined,
    };
    const pages = options.grantPages ?? all;
    this.grantPages = pages;
    this.events = new EventChannels(this.shared, memory, pages, () => {
      this.upcalls.raise();
    });
    const grants = this.frame(xenFrames.grants);
    this.grants = new GrantTable(memory, grants, this.frame(xenFrames.grantStatus), pages);
    this.raiseNmi = () => services.machine.raiseNmi?.();
    this.placed = new PlacedPages(memory, frames);
    this.placedGrants = new PlacedGrants(memory, (frame) => this.placed.has(frame));
    this.mapper = this.placedGrants;
    this.watchdogs = new Watchdogs(timers, () => {
      this.stop('watchdog');
    });
    this.#oneShot = timers.create(() => {
      this.#oneShotAt = 0;
      this.events.raiseVirq(Virq.timer);
    });
    this.#periodic = timers.create(() => {
      this.#tick();
    });
  }

  /** Physical address of one of Xen's own pages. */
  frame(index: number): number {
    return this.#frames + index * pageBytes;
  }

  /**
   * Adds something outside of guest memory that is saved with the guest: a back end's state, as
   * text.
   */
  addSaved(name: string, saved: SavedText): void {
    this.saved.set(name, saved);
  }

  /** Lets one of Xen's pages stand at a frame of the guest; false where no page can stand. */
  place(frame: number, page: number): boolean {
    const isPlaced = this.placed.place(frame, page);
    if (isPlaced) this.placedGrants.forget(frame);
    return isPlaced;
  }

  /** Moves a page of the guest's from one of its frames to another; false where that cannot be. */
  move(from: number, to: number): boolean {
    const isMoved = this.placed.move(from, to);
    if (isMoved) this.placedGrants.forget(to);
    return isMoved;
  }

  /** Takes some of `xenFrames` away from wherever they stand. */
  unplaceFrames(first: number, end: number): void {
    for (let index = first; index < end; index += 1) {
      const at = this.placed.frameOf(this.frame(index));
      if (at !== undefined) {
        this.placed.unplace(at);
      }
    }
  }

  /** Frames of the guest's that are written to on its behalf, once for each use. */
  get heldToWrite(): readonly number[] {
    return [...this.grants.heldToWrite, ...this.events.queueFrames, ...this.#ownFrames];
  }

  /**
   * Begins the uses of the frames that are the guest's own, and written to as long as it lives: a
   * paravirtual guest's rings, `vcpu_info` where it moved that to, and the page of interrupts.
   */
  holdOwnFrames(): void {
    for (const frame of this.#ownFrames) {
      this.grantPages.hold(frame, true);
    }
  }

  get #ownFrames(): readonly number[] {
    const rings = this.kind === 'pv' ? [this.storePage, this.consolePage] : [];
    const moved = this.shared.isMoved ? [this.shared.vcpu] : [];
    const ends = this.endsPage === 0 ? [] : [this.endsPage];
    return [...rings, ...moved, ...ends].map((page) => Math.floor(page / pageBytes));
  }

  /** Adds something that starts with the guest: a back end. */
  onStart(start: () => void): void {
    this.#starters.push(start);
  }

  /** Stops the guest, with a line on its console if anything is to be said. */
  stop(reason: ShutdownReason, line: string = ''): void {
    this.beforeStop?.();
    for (const character of line) this.services.console.write(character.charCodeAt(0));
    this.services.machine.shutdown(reason);
  }

  /** Brings the guest back to the state before its first instruction; `begin` follows. */
  reset(): void {
    const { memory, clock, wallClock } = this.services;
    this.#oneShot.cancel();
    this.#periodic.cancel();
    this.#oneShotAt = 0;
    this.#periodNs = 0;
    this.placed.reset();
    this.shared.reset();
    this.events.reset();
    this.grants.reset();
    this.mapped.reset();
    this.placedGrants.reset();
    memory.write(this.frame(xenFrames.console), new Uint8Array(pageBytes));
    memory.write(this.frame(xenFrames.store), new Uint8Array(pageBytes));
    this.map = this.#firstMap;
    this.watchdogs.reset();
    this.runstate.reset(clock.now());
    this.runstateArea = 0;
    this.timeArea = 0;
    this.assists = 0;
    this.cpuidFaulting = false;
    this.endsPage = 0;
    this.upcalls.reset();
    const backEnd = { kind: 'unbound', remote: DomainId.backend } as const;
    this.storePort = this.events.allocate(backEnd);
    this.consolePort = this.events.allocate(backEnd);
    this.params.clear();
    const first: readonly (readonly [number, number])[] = [
      [HvmParam.storePfn, this.frame(xenFrames.store) / pageBytes],
      [HvmParam.storeEventChannel, this.storePort],
      [HvmParam.consolePfn, this.frame(xenFrames.console) / pageBytes],
      [HvmParam.consoleEventChannel, this.consolePort],
    ];
    for (const [index, low] of first) {
      this.params.set(index, { low, high: 0 });
    }
    this.shared.writeWallClock(clock, wallClock);
    this.shared.writeTime(clock);
  }

  /** Starts the back ends, once the guest's rings have their places. */
  begin(): void {
    this.grants.give(ReservedGrant.console, this.consolePage / pageBytes);
    this.grants.give(ReservedGrant.store, this.storePage / pageBytes);
    for (const start of this.#starters) {
      start();
    }
  }

  /** Writes the time anew after the clock or the counter jumped. */
  clockChanged(): void {
    this.shared.writeWallClock(this.services.clock, this.services.wallClock);
    this.shared.writeTime(this.services.clock);
    this.writeTimeArea();
  }

  /** Copies the time to where the guest wants it too. */
  writeTimeArea(): void {
    if (this.timeArea !== 0) {
      const time = new Uint8Array(timeInfoBytes);
      this.services.memory.read(this.shared.time, time);
      this.copy?.write(this.timeArea, time);
    }
  }

  /** The virtual CPU begins to wait, or to run again. */
  setWaiting(waits: boolean): void {
    const state = waits ? RunState.blocked : RunState.running;
    const isOther = this.runstate.change(state, this.services.clock.now());
    if (isOther && !waits && this.runstateArea !== 0) {
      this.copy?.write(this.runstateArea, this.runstate.bytes());
    }
  }

  /** Moves `vcpu_info`, once, to a place within a page that can be written; false for another. */
  registerVcpuInfo(physical: number): boolean {
    const crosses = (physical % pageBytes) + vcpuInfoBytes > pageBytes;
    const isGood = !crosses && physical % 4 === 0;
    if (!isGood || !this.grantPages.hold(Math.floor(physical / pageBytes), true)) {
      return false;
    }
    this.shared.moveVcpu(physical);
    this.shared.writeTime(this.services.clock);
    // Whatever was pending is looked at again in its new place (Xen, map_vcpu_info).
    this.upcalls.raise();
    return true;
  }

  /** Waits for an event, or until the machine's clock reads a time. */
  wait(wait: DomainWait): void {
    if (this.waiter === undefined) {
      this.services.machine.yield();
    } else {
      this.waiter(wait);
    }
  }

  /** Chooses the layout of the shared page by the width of the guest's words. */
  setWordBytes(wordBytes: 4 | 8): void {
    if (this.shared.layout.wordBytes !== wordBytes) {
      this.shared.layout = sharedLayouts[wordBytes];
      this.clockChanged();
    }
  }

  /** Arms the one-shot timer for a time of the machine's clock; 0 stops it. */
  setTimer(deadlineNs: number): void {
    this.#oneShotAt = deadlineNs;
    if (deadlineNs === 0) {
      this.#oneShot.cancel();
    } else {
      this.#oneShot.arm(deadlineNs);
    }
  }

  /** Starts the periodic timer; 0 stops it. */
  setPeriod(periodNs: number): void {
    this.#periodNs = periodNs;
    this.#periodic.cancel();
    if (periodNs > 0) {
      this.#nextTickAt = this.services.clock.now() + periodNs;
      this.#periodic.arm(this.#nextTickAt);
    }
  }

  /** Timers for savers: the one-shot deadline and the period, 0 for none. */
  get timerState(): readonly [number, number] {
    return [this.#oneShotAt, this.#periodNs];
  }

  #tick(): void {
    this.events.raiseVirq(Virq.timer);
    // Ticks that were missed are not made up for.
    const now = this.services.clock.now();
    this.#nextTickAt = Math.max(this.#nextTickAt, now) + this.#periodNs;
    this.#periodic.arm(this.#nextTickAt);
  }
}
