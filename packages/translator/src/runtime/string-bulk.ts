/**
 * Bulk operations behind repeated string instructions: one chunk, whose elements are all in one
 * page at each operand. `step` is what an element moves by, negative where DF is set.
 *
 * Where a shadow entry does not serve, the host says where the page is (`reachSlow`), and is told
 * of what was written there (`wroteSlow`): one call for a chunk, where elements would take
 * thousands. What it cannot give an address for (MMIO, faults, watched pages) is left to elements,
 * with nothing changed. Operands are reached in the order in which elements access them.
 *
 * Hot; measured by tools/bench (memory-copy, memory-strings, fork-exec: pages that were page tables
 * are cleared by REP STOS while they are still traced).
 */
import { CpuState, Layout, pageBytes } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import { lookup } from './access.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const readEntry = 0;
const writeEntry = 4;

/** Bytes of a vector. */
const vectorBytes = 16;

/** What `scan` and `compare` functions answer for a chunk that elements have to do. */
export const notInBulk = -1;

/** Bytes below which a loop copies sooner than the engine's bulk copy. */
const shortCopy = 32;

/** Widths of elements, with what loads, stores and compares them. */
const widths = [
  { bytes: 1, load: 'i32.load8_u', store: 'i32.store8', lanes: 'i8x16' },
  { bytes: 2, load: 'i32.load16_u', store: 'i32.store16', lanes: 'i16x8' },
  { bytes: 4, load: 'i32.load', store: 'i32.store', lanes: 'i32x4' },
] as const;

type Width = (typeof widths)[number];

/** A place in linear memory, and whether the host gave it. */
interface Reached {
  readonly address: Value;
  readonly slow: Value;
}

/** Where `linear` is; leaves with `refused` where only elements can go. */
function reach(b: IrBuilder, linear: Value, kind: number, refused: number): Reached {
  const entry = lookup(b, linear, kind);
  const slow = b.and(entry, 1);
  const address = b.variable('i32', b.add(b.add(linear, entry), Layout.ram));
  b.if(slow, () => {
    b.set(address, b.call('reachSlow', 'i32', linear, b.i32(kind === writeEntry ? 1 : 0)));
    b.if(b.eqz(b.get(address)), () => b.return(b.i32(refused)));
  });
  return { address: b.get(address), slow };
}

function refuseAlignmentChecks(b: IrBuilder, refused: number): void {
  b.if(b.load('i32.load', CpuState.alignmentCheck), () => b.return(b.i32(refused)));
}

/** Leaves unless the elements from `linear` on are in one page. */
function refuseCrossing(
  b: IrBuilder,
  linear: Value,
  size: Value,
  step: Value,
  bytes: number,
  refused: number,
): void {
  const offset = b.and(linear, pageBytes - 1);
  const down = b.ltS(step, 0);
  const first = b.select(down, b.sub(b.add(offset, bytes), size), offset);
  b.if(b.gtU(first, b.sub(b.i32(pageBytes), size)), () => b.return(b.i32(refused)));
}

/** Does `body` until `count`, which is at least 1, is used up. */
function repeat(b: IrBuilder, count: Variable, body: (stop: () => void) => void): void {
  b.loop((loop) => {
    body(() => b.break(loop));
    b.set(count, b.sub(b.get(count), 1));
    b.if(b.get(count), () => b.continue(loop));
  });
}

/**
 * MOVS. A destination inside of the source, in the direction of the copy, is no copy: elements that
 * were written are read again.
 */
function copier({ bytes, load, store }: Width): RuntimeFunction {
  return {
    name: `copyString${bytes * 8}`,
    parameters: ['i32', 'i32', 'i32', 'i32'],
    results: ['i32'],
    build: (b, source, destination, size, step) => {
      if (source === undefined || destination === undefined) return;
      if (size === undefined || step === undefined) return;
      refuseAlignmentChecks(b, 0);
      refuseCrossing(b, source, size, step, bytes, 0);
      refuseCrossing(b, destination, size, step, bytes, 0);
      const from = reach(b, source, readEntry, 0);
      const to = reach(b, destination, writeEntry, 0);
      const down = b.ltS(step, 0);
      const ahead = b.sub(to.address, from.address);
      const distance = b.select(down, b.sub(b.i32(0), ahead), ahead);
      b.if(
        b.or(b.ltU(b.sub(distance, 1), b.sub(size, 1)), b.ltU(size, shortCopy)),
        () => {
          const count = b.variable('i32', b.shrU(size, bytes >> 1));
          const read = b.variable('i32', from.address);
          const written = b.variable('i32', to.address);
          repeat(b, count, () => {
            b.store(store, 0, b.load(load, 0, b.get(read)), b.get(written));
            b.set(read, b.add(b.get(read), step));
            b.set(written, b.add(b.get(written), step));
          });
        },
        () => {
          const back = b.select(down, b.sub(size, bytes), b.i32(0));
          b.copy(b.sub(to.address, back), b.sub(from.address, back), size);
        },
      );
      tellOfWrite(b, to, destination, size, step, bytes);
      b.return(b.i32(1));
    },
  };
}

/** STOS of a pattern of four bytes, which is the same from any of its elements on. */
function filler({ bytes, store }: Width): RuntimeFunction {
  return {
    name: `fillString${bytes * 8}`,
    parameters: ['i32', 'i32', 'i32', 'i32'],
    results: ['i32'],
    build: (b, linear, size, step, pattern) => {
      if (linear === undefined || size === undefined) return;
      if (step === undefined || pattern === undefined) return;
      refuseAlignmentChecks(b, 0);
      refuseCrossing(b, linear, size, step, bytes, 0);
      const to = reach(b, linear, writeEntry, 0);
      const back = b.select(b.ltS(step, 0), b.sub(size, bytes), b.i32(0));
      const first = b.sub(to.address, back);
      b.if(
        b.eq(b.op('i32.rotl', pattern, b.i32(8)), pattern),
        () => b.fill(first, pattern, size),
        () => {
          const count = b.variable('i32', b.shrU(size, bytes >> 1));
          const at = b.variable('i32', first);
          repeat(b, count, () => {
            b.store(store, 0, pattern, b.get(at));
            b.set(at, b.add(b.get(at), bytes));
          });
        },
      );
      tellOfWrite(b, to, linear, size, step, bytes);
      b.return(b.i32(1));
    },
  };
}

/** Tells the host of the bytes written at a place that it gave. */
function tellOfWrite(
  b: IrBuilder,
  to: Reached,
  linear: Value,
  size: Value,
  step: Value,
  bytes: number,
): void {
  const back = b.select(b.ltS(step, 0), b.sub(size, bytes), b.i32(0));
  b.if(to.slow, () => void b.call('wroteSlow', 'void', b.sub(linear, back), size));
}

/**
 * Counts elements up to the first that ends the repetition: an equal one for REPNE (`ends` 1), a
 * different one for REPE (0). `element` and `vector` compare at the current place; vectors are
 * looked at as long as they go on as a whole.
 */
function count(
  b: IrBuilder,
  places: readonly Variable[],
  elements: Value,
  step: Value,
  ends: Value,
  bytes: number,
  equal: { readonly element: () => Value; readonly vector: () => Value },
): Value {
  const left = b.variable('i32', elements);
  const advance = (by: Value): void => {
    for (const place of places) b.set(place, b.add(b.get(place), by));
  };
  const perVector = vectorBytes / bytes;
  b.if(b.eq(step, b.i32(bytes)), () => {
    b.loop((loop) => {
      b.if(b.ltU(b.get(left), perVector), () => b.break(loop));
      const same = equal.vector();
      const all = b.op('i8x16.all_true', same);
      const some = b.op('v128.any_true', same);
      b.if(b.select(ends, some, b.eqz(all)), () => b.break(loop));
      advance(b.i32(vectorBytes));
      b.set(left, b.sub(b.get(left), perVector));
      b.continue(loop);
    });
  });
  b.if(b.get(left), () => {
    repeat(b, left, (stop) => {
      b.if(b.eq(equal.element(), ends), stop);
      advance(step);
    });
  });
  return b.sub(elements, b.get(left));
}

/** SCAS: how many elements do not end the repetition. */
function scanner({ bytes, load, lanes }: Width): RuntimeFunction {
  return {
    name: `scanString${bytes * 8}`,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    results: ['i32'],
    build: (b, linear, elements, step, value, ends) => {
      if (linear === undefined || elements === undefined || step === undefined) return;
      if (value === undefined || ends === undefined) return;
      refuseAlignmentChecks(b, notInBulk);
      refuseCrossing(b, linear, b.mul(elements, bytes), step, bytes, notInBulk);
      const at = b.variable('i32', reach(b, linear, readEntry, notInBulk).address);
      const wanted = b.op(`${lanes}.splat`, value);
      b.return(
        count(b, [at], elements, step, ends, bytes, {
          element: () => b.eq(b.load(load, 0, b.get(at)), value),
          vector: () => b.op(`${lanes}.eq`, b.load('v128.load', 0, b.get(at)), wanted),
        }),
      );
    },
  };
}

/** CMPS: how many pairs do not end the repetition. */
function comparer({ bytes, load, lanes }: Width): RuntimeFunction {
  return {
    name: `compareString${bytes * 8}`,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    results: ['i32'],
    build: (b, source, destination, elements, step, ends) => {
      if (source === undefined || destination === undefined || elements === undefined) return;
      if (step === undefined || ends === undefined) return;
      refuseAlignmentChecks(b, notInBulk);
      const size = b.mul(elements, bytes);
      refuseCrossing(b, source, size, step, bytes, notInBulk);
      refuseCrossing(b, destination, size, step, bytes, notInBulk);
      const right = b.variable('i32', reach(b, destination, readEntry, notInBulk).address);
      const left = b.variable('i32', reach(b, source, readEntry, notInBulk).address);
      const both = (name: string): [Value, Value] => [
        b.load(name, 0, b.get(left)),
        b.load(name, 0, b.get(right)),
      ];
      b.return(
        count(b, [left, right], elements, step, ends, bytes, {
          element: () => b.eq(...both(load)),
          vector: () => b.op(`${lanes}.eq`, ...both('v128.load')),
        }),
      );
    },
  };
}

/** Chunks of MOVS, STOS, SCAS and CMPS. */
export const stringFunctions: readonly RuntimeFunction[] = widths.flatMap((width) => [
  copier(width),
  filler(width),
  scanner(width),
  comparer(width),
]);
