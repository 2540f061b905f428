/**
 * Pages that stand at other frames of a translated guest than they do by themselves: Xen's own, and
 * those of the guest's that it moved (public/memory.h, XENMAPSPACE_*).
 */
import { pageBytes } from '@ringfence/memory';
import type { XenMemory } from './interfaces.ts';

/** The most pages of its own that a guest can have moved at a time. */
export const mostMovedPages = 1024;

/** Which page stands where. */
export class PlacedPages {
  readonly #memory: XenMemory;
  readonly #guestEnd: number;
  /** Frames by the addresses of pages, and the other way round. */
  readonly #frames = new Map<number, number>();
  readonly #pages = new Map<number, number>();

  /** Pages from `guestEnd` on are Xen's own. */
  constructor(memory: XenMemory, guestEnd: number) {
    this.#memory = memory;
    this.#guestEnd = guestEnd;
  }

  /** Addresses of pages and the frames at which they stand. */
  get list(): readonly (readonly [number, number])[] {
    return [...this.#frames];
  }

  /** Whether a page stands at a frame that is not its own. */
  has(frame: number): boolean {
    return this.#pages.has(frame);
  }

  /** Frame at which a page stands that is not at its own. */
  frameOf(page: number): number | undefined {
    return this.#frames.get(page);
  }

  /** Lets a page stand at a frame and nowhere else; false where none can stand. */
  place(frame: number, page: number): boolean {
    if (!this.#memory.alias(frame * pageBytes, page)) {
      return false;
    }
    const [before, other] = [this.#frames.get(page), this.#pages.get(frame)];
    if (other !== undefined) {
      this.#frames.delete(other);
    }
    this.#frames.set(page, frame);
    this.#pages.set(frame, page);
    if (before !== undefined && before !== frame) {
      this.#pages.delete(before);
      this.#uncover(before);
    }
    if (other !== undefined && other !== page) {
      this.#uncover(other / pageBytes);
    }
    this.#uncover(page / pageBytes);
    return true;
  }

  /** Takes a page away from a frame; false where none stands. It is at its own again. */
  unplace(frame: number): boolean {
    const page = this.#pages.get(frame);
    if (page === undefined) {
      return false;
    }
    this.#pages.delete(frame);
    this.#frames.delete(page);
    this.#uncover(frame);
    this.#uncover(page / pageBytes);
    return true;
  }

  /**
   * Lets the guest's page that stands at one frame stand at another instead; false where there is
   * none, or none can stand, or too many were moved.
   */
  move(from: number, to: number): boolean {
    const own = from * pageBytes;
    const isOwn = own < this.#guestEnd && this.#memory.isRam(own, pageBytes);
    const page = this.#pages.get(from) ?? (isOwn && !this.#frames.has(own) ? own : undefined);
    if (page === undefined || page >= this.#guestEnd) {
      return false;
    }
    if (page === to * pageBytes) {
      return from === to || this.unplace(from);
    }
    const isRoom = this.#frames.has(page) || this.#frames.size < mostMovedPages;
    return isRoom && this.place(to, page);
  }

  /** Takes every page back to its own place. */
  reset(): void {
    for (const frame of [...this.#pages.keys()]) {
      this.unplace(frame);
    }
  }

  /**
   * Shows at a frame where nothing is placed what is there by itself: nothing, if that is a page of
   * the guest's that stands elsewhere.
   */
  #uncover(frame: number): void {
    if (this.#pages.has(frame)) {
      return;
    }
    const page = frame * pageBytes;
    const isMoved = page < this.#guestEnd && this.#frames.has(page);
    this.#memory.alias(page, isMoved ? 'nothing' : undefined);
  }
}
