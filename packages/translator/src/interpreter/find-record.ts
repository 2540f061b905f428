/** Code that finds the record of a linear address: exec directory, leaf, code-page block, index. */
import { CpuState } from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';

/** Header of a code-page block: mode, page, two spare words; then the record addresses. */
const blockIndexOffset = 16;

/** Locals of a look-up. */
export interface FindLocals {
  readonly linear: number;
  readonly block: number;
  /** Gets the record's address. */
  readonly record: number;
}

/** Finds a record; branches to `unknown` where there is none for the current code mode. */
export function emitFindRecord(
  body: FunctionBody,
  { linear, block, record }: FindLocals,
  unknown: Label,
): void {
  pushState(body, CpuState.dirExec);
  pushIndex(body, linear, 20);
  body.op('i32.add');
  body.memory('i32.load');
  pushIndex(body, linear, 10);
  body.op('i32.add');
  body.memory('i32.load');
  body.tee(block);
  body.memory('i32.load');
  pushState(body, CpuState.codeMode);
  body.op('i32.ne');
  body.brIf(unknown);
  body.get(block);
  body.get(linear);
  body.i32(0xfff);
  body.op('i32.and');
  body.i32(2);
  body.op('i32.shl');
  body.op('i32.add');
  body.memory('i32.load', blockIndexOffset);
  body.tee(record);
  body.op('i32.eqz');
  body.brIf(unknown);
}

/** Offset of one of the 1024 words that bits of an address choose. */
function pushIndex(body: FunctionBody, address: number, shift: number): void {
  body.get(address);
  body.i32(shift);
  body.op('i32.shr_u');
  body.i32(0xffc);
  body.op('i32.and');
}

function pushState(body: FunctionBody, address: number): void {
  body.i32(0);
  body.memory('i32.load', address);
}
