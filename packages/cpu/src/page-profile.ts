/**
 * What a translation profile remembers of one page.
 *
 * In 16-bit words: the run that met the page last, then four lists, each with its length before
 * it: known offsets; regions, each a list of offsets itself; eased offsets with the level in the
 * top four bits; parts of the page that were sampled, with the number of samples in the low byte.
 */

/** Regions of a page, and offsets of a region, that are remembered. */
const maximumRegions = 64;
const maximumStarts = 64;

const pageBytes = 4096;
const levelShift = 12;

/** Bytes of a part of a page in which samples are counted together, as a shift. */
export const partShift = 7;

const partsPerPage: number = pageBytes >> partShift;
const mostSamples = 255;

/** Reads the words of a profile one after the other; what is past the end makes it unsound. */
export class WordReader {
  isSound = true;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#view.byteLength - this.#at;
  }

  /** The next word, 0 past the end. */
  word(): number {
    if (this.left < 2) {
      this.isSound = false;
      return 0;
    }
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  /** The next list, of at most so many words that are each below `limit`. */
  list(most: number, limit: number): Uint16Array {
    const count = this.#count(most);
    const words = new Uint16Array(count);
    for (let index = 0; index < count; index++) {
      const word = this.word();
      if (word >= limit) this.isSound = false;
      words[index] = word;
    }
    return words;
  }

  /** The next list of signed 32-bit numbers of two words each, the lower first. */
  pairs(most: number): number[] {
    const count = this.#count(most);
    return Array.from({ length: count }, () => this.word() | (this.word() << 16));
  }

  /** The next list of lists. */
  lists(most: number, mostEach: number, limit: number): Uint16Array[] {
    const count = this.#count(most);
    const lists: Uint16Array[] = [];
    for (let index = 0; index < count && this.isSound; index++) {
      lists.push(this.list(mostEach, limit));
    }
    return lists;
  }

  #count(most: number): number {
    const count = this.word();
    if (count > most) this.isSound = false;
    return this.isSound ? count : 0;
  }
}

/** What is remembered of a page of some content. */
export class PageProfile {
  /** The last run that met the page. */
  run: number;
  readonly #regions = new Map<number, readonly number[]>();
  readonly #eased = new Map<number, number>();
  /** Known offsets as they were read: most pages of a profile are never looked at. */
  #knownWords: Uint16Array | undefined;
  #known: Set<number> | undefined;
  /** Samples by part; most pages have regions where they are sampled. */
  #samples: Uint8Array | undefined;

  constructor(run: number) {
    this.run = run;
  }

  /** Reads what `write` wrote. */
  static read(reader: WordReader): PageProfile {
    const page = new PageProfile(reader.word());
    page.#knownWords = reader.list(pageBytes, pageBytes);
    for (const starts of reader.lists(maximumRegions, maximumStarts, pageBytes)) {
      page.noteRegion([...starts]);
    }
    for (const word of reader.list(pageBytes, 0x1_0000)) {
      page.noteEased(word & (pageBytes - 1), word >>> levelShift);
    }
    for (const word of reader.list(partsPerPage, partsPerPage << 8)) {
      page.#ofParts[word >>> 8] = word & mostSamples;
    }
    return page;
  }

  /** Offsets of instructions that were in regions, of this page or of others. */
  get known(): Set<number> {
    this.#known ??= new Set(this.#knownWords ?? []);
    this.#knownWords = undefined;
    return this.#known;
  }

  /** The offsets that each region of the page was made around. */
  get regions(): readonly (readonly number[])[] {
    return [...this.#regions.values()];
  }

  /** Instructions that regions do otherwise than at first: a `GivenUpLevel`, by offset. */
  get eased(): ReadonlyMap<number, number> {
    return this.#eased;
  }

  /** Remembers a region by the offsets that it was made around; the first one stands for it. */
  noteRegion(starts: readonly number[]): void {
    const [first] = starts;
    if (first === undefined || starts.length > maximumStarts) return;
    if (starts.some((start) => start < 0 || start >= pageBytes)) return;
    if (this.#regions.size < maximumRegions || this.#regions.has(first)) {
      this.#regions.set(first, starts);
    }
  }

  /** Remembers that regions do an instruction otherwise. */
  noteEased(offset: number, level: number): void {
    this.#eased.set(offset, level);
  }

  /** Counts a sample at an offset; returns how many there were in that part, in all runs. */
  countSample(offset: number): number {
    const samples = this.#ofParts;
    const count = Math.min((samples[offset >> partShift] ?? 0) + 1, mostSamples);
    samples[offset >> partShift] = count;
    return count;
  }

  /** The samples of the part around an offset have led to what they are counted for. */
  forgetSamples(offset: number): void {
    this.#ofParts[offset >> partShift] = 0;
  }

  get #ofParts(): Uint8Array {
    this.#samples ??= new Uint8Array(partsPerPage);
    return this.#samples;
  }

  /** Appends the words of the page. */
  write(words: number[]): void {
    const known = this.#knownWords ?? [...this.known];
    words.push(this.run, known.length, ...known, this.#regions.size);
    for (const starts of this.#regions.values()) words.push(starts.length, ...starts);
    words.push(this.#eased.size);
    for (const [offset, level] of this.#eased) words.push(offset | (level << levelShift));
    const sampled = [...(this.#samples ?? [])].flatMap((count, part) =>
      count > 0 ? [(part << 8) | count] : [],
    );
    words.push(sampled.length, ...sampled);
  }
}
