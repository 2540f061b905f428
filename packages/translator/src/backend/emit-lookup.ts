/**
 * The look-up of a shadow entry, and accesses that share one (`region/access-groups.ts`).
 */
import type { FunctionBody } from '@ringfence/wasm';
import type { AccessGroup } from '../ir/value.ts';
import type { EmitTarget } from './emit-target.ts';

/** Byte offset of the entry for reads in a leaf's pair. */
export const readEntry = 0;

/** Byte offset of the entry for writes in a leaf's pair. */
export const writeEntry = 4;

/**
 * Sets `entry` and leaves a condition on the stack: nonzero when the fast path does not serve.
 */
export function emitLookup(
  target: EmitTarget,
  linear: number,
  entry: number,
  kind: number,
  bytes: number,
): void {
  const { body } = target;
  target.pushDirectory();
  pushScaled(body, linear, 22, 2);
  body.op('i32.add');
  body.memory('i32.load', 0);
  pushScaled(body, linear, 12, 3);
  body.op('i32.add');
  body.memory('i32.load', kind);
  body.tee(entry);
  if (bytes === 1) {
    body.i32(1);
    body.op('i32.and');
  } else if (target.takesMisaligned === true) {
    pushCrossing(body, linear, bytes);
    body.op('i32.or');
    body.i32(1);
    body.op('i32.and');
  } else {
    body.get(linear);
    body.op('i32.or');
    body.i32(bytes - 1);
    body.op('i32.and');
  }
}

/** An index from high bits of an address, scaled as processors' addressing modes do it. */
function pushScaled(body: FunctionBody, linear: number, shift: number, scale: number): void {
  body.get(linear);
  body.i32(shift);
  body.op('i32.shr_u');
  body.i32(scale);
  body.op('i32.shl');
}

/** Bit 0: whether the last of `bytes` bytes is in another page than the first. */
function pushCrossing(body: FunctionBody, linear: number, bytes: number): void {
  body.get(linear);
  body.get(linear);
  body.i32(bytes - 1);
  body.op('i32.add');
  body.op('i32.xor');
  body.i32(12);
  body.op('i32.shr_u');
}

/**
 * Sets a group's local to the address of its lowest byte, and leaves a condition on the stack:
 * nonzero when its range is not in one page that the fast path serves.
 */
export function emitGroupLookup(target: EmitTarget, group: AccessGroup, base: number): void {
  const { body } = target;
  const first = body.local('i32');
  const entry = body.local('i32');
  body.get(base);
  body.i32(group.low);
  body.op('i32.add');
  body.set(first);
  emitLookup(target, first, entry, group.writes ? writeEntry : readEntry, group.bytes);
  body.get(first);
  body.get(entry);
  body.op('i32.add');
  body.set(group.local);
}
