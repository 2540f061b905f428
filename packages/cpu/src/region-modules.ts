/** Modules of regions that are loaded: whose functions stand in the handler table. */
import type { Interpreter } from '@ringfence/translator';
import type { CompiledRegion } from './region-compiler.ts';
import type { MadeRegion, Region } from './region-record.ts';

/** A module that was loaded, once for each time that one of its regions is there. */
interface Loaded {
  readonly exports: WebAssembly.Exports;
  /** The addresses of code-page blocks that it imports, by name. */
  readonly pages: Readonly<Record<string, WebAssembly.Global>>;
  /** Numbers of its regions that are entered. */
  readonly entered: Set<number>;
}

/** Loads modules, and puts the entries of their regions into the table as they are made. */
export class RegionModules {
  /** How many were loaded. */
  count = 0;
  readonly #interpreter: Interpreter;
  /** What of a module is loaded; it goes with the last of its functions that the table has. */
  readonly #loaded = new WeakMap<WebAssembly.Module, Loaded[]>();
  readonly #places = new WeakMap<Region, { readonly from: Loaded; readonly number: number }>();

  constructor(interpreter: Interpreter) {
    this.#interpreter = interpreter;
  }

  /** Puts the entries of a region into their slots. */
  install({ region, pages }: MadeRegion, { module, number }: CompiledRegion): void {
    const from = this.#freeOf(module, number);
    from.entered.add(number);
    this.#places.set(region, { from, number });
    for (const [page, block] of Object.entries(pages)) {
      const global = from.pages[`${number}.${page}`];
      if (global !== undefined) global.value = block;
    }
    const slots = [...region.entries.values()].map(({ slot }) => slot);
    const entries = slots.map((_, entry) => from.exports[`${number}.${entry}`]);
    this.#interpreter.install(slots, entries);
  }

  /** The region is gone: another one may have the same code. */
  release(region: Region): void {
    const place = this.#places.get(region);
    place?.from.entered.delete(place.number);
    this.#places.delete(region);
  }

  /** A loaded module whose region of a number is not entered: in another page may be the same. */
  #freeOf(module: WebAssembly.Module, number: number): Loaded {
    const known = this.#loaded.get(module) ?? [];
    const free = known.find(({ entered }) => !entered.has(number));
    if (free !== undefined) return free;
    const pages: Record<string, WebAssembly.Global> = {};
    for (const { kind, name } of WebAssembly.Module.imports(module)) {
      if (kind === 'global') pages[name] = new WebAssembly.Global({ value: 'i32', mutable: true });
    }
    const exports = this.#interpreter.load(module, pages);
    const loaded = { exports, pages, entered: new Set<number>() };
    this.#loaded.set(module, [...known, loaded]);
    this.count += 1;
    return loaded;
  }
}
