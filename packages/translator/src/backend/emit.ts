/**
 * Lowers IR to WebAssembly: expression trees where the order of effects allows, locals elsewhere.
 *
 * Hot: regions are compiled while the guest runs. Guest memory accesses are in `emit-access.ts`.
 */
import { CpuState } from '@ringfence/memory';
import type { FunctionBody, Label, ValueType } from '@ringfence/wasm';
import type { Value } from '../ir/value.ts';
import { Analysis } from './analysis.ts';
import { AccessEmitter } from './emit-access.ts';
import type { EmitTarget } from './emit-target.ts';

/** Emits one IR body. */
export class Emitter {
  readonly #target: EmitTarget;
  readonly #body: FunctionBody;
  readonly #analysis: Analysis;
  readonly #access: AccessEmitter;
  readonly #loops = new Map<Value, { again: Label; out: Label }>();

  constructor(target: EmitTarget, ir: readonly Value[]) {
    this.#target = target;
    this.#body = target.body;
    this.#analysis = new Analysis(ir);
    this.#access = new AccessEmitter(
      target,
      (value) => this.#push(value),
      (list) => this.emit(list),
    );
  }

  /** Emits a list of operations in order. */
  emit(list: readonly Value[]): void {
    for (const value of list) {
      if (this.#analysis.isDead(value) || this.#analysis.isInlined(value)) continue;
      this.#compute(value);
      if (value.type === 'void') continue;
      if (value.uses === 0) {
        this.#body.drop();
        continue;
      }
      value.local = this.#body.local(value.type);
      this.#body.set(value.local);
    }
  }

  /** Pushes a value that was computed earlier or is an inlined expression. */
  #push(value: Value): void {
    if (value.local >= 0) this.#body.get(value.local);
    else this.#compute(value);
  }

  #compute(value: Value): void {
    const simple = this.#simple[value.op];
    if (simple !== undefined) {
      simple(value);
      return;
    }
    for (const argument of value.args) this.#push(argument);
    if (value.lanes === undefined) this.#body.op(value.op);
    else this.#body.opLanes(value.op, value.lanes);
  }

  readonly #simple: Readonly<Record<string, (value: Value) => void>> = {
    const: (value) => this.#constant(value),
    parameter: (value) => this.#body.get(this.#target.parameter(value.imm)),
    get: (value) => this.#body.get(this.#variable(value)),
    set: (value) => {
      this.#push(value.args[0] as Value);
      this.#body.set(this.#variable(value));
    },
    load: (value) => {
      if (value.args.length === 0) this.#body.i32(0);
      else this.#push(value.args[0] as Value);
      this.#body.memory(value.name, value.imm);
    },
    store: (value) => {
      if (value.args.length === 1) this.#body.i32(0);
      for (const argument of value.args) this.#push(argument);
      this.#body.memory(value.name, value.imm);
    },
    copy: (value) => {
      for (const argument of value.args) this.#push(argument);
      this.#body.bulk('memory.copy');
    },
    fill: (value) => {
      for (const argument of value.args) this.#push(argument);
      this.#body.bulk('memory.fill');
    },
    select: (value) => {
      this.#push(value.args[1] as Value);
      this.#push(value.args[2] as Value);
      this.#push(value.args[0] as Value);
      this.#body.select();
    },
    if: (value) => this.#if(value),
    loop: (value) => this.#loop(value),
    break: (value) => this.#body.br(this.#labels(value).out),
    continue: (value) => this.#body.br(this.#labels(value).again),
    call: (value) => {
      for (const argument of value.args) this.#push(argument);
      this.#body.call(this.#target.functionIndex(value.name));
    },
    return: (value) => {
      for (const argument of value.args) this.#push(argument);
      this.#body.return();
    },
    'guest.load': (value) => this.#access.load(value),
    'guest.store': (value) => this.#access.store(value),
    'guest.modify': (value) => this.#access.modify(value),
    'guest.commit': (value) => this.#access.commit(value),
    'guest.probe': (value) => this.#access.probe(value),
    mark: (value) => this.#target.mark?.(value.imm),
    spill: () => this.#target.spill?.(),
    reload: () => this.#target.reload?.(),
    next: () => this.#target.next(),
    repeat: () => this.#target.repeat(),
    jump: () => this.#target.jump(),
    'jump.to': (value) => {
      this.#push(value.args[0] as Value);
      this.#target.jumpTo();
    },
    fault: (value) => this.#fault(value),
    callout: (value) =>
      this.#target.callout(value.imm, () => {
        for (const argument of value.args) this.#push(argument);
      }),
  };

  #constant(value: Value): void {
    const body = this.#body;
    if (value.type === 'i32') body.i32(value.imm);
    else if (value.type === 'i64') body.i64(value.big);
    else if (value.type === 'f32') body.f32(value.imm);
    else if (value.type === 'f64') body.f64(value.imm);
    else body.v128(value.lanes ?? new Array<number>(16).fill(0));
  }

  #variable(value: Value): number {
    const variable = value.variable;
    if (variable === undefined) throw new Error(`ir: ${value.op} without a variable`);
    if (variable.local < 0) variable.local = this.#body.local(variable.type as ValueType);
    return variable.local;
  }

  #labels(value: Value): { again: Label; out: Label } {
    const labels = value.target === undefined ? undefined : this.#loops.get(value.target);
    if (labels === undefined) throw new Error(`ir: ${value.op} outside of its loop`);
    return labels;
  }

  #if(value: Value): void {
    const [then, otherwise] = value.blocks ?? [];
    this.#push(value.args[0] as Value);
    const label = this.#body.if();
    this.emit(then ?? []);
    if (otherwise !== undefined) {
      this.#body.else();
      this.emit(otherwise);
    }
    this.#body.end(label);
  }

  #loop(value: Value): void {
    const out = this.#body.block();
    const again = this.#body.loop();
    this.#loops.set(value, { again, out });
    this.emit(value.blocks?.[0] ?? []);
    this.#body.end(again);
    this.#body.end(out);
  }

  #fault(value: Value): void {
    const body = this.#body;
    if (this.#target.bail !== undefined) {
      this.#target.bail();
      return;
    }
    body.i32(0);
    this.#push(value.args[0] as Value);
    body.memory('i32.store', CpuState.faultVector);
    body.i32(0);
    this.#push(value.args[1] as Value);
    body.memory('i32.store', CpuState.faultError);
    this.#target.leave();
  }
}
