/**
 * Event channels with queues (Xen, public/event_channel.h; docs: "FIFO-based ABI").
 *
 * Each port has a word in pages that the guest gives; events that are pending and not masked are
 * linked to a list for each priority, from which the guest takes them in order.
 *
 *     word             31 pending  30 masked  29 linked  28 busy  16..0 the next port, 0 for none
 *     control block    0 a bit for each priority whose list has something, 8 heads of the lists
 *
 * Everything here is in the guest's hands but the tails. They are followed only to ports that have
 * a word, and a word is only looked at, never believed.
 */
import { pageBytes } from '@ringfence/memory';
import { XenError } from './constants.ts';
import type { EventWords } from './event-words.ts';
import type { GrantPages } from './grant-table.ts';
import type { XenMemory } from './interfaces.ts';

const pending = 1 << 31;
const masked = 1 << 30;
const linked = 1 << 29;
const busy = 1 << 28;
/** Bits of the number of the next port. */
export const linkBits = 17;
const linkMask = (1 << linkBits) - 1;

const priorities = 16;
const defaultPriority = 7;
const headsAt = 8;
const controlBytes = headsAt + priorities * 4;
const wordsPerPage = pageBytes / 4;
/** The most pages of words. */
const mostPages = 2 ** linkBits / wordsPerPage;

/** Of a port: its priority, the list that it was on last, and an event without a word. */
interface PortQueue {
  priority: number;
  last: number;
  pending: boolean;
}

/** The queues of one guest with one virtual CPU. */
export class EventQueues implements EventWords {
  readonly #memory: XenMemory;
  readonly #pages: GrantPages;
  #controlFrame = 0;
  #controlOffset = 0;
  readonly #arrayFrames: number[] = [];
  /** The port that was linked last, for each priority; 0 for none. */
  readonly #tails: number[] = Array.from({ length: priorities }, () => 0);
  readonly #ports = new Map<number, PortQueue>();

  private constructor(memory: XenMemory, pages: GrantPages) {
    this.#memory = memory;
    this.#pages = pages;
  }

  /** Begins with a control block in a frame of the guest's, or returns a negative error. */
  static begin(
    memory: XenMemory,
    pages: GrantPages,
    frame: number,
    offset: number,
  ): EventQueues | number {
    if (offset > pageBytes - controlBytes || offset % 8 !== 0 || !pages.hold(frame, true)) {
      return -XenError.invalid;
    }
    const queues = new EventQueues(memory, pages);
    queues.#controlFrame = frame;
    queues.#controlOffset = offset;
    return queues;
  }

  /** Takes over what `save` returned; nothing when it cannot be. */
  static restore(
    memory: XenMemory,
    pages: GrantPages,
    [frame = 0, offset = 0, arrays = 0, ...rest]: readonly number[],
  ): EventQueues | undefined {
    const queues = EventQueues.begin(memory, pages, frame, offset);
    if (typeof queues === 'number') {
      return undefined;
    }
    for (const array of rest.slice(0, arrays)) {
      queues.#hold(array);
    }
    queues.#tails.splice(0, priorities, ...rest.slice(arrays, arrays + priorities));
    const ports = rest.slice(arrays + priorities);
    for (let at = 0; at + 4 <= ports.length; at += 4) {
      const [port = 0, priority = defaultPriority, last = defaultPriority, isPending = 0] =
        ports.slice(at);
      queues.#ports.set(port, { priority, last, pending: isPending === 1 });
    }
    return queues;
  }

  /** The state as numbers; what stands in the guest's pages is not in it. */
  save(): readonly number[] {
    const ports = [...this.#ports].flatMap(([port, { priority, last, pending: isPending }]) => [
      ...[port, priority, last, isPending ? 1 : 0],
    ]);
    const { length } = this.#arrayFrames;
    const control = [this.#controlFrame, this.#controlOffset, length, ...this.#arrayFrames];
    return [...control, ...this.#tails, ...ports];
  }

  /** Frames of the guest's that are written to. */
  get frames(): readonly number[] {
    return [this.#controlFrame, ...this.#arrayFrames];
  }

  /** Gives the guest's frames back. */
  end(): void {
    for (const frame of this.frames) {
      this.#pages.drop(frame, true);
    }
  }

  /** Adds a page of words; events that came for its ports before are linked. */
  addPage(frame: number): readonly number[] | number {
    if (this.#arrayFrames.length === mostPages) {
      return -XenError.noSpace;
    }
    if (!this.#hold(frame)) {
      return -XenError.invalid;
    }
    const waiting = [...this.#ports].filter(([port, one]) => one.pending && this.#at(port) >= 0);
    for (const [, one] of waiting) {
      one.pending = false;
    }
    return waiting.map(([port]) => port);
  }

  /** Has an event linked to another list from its next time on. */
  setPriority(port: number, priority: number): number {
    if (priority >= priorities) {
      return -XenError.invalid;
    }
    this.#port(port).priority = priority;
    return 0;
  }

  /** A port was made anew: it has the usual priority. */
  begin(port: number): void {
    this.#port(port).priority = defaultPriority;
  }

  raise(port: number): boolean {
    const at = this.#at(port);
    if (at < 0) {
      this.#port(port).pending = true;
      return false;
    }
    const word = this.#memory.read32(at) | pending;
    const isToLink = (word & (masked | linked)) === 0;
    this.#memory.write32(at, isToLink ? word | linked : word);
    return isToLink && this.#link(port);
  }

  clear(port: number): void {
    const at = this.#at(port);
    const kept = this.#ports.get(port);
    if (kept !== undefined) {
      kept.pending = false;
    }
    if (at >= 0) {
      // It stays on its list: the guest takes it off and finds nothing pending.
      this.#memory.write32(at, this.#memory.read32(at) & ~pending);
    }
  }

  unmask(port: number): boolean {
    const at = this.#at(port);
    if (at < 0) {
      return false;
    }
    const word = this.#memory.read32(at) & ~masked;
    this.#memory.write32(at, word);
    return (word & pending) !== 0 && this.raise(port);
  }

  isPending(port: number): boolean {
    const at = this.#at(port);
    return at >= 0 && (this.#memory.read32(at) & pending) !== 0;
  }

  isBusy(port: number): boolean {
    const at = this.#at(port);
    return at >= 0 && (this.#memory.read32(at) & linked) !== 0;
  }

  /** Puts a port behind the last of its list; returns whether the guest is to look at the list. */
  #link(port: number): boolean {
    const one = this.#port(port);
    if (this.#tails[one.last] === port) {
      // The guest took it off, and it was the last: that list has ended.
      this.#tails[one.last] = 0;
    }
    one.last = one.priority;
    const isBehind = this.#linkBehind(this.#tails[one.priority] ?? 0, port);
    this.#tails[one.priority] = port;
    if (isBehind) {
      return false;
    }
    const control = this.#controlFrame * pageBytes + this.#controlOffset;
    this.#memory.write32(control + headsAt + one.priority * 4, port);
    const ready = this.#memory.read32(control);
    const bit = 1 << one.priority;
    this.#memory.write32(control, ready | bit);
    return (ready & bit) === 0;
  }

  /** Links a port to the end of a list, if the guest has not taken the end off. */
  #linkBehind(tail: number, port: number): boolean {
    const at = tail === 0 ? -1 : this.#at(tail);
    const word = at < 0 ? 0 : this.#memory.read32(at);
    if ((word & linked) === 0) {
      return false;
    }
    this.#memory.write32(at, (word & ~(busy | linkMask)) | port);
    return true;
  }

  #hold(frame: number): boolean {
    const isHeld = this.#pages.hold(frame, true);
    if (isHeld) {
      this.#arrayFrames.push(frame);
    }
    return isHeld;
  }

  /** Physical address of a port's word, -1 where the guest gave no page for it. */
  #at(port: number): number {
    const frame = this.#arrayFrames[Math.floor(port / wordsPerPage)];
    return frame === undefined ? -1 : frame * pageBytes + (port % wordsPerPage) * 4;
  }

  #port(port: number): PortQueue {
    const found = this.#ports.get(port);
    if (found !== undefined) {
      return found;
    }
    const made = { priority: defaultPriority, last: defaultPriority, pending: false };
    this.#ports.set(port, made);
    return made;
  }
}
