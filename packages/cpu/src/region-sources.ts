/** The code that regions are made from, as the current address space maps it. */
import type { CodeCache } from '@ringfence/code-cache';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import type { RegionPage, RegionSource } from '@ringfence/translator';
import { Suitabilities } from '@ringfence/translator';
import { type GivenUpCode, GivenUpLevel } from './given-up-code.ts';
import { translatedMode } from './region-record.ts';
import type { WrittenCode } from './written-code.ts';

/** A source that says what of jump tables was read. */
export interface CodeSource extends RegionSource {
  /** Words by linear address, undefined where there is no memory. */
  readonly wordsRead: ReadonlyMap<number, number | undefined>;
}

/** What sources are made with. */
export interface SourceParts {
  readonly machine: MachineMemory;
  readonly physical: PhysicalMemory;
  readonly cache: CodeCache;
  /** Guest-physical address of a linear one, -1 if there is none. */
  readonly translate: (linear: number) => number;
  /** See `formsOf`. */
  readonly forms: Int16Array;
  readonly written: WrittenCode;
  readonly givenUp: GivenUpCode;
  /** Offsets of a page's instructions that earlier runs had in regions, if they met it. */
  readonly knownIn: (page: number) => ReadonlySet<number> | undefined;
}

/** Makes the sources of regions. */
export class RegionSources {
  readonly #parts: SourceParts;
  readonly #suitabilities = new Suitabilities();

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /** The code around a linear address in page `home`; `now` counts samples. */
  make(linear: number, home: number, now: number): CodeSource {
    const { cache, machine, forms, knownIn } = this.#parts;
    // The interpreter has met nothing at a place whose records were dropped since it was there.
    const block = cache.find(home, translatedMode);
    const isMet = block !== 0 && cache.lookup(block, linear & 4095) !== 0;
    const isNew = !isMet && knownIn(home) === undefined;
    const pages = new Map<number, RegionPage | undefined>();
    const wordsRead = new Map<number, number | undefined>();
    return {
      bytes: machine.u8,
      codeMode: translatedMode,
      bits: 32,
      forms,
      suitabilities: this.#suitabilities,
      base: linear & ~4095,
      wordsRead,
      word: (at) => {
        const word = this.#wordAt(at);
        wordsRead.set(at, word);
        return word;
      },
      page: (index) => {
        const at = (linear & ~4095) + index * 4096;
        if (!pages.has(index)) pages.set(index, this.#pageAt(at, isNew && index === 0, now));
        return pages.get(index);
      },
    };
  }

  /** The word at a linear address, if it is in memory and in one page. */
  #wordAt(linear: number): number | undefined {
    const { machine, physical: memory, translate } = this.#parts;
    if ((linear & 3) !== 0) return undefined;
    const physical = translate(linear);
    const backing = physical < 0 ? -1 : memory.backing(Math.floor(physical / 4096));
    return backing < 0 ? undefined : machine.i32[(backing + (physical & 4095)) >> 2];
  }

  #pageAt(linear: number, isNew: boolean, now: number): RegionPage | undefined {
    const { physical: memory, cache, translate, written, givenUp, knownIn } = this.#parts;
    const physical = translate(linear | 0);
    if (physical < 0) return undefined;
    const page = Math.floor(physical / 4096);
    const backing = memory.backing(page);
    if (backing < 0 || written.isRefused(page, now)) return undefined;
    const known = knownIn(page);
    const makesBlock = isNew || known !== undefined;
    const block = makesBlock ? cache.block(page, translatedMode) : cache.find(page, translatedMode);
    if (block === 0) return undefined;
    return {
      page,
      backing,
      block,
      isKnown: (offset) =>
        isNew || known?.has(offset) === true || cache.lookup(block, offset) !== 0,
      isWritten: (offset, length) => written.isWritten(page, offset, length),
      isApart: (offset) => givenUp.level(page, offset) >= GivenUpLevel.apart,
      isHosted: (offset) => givenUp.level(page, offset) >= GivenUpLevel.hosted,
    };
  }
}
