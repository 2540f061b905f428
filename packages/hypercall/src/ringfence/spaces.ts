/**
 * Address spaces of a guest of Ringfence's own interface.
 *
 * The guest donates pages once; directories and tables are made of these, and the guest cannot map
 * them. So it names mappings, and never has a page table in its hands. Which table stands where is
 * kept here and not read from the guest's memory.
 *
 * A space may share tables with the one that it was made from, as kernels want it: a part of 4 MiB
 * is then changed by its owner alone, for all that share it.
 */
import { pageBytes } from '@ringfence/memory';
import { RingfenceError as Failure, RingfenceLimit, RingfenceRight } from './constants.ts';
import type { RingfenceMemory } from './interfaces.ts';

const entries = 1024;
/** Present, accessed and dirty: the processor has nothing to note (SDM 3A table 4-6). */
const present = 0x61;
const writable = 2;
const user = 4;
const knownRights = RingfenceRight.write | RingfenceRight.user;

interface Space {
  readonly directory: number;
  /** Frames of tables by index in the directory. */
  readonly tables: Map<number, number>;
  /** Indexes of tables that are another space's. */
  readonly borrowed: Set<number>;
}

/** A range of pages that a call is about. */
export interface PageRange {
  readonly space: number;
  readonly linear: number;
  readonly pages: number;
}

/** All address spaces of one guest. */
export class Spaces {
  readonly #memory: RingfenceMemory;
  readonly #donated = new Set<number>();
  readonly #free: number[] = [];
  readonly #spaces = new Map<number, Space>();
  /** How many spaces have a frame as a table. */
  readonly #users = new Map<number, number>();
  /** The entries of one table, while they are changed. */
  readonly #words = new Int32Array(entries);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  /** Number of the space in use, -1 for none. */
  current: number = -1;

  /** Starts with no page and no space. */
  constructor(memory: RingfenceMemory) {
    this.#memory = memory;
  }

  /** Forgets everything. */
  reset(): void {
    this.#donated.clear();
    this.#free.length = 0;
    this.#spaces.clear();
    this.#users.clear();
    this.current = -1;
  }

  /** Whether a range is memory that the guest may name: RAM, and none of the pages it donated. */
  isOpen(physical: number, bytes: number): boolean {
    if (!this.#memory.isRam(physical, bytes)) {
      return false;
    }
    for (let at = Math.floor(physical / pageBytes); at * pageBytes < physical + bytes; at += 1) {
      if (this.#donated.has(at)) {
        return false;
      }
    }
    return true;
  }

  /** Takes pages for directories and tables, before the first space is made. */
  donate(physical: number, pages: number): number {
    if (this.#spaces.size > 0) {
      return -Failure.busy;
    }
    if (physical % pageBytes !== 0 || pages === 0) {
      return -Failure.badArgument;
    }
    if (this.#donated.size + pages > RingfenceLimit.donated) {
      return -Failure.tooMany;
    }
    if (!this.isOpen(physical, pages * pageBytes)) {
      return -Failure.badAddress;
    }
    for (let frame = 0; frame < pages; frame += 1) {
      this.#donated.add(physical / pageBytes + frame);
      this.#free.push(physical / pageBytes + frame);
    }
    return 0;
  }

  /** Makes a space and returns its number; `parts` tables of `from` are shared, from `first` on. */
  create(from: number, first: number, parts: number): number {
    const parent = this.#spaces.get(from);
    if (parts > 0 && parent === undefined) {
      return -Failure.noSpace;
    }
    if (first + parts > entries) {
      return -Failure.badArgument;
    }
    if (this.#spaces.size >= RingfenceLimit.spaces) {
      return -Failure.tooMany;
    }
    const directory = this.#take();
    if (directory === undefined) {
      return -Failure.noMemory;
    }
    const space: Space = { directory, tables: new Map(), borrowed: new Set() };
    for (let index = first; index < first + parts; index += 1) {
      const frame = parent?.tables.get(index);
      if (frame !== undefined) {
        space.borrowed.add(index);
        this.#attach(space, index, frame);
      }
    }
    let number = 0;
    while (this.#spaces.has(number)) {
      number += 1;
    }
    this.#spaces.set(number, space);
    return number;
  }

  /** Ends a space that is not in use and whose tables no other has. */
  destroy(number: number): number {
    const space = this.#spaces.get(number);
    if (space === undefined) {
      return -Failure.noSpace;
    }
    const isShared = [...space.tables].some(
      ([index, frame]) => !space.borrowed.has(index) && (this.#users.get(frame) ?? 0) > 1,
    );
    if (number === this.current || isShared) {
      return -Failure.busy;
    }
    for (const frame of space.tables.values()) {
      const users = (this.#users.get(frame) ?? 1) - 1;
      this.#users.set(frame, users);
      if (users === 0) {
        this.#users.delete(frame);
        this.#free.push(frame);
      }
    }
    this.#free.push(space.directory);
    this.#spaces.delete(number);
    return 0;
  }

  /** Makes a space the current one and returns the address of its directory, or an error. */
  use(number: number): number {
    const space = this.#spaces.get(number);
    if (space === undefined) {
      return -Failure.noSpace;
    }
    this.current = number;
    return space.directory * pageBytes;
  }

  /** Maps consecutive pages. */
  map(range: PageRange, physical: number, rights: number): number {
    const space = this.#find(range);
    if (typeof space === 'number') {
      return space;
    }
    if (physical % pageBytes !== 0 || (rights & ~knownRights) !== 0) {
      return -Failure.badArgument;
    }
    if (!this.isOpen(physical, range.pages * pageBytes)) {
      return -Failure.badAddress;
    }
    if (!this.#addTables(space, range)) {
      return -Failure.noMemory;
    }
    this.#fill(space, range, physical | bitsOf(rights), pageBytes);
    return 0;
  }

  /** Takes mappings away; pages that have none are passed over. */
  unmap(range: PageRange): number {
    const space = this.#find(range);
    if (typeof space === 'number') {
      return space;
    }
    this.#fill(space, range, 0, 0);
    return 0;
  }

  /** Changes what mappings allow; pages that have none are passed over. */
  protect(range: PageRange, rights: number): number {
    const space = this.#find(range);
    if (typeof space === 'number') {
      return space;
    }
    if ((rights & ~knownRights) !== 0) {
      return -Failure.badArgument;
    }
    const bits = bitsOf(rights);
    this.#eachPart(space, range, (at, _first, words) => {
      this.#memory.read(at, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
      for (const [index, word] of words.entries()) {
        words[index] = (word & 1) === 0 ? 0 : (word & -pageBytes) | bits;
      }
    });
    return 0;
  }

  /** The state as lists of numbers. */
  save(): Readonly<Record<string, readonly number[] | number>> {
    const spaces = [...this.#spaces].flatMap(([number, { directory, tables, borrowed }]) => [
      ...[number, directory, tables.size],
      ...[...tables].flatMap(([index, frame]) => [index, frame, borrowed.has(index) ? 1 : 0]),
    ]);
    return { donated: [...this.#donated], free: [...this.#free], spaces, current: this.current };
  }

  /** Takes over lists that `save` returned. */
  restore(lists: {
    readonly donated: readonly number[];
    readonly free: readonly number[];
    readonly spaces: readonly number[];
    readonly current: number;
  }): void {
    this.reset();
    lists.donated.forEach((frame) => this.#donated.add(frame));
    this.#free.push(...lists.free);
    const { spaces } = lists;
    let at = 0;
    while (at + 3 <= spaces.length) {
      const [number = 0, directory = 0, count = 0] = spaces.slice(at, at + 3);
      const space: Space = { directory, tables: new Map(), borrowed: new Set() };
      at += 3;
      for (let table = 0; table < count; table += 1, at += 3) {
        const [index = 0, frame = 0, isBorrowed = 0] = spaces.slice(at, at + 3);
        space.tables.set(index, frame);
        this.#users.set(frame, (this.#users.get(frame) ?? 0) + 1);
        if (isBorrowed === 1) {
          space.borrowed.add(index);
        }
      }
      this.#spaces.set(number, space);
    }
    this.current = lists.current;
  }

  #find({ space: number, linear, pages }: PageRange): Space | number {
    const space = this.#spaces.get(number);
    if (space === undefined) {
      return -Failure.noSpace;
    }
    const end = linear + pages * pageBytes;
    if (linear % pageBytes !== 0 || pages === 0 || end > 2 ** 32) {
      return -Failure.badArgument;
    }
    if (pages > RingfenceLimit.pages) {
      return -Failure.tooMany;
    }
    for (let index = partOf(linear); index <= partOf(end - 1); index += 1) {
      if (space.borrowed.has(index)) {
        return -Failure.busy;
      }
    }
    return space;
  }

  /** Makes the tables that a range needs and that are not there; false without pages for all. */
  #addTables(space: Space, { linear, pages }: PageRange): boolean {
    const [first, last] = [partOf(linear), partOf(linear + pages * pageBytes - 1)];
    let missing = 0;
    for (let at = first; at <= last; at += 1) {
      missing += space.tables.has(at) ? 0 : 1;
    }
    if (missing > this.#free.length) {
      return false;
    }
    for (let at = first; missing > 0 && at <= last; at += 1) {
      if (!space.tables.has(at)) {
        this.#attach(space, at, this.#take() ?? 0);
      }
    }
    return true;
  }

  #attach(space: Space, index: number, frame: number): void {
    space.tables.set(index, frame);
    this.#users.set(frame, (this.#users.get(frame) ?? 0) + 1);
    const entry = (frame * pageBytes) | present | writable | user;
    this.#memory.write32(space.directory * pageBytes + index * 4, entry);
  }

  /** Sets the entries of a range to `entry`, each `step` more than the one before. */
  #fill(space: Space, range: PageRange, entry: number, step: number): void {
    const frame = range.pages === 1 ? space.tables.get(partOf(range.linear)) : undefined;
    if (frame !== undefined) {
      // The frequent case, without the detour of a list.
      const index = (range.linear / pageBytes) % entries;
      this.#memory.write32(frame * pageBytes + index * 4, entry);
      return;
    }
    this.#eachPart(space, range, (_at, first, words) => {
      for (let index = 0; index < words.length; index += 1) {
        words[index] = entry + (first + index) * step;
      }
    });
  }

  /**
   * Lets `change` set the entries of a range, table by table: their address, which page of the
   * range is the first, and the words, which are written in one piece.
   */
  #eachPart(
    space: Space,
    { linear, pages }: PageRange,
    change: (at: number, first: number, words: Int32Array) => void,
  ): void {
    let done = 0;
    while (done < pages) {
      const page = linear / pageBytes + done;
      const count = Math.min(pages - done, entries - (page % entries));
      const frame = space.tables.get(Math.floor(page / entries));
      if (frame !== undefined) {
        const at = frame * pageBytes + (page % entries) * 4;
        change(at, done, this.#words.subarray(0, count));
        this.#memory.write(at, this.#bytes.subarray(0, count * 4));
      }
      done += count;
    }
  }

  /** Takes a free page, all zero. */
  #take(): number | undefined {
    const frame = this.#free.pop();
    if (frame !== undefined) {
      this.#memory.write(frame * pageBytes, new Uint8Array(pageBytes));
    }
    return frame;
  }
}

/** Index of the directory's entry for an address. */
function partOf(linear: number): number {
  return Math.floor(linear / (pageBytes * entries));
}

function bitsOf(rights: number): number {
  const writes = (rights & RingfenceRight.write) !== 0 ? writable : 0;
  return present | writes | ((rights & RingfenceRight.user) !== 0 ? user : 0);
}
