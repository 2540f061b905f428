import type { XenDomain } from '../domain.ts';

/** What a virtual CPU waits for: a condition, an upcall, or a time. */
export class PvWaiting {
  readonly #domain: XenDomain;
  readonly #isUpcallDue: () => boolean;
  readonly #wake: ReturnType<XenDomain['services']['timers']['create']>;
  #waiting: { readonly until: () => boolean; readonly deadlineNs: number } | undefined;

  /** Lets hypercalls of a guest wait. */
  constructor(domain: XenDomain, isUpcallDue: () => boolean) {
    const { timers, machine } = domain.services;
    this.#domain = domain;
    this.#isUpcallDue = isUpcallDue;
    this.#wake = timers.create(() => {
      machine.attention();
    });
    domain.waiter = (until, timeoutNs) => {
      this.#waiting = { until, deadlineNs: timeoutNs === 0 ? Infinity : timeoutNs };
      if (timeoutNs > 0) {
        this.#wake.arm(timeoutNs);
      }
    };
  }

  /** Whether the virtual CPU waits. */
  get active(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether a wait is over. */
  get isOver(): boolean {
    const waiting = this.#waiting;
    return (
      waiting === undefined ||
      waiting.until() ||
      this.#isUpcallDue() ||
      this.#domain.services.clock.now() >= waiting.deadlineNs
    );
  }

  /** Ends a wait. */
  end(): void {
    this.#waiting = undefined;
    this.#wake.cancel();
  }
}
