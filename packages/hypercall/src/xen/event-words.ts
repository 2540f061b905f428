import type { SharedInfo } from './shared-info.ts';

/** How events are told to the guest: two-level bitmaps, or queues of words. */
export interface EventWords {
  /** Makes an event pending; returns whether an upcall is due. */
  raise(port: number): boolean;
  /** Takes an event back. */
  clear(port: number): void;
  /** Unmasks an event for the guest; returns whether an upcall is due. */
  unmask(port: number): boolean;
  isPending(port: number): boolean;
  /** Whether the guest has still to take the event off a list: nothing else may have its port. */
  isBusy(port: number): boolean;
}

/** Two-level bitmaps in the shared page (docs: "2-level ABI"). */
export class EventBitmaps implements EventWords {
  readonly #shared: SharedInfo;

  constructor(shared: SharedInfo) {
    this.#shared = shared;
  }

  raise(port: number): boolean {
    const isNew = !this.#shared.setPending(port, true);
    return isNew && !this.#shared.isMasked(port) && !this.#shared.select(port);
  }

  clear(port: number): void {
    this.#shared.setPending(port, false);
  }

  unmask(port: number): boolean {
    const wasMasked = this.#shared.setMasked(port, false);
    return wasMasked && this.#shared.isPending(port) && !this.#shared.select(port);
  }

  isPending(port: number): boolean {
    return this.#shared.isPending(port);
  }

  isBusy(): boolean {
    return false;
  }
}
