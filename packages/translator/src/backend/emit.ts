/**
 * Lowers IR to WebAssembly: expression trees where the order of effects allows, locals elsewhere.
 *
 * Hot: regions are compiled while the guest runs. Guest memory accesses are in `emit-access.ts`.
 */
import { CpuState } from '@ringfence/memory';
import type { FunctionBody, Label, ValueType } from '@ringfence/wasm';
import type { Value } from '../ir/value.ts';
import { analyze } from './analysis.ts';
import { AccessEmitter } from './emit-access.ts';
import type { EmitTarget } from './emit-target.ts';

/** Emits one IR body. */
export class Emitter {
  readonly #target: EmitTarget;
  readonly #body: FunctionBody;
  readonly #access: AccessEmitter;
  readonly #loops = new Map<Value, { again: Label; out: Label }>();

  constructor(target: EmitTarget, ir: readonly Value[]) {
    this.#target = target;
    this.#body = target.body;
    analyze(ir);
    this.#access = new AccessEmitter(
      target,
      (value) => this.#push(value),
      (list) => this.emit(list),
    );
  }

  /** Emits a list of operations in order. */
  emit(list: readonly Value[]): void {
    for (const value of list) {
      if (value.isDead || value.isInlined) continue;
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
    const dot = value.op.indexOf('.');
    if (dot < 0) this.#special(value);
    else if (value.op.startsWith('guest.')) this.#guest(value);
    else if (value.op === 'fault.if') this.#faultIf(value);
    else if (value.op === 'code.block') this.#target.pushBlock?.(value.imm);
    else if (value.op === 'jump.to') {
      this.#pushAll(value);
      this.#target.jumpTo();
    } else {
      this.#pushAll(value);
      if (value.lanes === undefined) this.#body.op(value.op);
      else this.#body.opLanes(value.op, value.lanes);
    }
  }

  #pushAll(value: Value): void {
    for (const argument of value.args) this.#push(argument);
  }

  /** Operations that are no WebAssembly instructions. */
  #special(value: Value): void {
    const body = this.#body;
    switch (value.op) {
      case 'const':
        return this.#constant(value);
      case 'parameter':
        return body.get(this.#target.parameter(value.imm));
      case 'get':
        return body.get(this.#variable(value));
      case 'set':
        this.#pushAll(value);
        return body.set(this.#variable(value));
      case 'load':
      case 'store':
        return this.#state(value);
      case 'copy':
      case 'fill':
        this.#pushAll(value);
        return body.bulk(value.op === 'copy' ? 'memory.copy' : 'memory.fill');
      case 'select':
        this.#push(value.args[1] as Value);
        this.#push(value.args[2] as Value);
        this.#push(value.args[0] as Value);
        return body.select();
      case 'if':
        return this.#if(value);
      case 'loop':
        return this.#loop(value);
      case 'break':
        return body.br(this.#labels(value).out);
      case 'continue':
        return body.br(this.#labels(value).again);
      case 'call':
        this.#pushAll(value);
        return body.call(this.#target.functionIndex(value.name));
      case 'return':
        this.#pushAll(value);
        return body.return();
      default:
        return this.#boundary(value);
    }
  }

  /** Beginnings and ends of instructions. */
  #boundary(value: Value): void {
    const target = this.#target;
    switch (value.op) {
      case 'mark':
        return target.mark?.(value.imm);
      case 'spill':
        return target.spill?.();
      case 'reload':
        return target.reload?.();
      case 'next':
        return target.next();
      case 'repeat':
        return target.repeat();
      case 'jump':
        return target.jump();
      case 'fault':
        return this.#fault(value);
      case 'callout':
        return target.callout(value.imm, () => this.#pushAll(value));
      default:
        throw new Error(`ir: no operation ${value.op}`);
    }
  }

  #guest(value: Value): void {
    switch (value.op) {
      case 'guest.load':
        return this.#access.load(value);
      case 'guest.store':
        return this.#access.store(value);
      case 'guest.modify':
        return this.#access.modify(value);
      case 'guest.commit':
        return this.#access.commit(value);
      default:
        return this.#access.probe(value);
    }
  }

  /** Loads and stores of host memory. */
  #state(value: Value): void {
    const withAddress = value.op === 'load' ? 1 : 2;
    if (value.args.length < withAddress) this.#body.i32(0);
    this.#pushAll(value);
    this.#body.memory(value.name, value.imm);
  }

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
    if (this.#target.bail !== undefined) {
      this.#target.bail();
      return;
    }
    this.#setFault(value.args[0] as Value, value.args[1] as Value);
    this.#target.leave();
  }

  #faultIf(value: Value): void {
    const [condition, vector, error] = value.args;
    const [prepare] = value.blocks ?? [];
    this.#push(condition as Value);
    if (this.#target.bailIf !== undefined) {
      this.#target.bailIf(prepare === undefined ? undefined : () => this.emit(prepare));
      return;
    }
    const label = this.#body.if();
    this.emit(prepare ?? []);
    this.#setFault(vector as Value, error as Value);
    this.#target.leave();
    this.#body.end(label);
  }

  #setFault(vector: Value, error: Value): void {
    const body = this.#body;
    body.i32(0);
    this.#push(vector);
    body.memory('i32.store', CpuState.faultVector);
    body.i32(0);
    this.#push(error);
    body.memory('i32.store', CpuState.faultError);
  }
}
