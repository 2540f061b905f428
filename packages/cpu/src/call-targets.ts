/**
 * Where calls lead, as far as the interpreter has met them: where functions begin. A hint for
 * choosing regions; the addresses are linear ones, of whatever address space was running.
 */

/** Pages that are remembered at one time; then all is forgotten. */
const maximumPages = 8192;

/** How far in front of an address a function is looked for, in pages. */
const pagesBack = 1;

/** Targets of calls by linear page. */
export class CallTargets {
  readonly #pages = new Map<number, Set<number>>();

  /** A call to a linear address was met. */
  note(linear: number): void {
    const page = linear >>> 12;
    let offsets = this.#pages.get(page);
    if (offsets === undefined) {
      if (this.#pages.size >= maximumPages) this.#pages.clear();
      offsets = new Set();
      this.#pages.set(page, offsets);
    }
    offsets.add(linear & 4095);
  }

  /** The last target at or before a linear address and not far from it, -1 if none is known. */
  before(linear: number): number {
    let limit = linear & 4095;
    for (let page = linear >>> 12; page >= (linear >>> 12) - pagesBack; page--) {
      let best = -1;
      for (const offset of this.#pages.get(page) ?? []) {
        if (offset <= limit && offset > best) best = offset;
      }
      if (best >= 0) return page * 4096 + best;
      limit = 4095;
    }
    return -1;
  }
}
