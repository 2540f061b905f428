import type { DomainWait, XenDomain } from './domain.ts';

/** What a virtual CPU waits for: an event, an upcall, or a time. */
export class Waiting {
  readonly #domain: XenDomain;
  readonly #isUpcallDue: () => boolean;
  readonly #wake: ReturnType<XenDomain['services']['timers']['create']>;
  readonly #resumed: ReturnType<XenDomain['services']['timers']['create']>;
  #wait: DomainWait | undefined;

  /** Lets hypercalls of a guest wait; `stop` has the virtual CPU do nothing until it is over. */
  constructor(domain: XenDomain, isUpcallDue: () => boolean, stop?: () => void) {
    const { timers, machine } = domain.services;
    this.#domain = domain;
    this.#isUpcallDue = isUpcallDue;
    this.#wake = timers.create(() => {
      machine.attention();
    });
    this.#resumed = timers.create(() => {
      if (this.active) stop?.();
    });
    domain.waiter = (wait) => {
      this.#begin(wait);
      stop?.();
    };
  }

  /** Whether the virtual CPU waits. */
  get active(): boolean {
    return this.#wait !== undefined;
  }

  /** Whether a wait is over. */
  get isOver(): boolean {
    const wait = this.#wait;
    if (wait === undefined) {
      return true;
    }
    const { shared, events, services } = this.#domain;
    const { ports, timeoutNs } = wait;
    const hasCome = ports?.some((port) => events.isPending(port)) ?? shared.upcallPending;
    const isLate = timeoutNs > 0 && services.clock.now() >= timeoutNs;
    return hasCome || isLate || this.#isUpcallDue();
  }

  /** Ends a wait. */
  end(): void {
    if (this.#wait !== undefined) {
      this.#domain.setWaiting(false);
    }
    this.#wait = undefined;
    this.#wake.cancel();
  }

  /** A wait as numbers: none; or the time and, unless it is for an upcall, 1 and the ports. */
  save(): readonly number[] {
    const wait = this.#wait;
    if (wait === undefined) {
      return [];
    }
    return [wait.timeoutNs, ...(wait.ports === undefined ? [] : [1, ...wait.ports])];
  }

  /** Takes over what `save` returned; the virtual CPU is restored later, and stops when it runs. */
  restore(numbers: readonly number[]): void {
    this.end();
    const [timeoutNs, hasPorts, ...ports] = numbers;
    if (timeoutNs !== undefined) {
      this.#begin(hasPorts === undefined ? { timeoutNs } : { ports, timeoutNs });
      this.#resumed.arm(0);
    }
  }

  #begin(wait: DomainWait): void {
    this.#wait = wait;
    this.#domain.setWaiting(true);
    if (wait.timeoutNs > 0) {
      this.#wake.arm(wait.timeoutNs);
    }
  }
}
