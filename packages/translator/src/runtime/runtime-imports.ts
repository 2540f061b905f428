import { ModuleBuilder } from '@ringfence/wasm';
import { transferFunctions } from '../region/transfer.ts';
import { RUNTIME } from './index.ts';
import { hostImports } from './runtime-function.ts';

/** The runtime functions and host functions that the bodies of one module call, numbered by use. */
export class RuntimeImports {
  readonly #used = new Map<string, number>();

  /** Index of a function in the module that `beginModule` begins. */
  readonly index = (name: string): number => {
    const known = this.#used.get(name);
    if (known !== undefined) return known;
    this.#used.set(name, this.#used.size);
    return this.#used.size - 1;
  };

  /**
   * A module that imports memory and what `index` was asked for; bodies are made before.
   *
   * It does not import the handler table: V8 keeps a copy of a table for each instance that imports
   * it, half a megabyte and half a millisecond each.
   */
  beginModule(): ModuleBuilder {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory');
    const types = new Map(
      [...RUNTIME, ...hostImports, ...transferFunctions].map((item) => [item.name, item]),
    );
    for (const name of this.#used.keys()) {
      const type = types.get(name);
      if (type === undefined) throw new Error(`translator: no runtime function ${name}`);
      module.importFunction('env', name, type);
    }
    return module;
  }
}
