import type { HostServices } from './options/machine-options.ts';

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** A host whose time moves when a test moves it. */
export class TestHost implements HostServices {
  ms: number = 0;
  unixMs: number = 1_700_000_000_000;
  /** Host milliseconds that each look at the clock takes. */
  msPerLook: number = 0;
  /** Its timers leave no time between slices. */
  readonly compilesAtOnce = true;
  readonly #waiting = new Set<Waiting>();

  monotonicMs(): number {
    this.ms += this.msPerLook;
    return this.ms;
  }

  unixTimeMs(): number {
    return this.unixMs + this.ms;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const waiting = { at: this.ms + delayMs, callback };
    this.#waiting.add(waiting);
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  /** How many callbacks wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Milliseconds until the next callback, or `Infinity`. */
  get nextMs(): number {
    return Math.min(...[...this.#waiting].map(({ at }) => at)) - this.ms;
  }

  /** Moves time to the next callback and calls it; returns false if there is none. */
  turn(): boolean {
    const next = [...this.#waiting].sort((one, other) => one.at - other.at)[0];
    if (next === undefined) {
      return false;
    }
    this.#waiting.delete(next);
    this.ms = Math.max(this.ms, next.at);
    next.callback();
    return true;
  }
}
