import type { Variant } from '../semantics/variant.ts';
import { fromBase64 } from './base64.ts';
import type { InstructionEffects } from './case-table.ts';
import { buildCoreModules } from './core-module.ts';
import type { CoreModules } from './core-module.ts';
import type { HotCase } from './hot-case.ts';
import { hotCases } from './hot-variants.ts';
import { writtenModules } from './written-modules.ts';

/** Compiled `CoreModules`: the bytes, made ready for instances. */
export interface SharedModules {
  readonly core: WebAssembly.Module;
  readonly handlers: WebAssembly.Module;
  /** Effects of the variants that any machine met. */
  readonly effects: Map<Variant, InstructionEffects>;
}

/** The modules that were compiled, by the list of their loop's cases. */
const compiled = new WeakMap<readonly HotCase[], SharedModules>();

/** The same modules for all machines of a process, which share what the engine made of them. */
export function sharedModules(hot: readonly HotCase[]): SharedModules {
  let modules = compiled.get(hot);
  if (modules === undefined) {
    const { core, handlers, effects } = partsOf(hot);
    modules = {
      core: new WebAssembly.Module(core),
      handlers: new WebAssembly.Module(handlers),
      effects: new Map(effects),
    };
    compiled.set(hot, modules);
  }
  return modules;
}

/** What the build wrote, if it did and it is for these cases; else the modules are made now. */
function partsOf(hot: readonly HotCase[]): CoreModules {
  const { core, handlers, effects } = writtenModules;
  if (core === '' || hot !== hotCases()) return buildCoreModules(hot);
  return { core: fromBase64(core), handlers: fromBase64(handlers), effects };
}
