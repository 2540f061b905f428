/**
 * When the ring of a disk is looked at instead of the guest telling of each request.
 *
 * Linux' front end tells of every request as soon as it stands in the ring, unless it need not
 * tell yet. A back end on another processor is still busy then, so that requests gather; here it
 * runs in the guest's place and would always be done, and a guest with 32 requests under way
 * would tell, and be interrupted, 32 times. So the guest is not asked to tell while many come: the
 * ring is looked at when the guest is idle, or a little later if it has something else to do.
 *
 * Whether many come is found out by trying: one request in 16 is not asked for, and if more than
 * one stands in the ring when it is looked at, that goes on. A guest that waits for each request
 * loses little: with each trial that finds a single one the next is twice as far off.
 */

/** From 64 KiB on a request counts as one of many. */
const manySectors = 128;
const firstInterval = 16;
const longestInterval = 1024;
/** How long a request that the guest did not tell of waits, unless the guest is idle. */
const shortDelayNs = 100_000;
const longDelayNs = 2_000_000;

/** Why requests were taken from the ring. */
export type BlockCause = 'told' | 'idle' | 'timer';

/** Decides for one disk. */
export class BlockPace {
  #interval = firstInterval;
  #told = 0;
  #requests = 0;
  #isLarge = false;
  #delayNs = 0;

  /** A request moves that many sectors. */
  count(sectors: number): void {
    this.#requests += 1;
    this.#isLarge ||= sectors >= manySectors;
  }

  /** The ring is empty: how long until it is looked at, 0 if the guest is to tell. */
  rest(cause: BlockCause): number {
    this.#delayNs = this.#nextDelayNs(cause);
    this.#requests = 0;
    this.#isLarge = false;
    return this.#delayNs;
  }

  #nextDelayNs(cause: BlockCause): number {
    if (this.#isLarge) {
      return longDelayNs;
    }
    if (cause === 'told') {
      this.#told += this.#requests;
      if (this.#told < this.#interval) {
        return 0;
      }
      this.#told = 0;
      return shortDelayNs;
    }
    if (this.#requests > 1) {
      this.#interval = firstInterval;
      return shortDelayNs;
    }
    if (cause === 'timer' && this.#requests === 0 && this.#delayNs < longDelayNs) {
      // The guest is busy, perhaps with what it was answered; nothing waits for the ring.
      return Math.min(this.#delayNs * 2, longDelayNs);
    }
    this.#interval = Math.min(this.#interval * 2, longestInterval);
    return 0;
  }
}
