/**
 * Remembers instructions that regions give up again and again, and what is done about each.
 *
 * Accesses near one base share a look-up, which fails where their range is not in one page, as that
 * of a stack frame may be: first those of a region by the same register are looked up apart. Where
 * that does not help, what is accessed has no fast path (data beside code, devices, page tables):
 * then the handler does the instruction.
 */

/** Share of instructions that are given up which is too much. */
export const manyGivenUp = 0.002;

/** What is done about an instruction. */
export const GivenUpLevel = { none: 0, apart: 1, hosted: 2 } as const;

/** Pages that are remembered at one time; then all is forgotten. */
const maximumPages = 4096;

/** The instructions by page (canonical). */
export class GivenUpCode {
  readonly #pages = new Map<number, Map<number, number>>();

  /** Notes that something is done about the instruction at an offset. */
  raise(page: number, offset: number, level: number): void {
    if (this.level(page, offset) >= level) return;
    if (this.#pages.size >= maximumPages) this.#pages.clear();
    const known = this.#pages.get(page) ?? new Map<number, number>();
    known.set(offset, level);
    this.#pages.set(page, known);
  }

  /** What is done about the instruction at an offset: a `GivenUpLevel`. */
  level(page: number, offset: number): number {
    return this.#pages.get(page)?.get(offset) ?? GivenUpLevel.none;
  }

  /** The code of a page is other code now. */
  forget(page: number): void {
    this.#pages.delete(page);
  }
}
