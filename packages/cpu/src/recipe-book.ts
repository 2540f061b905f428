/** Finds recipes of regions in a host's store, and has it keep those of new regions. */
import type { Interpreter } from '@ringfence/translator';
import type { RecipeStore } from './region-compiler.ts';
import type { LoweredRegion } from './region-maker.ts';
import {
  bytesOf,
  decodeRecipe,
  encodeRecipe,
  hasAllOf,
  type RegionRecipe,
} from './region-recipe.ts';
import type { RegionPlan } from './region-record.ts';
import type { CodeSource } from './region-sources.ts';
import type { ContentKey } from './translation-profile.ts';

/** A region that an earlier run made, and that would be the same now. */
export interface FoundRegion {
  readonly recipe: RegionRecipe;
  readonly wasm: Uint8Array<ArrayBuffer>;
}

/** What recipes are looked up with. */
export interface BookParts {
  readonly interpreter: Interpreter;
  /** See `formsOf`. */
  readonly forms: Int16Array;
  /** The key of a page's content, undefined where there is no memory. */
  readonly contentOf: (page: number) => ContentKey | undefined;
}

/** The recipes of one CPU. */
export class RecipeBook {
  readonly #parts: BookParts;
  /** The CPU model, as far as regions depend on it. */
  readonly #model: string;

  constructor(parts: BookParts) {
    this.#parts = parts;
    this.#model = modelOf(parts.forms);
  }

  /** The region of a plan, if all that it depends on is as it was; makes its handlers. */
  find(store: RecipeStore, source: CodeSource, plan: RegionPlan): FoundRegion | undefined {
    const key = this.#keyOf(plan);
    if (key === undefined) return undefined;
    // A run in which a page was not there yet has left one with less code, maybe.
    let most: FoundRegion | undefined;
    for (const { recipe: encoded, wasm } of store.find(key)) {
      const recipe = decodeRecipe(encoded);
      if (recipe === undefined || !this.#isSame(source, recipe)) continue;
      if (recipe.offsets.length > (most?.recipe.offsets.length ?? 0)) most = { recipe, wasm };
    }
    if (most !== undefined) this.#makeHandlers(most.recipe);
    return most;
  }

  /** Has the region of a plan kept, which was lowered. */
  keep(
    store: RecipeStore,
    source: CodeSource,
    plan: RegionPlan,
    { code, entries, wasm, imports, handlers }: LoweredRegion,
  ): void {
    const key = this.#keyOf(plan);
    if (key === undefined) return;
    const { base, wordsRead } = source;
    const words: number[] = [];
    const gaps: number[] = [];
    for (const [linear, word] of wordsRead) {
      if (word === undefined) gaps.push((linear - base) | 0);
      else words.push((linear - base) | 0, word);
    }
    const recipe = encodeRecipe({
      ...code,
      entries: Int32Array.from(
        entries.flatMap(({ block, offset, variant, fallback }) => {
          return [block, offset, variant, fallback];
        }),
      ),
      imports: Int32Array.from(imports),
      handlers: Int32Array.from([...handlers].flat()),
      words: Int32Array.from(words),
      gaps: Int32Array.from(gaps),
      bytes: bytesOf(code, source),
    });
    store.keep(key, { recipe, wasm });
  }

  #keyOf({ page, starts }: RegionPlan): string | undefined {
    const content = this.#parts.contentOf(page);
    if (content === undefined) return undefined;
    return `${this.#model} ${String(content)} ${starts.join()}`;
  }

  /** Whether a region would come out the same, down to the numbers that it calls handlers by. */
  #isSame(source: CodeSource, recipe: RegionRecipe): boolean {
    const { handlers } = recipe;
    for (let at = 0; at < handlers.length; at += 2) {
      const number = this.#parts.interpreter.numberOf(handlers[at] ?? 0);
      if (number !== handlers[at + 1]) return false;
    }
    return hasAllOf(source, recipe);
  }

  #makeHandlers({ handlers }: RegionRecipe): void {
    for (let at = 0; at < handlers.length; at += 2) {
      this.#parts.interpreter.handler(handlers[at] ?? 0);
    }
  }
}

/** Which instructions there are, as hexadecimal digits for eight forms each. */
function modelOf(forms: Int16Array): string {
  const supported = forms.map((form, index) => (form === index ? 1 : 0));
  let digits = '';
  for (let first = 0; first < supported.length; first += 8) {
    const bits = supported.subarray(first, first + 8).reduce((sum, has) => 2 * sum + has, 1);
    digits += bits.toString(16);
  }
  return digits;
}
