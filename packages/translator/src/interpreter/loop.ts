/**
 * The interpreter: one function, a `br_table` over the handler numbers of records.
 *
 *     run:  block exit
 *             loop again                      behind a page fault that was delivered here
 *               block fault
 *                 loop lookup                 target -> record, through exec directory, leaf, block
 *                   loop dispatch             budget, then br_table on the record's handler
 *                     case stale, continue, hot variants ...; default: function in the table
 *                     taken: follow the record's link, else lookup
 *
 * Hot; measured by tools/bench (boot with `-accel interpreter`). Registers stay in memory: a record
 * names them by address. What lives in locals is in `LoopLocals`.
 */
import { CpuState, ExitReason } from '@ringfence/memory';
import { FunctionBody } from '@ringfence/wasm';
import type { Label } from '@ringfence/wasm';
import { Emitter } from '../backend/emit.ts';
import type { Value } from '../ir/value.ts';
import { maximumCaseLength, maximumFlagDistance } from './hot-case.ts';
import { HandlerResult, pushRelativeTarget } from './handler-target.ts';
import type { LoopLabels, LoopLocals } from './loop-target.ts';
import { LoopTarget } from './loop-target.ts';
import { emitLookup } from './loop-lookup.ts';
import { firstRegionSlot } from '../region/transfer.ts';
import { RecordField } from './record.ts';

/**
 * Instructions that the budget has to reach over before a case of the loop runs. With fewer left,
 * handler functions take its place one by one, so that cases need no look at the budget.
 */
const inlineBudget: number = maximumCaseLength + maximumFlagDistance;

/** More than any region needs ahead, so that it did not return for want of budget. */
const ampleBudget = 1024;

interface LeaveLabels {
  /** The instruction of `record` faulted and did not retire. */
  readonly fault: Label;
  /** A fault is pending, and the CPU state says where; or something else ended the run. */
  readonly faultAtRip: Label;
  readonly exit: Label;
}

/** Number of the first hot variant; below are the special handlers. */
export const firstHotHandler = 2;

/** Builds the loop's body; `hot` are the IR bodies of handlers `firstHotHandler` and following. */
export function buildLoop(
  hot: readonly (readonly Value[])[],
  handlerType: number,
  functions: (name: string) => number,
): FunctionBody {
  return new LoopBuilder(hot, handlerType, functions).build();
}

class LoopBuilder {
  readonly #body = new FunctionBody([]);
  readonly #hot: readonly (readonly Value[])[];
  readonly #handlerType: number;
  readonly #functions: (name: string) => number;
  readonly #locals: LoopLocals;

  constructor(
    hot: readonly (readonly Value[])[],
    handlerType: number,
    functions: (name: string) => number,
  ) {
    this.#hot = hot;
    this.#handlerType = handlerType;
    this.#functions = functions;
    const body = this.#body;
    this.#locals = {
      record: body.local('i32'),
      budget: body.local('i32'),
      directory: body.local('i32'),
      target: body.local('i32'),
      branch: body.local('i32'),
    };
    body.keepLocals();
  }

  build(): FunctionBody {
    const body = this.#body;
    const { budget, directory, target } = this.#locals;
    this.#load(CpuState.budget);
    body.set(budget);
    this.#load(CpuState.dirData);
    body.set(directory);
    this.#load(CpuState.rip);
    body.set(target);
    const exit = body.block();
    const again = body.loop();
    const faultAtRip = body.block();
    const fault = body.block();
    const lookup = body.loop();
    emitLookup(body, this.#locals, this.#functions('fetch'), faultAtRip);
    const dispatch = body.loop();
    this.#dispatch({ dispatch, lookup, fault, faultAtRip, exit });
    body.end(dispatch);
    body.end(lookup);
    body.end(fault);
    this.#faultExit();
    body.end(faultAtRip);
    this.#deliver(again);
    body.end(again);
    body.end(exit);
    return body;
  }

  #dispatch(outer: Pick<LoopLabels, 'dispatch' | 'lookup'> & LeaveLabels): void {
    const body = this.#body;
    const { budget } = this.#locals;
    const taken = body.block();
    const other = body.block();
    body.get(budget);
    body.i32(inlineBudget);
    body.op('i32.lt_s');
    body.brIf(other);
    this.#cases({ ...outer, taken, other });
    body.end(other);
    this.#callHandler(outer);
    body.end(taken);
    this.#taken(outer);
  }

  /** The br_table and its cases; each case ends in a branch. */
  #cases(labels: LoopLabels): void {
    const body = this.#body;
    const { record } = this.#locals;
    const cases: Label[] = [];
    const count = this.#hot.length;
    const hotLabels: Label[] = [];
    for (let index = 0; index < count; index++) hotLabels.push(body.block());
    const goOn = body.block();
    const stale = body.block();
    cases.push(stale, goOn, ...[...hotLabels].reverse());
    body.get(record);
    body.memory('i32.load16_u', RecordField.handler);
    body.brTable(cases, labels.other);
    body.end(stale);
    this.#stale(labels);
    body.end(goOn);
    this.#continue(labels);
    this.#hot.forEach((ir, index) => {
      const label = hotLabels[count - 1 - index];
      if (label === undefined) return;
      body.end(label);
      const accesses = countAccesses(ir);
      const target = new LoopTarget(body, this.#locals, labels, this.#functions, accesses);
      new Emitter(target, ir).emit(ir);
      target.finish();
      body.releaseLocals();
    });
  }

  /** Runs a region, which counts its own instructions, and adds them to `translated`. */
  #callRegion(handler: number, next: number): void {
    const body = this.#body;
    const { record, budget } = this.#locals;
    const before = body.local('i32');
    this.#storeLocal(CpuState.budget, budget);
    this.#load(CpuState.runBudget);
    body.get(budget);
    body.op('i32.sub');
    body.set(before);
    body.get(record);
    body.get(handler);
    body.callIndirect(this.#handlerType);
    body.set(next);
    this.#noteWhereItLeft(next);
    this.#load(CpuState.flagsKind);
    const lazy = body.if();
    body.call(this.#functions('settleFlags'));
    body.end(lazy);
    this.#load(CpuState.budget);
    body.set(budget);
    body.i32(0);
    this.#load(CpuState.translated);
    this.#load(CpuState.runBudget);
    body.op('i32.add');
    body.get(budget);
    body.op('i32.sub');
    body.get(before);
    body.op('i32.sub');
    body.memory('i32.store', CpuState.translated);
  }

  /** `CpuState.leftTo`: where the guest goes on behind a region that had budget enough. */
  #noteWhereItLeft(next: number): void {
    const body = this.#body;
    this.#load(CpuState.budget);
    body.i32(ampleBudget);
    body.op('i32.gt_s');
    const isAmple = body.if();
    body.i32(0);
    body.get(next);
    body.i32(HandlerResult.lookup);
    body.op('i32.gt_u');
    const isRecord = body.if('i32');
    this.#load(CpuState.eipBase);
    body.get(next);
    body.memory('i32.load16_u', RecordField.offset);
    body.op('i32.add');
    body.else();
    this.#load(CpuState.target);
    body.end(isRecord);
    body.memory('i32.store', CpuState.leftTo);
    body.end(isAmple);
  }

  /** A record that no longer stands for its bytes, or the end of a page. */
  #stale(labels: Pick<LoopLabels, 'lookup'>): void {
    const body = this.#body;
    const { record, target } = this.#locals;
    this.#load(CpuState.eipBase);
    body.get(record);
    body.memory('i32.load16_u', RecordField.offset);
    body.op('i32.add');
    body.set(target);
    body.br(labels.lookup);
  }

  #continue(labels: Pick<LoopLabels, 'dispatch'>): void {
    const body = this.#body;
    const { record } = this.#locals;
    body.get(record);
    body.memory('i32.load', RecordField.link);
    body.set(record);
    body.br(labels.dispatch);
  }

  /** The handler function of `record`, unless the budget is used up. */
  #callHandler(labels: Pick<LoopLabels, 'dispatch' | 'lookup'> & LeaveLabels): void {
    const body = this.#body;
    const { record, budget, directory, target } = this.#locals;
    const next = body.local('i32');
    const handler = body.local('i32');
    this.#leaveIfSpent(labels.exit);
    body.get(record);
    body.memory('i32.load16_u', RecordField.handler);
    body.tee(handler);
    body.i32(firstRegionSlot);
    body.op('i32.ge_u');
    const isRegion = body.if();
    this.#callRegion(handler, next);
    body.else();
    body.i32(0);
    body.get(budget);
    body.i32(1);
    body.op('i32.sub');
    body.memory('i32.store', CpuState.budget);
    body.get(record);
    body.get(handler);
    body.callIndirect(this.#handlerType);
    body.set(next);
    this.#load(CpuState.budget);
    body.set(budget);
    body.end(isRegion);
    this.#load(CpuState.dirData);
    body.set(directory);
    body.get(next);
    body.i32(HandlerResult.lookup);
    body.op('i32.gt_u');
    const sequential = body.if();
    body.get(next);
    body.set(record);
    body.br(labels.dispatch);
    body.end(sequential);
    body.get(next);
    const lookup = body.if();
    this.#load(CpuState.target);
    body.set(target);
    body.br(labels.lookup);
    body.end(lookup);
    this.#load(CpuState.exitReason);
    body.i32(ExitReason.fault);
    body.op('i32.eq');
    body.brIf(labels.fault);
    body.br(labels.faultAtRip);
    body.releaseLocals();
  }

  #leaveIfSpent(exit: Label): void {
    const body = this.#body;
    const { budget } = this.#locals;
    body.get(budget);
    body.op('i32.eqz');
    const spent = body.if();
    this.#storeLocal(CpuState.budget, budget);
    this.#storeRip();
    this.#storeConstant(CpuState.exitReason, ExitReason.budget);
    body.br(exit);
    body.end(spent);
  }

  /** The relative branch of `record` retires. */
  #taken(labels: Pick<LoopLabels, 'dispatch' | 'lookup'>): void {
    const body = this.#body;
    const { record, budget, target, branch } = this.#locals;
    const link = body.local('i32');
    body.get(budget);
    body.i32(1);
    body.op('i32.sub');
    body.set(budget);
    body.get(record);
    body.memory('i32.load', RecordField.link);
    body.tee(link);
    const linked = body.if();
    body.get(link);
    body.set(record);
    body.br(labels.dispatch);
    body.end(linked);
    pushRelativeTarget(body, record);
    body.set(target);
    body.get(record);
    body.i32(0);
    body.get(target);
    this.#load(CpuState.eipBase);
    body.op('i32.sub');
    body.i32(4096);
    body.op('i32.lt_u');
    body.select();
    body.set(branch);
    body.br(labels.lookup);
    body.releaseLocals();
  }

  /** The faulting instruction did not retire. */
  #faultExit(): void {
    const body = this.#body;
    const { budget } = this.#locals;
    body.get(budget);
    body.i32(1);
    body.op('i32.add');
    body.set(budget);
    this.#storeLocal(CpuState.budget, budget);
    this.#storeRip();
    this.#storeConstant(CpuState.exitReason, ExitReason.fault);
  }

  /** Goes on at the handler of a pending page fault, if it can be entered from here. */
  #deliver(again: Label): void {
    const body = this.#body;
    const { budget, directory, target, branch } = this.#locals;
    body.call(this.#functions('deliverPageFault'));
    const delivered = body.if();
    this.#load(CpuState.budget);
    body.set(budget);
    this.#load(CpuState.dirData);
    body.set(directory);
    this.#load(CpuState.target);
    body.set(target);
    body.i32(0);
    body.set(branch);
    body.br(again);
    body.end(delivered);
  }

  /** rip = EIP of the current record. */
  #storeRip(): void {
    const body = this.#body;
    body.i32(0);
    this.#load(CpuState.eipBase);
    body.get(this.#locals.record);
    body.memory('i32.load16_u', RecordField.offset);
    body.op('i32.add');
    body.op('i64.extend_i32_u');
    body.memory('i64.store', CpuState.rip);
  }

  #load(address: number): void {
    this.#body.i32(0);
    this.#body.memory('i32.load', address);
  }

  #storeLocal(address: number, local: number): void {
    this.#body.i32(0);
    this.#body.get(local);
    this.#body.memory('i32.store', address);
  }

  #storeConstant(address: number, value: number): void {
    this.#body.i32(0);
    this.#body.i32(value);
    this.#body.memory('i32.store', address);
  }
}

function countAccesses(list: readonly Value[]): number {
  let count = 0;
  for (const value of list) {
    if (value.op.startsWith('guest.') || value.op === 'fault.if') count += 1;
    else for (const block of value.blocks ?? []) count += countAccesses(block);
  }
  return count;
}
