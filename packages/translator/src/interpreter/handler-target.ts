import { CpuState } from '@ringfence/memory';
import { FunctionBody } from '@ringfence/wasm';
import type { EmitTarget } from '../backend/emit-target.ts';
import { RecordField, recordBytes } from './record.ts';

/** What a handler function returns instead of a record's address. */
export const HandlerResult = { leave: 0, lookup: 1 } as const;

/** What the host's `callout` returns. */
export const CalloutResult = { goOn: 0, leave: 1, lookup: 2 } as const;

/** The record is the one parameter of a handler function. */
const record = 0;

/**
 * A handler as a function `(record) -> next record | HandlerResult`. The loop has stored the budget
 * before it calls and reloads it afterwards.
 */
export class HandlerTarget implements EmitTarget {
  readonly body: FunctionBody = new FunctionBody(['i32']);
  readonly #functions: (name: string) => number;

  constructor(functions: (name: string) => number) {
    this.#functions = functions;
  }

  parameter(): number {
    return record;
  }

  functionIndex(name: string): number {
    return this.#functions(name);
  }

  pushDirectory(): void {
    this.body.i32(0);
    this.body.memory('i32.load', CpuState.dirData);
  }

  beforeSlow(): void {
    // The budget is in memory while handler functions run.
  }

  afterSlow(): void {
    // Likewise.
  }

  next(): void {
    this.body.get(record);
    this.body.i32(recordBytes);
    this.body.op('i32.add');
    this.body.return();
  }

  repeat(): void {
    const { body } = this;
    body.i32(0);
    body.i32(0);
    body.memory('i32.load', CpuState.budget);
    body.memory('i32.store', CpuState.repeatedAt);
    body.get(record);
    body.return();
  }

  jump(): void {
    const body = this.body;
    const link = body.local('i32');
    body.get(record);
    body.memory('i32.load', RecordField.link);
    body.tee(link);
    const linked = body.if();
    body.get(link);
    body.return();
    body.end(linked);
    body.i32(0);
    pushRelativeTarget(body, record);
    body.memory('i32.store', CpuState.target);
    body.i32(HandlerResult.lookup);
    body.return();
  }

  jumpTo(): void {
    const body = this.body;
    const eip = body.local('i32');
    body.set(eip);
    body.i32(0);
    body.get(eip);
    body.memory('i32.store', CpuState.target);
    body.i32(HandlerResult.lookup);
    body.return();
  }

  leave(): void {
    this.body.i32(0);
    this.body.i32(1);
    this.body.memory('i32.store', CpuState.exitReason);
    this.body.i32(HandlerResult.leave);
    this.body.return();
  }

  /**
   * The handler of an instruction that crosses into the next page: the host decodes it each time.
   */
  crossing(): void {
    const body = this.body;
    const next = body.local('i32');
    body.get(record);
    body.call(this.#functions('cross'));
    body.tee(next);
    // The record that the host returns is dispatched in this one's place, and counted there.
    const decoded = body.if();
    this.#refund();
    body.end(decoded);
    body.get(next);
  }

  /** The handler of a record that stands for nothing: looked up again, and counted then. */
  stale(): void {
    const body = this.body;
    this.#refund();
    body.i32(0);
    body.i32(0);
    body.memory('i32.load', CpuState.eipBase);
    body.get(record);
    body.memory('i32.load16_u', RecordField.offset);
    body.op('i32.add');
    body.memory('i32.store', CpuState.target);
    body.i32(HandlerResult.lookup);
  }

  /** The handler of a record that leads to another. */
  goOn(): void {
    this.#refund();
    this.body.get(record);
    this.body.memory('i32.load', RecordField.link);
  }

  #refund(): void {
    const body = this.body;
    body.i32(0);
    body.i32(0);
    body.memory('i32.load', CpuState.budget);
    body.i32(1);
    body.op('i32.add');
    body.memory('i32.store', CpuState.budget);
  }

  callout(number: number, push: () => void): void {
    const body = this.body;
    body.i32(0);
    body.get(record);
    body.memory('i32.store', CpuState.record);
    body.i32(number);
    push();
    body.call(this.#functions('callout'));
    const result = body.local('i32');
    body.tee(result);
    const stop = body.if();
    body.get(result);
    body.i32(1);
    body.op('i32.sub');
    body.return();
    body.end(stop);
  }
}

/** Pushes the EIP that a relative branch's record leads to. */
export function pushRelativeTarget(body: FunctionBody, recordLocal: number): void {
  body.i32(0);
  body.memory('i32.load', CpuState.eipBase);
  body.get(recordLocal);
  body.memory('i32.load16_u', RecordField.offset);
  body.op('i32.add');
  body.get(recordLocal);
  body.memory('i32.load8_u', RecordField.length);
  body.op('i32.add');
  body.get(recordLocal);
  body.memory('i32.load', RecordField.immediate);
  body.op('i32.add');
  body.get(recordLocal);
  body.memory('i32.load', RecordField.mask);
  body.op('i32.and');
}
