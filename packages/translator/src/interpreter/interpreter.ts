import { FORMS } from '@ringfence/isa';
import { firstRegionSlot } from '../region/transfer.ts';
import { SEMANTICS } from '../semantics/index.ts';
import type { Variant } from '../semantics/variant.ts';
import { CaseTable, type InstructionEffects, type Match } from './case-table.ts';
import { HandlerBatches } from './handler-batches.ts';
import { buildHandlers, effectsOf, type Handler } from './handlers.ts';
import type { CaseInstruction, HotCase } from './hot-case.ts';
import { firstHotHandler } from './loop.ts';
import { sharedModules } from './shared-modules.ts';

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
  /** The other way round; of a case for several instructions the variant of the first. */
  readonly #variants = new Map<number, Variant>();
  /** Numbers of variants that have no handler yet. */
  readonly #reserved = new Map<Variant, number>();
  #order: Variant[] = [];
  #pending: Handler[] = [];
  readonly #batches = new HandlerBatches();
  #nextNumber: number;
  #nextSlot = firstRegionSlot;
  readonly #freeSlots: number[] = [];
  readonly #cases: CaseTable;
  readonly #effects: Map<Variant, InstructionEffects>;

  /** `hot`: the cases of the loop, most frequent first. */
  constructor(memory: WebAssembly.Memory, host: InterpreterHost, hot: readonly HotCase[]) {
    this.#memory = memory;
    this.#nextNumber = firstHotHandler + hot.length;
    hot.forEach(({ instructions, withoutFlags }, index) => {
      const [first] = instructions;
      if (first !== undefined) this.#variants.set(firstHotHandler + index, first.variant);
      if (first === undefined || instructions.length > 1 || withoutFlags) return;
      this.#numbers.set(first.variant, firstHotHandler + index);
    });
    const modules = sharedModules(hot);
    this.#effects = modules.effects;
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
    const { exports } = new WebAssembly.Instance(modules.core, { env: imports });
    const { memory: _memory, table: _table, ...functions } = imports;
    this.#runtime = { ...exports, ...functions };
    this.#run = exports['run'] as () => void;
    this.#fill(modules.handlers);
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

  /** The handler number that a variant has, or will have; undefined if it has none yet. */
  numberOf(variant: Variant): number | undefined {
    return this.#numbers.get(variant) ?? this.#reserved.get(variant);
  }

  /** The handler number of a variant, or of an `InvalidVariant`. */
  handler(variant: Variant): number {
    const known = this.#numbers.get(variant);
    if (known !== undefined) return known;
    const number = this.#reserved.get(variant) ?? this.#newNumber(variant);
    this.#reserved.delete(variant);
    this.#numbers.set(variant, number);
    this.#variants.set(number, variant);
    this.#pending.push({ variant, number });
    return number;
  }

  /** The variant of the instruction that a handler begins with, undefined for a region's slot. */
  variantOf(handler: number): Variant | undefined {
    return this.#variants.get(handler);
  }

  /**
   * Numbers the handlers of some variants in this order, and adds to it what is numbered behind
   * them, so that regions of two runs call handlers by the same numbers.
   */
  numberAs(order: Variant[]): void {
    this.#order = order;
    for (const variant of order) {
      if (this.#numbers.has(variant) || this.#nextNumber > maximumHandlers) continue;
      this.#reserved.set(variant, this.#nextNumber++);
    }
  }

  #newNumber(variant: Variant): number {
    if (this.#nextNumber <= maximumHandlers) {
      this.#order.push(variant);
      return this.#nextNumber++;
    }
    // Whoever asked for an order may have asked for anything.
    const [unused] = this.#reserved;
    if (unused === undefined) throw new Error('translator: out of handler numbers');
    this.#reserved.delete(unused[0]);
    return unused[1];
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
    const effects = effectsOf(variant);
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

  /** Instantiates a module; `page`: the globals that one of regions imports by that name. */
  load(
    module: WebAssembly.Module,
    page: Readonly<Record<string, WebAssembly.Global>> = {},
  ): WebAssembly.Exports {
    const env = { ...this.#runtime, memory: this.#memory };
    return new WebAssembly.Instance(module, { env, page }).exports;
  }

  /** Puts entries of a region into their slots. */
  install(
    slots: readonly number[],
    entries: readonly (WebAssembly.ExportValue | undefined)[],
  ): void {
    this.flush();
    slots.forEach((slot, number) => this.#table.set(slot, entries[number]));
  }

  /** Compiles the handlers that `handler` gave numbers since the last flush. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#fill(new WebAssembly.Module(buildHandlers(this.#batches.next(pending))));
  }

  /** Puts the functions of a module into the table: each is exported under its number. */
  #fill(module: WebAssembly.Module): void {
    const exports = this.load(module);
    for (const number of Object.keys(exports)) this.#table.set(Number(number), exports[number]);
  }
}

/** Whether a form has semantics; one that has none raises #UD. */
export function hasSemantics(form: number): boolean {
  const operation = FORMS[form]?.operation;
  return operation !== undefined && SEMANTICS.has(operation);
}
