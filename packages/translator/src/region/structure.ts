/**
 * WebAssembly control flow for a list of basic blocks in a fixed order.
 *
 * WebAssembly has no goto: a forward jump leaves a `block` that ends before its target, a backward
 * jump repeats a `loop` that begins at it. Blocks stay in their order. Every backward jump t -> h
 * makes the interval h..t a loop; intervals that overlap are merged until they nest. A jump to the
 * inside of a loop from outside goes to the loop's head with the number of its target in the local
 * `pending`, where a br_table sends it on; `pending` is -1 at all other times. Entries of the
 * function work the same.
 */
import type { FunctionBody, Label } from '@ringfence/wasm';

/** Blocks first..last, which are jumped back to at first. */
interface Interval {
  readonly first: number;
  last: number;
}

interface Item {
  readonly first: number;
  readonly last: number;
  readonly isLoop: boolean;
}

interface Scope {
  readonly first: number;
  readonly last: number;
  readonly items: readonly Item[];
  readonly labels: readonly (Label | undefined)[];
  readonly loop: Label | undefined;
  current: number;
}

/** What a structurer works on. */
export interface StructureInput {
  readonly body: FunctionBody;
  /** Local that holds the number of a block that is to be reached, or -1. */
  readonly pending: number;
  /** Successors of each block that are in the list. */
  readonly successors: readonly (readonly number[])[];
  /** Blocks at which the function can be entered. */
  readonly entries: ReadonlySet<number>;
  /** Emits a block; it ends in branches on every path. */
  readonly emitBlock: (index: number) => void;
}

/** Emits blocks with their control flow. */
export class Structurer {
  readonly #input: StructureInput;
  readonly #loops: readonly Interval[];
  /** Blocks that are reached by way of `pending`. */
  readonly #side: Set<number>;
  readonly #scopes: Scope[] = [];

  constructor(input: StructureInput) {
    this.#input = input;
    this.#loops = findLoops(input.successors);
    this.#side = new Set(input.entries);
    this.#findSideEntrances();
  }

  /** Emits everything; `pending` holds the entry's number when the function begins. */
  emit(): void {
    this.#sequence(0, this.#input.successors.length - 1, undefined);
  }

  /** Branches from the block that is being emitted to another. */
  goto(target: number): void {
    const { body, pending } = this.#input;
    for (let depth = this.#scopes.length - 1; depth >= 0; depth--) {
      const scope = this.#scopes[depth];
      if (scope === undefined || target < scope.first || target > scope.last) continue;
      const at = scope.items.findIndex((item) => target >= item.first && target <= item.last);
      if (at <= scope.current && target === scope.first && scope.loop !== undefined) {
        body.br(scope.loop);
        return;
      }
      const item = scope.items[at];
      const label = scope.labels[at];
      if (at <= scope.current || item === undefined || label === undefined) continue;
      if (item.first !== target) {
        body.i32(target);
        body.set(pending);
      }
      body.br(label);
      return;
    }
    throw new Error(`translator: no way to block ${target}`);
  }

  #sequence(first: number, last: number, loop: Label | undefined): void {
    const { body } = this.#input;
    const items = this.#items(first, last, loop !== undefined);
    const labels = items.map((): Label | undefined => undefined);
    for (let index = items.length - 1; index >= 0; index--) labels[index] = body.block();
    this.#dispatch(items, labels, first, last, loop !== undefined);
    const scope: Scope = { first, last, items, labels, loop, current: -1 };
    this.#scopes.push(scope);
    items.forEach((item, index) => {
      const label = labels[index];
      if (label !== undefined) body.end(label);
      scope.current = index;
      this.#item(item);
    });
    this.#scopes.pop();
  }

  /** Sends what is pending on to its item. */
  #dispatch(
    items: readonly Item[],
    labels: readonly (Label | undefined)[],
    first: number,
    last: number,
    loop: boolean,
  ): void {
    const { body, pending } = this.#input;
    // Whoever arrives at the head of a loop has come to where it was sent.
    let needed = false;
    for (let index = loop ? first + 1 : first; index <= last; index++) {
      needed = needed || this.#side.has(index);
    }
    if (!needed) return;
    const targets: Label[] = [];
    items.forEach((item, index) => {
      const label = labels[index];
      for (let block = item.first; block <= item.last; block++) if (label) targets.push(label);
    });
    const [fallback] = targets;
    if (fallback === undefined) return;
    body.get(pending);
    body.i32(0);
    body.op('i32.ge_s');
    const waiting = body.if();
    body.get(pending);
    body.i32(first);
    body.op('i32.sub');
    body.brTable(targets, fallback);
    body.end(waiting);
  }

  #item(item: Item): void {
    const { body, pending, emitBlock } = this.#input;
    if (item.isLoop) {
      const loop = body.loop();
      this.#sequence(item.first, item.last, loop);
      body.end(loop);
      body.unreachable();
      return;
    }
    if (this.#side.has(item.first)) {
      body.i32(-1);
      body.set(pending);
    }
    emitBlock(item.first);
  }

  /**
   * The blocks and loops that a range consists of; `inside` excludes the loop that is the range.
   */
  #items(first: number, last: number, inside: boolean): Item[] {
    const items: Item[] = [];
    for (let at = first; at <= last;) {
      const loop = this.#loops.find(
        (interval) =>
          interval.first === at &&
          interval.last <= last &&
          !(inside && interval.first === first && interval.last === last),
      );
      const end = loop === undefined ? at : loop.last;
      items.push({ first: at, last: end, isLoop: loop !== undefined });
      at = end + 1;
    }
    return items;
  }

  #findSideEntrances(): void {
    this.#input.successors.forEach((targets, from) => {
      for (const target of targets) {
        const enters = this.#loops.some(
          (loop) =>
            target > loop.first && target <= loop.last && (from < loop.first || from > loop.last),
        );
        if (enters) this.#side.add(target);
      }
    });
  }
}

/** Intervals of backward jumps, merged until any two nest or are apart; outer before inner. */
function findLoops(successors: readonly (readonly number[])[]): Interval[] {
  const lastOf = new Map<number, number>();
  successors.forEach((targets, from) => {
    for (const target of targets) {
      if (target <= from) lastOf.set(target, Math.max(lastOf.get(target) ?? 0, from));
    }
  });
  const intervals = [...lastOf].map(([first, last]): Interval => ({ first, last }));
  intervals.sort((a, b) => a.first - b.first || b.last - a.last);
  for (let changed = true; changed;) {
    changed = false;
    for (const outer of intervals) {
      for (const inner of intervals) {
        const overlaps =
          outer.first < inner.first && inner.first <= outer.last && inner.last > outer.last;
        if (!overlaps) continue;
        outer.last = inner.last;
        changed = true;
      }
    }
  }
  return intervals;
}
