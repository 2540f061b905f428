/**
 * How regions reach each other without the interpreter loop.
 *
 *     jump    region A --chain(eip)--> region B       A's frame is gone (a tail call)
 *     call    region A --enterCall(eip)--> region B   A waits
 *                      <-- lookup, target = the return address: A goes on
 *                      <-- anything else: A returns it to its own caller, down to the loop
 *
 * Both look the EIP up in the jump cache, and where that does not have it as the loop does: exec
 * directory, leaf, block, record. Where there is no region they return what the loop then does: the
 * record, or `HandlerResult.lookup`. Frames that wait hold no state of the guest, so they can be
 * left at any time: interrupts, faults, code that changed and switched stacks all come back as
 * something else than the expected return.
 *
 * Hot; measured by tools/bench.
 */
import { CpuState, ExitReason } from '@ringfence/memory';
import { FunctionBody, ModuleBuilder } from '@ringfence/wasm';
import type { Label, ValueType } from '@ringfence/wasm';
import { emitFindRecord } from '../interpreter/find-record.ts';
import { HandlerResult } from '../interpreter/handler-target.ts';
import { emitFindJump, emitNoteJump } from '../interpreter/jump-cache.ts';
import { recordBytes, RecordField } from '../interpreter/record.ts';

/** The first number of the handler table that is a region's; smaller ones are instructions. */
export const firstRegionSlot = 0x8000;

/** How many regions may wait for a callee: bounds the use of the host's stack. */
const maximumDepth = 40;

/** What `host` returns where the region can go on. */
export const goesOn = -1;

const i32: readonly ValueType[] = ['i32'];

/**
 * The functions of the core module that regions import: `(eip)` or `(record, handler number)` to a
 * record or `HandlerResult`.
 */
export const transferFunctions: readonly {
  readonly name: 'chain' | 'enterCall' | 'runHandler' | 'giveUp' | 'host';
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}[] = [
  { name: 'chain', parameters: i32, results: i32 },
  { name: 'enterCall', parameters: i32, results: i32 },
  { name: 'runHandler', parameters: ['i32', 'i32'], results: i32 },
  { name: 'giveUp', parameters: ['i32', 'i32'], results: i32 },
  { name: 'host', parameters: ['i32', 'i32'], results: i32 },
];

/**
 * Runs the region at an EIP of flat 32-bit code in place of the caller; an engine without tail
 * calls leaves it to the loop.
 */
export function buildChain(handlerType: number): FunctionBody {
  const eip = 0;
  const body = new FunctionBody(['i32']);
  if (!hasTailCalls()) {
    pushLookup(body, eip);
    return body;
  }
  enterRegion(body, eip, () => {
    body.returnCallIndirect(handlerType);
  });
  return body;
}

/** Runs the region at an EIP and returns to its caller, which waits. */
export function buildCall(handlerType: number): FunctionBody {
  const eip = 0;
  const body = new FunctionBody(['i32']);
  const depth = body.local('i32');
  load(body, CpuState.callDepth);
  body.tee(depth);
  body.i32(maximumDepth);
  body.op('i32.ge_u');
  const isDeep = body.if();
  pushLookup(body, eip);
  body.return();
  body.end(isDeep);
  enterRegion(body, eip, () => {
    store(body, CpuState.callDepth, () => {
      body.get(depth);
      body.i32(1);
      body.op('i32.add');
    });
    body.callIndirect(handlerType);
    store(body, CpuState.callDepth, () => {
      body.get(depth);
    });
    body.return();
  });
  return body;
}

/**
 * Runs the handler of one instruction by its number. The loop may stand at another record, as when
 * a region went on here: a fault says where it was.
 */
export function buildRunHandler(handlerType: number): FunctionBody {
  const body = new FunctionBody(['i32', 'i32']);
  const eip = body.local('i32');
  const result = body.local('i32');
  load(body, CpuState.eipBase);
  body.get(0);
  body.memory('i32.load16_u', RecordField.offset);
  body.op('i32.add');
  body.set(eip);
  body.get(0);
  body.get(1);
  body.callIndirect(handlerType);
  body.set(result);
  returnResult(body, result, eip);
  return body;
}

/**
 * Does the instruction at an EIP, which a region gave up, by the handler function of a number, if
 * it has a record; else the loop looks for one.
 */
export function buildGiveUp(handlerType: number, settleFlags: number): FunctionBody {
  const body = new FunctionBody(['i32', 'i32']);
  const result = body.local('i32');
  count(body, CpuState.gaveUp, 1);
  store(body, CpuState.gaveUpAt, () => body.get(0));
  doInstruction(body, settleFlags, (record) => {
    runRecord(body, handlerType, record);
    body.set(result);
    returnResult(body, result, 0);
  });
  return body;
}

/**
 * The same for an instruction that a region leaves to its handler: `goesOn` when the region can go
 * on behind it, with the record there in `CpuState.record`. A repeated instruction runs to its end,
 * or until it has written over code: what stands there may be another by then.
 */
export function buildHost(handlerType: number, settleFlags: number): FunctionBody {
  const body = new FunctionBody(['i32', 'i32']);
  const result = body.local('i32');
  const drops = body.local('i32');
  load(body, CpuState.dropCount);
  body.set(drops);
  doInstruction(body, settleFlags, (record) => {
    const again = body.loop();
    runRecord(body, handlerType, record);
    body.tee(result);
    body.get(record);
    body.op('i32.eq');
    load(body, CpuState.budget);
    body.i32(0);
    body.op('i32.gt_s');
    body.op('i32.and');
    load(body, CpuState.dropCount);
    body.get(drops);
    body.op('i32.eq');
    body.op('i32.and');
    body.brIf(again);
    body.end(again);
    body.get(result);
    body.get(record);
    body.i32(recordBytes);
    body.op('i32.add');
    body.op('i32.eq');
    load(body, CpuState.budget);
    body.i32(0);
    body.op('i32.gt_s');
    body.op('i32.and');
    load(body, CpuState.dropCount);
    body.get(drops);
    body.op('i32.eq');
    body.op('i32.and');
    load(body, CpuState.alignmentCheck);
    body.op('i32.eqz');
    body.op('i32.and');
    const passes = body.if();
    store(body, CpuState.record, () => body.get(result));
    body.i32(goesOn);
    body.return();
    body.end(passes);
    returnResult(body, result, 0);
  });
  return body;
}

/** Finds the record of an EIP (parameter 0) for `run`; leaves to the loop what has none. */
function doInstruction(
  body: FunctionBody,
  settleFlags: number,
  run: (record: number) => void,
): void {
  const eip = 0;
  const record = body.local('i32');
  body.call(settleFlags);
  const unknown = body.block();
  pushRecord(body, eip, unknown);
  body.tee(record);
  body.memory('i32.load16_u', RecordField.handler);
  body.op('i32.eqz');
  body.brIf(unknown);
  setEipBase(body, eip);
  // It counts as interpreted.
  count(body, CpuState.translated, -1);
  run(record);
  body.end(unknown);
  pushLookup(body, eip);
}

/** Calls the handler function whose number is parameter 1; leaves its result on the stack. */
function runRecord(body: FunctionBody, handlerType: number, record: number): void {
  count(body, CpuState.budget, -1);
  body.get(record);
  body.get(1);
  body.callIndirect(handlerType);
}

/** Returns the result of a handler for the instruction at the EIP in a local. */
function returnResult(body: FunctionBody, result: number, eip: number): void {
  body.get(result);
  body.op('i32.eqz');
  load(body, CpuState.exitReason);
  body.i32(ExitReason.fault);
  body.op('i32.eq');
  body.op('i32.and');
  const faulted = body.if();
  recordFault(body, eip);
  body.end(faulted);
  body.get(result);
  body.return();
}

function count(body: FunctionBody, address: number, by: number): void {
  store(body, address, () => {
    load(body, address);
    body.i32(by);
    body.op('i32.add');
  });
}

/** The fault is that of the instruction at an EIP, which did not retire. */
function recordFault(body: FunctionBody, eip: number): void {
  count(body, CpuState.budget, 1);
  body.i32(0);
  body.get(eip);
  body.op('i64.extend_i32_u');
  body.memory('i64.store', CpuState.rip);
  store(body, CpuState.exitReason, () => body.i32(ExitReason.faultAtRip));
}

let tailCalls: boolean | undefined;

/** Whether the engine has tail calls. */
function hasTailCalls(): boolean {
  tailCalls ??= findTailCalls();
  return tailCalls;
}

/**
 * Calls a function in place of the caller's frame, so that regions that jump to each other take
 * none of the host's stack; an engine without tail calls comes back to the loop for each.
 */
export function tailCall(body: FunctionBody, index: number): void {
  if (hasTailCalls()) {
    body.returnCall(index);
    return;
  }
  body.call(index);
  body.return();
}

function findTailCalls(): boolean {
  const module = new ModuleBuilder();
  const type = module.type({ parameters: i32, results: i32 });
  module.importTable('env', 'table', 0);
  const body = new FunctionBody(['i32']);
  body.get(0);
  body.get(0);
  body.returnCallIndirect(type);
  module.define(module.declare({ parameters: i32, results: i32 }), body);
  return WebAssembly.validate(module.build());
}

/**
 * Looks up the region at an EIP; `enter` finds its record and slot on the stack. Returns from the
 * function where there is none.
 */
function enterRegion(body: FunctionBody, eip: number, enter: () => void): void {
  const record = body.local('i32');
  const slot = body.local('i32');
  const jump = { eip, place: body.local('i32'), record, slot };
  const unknown = body.block();
  const found = body.block();
  emitFindJump(body, jump, firstRegionSlot, found);
  pushRecord(body, eip, unknown);
  body.tee(record);
  body.memory('i32.load16_u', RecordField.handler);
  body.tee(slot);
  body.i32(firstRegionSlot);
  body.op('i32.lt_u');
  const isInstruction = body.if();
  setEipBase(body, eip);
  body.get(record);
  body.return();
  body.end(isInstruction);
  emitNoteJump(body, jump);
  body.end(found);
  setEipBase(body, eip);
  body.get(record);
  body.get(slot);
  enter();
  body.end(unknown);
  pushLookup(body, eip);
}

/** Leaves the record of an EIP on the stack; branches to `unknown` where there is none. */
function pushRecord(body: FunctionBody, eip: number, unknown: Label): void {
  const block = body.local('i32');
  const record = body.local('i32');
  emitFindRecord(body, { linear: eip, block, record }, unknown);
  body.get(record);
}

function setEipBase(body: FunctionBody, eip: number): void {
  store(body, CpuState.eipBase, () => {
    body.get(eip);
    body.i32(~0xfff);
    body.op('i32.and');
  });
}

/** Leaves the EIP to the loop. */
function pushLookup(body: FunctionBody, eip: number): void {
  store(body, CpuState.target, () => {
    body.get(eip);
  });
  body.i32(HandlerResult.lookup);
}

function store(body: FunctionBody, address: number, push: () => void): void {
  body.i32(0);
  push();
  body.memory('i32.store', address);
}

function load(body: FunctionBody, address: number): void {
  body.i32(0);
  body.memory('i32.load', address);
}
