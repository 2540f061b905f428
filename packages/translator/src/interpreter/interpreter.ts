import { FORMS } from '@ringfence/isa';
import { ModuleBuilder } from '@ringfence/wasm';
import type { FunctionBody } from '@ringfence/wasm';
import { Emitter } from '../backend/emit.ts';
import { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { RUNTIME } from '../runtime/index.ts';
import type { RuntimeFunction } from '../runtime/runtime-function.ts';
import { hostImports } from '../runtime/runtime-function.ts';
import { RuntimeImports } from '../runtime/runtime-imports.ts';
import {
  buildCall,
  buildChain,
  buildGiveUp,
  buildHost,
  buildRunHandler,
  firstRegionSlot,
  transferFunctions,
} from '../region/transfer.ts';
import { SEMANTICS } from '../semantics/index.ts';
import type { Variant } from '../semantics/variant.ts';
import { CaseTable, type InstructionEffects, type Match } from './case-table.ts';
import { fixedRegistersOf, flagEffectOf } from './instruction-effects.ts';
import { HandlerTarget } from './handler-target.ts';
import { type CaseInstruction, caseIr, type HotCase, variantIr } from './hot-case.ts';
import { buildLoop, firstHotHandler } from './loop.ts';
import { SpecialHandler } from './record.ts';
import { RuntimeTarget } from './runtime-target.ts';

/** What generated code asks of its host; see `hostImports` for the contracts. */
export interface InterpreterHost {
  fetch(eip: number): number;
  cross(record: number): number;
  readSlow(linear: number, bytes: number): number;
  writeSlow(linear: number, bytes: number, value: number): void;
  probeSlow(linear: number, bytes: number): void;
  reachSlow(linear: number, write: number): number;
  wroteSlow(linear: number, bytes: number): void;
  callout(number: number, a: number, b: number, c: number): number;
}

const handlerSignature = { parameters: ['i32'], results: ['i32'] } as const;

/** Exceptions that stand for undecodable bytes, as pseudo-variants below all real ones. */
export const InvalidVariant = { undefinedOpcode: -1, tooLong: -2, crossing: -3 } as const;

/** Pseudo-variants of the special handlers, below those. */
const SpecialVariant = { stale: -4, goOn: -5 } as const;

/** Handler numbers end where the slots of regions begin. */
const maximumHandlers = firstRegionSlot - 1;

/** Most slots there can be: a record has 16 bits for handler numbers. */
const maximumSlots = 0xffff;

/** Slots by which the table grows for regions. */
const slotGrowth = 1024;

/**
 * The interpreter of one machine: the core module (loop and runtime functions) and the handlers
 * made so far. `handler` gives numbers at once; `flush` compiles what is new before guest code
 * runs.
 */
export class Interpreter {
  readonly #memory: WebAssembly.Memory;
  readonly #table: WebAssembly.Table;
  readonly #numbers = new Map<Variant, number>();
  readonly #runtime: Record<string, WebAssembly.ExportValue>;
  readonly #run: () => void;
  #pending: { variant: Variant; number: number }[] = [];
  #nextNumber: number;
  #nextSlot = firstRegionSlot;
  readonly #freeSlots: number[] = [];
  readonly #cases: CaseTable;
  readonly #effects = new Map<Variant, InstructionEffects>();

  /** `hot`: the cases of the loop, most frequent first. */
  constructor(memory: WebAssembly.Memory, host: InterpreterHost, hot: readonly HotCase[]) {
    this.#memory = memory;
    this.#nextNumber = firstHotHandler + hot.length;
    this.#pending.push(
      { variant: SpecialVariant.stale, number: SpecialHandler.stale },
      { variant: SpecialVariant.goOn, number: SpecialHandler.continue },
    );
    hot.forEach(({ instructions, withoutFlags }, index) => {
      const number = firstHotHandler + index;
      const variant = instructions[0]?.variant ?? InvalidVariant.undefinedOpcode;
      // The function behind a case does its first instruction.
      this.#pending.push({ variant, number });
      if (instructions.length === 1 && !withoutFlags) this.#numbers.set(variant, number);
    });
    this.#cases = new CaseTable(hot, firstHotHandler, (variant) => this.#effectsOf(variant));
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: firstRegionSlot });
    const imports = {
      memory: this.#memory,
      table: this.#table,
      fetch: (eip: number) => host.fetch(eip),
      cross: (record: number) => host.cross(record),
      readSlow: (linear: number, bytes: number) => host.readSlow(linear, bytes),
      writeSlow: (linear: number, bytes: number, value: number) => {
        host.writeSlow(linear, bytes, value);
      },
      probeSlow: (linear: number, bytes: number) => {
        host.probeSlow(linear, bytes);
      },
      reachSlow: (linear: number, write: number) => host.reachSlow(linear, write),
      wroteSlow: (linear: number, bytes: number) => {
        host.wroteSlow(linear, bytes);
      },
      callout: (number: number, a: number, b: number, c: number) => host.callout(number, a, b, c),
    };
    const module = coreModule(hot);
    const { exports } = new WebAssembly.Instance(module, { env: imports });
    const { memory: _memory, table: _table, ...functions } = imports;
    this.#runtime = { ...exports, ...functions };
    this.#run = exports['run'] as () => void;
  }

  /**
   * Runs guest code from `CpuState.rip` until `CpuState.budget` is used up or something happens.
   */
  run(): void {
    this.#run();
  }

  /** Number of handlers made, hot ones included. */
  get handlerCount(): number {
    return this.#nextNumber;
  }

  /** The handler number of a variant, or of an `InvalidVariant`. */
  handler(variant: Variant): number {
    const known = this.#numbers.get(variant);
    if (known !== undefined) return known;
    const number = this.#nextNumber++;
    if (number > maximumHandlers) throw new Error('translator: out of handler numbers');
    this.#numbers.set(variant, number);
    this.#pending.push({ variant, number });
    return number;
  }

  /** The function of the handler table that does what a variant does, for calls from regions. */
  handlerFunction(variant: Variant): number {
    return this.handler(variant);
  }

  /** The case of the loop for an instruction of a run and those behind it; see `CaseTable`. */
  match(run: readonly CaseInstruction[], at: number, adjacent: number): Match | undefined {
    return this.#cases.match(run, at, adjacent);
  }

  #effectsOf(variant: Variant): InstructionEffects {
    const known = this.#effects.get(variant);
    if (known !== undefined) return known;
    const ir = interpreterIr(variant);
    const effects = { flags: flagEffectOf(ir), fixed: fixedRegistersOf(ir) };
    this.#effects.set(variant, effects);
    return effects;
  }

  /** Takes a slot of the handler table for an entry of a region. */
  allocateSlot(): number {
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    const slot = this.#nextSlot++;
    if (slot > maximumSlots) throw new Error('translator: out of region slots');
    if (slot >= this.#table.length) this.#table.grow(slotGrowth);
    return slot;
  }

  /** How many more slots can be taken. */
  get slotsLeft(): number {
    return maximumSlots - this.#nextSlot + this.#freeSlots.length;
  }

  /** Gives a slot back; no record may name it any more. */
  releaseSlot(slot: number): void {
    this.#table.set(slot, null);
    this.#freeSlots.push(slot);
  }

  /** Compiles and instantiates a region's module, which fills its slots. */
  install(bytes: Uint8Array<ArrayBuffer>): void {
    this.flush();
    this.#fill(new WebAssembly.Module(bytes));
  }

  /** Compiles the handlers that `handler` gave numbers since the last flush. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#fill(new WebAssembly.Module(buildHandlers(pending)));
  }

  /** Puts the functions of a module into the table: each is exported under its number. */
  #fill(module: WebAssembly.Module): void {
    const env = { ...this.#runtime, memory: this.#memory };
    const { exports } = new WebAssembly.Instance(module, { env });
    for (const number of Object.keys(exports)) this.#table.set(Number(number), exports[number]);
  }
}

/** IR of a variant for the interpreter. */
export function interpreterIr(variant: Variant): Value[] {
  if (variant >= 0) return variantIr(variant);
  const b = new IrBuilder();
  if (variant === InvalidVariant.tooLong) b.fault(13, 0);
  else b.fault(6);
  return b.body;
}

/** Whether a form has semantics; one that has none raises #UD. */
export function hasSemantics(form: number): boolean {
  const operation = FORMS[form]?.operation;
  return operation !== undefined && SEMANTICS.has(operation);
}

/** The core modules that were made, by the list of their loop's cases. */
const coreModules = new WeakMap<readonly HotCase[], WebAssembly.Module>();

/** The core module: the same for all machines of a process, which share what V8 made of it. */
function coreModule(hot: readonly HotCase[]): WebAssembly.Module {
  let module = coreModules.get(hot);
  if (module === undefined) {
    module = new WebAssembly.Module(buildCore(hot));
    coreModules.set(hot, module);
  }
  return module;
}

function buildCore(hot: readonly HotCase[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
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

function buildHandlers(
  pending: readonly { variant: Variant; number: number }[],
): Uint8Array<ArrayBuffer> {
  const imports = new RuntimeImports();
  const bodies = pending.map(({ variant }) => buildHandler(variant, imports.index));
  const module = imports.beginModule();
  bodies.forEach((body, index) => {
    const declared = module.declare(handlerSignature);
    module.define(declared, body);
    module.export(String(pending[index]?.number ?? 0), declared);
  });
  return module.build();
}

function buildHandler(variant: Variant, functions: (name: string) => number): FunctionBody {
  const target = new HandlerTarget(functions);
  const special = specialHandlers[variant];
  if (special !== undefined) {
    special(target);
    return target.body;
  }
  const ir = interpreterIr(variant);
  new Emitter(target, ir).emit(ir);
  target.next();
  target.body.unreachable();
  return target.body;
}

const specialHandlers: Readonly<Record<number, (target: HandlerTarget) => void>> = {
  [InvalidVariant.crossing]: (target) => {
    target.crossing();
  },
  [SpecialVariant.stale]: (target) => {
    target.stale();
  },
  [SpecialVariant.goOn]: (target) => {
    target.goOn();
  },
};

function functionIndex(indices: ReadonlyMap<string, number>, name: string): number {
  const index = indices.get(name);
  if (index === undefined) throw new Error(`translator: no runtime function ${name}`);
  return index;
}
