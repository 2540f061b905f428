import type { Machine } from '@ringfence/machine';

import type { SavedProfile } from '../storage/saved-profile.ts';

/** How often a profile is kept while a machine runs: a page may go away without a word. */
const keepMs = 10_000;

/** Keeps the profile of one machine: now and then, and when the machine stands still. */
export class ProfileKeeper {
  readonly #machine: Machine;
  readonly #saved: SavedProfile;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #unlisten: () => void;
  #keptRegions = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(machine: Machine, saved: SavedProfile) {
    this.#machine = machine;
    this.#saved = saved;
    this.#unlisten = machine.on('state', (state) => {
      if (state !== 'running') void this.keep();
    });
    this.#timer = setInterval(() => void this.keep(), keepMs);
  }

  /** Keeps what was translated, unless that is kept already; resolves once all is written. */
  keep(): Promise<void> {
    const { regions } = this.#machine.stats().translations;
    const bytes = regions === this.#keptRegions ? undefined : this.#machine.translationProfile();
    if (bytes !== undefined) {
      this.#keptRegions = regions;
      // One after the other, so that the latest stays.
      this.#writing = this.#writing.then(() => this.#saved.write(bytes));
    }
    return this.#writing;
  }

  /** Ends the keeping: another machine takes this one's place. */
  stop(): void {
    clearInterval(this.#timer);
    this.#unlisten();
  }
}
