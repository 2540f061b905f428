/**
 * What was translated in earlier runs, by the content of code pages, so that a later run has the
 * same code translated as soon as it meets a page, instead of when it has become hot again.
 *
 * A profile names places, never code: a region is made of the bytes that are in memory, as any
 * other. So a wrong, outdated or forged profile costs time and nothing else.
 *
 * As bytes it is a sequence of little-endian 16-bit words: the magic, the number of the run, the
 * number of variants and two words each, and pages in the form of `page-profile.ts`.
 */
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import type { Variant } from '@ringfence/translator';
import { PageProfile, WordReader } from './page-profile.ts';

/** A number that stands for the content of a page: 52 bits of a hash of its words. */
export type ContentKey = number;

/** Pages that are remembered; further ones take the place of those that were there first. */
const maximumPages = 8192;

/** Variants whose order is remembered. */
const maximumVariants = 8192;

const wordsPerPage = 1024;

/** "RFTP", and the version of the form. */
const magic: readonly number[] = [0x4652, 0x5054, 3];

/** The key of the page content at a word index. */
export function contentKey(words: Int32Array, from: number): ContentKey {
  let low = 0x811c_9dc5 | 0;
  let high = 0x1234_5678;
  for (let index = from; index < from + wordsPerPage; index++) {
    const word = words[index] ?? 0;
    low = Math.imul(low ^ word, 0xcc9e_2d51);
    low = (low << 15) | (low >>> 17);
    high = Math.imul(high + word, 0x1b87_3593) ^ (high >>> 11);
  }
  return (low >>> 0) * 0x10_0000 + (high >>> 12);
}

/** The key of what a page (canonical) contains, undefined where there is no memory. */
export function contentKeyOf(
  machine: MachineMemory,
  physical: PhysicalMemory,
  page: number,
): ContentKey | undefined {
  const backing = physical.backing(page);
  return backing < 0 ? undefined : contentKey(machine.i32, backing >> 2);
}

/** The pages that were translated, in this run and in earlier ones. */
export class TranslationProfile {
  /** Variants of instructions in the order in which they were met; the interpreter adds to it. */
  readonly variants: Variant[];
  readonly #pages: Map<ContentKey, PageProfile>;
  /** Counts runs, modulo 65536. */
  readonly #run: number;

  private constructor(pages: Map<ContentKey, PageProfile>, variants: Variant[], run: number) {
    this.variants = variants;
    this.#pages = pages;
    this.#run = run;
  }

  /** A profile that knows nothing. */
  static empty(): TranslationProfile {
    return new TranslationProfile(new Map(), [], 0);
  }

  /** Reads what `toBytes` wrote; undefined for anything else. */
  static parse(bytes: Uint8Array): TranslationProfile | undefined {
    if (bytes.length % 2 !== 0) return undefined;
    const reader = new WordReader(bytes);
    if (magic.some((word) => reader.word() !== word)) return undefined;
    const run = reader.word();
    const variants = reader.pairs(maximumVariants);
    const pages = new Map<ContentKey, PageProfile>();
    while (reader.isSound && reader.left > 0 && pages.size < maximumPages) {
      const key = keyOf(reader.word(), reader.word(), reader.word(), reader.word());
      pages.set(key, PageProfile.read(reader));
    }
    if (!reader.isSound) return undefined;
    return new TranslationProfile(pages, variants, (run + 1) & 0xffff);
  }

  /** Pages that are known. */
  get size(): number {
    return this.#pages.size;
  }

  /** What is known of a page with this content; undefined if nothing is. */
  find(key: ContentKey): PageProfile | undefined {
    const page = this.#pages.get(key);
    if (page !== undefined) page.run = this.#run;
    return page;
  }

  /** What is known of a page with this content, to be added to. */
  page(key: ContentKey): PageProfile {
    const known = this.find(key);
    if (known !== undefined) return known;
    // A guest may make new code for ever.
    const [oldest] = this.#pages.keys();
    if (this.#pages.size >= maximumPages && oldest !== undefined) this.#pages.delete(oldest);
    const page = new PageProfile(this.#run);
    this.#pages.set(key, page);
    return page;
  }

  /** All of it, for `parse`. */
  toBytes(): Uint8Array {
    const age = ({ run }: PageProfile): number => (this.#run - run) & 0xffff;
    // Read again, those that were not met for long are the first to be forgotten.
    const pages = [...this.#pages].sort(([, a], [, b]) => age(b) - age(a));
    const variants = this.variants.slice(0, maximumVariants);
    const words: number[] = [...magic, this.#run, variants.length];
    for (const variant of variants) words.push(variant & 0xffff, variant >>> 16);
    for (const [key, page] of pages) {
      words.push(...wordsOf(key));
      page.write(words);
    }
    const bytes = new Uint8Array(2 * words.length);
    const view = new DataView(bytes.buffer);
    words.forEach((word, index) => {
      view.setUint16(2 * index, word, true);
    });
    return bytes;
  }
}

/** The four words of a key, the lowest first. */
function wordsOf(key: ContentKey): number[] {
  return [0, 16, 32, 48].map((shift) => Math.floor(key / 2 ** shift) % 0x1_0000);
}

function keyOf(...words: readonly number[]): ContentKey {
  return words.reduce((key, word, index) => key + word * 2 ** (16 * index), 0);
}
