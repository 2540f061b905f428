import { ModuleBuilder } from '@ringfence/wasm';
import { transferFunctions } from '../region/transfer.ts';
import { RUNTIME } from './index.ts';
import { hostImports } from './runtime-function.ts';

/** Types of what can be imported, by name. */
const types = new Map(
  [...RUNTIME, ...hostImports, ...transferFunctions].map((item) => [item.name, item]),
);

/** What the bodies of one module need from others, numbered by use. */
export class RuntimeImports {
  readonly #used = new Map<string, number>();
  readonly #pages: number[] = [];

  /** Index of the global with the address of the code-page block of a region's page. */
  readonly page = (number: number): number => {
    const known = this.#pages.indexOf(number);
    return known >= 0 ? known : this.#pages.push(number) - 1;
  };

  /** Index of a runtime function or host function in the module that `beginModule` begins. */
  readonly index = (name: string): number => {
    const known = this.#used.get(name);
    if (known !== undefined) return known;
    this.#used.set(name, this.#used.size);
    return this.#used.size - 1;
  };

  /** The pages that `page` was asked for. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  /**
   * A module that imports memory and what `index` and `page` were asked for; bodies come first.
   *
   * It does not import the handler table: V8 keeps a copy of a table for each instance that imports
   * it, half a megabyte and half a millisecond each.
   */
  beginModule(): ModuleBuilder {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory');
    for (const number of this.#pages) module.importGlobal('page', String(number));
    for (const name of this.#used.keys()) {
      const type = types.get(name);
      if (type === undefined) throw new Error(`translator: no runtime function ${name}`);
      module.importFunction('env', name, type);
    }
    return module;
  }
}
