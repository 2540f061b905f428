/**
 * The slow path of guest memory accesses, in WebAssembly as far as it goes: an access that is only
 * misaligned is done here, and a write to a traced page beside what is traced of it; all else by
 * the host.
 */
import { CpuState, Layout, pageBytes } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const readEntry = 0;
const writeEntry = 4;

/**
 * Shadow entry of a linear address for reads (`kind` 0) or writes (4), in the directory whose
 * address is in a word of the CPU state.
 */
export function lookup(
  b: IrBuilder,
  linear: Value,
  kind: number,
  word: number = CpuState.dirData,
): Value {
  const directory = b.load('i32.load', word);
  const slot = b.add(directory, b.shl(b.shrU(linear, 22), 2));
  const pairs = b.load('i32.load', 0, slot);
  return b.load('i32.load', kind, b.add(pairs, b.shl(b.shrU(linear, 12), 3)));
}

/** Builds `then` for accesses that the entry serves although they are misaligned. */
function ifServed(
  b: IrBuilder,
  linear: Value,
  kind: number,
  bytes: number,
  then: (at: Value) => void,
): void {
  const entry = lookup(b, linear, kind);
  const offset = b.and(linear, pageBytes - 1);
  const crosses = b.gtU(offset, pageBytes - bytes);
  const checked = b.load('i32.load', CpuState.alignmentCheck);
  const refused = b.or(b.or(b.and(entry, 1), crosses), checked);
  b.if(b.eqz(refused), () => then(b.add(linear, entry)));
}

/** Low bits of the write entry of a traced page whose memory reads see (`shadow-paging`). */
const tracedPage = 7;

/** Bytes of a chunk, the unit of traces. */
const chunkBytes = 64;

/**
 * Builds `then` for writes within a chunk that is not traced of a page of which something is. A
 * page of which nothing is traced any more goes to the host, which gives it another entry.
 */
function ifUntraced(b: IrBuilder, linear: Value, bytes: number, then: (at: Value) => void): void {
  const entry = lookup(b, linear, writeEntry);
  b.if(b.eq(b.and(entry, tracedPage), tracedPage), () => {
    const page = b.and(b.shrU(entry, 9), ~7);
    const low = b.load('i32.load', Layout.traceBitmaps, page);
    const high = b.load('i32.load', Layout.traceBitmaps + 4, page);
    const half = b.select(b.and(linear, pageBytes / 2), high, low);
    const traced = b.and(b.shrU(half, b.and(b.shrU(linear, 6), 31)), 1);
    const crosses = b.gtU(b.and(linear, chunkBytes - 1), chunkBytes - bytes);
    const read = lookup(b, linear, readEntry);
    const checked = b.ne(b.load('i32.load', CpuState.alignmentCheck), 0);
    const refused = b.or(b.or(traced, crosses), b.or(b.and(read, 1), checked));
    b.if(b.and(b.eqz(refused), b.ne(b.or(low, high), 0)), () => then(b.add(linear, read)));
  });
}

const widths = [
  { bytes: 1, type: 'i32', load: 'i32.load8_u', store: 'i32.store8' },
  { bytes: 2, type: 'i32', load: 'i32.load16_u', store: 'i32.store16' },
  { bytes: 4, type: 'i32', load: 'i32.load', store: 'i32.store' },
  { bytes: 8, type: 'i64', load: 'i64.load', store: 'i64.store' },
] as const;

function loader(width: (typeof widths)[number], modify: boolean): RuntimeFunction {
  const { bytes, type, load } = width;
  return {
    name: `${modify ? 'modify' : 'load'}${bytes * 8}`,
    parameters: ['i32'],
    results: [type],
    build: (b, linear) => {
      if (linear === undefined) return;
      ifServed(b, linear, modify ? writeEntry : readEntry, bytes, (at) => {
        b.return(b.load(load, Layout.ram, at));
      });
      if (modify) {
        ifUntraced(b, linear, bytes, (at) => b.return(b.load(load, Layout.ram, at)));
        b.call('probeSlow', 'void', linear, b.i32(bytes));
        const faulted = b.geS(b.load('i32.load', CpuState.faultVector), 0);
        b.if(faulted, () => b.return(type === 'i64' ? b.i64(0) : b.i32(0)));
      }
      const low = b.call('readSlow', 'i32', linear, b.i32(bytes));
      b.return(type === 'i64' ? b.load('i64.load', CpuState.transfer) : low);
    },
  };
}

function storer(width: (typeof widths)[number]): RuntimeFunction {
  const { bytes, type, store } = width;
  return {
    name: `store${bytes * 8}`,
    parameters: ['i32', type],
    results: [],
    build: (b, linear, value) => {
      if (linear === undefined || value === undefined) return;
      const write = (at: Value): void => {
        b.store(store, Layout.ram, value, at);
        b.return();
      };
      ifServed(b, linear, writeEntry, bytes, write);
      ifUntraced(b, linear, bytes, write);
      if (type === 'i64') b.store('i64.store', CpuState.transfer, value);
      const low = type === 'i64' ? b.i32(0) : value;
      b.call('writeSlow', 'void', linear, b.i32(bytes), low);
    },
  };
}

const load128: RuntimeFunction = {
  name: 'load128',
  parameters: ['i32'],
  results: [],
  build: (b, linear) => {
    if (linear === undefined) return;
    ifServed(b, linear, readEntry, 16, (at) => {
      b.store('v128.store', CpuState.transfer, b.load('v128.load', Layout.ram, at));
      b.return();
    });
    b.call('readSlow', 'i32', linear, b.i32(16));
  },
};

const store128: RuntimeFunction = {
  name: 'store128',
  parameters: ['i32'],
  results: [],
  build: (b, linear) => {
    if (linear === undefined) return;
    const write = (at: Value): void => {
      b.store('v128.store', Layout.ram, b.load('v128.load', CpuState.transfer), at);
      b.return();
    };
    ifServed(b, linear, writeEntry, 16, write);
    ifUntraced(b, linear, 16, write);
    b.call('writeSlow', 'void', linear, b.i32(16), b.i32(0));
  },
};

const probe: RuntimeFunction = {
  name: 'probe',
  parameters: ['i32', 'i32'],
  results: [],
  build: (b, linear, bytes) => {
    if (linear === undefined || bytes === undefined) return;
    b.call('probeSlow', 'void', linear, bytes);
  },
};

/** Slow-path functions by access width. */
export const accessFunctions: readonly RuntimeFunction[] = [
  ...widths.map((width) => loader(width, false)),
  ...widths.map((width) => loader(width, true)),
  ...widths.map(storer),
  load128,
  store128,
  probe,
];
