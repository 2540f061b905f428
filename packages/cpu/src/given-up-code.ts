/**
 * Remembers instructions that regions give up again and again, because what they access has no fast
 * path: data beside code, devices, page tables. Regions then have their handlers do them.
 */

/** Share of instructions that are given up which is too much. */
export const manyGivenUp = 0.01;

/** Pages that are remembered at one time; then all is forgotten. */
const maximumPages = 4096;

/** The instructions by page (canonical). */
export class GivenUpCode {
  readonly #pages = new Map<number, Set<number>>();

  /** Notes an instruction by its offset in a page. */
  note(page: number, offset: number): void {
    const known = this.#pages.get(page);
    if (known !== undefined) {
      known.add(offset);
      return;
    }
    if (this.#pages.size >= maximumPages) this.#pages.clear();
    this.#pages.set(page, new Set([offset]));
  }

  /** Whether the instruction at an offset was given up too often. */
  has(page: number, offset: number): boolean {
    return this.#pages.get(page)?.has(offset) ?? false;
  }

  /** The code of a page is other code now. */
  forget(page: number): void {
    this.#pages.delete(page);
  }
}
