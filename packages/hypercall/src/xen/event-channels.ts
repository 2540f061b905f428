/**
 * Event channels (Xen, public/event_channel.h).
 *
 * A guest's port is one end of a channel whose other end is a back end's, a virtual interrupt, or
 * another port of the guest. Sending makes the port's event pending and, unless it is masked, asks
 * for an upcall. Events are told by bits in the shared page until the guest asks for queues.
 */
import { DomainId, Virq, XenError } from './constants.ts';
import { EventQueues } from './event-queues.ts';
import { EventBitmaps } from './event-words.ts';
import type { EventWords } from './event-words.ts';
import type { GrantPages } from './grant-table.ts';
import type { XenMemory } from './interfaces.ts';
import type { SharedInfo } from './shared-info.ts';

/** What a port is (event_channel.h, EVTCHNSTAT_*). */
export type PortState =
  | { readonly kind: 'free' }
  /** Waits for `remote` to bind to it. */
  | { readonly kind: 'unbound'; readonly remote: number }
  /** Connected to a back end. */
  | { readonly kind: 'backend'; readonly notify: () => void }
  /** Connected to another port of the guest. */
  | { readonly kind: 'loop'; readonly port: number }
  | { readonly kind: 'virq'; readonly virq: number }
  | { readonly kind: 'ipi' };

const free: PortState = { kind: 'free' };
/** Ports come into being so many at a time (Xen, EVTCHNS_PER_BUCKET). */
const portsPerBucket = 64;

/** The ports of one guest. */
export class EventChannels {
  readonly #shared: SharedInfo;
  readonly #kick: () => void;
  readonly #memory: XenMemory;
  readonly #pages: GrantPages;
  readonly #ports: PortState[] = [];
  readonly #bitmaps: EventWords;
  #queues: EventQueues | undefined;

  /**
   * Uses the bits of a shared page, or queues in pages of the guest's; `kick` is called when an
   * upcall is due.
   */
  constructor(shared: SharedInfo, memory: XenMemory, pages: GrantPages, kick: () => void) {
    this.#shared = shared;
    this.#memory = memory;
    this.#pages = pages;
    this.#bitmaps = new EventBitmaps(shared);
    this.#kick = kick;
  }

  /** Closes every port; events are told by bits again. */
  reset(): void {
    this.#ports.length = 0;
    // Uses of the guest's frames end with the guest.
    this.#queues = undefined;
  }

  /** Frames of the guest's that queues are in. */
  get queueFrames(): readonly number[] {
    return this.#queues?.frames ?? [];
  }

  /** Has events told by queues from now on, the first of which are those that are pending. */
  beginQueues(frame: number, offset: number): number {
    if (this.#queues !== undefined) {
      return -XenError.invalid;
    }
    const queues = EventQueues.begin(this.#memory, this.#pages, frame, offset);
    if (typeof queues === 'number') {
      return queues;
    }
    this.#queues = queues;
    for (const [port] of this.inUse) {
      if (this.#bitmaps.isPending(port)) {
        queues.raise(port);
      }
    }
    return 0;
  }

  /** Adds a page of words to the queues. */
  addQueuePage(frame: number): number {
    const waiting = this.#queues?.addPage(frame) ?? -XenError.notSupported;
    if (typeof waiting === 'number') {
      return waiting;
    }
    for (const port of waiting) {
      this.raise(port);
    }
    return 0;
  }

  /** Sets the priority of a port in the queues. */
  setPriority(port: number, priority: number): number {
    if (!this.isPort(port)) {
      return -XenError.invalid;
    }
    return this.#queues?.setPriority(port, priority) ?? -XenError.noSuchCall;
  }

  /** Has events told by bits again. */
  endQueues(): void {
    this.#queues?.end();
    this.#queues = undefined;
  }

  /** State of the queues, for savers; empty for bits. */
  saveQueues(): readonly number[] {
    return this.#queues?.save() ?? [];
  }

  /** Takes over what `saveQueues` returned. */
  restoreQueues(numbers: readonly number[]): void {
    const isQueued = numbers.length > 0;
    this.#queues = isQueued ? EventQueues.restore(this.#memory, this.#pages, numbers) : undefined;
  }

  /** Whether an event is pending. */
  isPending(port: number): boolean {
    return this.#words.isPending(port);
  }

  get #words(): EventWords {
    return this.#queues ?? this.#bitmaps;
  }

  /**
   * Whether there is a port of that number: those that were in use at some time, and the others
   * that came into being with them. Nobody can wait for another one.
   */
  isPort(port: number): boolean {
    const most = Math.ceil(Math.max(this.#ports.length, 1) / portsPerBucket) * portsPerBucket;
    return port < Math.min(most, this.#shared.layout.ports);
  }

  /** Returns what a port is. */
  at(port: number): PortState {
    return this.#ports[port] ?? free;
  }

  /** Numbers of the ports that are not free, for savers. */
  get inUse(): readonly (readonly [number, PortState])[] {
    return [...this.#ports.entries()].filter(([, state]) => state !== undefined && state !== free);
  }

  /** Sets a port as a saved state had it. */
  put(port: number, state: PortState): void {
    this.#ports[port] = state;
  }

  /** Makes a port that `remote` may bind to; returns it, or a negative error. */
  allocate(state: PortState): number {
    for (let port = 1; port < this.#shared.layout.ports; port += 1) {
      if (this.at(port).kind === 'free' && !this.#words.isBusy(port)) {
        this.#ports[port] = state;
        // A port may have been used before: what was pending for that use is not for this one.
        this.#words.clear(port);
        this.#queues?.begin(port);
        return port;
      }
    }
    return -XenError.noSpace;
  }

  /**
   * Lets a back end have the other end of a port; false when the guest did not make it for that.
   */
  connect(port: number, notify: () => void): boolean {
    const state = this.at(port);
    if (state.kind !== 'unbound' || state.remote !== DomainId.backend) {
      return false;
    }
    this.#ports[port] = { kind: 'backend', notify };
    return true;
  }

  /** Whether a port is still the one that `connect` took with that function. */
  isConnected(port: number, notify: () => void): boolean {
    const state = this.at(port);
    return state.kind === 'backend' && state.notify === notify;
  }

  /** Raises an event of a back end's, unless its port is gone, or another's by now. */
  raiseFor(port: number, notify: () => void): void {
    if (this.isConnected(port, notify)) {
      this.raise(port);
    }
  }

  /** Takes a back end's end away; the port waits for it again. */
  disconnect(port: number): void {
    if (this.at(port).kind === 'backend') {
      this.#ports[port] = { kind: 'unbound', remote: DomainId.backend };
    }
  }

  /** Binds a new port to one that the guest left for itself. */
  bindLoop(remotePort: number): number {
    const state = this.at(remotePort);
    if (state.kind !== 'unbound' || state.remote !== DomainId.guest) {
      return -XenError.invalid;
    }
    const port = this.allocate({ kind: 'loop', port: remotePort });
    if (port > 0) {
      this.#ports[remotePort] = { kind: 'loop', port };
      this.raise(port);
    }
    return port;
  }

  /** Binds a new port to a virtual interrupt. */
  bindVirq(virq: number): number {
    if (virq > Virq.lastGlobal) {
      return -XenError.invalid;
    }
    const taken = this.#ports.some((state) => state?.kind === 'virq' && state.virq === virq);
    return taken ? -XenError.exists : this.allocate({ kind: 'virq', virq });
  }

  /** Closes a port; the other end of a loop waits again. */
  close(port: number): number {
    const state = this.at(port);
    if (state.kind === 'free') {
      return -XenError.invalid;
    }
    this.#ports[port] = free;
    this.#words.clear(port);
    if (state.kind === 'loop') {
      this.#ports[state.port] = { kind: 'unbound', remote: DomainId.guest };
    }
    return 0;
  }

  /** The guest notifies the other end of a port. */
  send(port: number): number {
    const state = this.at(port);
    switch (state.kind) {
      case 'backend':
        state.notify();
        return 0;
      case 'loop':
        this.raise(state.port);
        return 0;
      case 'ipi':
        this.raise(port);
        return 0;
      case 'unbound':
        // Nobody is there to hear it.
        return 0;
      case 'virq':
      case 'free':
        return -XenError.invalid;
    }
  }

  /** Raises a virtual interrupt, if a port is bound to it. */
  raiseVirq(virq: number): void {
    const port = this.#ports.findIndex((state) => state?.kind === 'virq' && state.virq === virq);
    if (port > 0) {
      this.raise(port);
    }
  }

  /** Makes a port's event pending, and asks for an upcall unless it is masked. */
  raise(port: number): void {
    const isPort = port > 0 && port < this.#shared.layout.ports;
    if (isPort && this.#words.raise(port)) {
      this.#kick();
    }
  }

  /** Unmasks a port for the guest: an event that was pending under the mask is delivered. */
  unmask(port: number): number {
    if (!this.isPort(port)) {
      return -XenError.invalid;
    }
    if (port > 0 && this.#words.unmask(port)) {
      this.#kick();
    }
    return 0;
  }
}
