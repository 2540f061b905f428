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
  'mark',
]);

/** Operations that never change what a `load` of CPU state or a `get` sees. */
function keepsState(value: Value): boolean {
  return statePreserving.has(value.op);
}

interface Use {
  readonly user: Value;
  readonly list: readonly Value[];
}

/**
 * Decides which values are computed where they are used (they keep `local` -1 and get `inlined`),
 * which need a local, and which are dead.
 */
export class Analysis {
  readonly #uses = new Map<Value, Use>();
  readonly #inlined = new Set<Value>();
  readonly #dead = new Set<Value>();

  constructor(body: readonly Value[]) {
    this.#count(body);
    this.#removeDead(body);
    this.#place(body);
  }

  /** Whether the value is emitted as part of the expression of its one user. */
  isInlined(value: Value): boolean {
    return this.#inlined.has(value);
  }

  /** Whether nothing needs the value. */
  isDead(value: Value): boolean {
    return this.#dead.has(value);
  }

  #count(list: readonly Value[]): void {
    for (const value of list) {
      for (const argument of value.args) {
        argument.uses += 1;
        this.#uses.set(argument, { user: value, list });
      }
      if (value.blocks !== undefined) for (const block of value.blocks) this.#count(block);
    }
  }

  #removeDead(list: readonly Value[]): void {
    for (let index = list.length - 1; index >= 0; index--) {
      const value = list[index] as Value;
      if (value.blocks !== undefined) {
        for (let block = value.blocks.length - 1; block >= 0; block--) {
          this.#removeDead(value.blocks[block] as Value[]);
        }
      }
      if (value.uses > 0 || kindOf(value) === enum_.effect) continue;
      this.#dead.add(value);
      for (const argument of value.args) argument.uses -= 1;
    }
  }

  #place(list: readonly Value[]): void {
    const count = list.length;
    const stateEffects = new Int32Array(count + 1);
    const impure = new Int32Array(count + 1);
    const indexOf = new Map<Value, number>();
    list.forEach((value, index) => {
      indexOf.set(value, index);
      const alive = !this.#dead.has(value);
      const kind = kindOf(value);
      const effect = alive && kind === enum_.effect;
      stateEffects[index + 1] = (stateEffects[index] ?? 0) + (effect && !keepsState(value) ? 1 : 0);
      impure[index + 1] = (impure[index] ?? 0) + (alive && kind !== enum_.pure ? 1 : 0);
      if (value.blocks !== undefined) for (const block of value.blocks) this.#place(block);
    });
    const root = new Int32Array(count);
    for (let index = count - 1; index >= 0; index--) {
      const value = list[index] as Value;
      root[index] = index;
      const use = this.#uses.get(value);
      if (value.type === 'void' || value.uses !== 1 || use === undefined || use.list !== list)
        continue;
      if (this.#dead.has(use.user)) continue;
      const at = root[indexOf.get(use.user) ?? index] ?? index;
      if (!canMove(value, index, at, stateEffects, impure)) continue;
      this.#inlined.add(value);
      root[index] = at;
    }
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
