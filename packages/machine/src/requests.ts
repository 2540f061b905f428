import type { MachineEnd } from './api.ts';

/**
 * What the guest, a device or the host asks of the machine as a whole; `init` resets the processor
 * alone, `sleep` keeps memory and the clock only, until `wake`.
 */
export type MachineRequest =
  | { readonly kind: 'end'; readonly end: MachineEnd }
  | { readonly kind: 'sleep' | 'wake' }
  | { readonly kind: 'reset'; readonly cause: 'guest' | 'triple-fault' | 'init' | 'host' };

/**
 * The request that waits to be served once the current instruction is done.
 *
 * Devices ask from within an access, where nothing can be torn down. The first request counts: what
 * a guest asks for after its power-off never happens.
 */
export class RequestBox {
  readonly #notify: () => void;
  #pending: MachineRequest | undefined;

  /** Makes an empty box; `notify` is called when a request arrives. */
  constructor(notify: () => void) {
    this.#notify = notify;
  }

  /** Puts a request into the box, unless one is there. */
  ask(request: MachineRequest): void {
    if (this.#pending === undefined) {
      this.#pending = request;
      this.#notify();
    }
  }

  /** Takes the request out. */
  take(): MachineRequest | undefined {
    const request = this.#pending;
    this.#pending = undefined;
    return request;
  }

  /** The request that waits, for snapshots. */
  get pending(): MachineRequest | undefined {
    return this.#pending;
  }

  /** Whether a request waits. */
  get waiting(): boolean {
    return this.#pending !== undefined;
  }
}
