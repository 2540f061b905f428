import { ModuleBuilder } from '@ringfence/wasm';
import type { FunctionBody } from '@ringfence/wasm';
import { Emitter } from '../backend/emit.ts';
import { IrBuilder } from '../ir/builder.ts';
import {
  buildCall,
  buildChain,
  buildGiveUp,
  buildHost,
  buildRunHandler,
  transferFunctions,
} from '../region/transfer.ts';
import { RUNTIME } from '../runtime/index.ts';
import type { RuntimeFunction } from '../runtime/runtime-function.ts';
import { hostImports } from '../runtime/runtime-function.ts';
import { toBase64 } from './base64.ts';
import type { InstructionEffects } from './case-table.ts';
import { buildHandlers, effectsOf, firstHandlers, handlerSignature } from './handlers.ts';
import { caseIr, type HotCase } from './hot-case.ts';
import { buildLoop } from './loop.ts';
import { RuntimeTarget } from './runtime-target.ts';
import type { Variant } from '../semantics/variant.ts';

/** Effects of instructions by their variants. */
export type VariantEffects = readonly (readonly [Variant, InstructionEffects])[];

/** What every machine needs, and what is the same for all. */
export interface CoreModules {
  /** The loop and the runtime functions. */
  readonly core: Uint8Array<ArrayBuffer>;
  /** The handlers of `firstHandlers`. */
  readonly handlers: Uint8Array<ArrayBuffer>;
  /** Effects of the instructions of the cases. */
  readonly effects: VariantEffects;
}

/** Makes what every machine needs; it follows from the cases of the loop alone. */
export function buildCoreModules(hot: readonly HotCase[]): CoreModules {
  const variants = hot.flatMap(({ instructions }) => instructions.map(({ variant }) => variant));
  const effects = [...new Set(variants)].map((variant) => [variant, effectsOf(variant)] as const);
  return { core: buildCore(hot), handlers: buildHandlers(firstHandlers(hot)), effects };
}

/** A JavaScript module in the place of `written-modules.ts`, with what every machine needs. */
export function writtenModulesText(hot: readonly HotCase[]): string {
  const { core, handlers, effects } = buildCoreModules(hot);
  const written = { core: toBase64(core), handlers: toBase64(handlers), effects };
  return `export const writtenModules = ${JSON.stringify(written)};\n`;
}

function buildCore(hot: readonly HotCase[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.hint('lazy');
  module.importMemory('env', 'memory');
  module.importTable('env', 'table', 0);
  const indices = new Map<string, number>();
  for (const host of hostImports) {
    indices.set(host.name, module.importFunction('env', host.name, host));
  }
  for (const item of RUNTIME) indices.set(item.name, module.declare(item));
  const functions = (name: string): number => functionIndex(indices, name);
  for (const item of transferFunctions) indices.set(item.name, module.declare(item));
  const run = module.declare({ parameters: [], results: [] });
  for (const item of RUNTIME) {
    module.define(functions(item.name), buildRuntime(item, functions));
    module.export(item.name, functions(item.name));
  }
  const handlerType = module.type(handlerSignature);
  module.define(functions('chain'), buildChain(handlerType));
  module.define(functions('enterCall'), buildCall(handlerType));
  module.define(functions('runHandler'), buildRunHandler(handlerType));
  module.define(functions('giveUp'), buildGiveUp(handlerType, functions('settleFlags')));
  module.define(functions('host'), buildHost(handlerType, functions('settleFlags')));
  for (const { name } of transferFunctions) module.export(name, functions(name));
  module.define(run, buildLoop(hot.map(caseIr), handlerType, functions));
  module.export('run', run);
  return module.build();
}

function buildRuntime(item: RuntimeFunction, functions: (name: string) => number): FunctionBody {
  const b = new IrBuilder();
  item.build(b, ...item.parameters.map((type, index) => b.parameter(index, type)));
  const target = new RuntimeTarget(item, functions);
  new Emitter(target, b.body).emit(b.body);
  if (item.results.length > 0) target.body.unreachable();
  return target.body;
}

function functionIndex(indices: ReadonlyMap<string, number>, name: string): number {
  const index = indices.get(name);
  if (index === undefined) throw new Error(`translator: no runtime function ${name}`);
  return index;
}
