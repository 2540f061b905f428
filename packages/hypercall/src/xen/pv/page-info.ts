/**
 * Page types and reference counts of a paravirtual guest's memory, as Xen keeps them (Xen,
 * arch/x86/mm.c, the comment at its head).
 *
 * A page is used as one type at a time: a page table of one level, a descriptor table, or memory
 * that can be written. The count of uses says how often it is used so; at zero it may become
 * another type. A page table holds a use of every page that it maps: of the lower table as such, of
 * a page that it maps for writing as writable. So no page that serves as a table is ever mapped for
 * writing.
 */

/** What a page is used as. */
export const PageType = { none: 0, l1: 1, l2: 2, l3: 3, descriptors: 4, writable: 5 } as const;

/** Whose a page is. */
export const PageOwner = {
  /** No memory, or a page of Xen's that the guest must not map. */
  nobody: 0,
  guest: 1,
  /** Xen's, and the guest may map it for writing: shared page, grants. */
  shared: 2,
  /** Xen's, and the guest may map it to read: the table of machine frames. */
  readable: 3,
} as const;

/** The most uses of one page. */
const mostUses = 0x3fff_ffff;

/** Owners, types and counts of all pages. */
export class PageInfo {
  /** Number of frames. */
  readonly frames: number;
  readonly #owner: Uint8Array;
  readonly #type: Uint8Array;
  readonly #uses: Uint32Array;
  readonly #pinned: Uint8Array;
  /** Page tables whose contents were checked and that hold uses of what they map. */
  readonly #valid: Uint8Array;
  /** The L2 table of the top gigabyte has Xen's own entries. */
  readonly #top: Uint8Array;
  /**
   * Of tables of the second level: how many entries name others of that level; negative, how often
   * others name it so.
   */
  readonly #linear: Int32Array;

  /** Starts with nobody's pages. */
  constructor(frames: number) {
    this.frames = frames;
    this.#owner = new Uint8Array(frames);
    this.#type = new Uint8Array(frames);
    this.#uses = new Uint32Array(frames);
    this.#pinned = new Uint8Array(frames);
    this.#valid = new Uint8Array(frames);
    this.#top = new Uint8Array(frames);
    this.#linear = new Int32Array(frames);
  }

  /** Forgets everything. */
  reset(): void {
    for (const table of [
      this.#owner,
      this.#type,
      this.#uses,
      this.#pinned,
      this.#valid,
      this.#top,
      this.#linear,
    ]) {
      table.fill(0);
    }
  }

  /** Says whose frames `first` to before `end` are. */
  setOwner(first: number, end: number, owner: number): void {
    this.#owner.fill(owner, first, end);
  }

  /**
   * The state as lists of runs, value and count each; `without` are frames each of which has a use
   * less, for uses that are made anew when the state is restored.
   */
  save(without: readonly number[]): Readonly<Record<string, readonly number[]>> {
    const uses = this.#uses.slice();
    for (const frame of without) {
      uses[frame] = (uses[frame] ?? 1) - 1;
    }
    return {
      owners: runsOf(this.#owner),
      types: runsOf(this.#type),
      uses: runsOf(uses),
      pinned: runsOf(this.#pinned),
      valid: runsOf(this.#valid),
      tops: runsOf(this.#top),
      linear: runsOf(this.#linear),
    };
  }

  /** Takes over lists that `save` returned, for as many frames as there are here. */
  restore(list: (name: string) => readonly number[]): void {
    fillRuns(this.#owner, list('owners'));
    fillRuns(this.#type, list('types'));
    fillRuns(this.#uses, list('uses'));
    fillRuns(this.#pinned, list('pinned'));
    fillRuns(this.#valid, list('valid'));
    fillRuns(this.#top, list('tops'));
    fillRuns(this.#linear, list('linear'));
  }

  owner(frame: number): number {
    return this.#owner[frame] ?? PageOwner.nobody;
  }

  type(frame: number): number {
    return (this.#uses[frame] ?? 0) === 0 ? PageType.none : (this.#type[frame] ?? PageType.none);
  }

  uses(frame: number): number {
    return this.#uses[frame] ?? 0;
  }

  isPinned(frame: number): boolean {
    return this.#pinned[frame] === 1;
  }

  setPinned(frame: number, pinned: boolean): void {
    this.#pinned[frame] = pinned ? 1 : 0;
  }

  isValid(frame: number): boolean {
    return this.#valid[frame] === 1;
  }

  setValid(frame: number, valid: boolean): void {
    this.#valid[frame] = valid ? 1 : 0;
  }

  isTop(frame: number): boolean {
    return this.#top[frame] === 1;
  }

  setTop(frame: number, top: boolean): void {
    this.#top[frame] = top ? 1 : 0;
  }

  /** Linear page tables: entries that a table has (positive), or uses of it in others. */
  linear(frame: number): number {
    return this.#linear[frame] ?? 0;
  }

  addLinear(frame: number, change: number): void {
    this.#linear[frame] = (this.#linear[frame] ?? 0) + change;
  }

  /** Begins a use; false where the page is used as another type. */
  take(frame: number, type: number): boolean {
    const uses = this.#uses[frame] ?? mostUses;
    if (uses >= mostUses || (uses > 0 && this.#type[frame] !== type)) {
      return false;
    }
    this.#type[frame] = type;
    this.#uses[frame] = uses + 1;
    return true;
  }

  /** Ends a use; returns how many are left. */
  drop(frame: number): number {
    const uses = this.#uses[frame] ?? 0;
    if (uses > 0) {
      this.#uses[frame] = uses - 1;
    }
    return Math.max(0, uses - 1);
  }
}

function runsOf(table: Uint8Array | Uint32Array | Int32Array): readonly number[] {
  const runs: number[] = [];
  for (let at = 0; at < table.length;) {
    const value = table[at] ?? 0;
    let end = at;
    while (end < table.length && table[end] === value) {
      end += 1;
    }
    runs.push(value, end - at);
    at = end;
  }
  return runs;
}

function fillRuns(table: Uint8Array | Uint32Array | Int32Array, runs: readonly number[]): void {
  let at = 0;
  for (let index = 0; index + 1 < runs.length; index += 2) {
    const end = at + (runs[index + 1] ?? 0);
    table.fill(runs[index] ?? 0, at, end);
    at = end;
  }
}
