/**
 * The look-up of a shadow entry, and accesses that share one (`region/access-groups.ts`).
 */
import { CpuState } from '@ringfence/memory';
import type { FunctionBody, Label, ValueType } from '@ringfence/wasm';
import type { AccessGroup, Value } from '../ir/value.ts';
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
  body.get(linear);
  body.i32(20);
  body.op('i32.shr_u');
  body.i32(0xffc);
  body.op('i32.and');
  body.op('i32.add');
  body.memory('i32.load', 0);
  body.get(linear);
  body.i32(9);
  body.op('i32.shr_u');
  body.i32(0x1ff8);
  body.op('i32.and');
  body.op('i32.add');
  body.memory('i32.load', kind);
  body.tee(entry);
  if (bytes === 1) {
    body.i32(1);
    body.op('i32.and');
    return;
  }
  body.get(linear);
  body.op('i32.or');
  body.i32(bytes - 1);
  body.op('i32.and');
}

/** The groups of one IR body. */
export class GroupEmitter {
  readonly #target: EmitTarget;
  readonly #body: FunctionBody;
  /** Groups of which something may be known. */
  readonly #known: AccessGroup[] = [];

  constructor(target: EmitTarget) {
    this.#target = target;
    this.#body = target.body;
  }

  /**
   * Begins an `if` for what the fast path does not serve of a group; the first access looks the
   * group's range up.
   */
  ifUnknown(group: AccessGroup, base: number, type?: ValueType): Label {
    const body = this.#body;
    if (group.local < 0) {
      group.local = body.local('i32');
      this.#find(group, base);
      this.#known.push(group);
    }
    body.get(group.local);
    body.i32(-1);
    body.op('i32.eq');
    return type === undefined ? body.if() : body.if(type);
  }

  /** Sets a group's local: the range in one page, and alignment not asked for. */
  #find(group: AccessGroup, base: number): void {
    const body = this.#body;
    const first = body.local('i32');
    const entry = body.local('i32');
    body.i32(-1);
    body.set(group.local);
    body.get(base);
    body.i32(group.low);
    body.op('i32.add');
    body.set(first);
    emitLookup(this.#target, first, entry, group.writes ? writeEntry : readEntry, 1);
    body.get(first);
    body.get(first);
    body.i32(group.bytes - 1);
    body.op('i32.add');
    body.op('i32.xor');
    body.i32(12);
    body.op('i32.shr_u');
    body.op('i32.or');
    body.i32(0);
    body.memory('i32.load', CpuState.alignmentCheck);
    body.op('i32.or');
    body.op('i32.eqz');
    const served = body.if();
    body.get(first);
    body.get(entry);
    body.op('i32.add');
    body.set(group.local);
    body.end(served);
  }

  /** What slow accesses change may be what was found. */
  forget(): void {
    for (const group of this.#known) {
      this.#body.i32(-1);
      this.#body.set(group.local);
    }
  }

  /** The local of an access's linear address, computed from the base for one of a group. */
  near(value: Value, base: number): number {
    if (value.group === undefined || value.displacement === 0) return base;
    const body = this.#body;
    const linear = body.local('i32');
    body.get(base);
    body.i32(value.displacement);
    body.op('i32.add');
    body.set(linear);
    return linear;
  }
}
