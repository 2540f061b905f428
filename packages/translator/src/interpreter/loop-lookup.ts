/**
 * The look-up of the interpreter loop: the jump cache, else exec directory, leaf, block, record.
 */
import { CpuState, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import { emitFindRecord } from './find-record.ts';
import { anyHandler, emitFindJump, emitNoteJump } from './jump-cache.ts';
import type { LoopLocals } from './loop-target.ts';
import { RecordField } from './record.ts';

const codeSegment = CpuState.segments + segmentBytes * SegmentRegister.cs;

/**
 * Finds the record of the EIP in `target` and goes on behind itself; branches to `missed` for a
 * fault. `fetch` is the host function that decodes what has no record.
 */
export function emitLookup(
  body: FunctionBody,
  locals: LoopLocals,
  fetch: number,
  missed: Label,
): void {
  const { record, budget, target, branch } = locals;
  const linear = body.local('i32');
  const block = body.local('i32');
  const jump = { eip: linear, place: body.local('i32'), record, slot: block };
  const known = body.block();
  const unknown = body.block();
  findLinear(body, locals, linear, unknown);
  emitFindJump(body, jump, anyHandler, known);
  emitFindRecord(body, { linear, block, record }, unknown);
  emitNoteJump(body, jump);
  body.br(known);
  body.end(unknown);
  storeLocal(body, CpuState.budget, budget);
  body.get(target);
  body.call(fetch);
  body.set(record);
  load(body, CpuState.budget);
  body.set(budget);
  body.get(record);
  body.op('i32.eqz');
  body.brIf(missed);
  body.end(known);
  setEipBase(body, target, linear);
  // A branch within its page remembers where it led.
  body.get(branch);
  const link = body.if();
  body.get(branch);
  body.get(record);
  body.memory('i32.store', RecordField.link);
  body.i32(0);
  body.set(branch);
  body.end(link);
  body.releaseLocals();
}

/** `target` -> `linear`; branches to `unknown` where nothing may be fetched. */
function findLinear(
  body: FunctionBody,
  { target }: LoopLocals,
  linear: number,
  unknown: Label,
): void {
  load(body, codeSegment + SegmentField.base);
  body.get(target);
  body.op('i32.add');
  body.set(linear);
  body.get(target);
  load(body, CpuState.fetchEnd);
  body.op('i32.ge_u');
  body.brIf(unknown);
}

/** eipBase = target - offset in page. */
function setEipBase(body: FunctionBody, target: number, linear: number): void {
  body.i32(0);
  body.get(target);
  body.get(linear);
  body.i32(0xfff);
  body.op('i32.and');
  body.op('i32.sub');
  body.memory('i32.store', CpuState.eipBase);
}

function load(body: FunctionBody, address: number): void {
  body.i32(0);
  body.memory('i32.load', address);
}

function storeLocal(body: FunctionBody, address: number, local: number): void {
  body.i32(0);
  body.get(local);
  body.memory('i32.store', address);
}
