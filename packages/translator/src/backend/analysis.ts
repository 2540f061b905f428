import type { Value } from '../ir/value.ts';
import { isPure } from '../ir/value.ts';

/** What an operation is to the order of evaluation. */
const enum_ = { pure: 0, read: 1, effect: 2 } as const;

function kindOf(value: Value): number {
  if (isPure(value)) return enum_.pure;
  return value.op === 'load' || value.op === 'get' ? enum_.read : enum_.effect;
}

const statePreserving: ReadonlySet<string> = new Set([
  'guest.load',
  'guest.modify',
  'guest.probe',
  'fault.if',
  'mark',
]);

/** Operations that never change what a `load` of CPU state or a `get` sees. */
function keepsState(value: Value): boolean {
  return statePreserving.has(value.op);
}

/**
 * Decides which values are computed where they are used (they keep `local` -1 and are
 * `isInlined`), which need a local, and which are `isDead`.
 */
export function analyze(body: readonly Value[]): void {
  count(body);
  removeDead(body);
  place(body);
}

function count(list: readonly Value[]): void {
  for (const value of list) {
    for (const argument of value.args) {
      argument.uses += 1;
      argument.user = value;
      argument.userList = list;
    }
    if (value.blocks !== undefined) for (const block of value.blocks) count(block);
  }
}

function removeDead(list: readonly Value[]): void {
  for (let index = list.length - 1; index >= 0; index--) {
    const value = list[index] as Value;
    if (value.blocks !== undefined) {
      for (let block = value.blocks.length - 1; block >= 0; block--) {
        removeDead(value.blocks[block] as Value[]);
      }
    }
    if (value.uses > 0 || kindOf(value) === enum_.effect) continue;
    value.isDead = true;
    for (const argument of value.args) argument.uses -= 1;
  }
}

function place(list: readonly Value[]): void {
  const size = list.length;
  const stateEffects = new Int32Array(size + 1);
  const impure = new Int32Array(size + 1);
  for (let index = 0; index < size; index++) {
    const value = list[index] as Value;
    value.index = index;
    const kind = value.isDead ? enum_.pure : kindOf(value);
    const changes = kind === enum_.effect && !keepsState(value);
    stateEffects[index + 1] = (stateEffects[index] ?? 0) + (changes ? 1 : 0);
    impure[index + 1] = (impure[index] ?? 0) + (kind === enum_.pure ? 0 : 1);
    if (value.blocks !== undefined) for (const block of value.blocks) place(block);
  }
  const root = new Int32Array(size);
  for (let index = size - 1; index >= 0; index--) {
    const value = list[index] as Value;
    root[index] = index;
    const { user } = value;
    if (value.type === 'void' || value.uses !== 1 || user === undefined || user.isDead) continue;
    if (value.userList !== list) continue;
    const at = root[user.index] ?? index;
    if (!canMove(value, index, at, stateEffects, impure)) continue;
    value.isInlined = true;
    root[index] = at;
  }
}

function canMove(
  value: Value,
  from: number,
  to: number,
  stateEffects: Int32Array,
  impure: Int32Array,
): boolean {
  if (value.op === 'guest.modify') return false;
  const kind = kindOf(value);
  if (kind === enum_.pure) return true;
  if (kind === enum_.read) return stateEffects[from] === stateEffects[to];
  return impure[from + 1] === impure[to];
}
