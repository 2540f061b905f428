/** Code that looks in the jump cache, and fills it (`jump-cache.ts` of memory). */
import {
  CpuState,
  jumpCacheEntries,
  jumpCacheEntryBytes,
  JumpCacheField,
  Layout,
} from '@ringfence/memory';
import type { FunctionBody, Label } from '@ringfence/wasm';
import { RecordField } from './record.ts';

/** Locals of a jump. */
export interface JumpLocals {
  /** The linear address, which is the EIP in flat code. */
  readonly eip: number;
  /** The entry of the EIP, as an offset from the first. */
  readonly place: number;
  /** What was found: the record, and the number of its handler. */
  readonly record: number;
  readonly slot: number;
}

/** The number of the first handler: a record that is stale has 0. */
export const anyHandler = 1;

/**
 * Branches to `found` if the cache has a record with a handler from number `first` on. Regions are
 * of one code mode, so that who looks for them needs not compare it.
 */
export function emitFindJump(
  body: FunctionBody,
  { eip, place, record, slot }: JumpLocals,
  first: number,
  found: Label,
): void {
  body.get(eip);
  body.get(eip);
  body.i32(Math.log2(jumpCacheEntries));
  body.op('i32.shr_u');
  body.op('i32.xor');
  body.i32(jumpCacheEntries - 1);
  body.op('i32.and');
  body.i32(Math.log2(jumpCacheEntryBytes));
  body.op('i32.shl');
  body.tee(place);
  body.memory('i32.load', Layout.jumpCache + JumpCacheField.eip);
  body.get(eip);
  body.op('i32.xor');
  body.get(place);
  body.memory('i32.load', Layout.jumpCache + JumpCacheField.directory);
  pushState(body, CpuState.dirExec);
  body.op('i32.xor');
  body.op('i32.or');
  if (first === anyHandler) {
    body.get(place);
    body.memory('i32.load', Layout.jumpCache + JumpCacheField.mode);
    pushState(body, CpuState.codeMode);
    body.op('i32.xor');
    body.op('i32.or');
  }
  body.op('i32.eqz');
  const matches = body.if();
  body.get(place);
  body.memory('i32.load', Layout.jumpCache + JumpCacheField.record);
  body.tee(record);
  body.memory('i32.load16_u', RecordField.handler);
  body.tee(slot);
  body.i32(first);
  body.op('i32.ge_u');
  body.brIf(found);
  body.end(matches);
}

/** Puts a record into the cache. */
export function emitNoteJump(body: FunctionBody, { eip, place, record }: JumpLocals): void {
  body.get(place);
  body.get(eip);
  body.memory('i32.store', Layout.jumpCache + JumpCacheField.eip);
  body.get(place);
  pushState(body, CpuState.dirExec);
  body.memory('i32.store', Layout.jumpCache + JumpCacheField.directory);
  body.get(place);
  pushState(body, CpuState.codeMode);
  body.memory('i32.store', Layout.jumpCache + JumpCacheField.mode);
  body.get(place);
  body.get(record);
  body.memory('i32.store', Layout.jumpCache + JumpCacheField.record);
  body.i32(0);
  body.i32(1);
  body.memory('i32.store', Layout.jumpCache + JumpCacheField.isFilled);
}

function pushState(body: FunctionBody, address: number): void {
  body.i32(0);
  body.memory('i32.load', address);
}
