/** Makes regions: of blocks of guest code, or of what an earlier run made of the same. */
import type { Interpreter, RegionBlock, RegionSource, Variant } from '@ringfence/translator';
import { buildRegion } from '@ringfence/translator';
import { type BookParts, RecipeBook } from './recipe-book.ts';
import { type BlocksAround, layOutAround } from './region-around.ts';
import { type RegionCode, codeOf, pagesOf, rangesOf, readsCode } from './region-code.ts';
import type { RecipeStore } from './region-compiler.ts';
import { type EntryPlace, entriesOf } from './region-recipe.ts';
import type { MadeRegion, Region, RegionPlan, RegionStatistics } from './region-record.ts';
import type { CodeSource } from './region-sources.ts';

/** Entries of one region. */
const maximumEntries = 48;

/**
 * The largest module: V8 gives a function of more than 8,192 virtual registers, which is one of 41
 * to 48 KB, a simpler register allocator, and then its code is twice as large and half as fast.
 */
const mostWasmBytes = 40_000;

/** The part of the usual size that a region has at least. */
const leastShare = 1 / 8;

/** What a region is made of, before a run gives its entries slots. */
export interface RegionParts {
  readonly code: RegionCode;
  readonly entries: readonly EntryPlace[];
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** Pages whose code-page block the module imports. */
  readonly imports: Iterable<number>;
}

/** The same, newly made. */
export interface LoweredRegion extends RegionParts {
  /** The handlers that the module calls, by number. */
  readonly handlers: ReadonlyMap<Variant, number>;
}

/** What regions are made with. */
export type MakerParts = BookParts & {
  /** Counts regions, by which they are numbered. */
  readonly statistics: RegionStatistics;
  /** Whether a region is entered at an offset of a page. */
  readonly isEntered: (page: number, offset: number) => boolean;
};

/** Makes the regions of one CPU. */
export class RegionMaker {
  readonly #parts: MakerParts;
  readonly #book: RecipeBook;

  constructor(parts: MakerParts) {
    this.#parts = parts;
    this.#book = new RecipeBook(parts);
  }

  /** Makes a region as an earlier run did, if all that it depends on is the same. */
  recall(source: CodeSource, plan: RegionPlan, store: RecipeStore): MadeRegion | undefined {
    const found = this.#book.find(store, source, plan);
    if (found === undefined) return undefined;
    const { recipe, wasm } = found;
    this.#parts.statistics.recalled += 1;
    const entries = entriesOf(recipe);
    return this.#make(source, plan, { code: recipe, entries, wasm, imports: recipe.imports });
  }

  /** Finds the code of a region and lowers it; undefined if there is none for a region. */
  lower(source: CodeSource, plan: RegionPlan, store?: RecipeStore): MadeRegion | undefined {
    for (let share = 1; ;) {
      const { blocks, around } = this.#layOut(source, plan, share);
      if (blocks.length === 0) return undefined;
      const lowered = lowerRegion(this.#parts.interpreter, source, blocks);
      const excess = lowered.wasm.length / mostWasmBytes;
      if (excess > 1 && share > leastShare) {
        share = Math.max((0.9 * share) / excess, leastShare);
        continue;
      }
      const made = { ...plan, starts: around };
      // What changes now need not change in another run.
      if (store !== undefined && !readsCode(lowered.code)) {
        this.#book.keep(store, source, made, lowered);
      }
      return this.#make(source, made, lowered);
    }
  }

  #layOut(source: CodeSource, { starts, page }: RegionPlan, share: number): BlocksAround {
    const { isEntered } = this.#parts;
    return layOutAround(source, starts, (offset) => isEntered(page, offset), share);
  }

  /** Takes slots for a region's entries. */
  #make(source: CodeSource, plan: RegionPlan, parts: RegionParts): MadeRegion {
    const { interpreter, statistics } = this.#parts;
    statistics.regions += 1;
    const { page, starts, instead } = plan;
    const { code, wasm, imports } = parts;
    const entries = parts.entries.map((entry) => ({ ...entry, slot: interpreter.allocateSlot() }));
    const region: Region = {
      state: 'compiling',
      code,
      number: statistics.regions,
      address: page * 4096 + (entries[0]?.offset ?? 0),
      page,
      entries: new Map(entries.map((entry) => [entry.offset, entry])),
      pages: pagesOf(code, page, source),
      starts,
      rebuilt: instead === undefined ? 0 : instead.rebuilt + 1,
      renewal: undefined,
      wanted: new Map(),
      wishes: 0,
    };
    if (instead !== undefined) instead.renewal = region;
    const blockOf = (index: number): number => source.page(index)?.block ?? 0;
    return {
      region,
      plan,
      ranges: rangesOf(code, page, source),
      wasm,
      pages: Object.fromEntries([...imports].map((index) => [index, blockOf(index)])),
    };
  }
}

/** Lowers the blocks of a region to a module. */
function lowerRegion(
  interpreter: Interpreter,
  source: RegionSource,
  blocks: readonly RegionBlock[],
): LoweredRegion {
  const handlers = new Map<Variant, number>();
  const handler = (variant: Variant): number => {
    const number = interpreter.handlerFunction(variant);
    handlers.set(variant, number);
    return number;
  };
  const entries = enteredOf(blocks, handler);
  const { wasm, pages } = buildRegion(source, blocks, entries, handler);
  return { code: codeOf(blocks, source), entries, wasm, imports: pages, handlers };
}

function enteredOf(
  blocks: readonly RegionBlock[],
  handler: (variant: Variant) => number,
): EntryPlace[] {
  const entries: EntryPlace[] = [];
  blocks.forEach((block, number) => {
    const [first] = block.instructions;
    if (!block.isEntry || first === undefined || entries.length >= maximumEntries) return;
    const variant = first.recordVariant;
    entries.push({ block: number, offset: block.offset, fallback: handler(variant), variant });
  });
  return entries;
}
