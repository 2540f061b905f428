/**
 * Bulk operations behind REP MOVS and REP STOS: one chunk within a page, when shadow entries allow
 * the fast path. They return 1 when the work is done and 0, with nothing changed, when it must be
 * done element by element.
 */
import { CpuState, Layout, pageBytes } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { lookup } from './access.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const readEntry = 0;
const writeEntry = 4;

/** Host address of `size` bytes at `linear`, or a return of 0 when the fast path does not serve. */
function hostAddress(b: IrBuilder, linear: Value, size: Value, kind: number): Value {
  const entry = lookup(b, linear, kind);
  const crosses = b.gtU(b.add(b.and(linear, pageBytes - 1), size), pageBytes);
  b.if(b.or(b.and(entry, 1), crosses), () => b.return(b.i32(0)));
  return b.add(b.add(linear, entry), Layout.ram);
}

function refuseAlignmentChecks(b: IrBuilder): void {
  b.if(b.load('i32.load', CpuState.alignmentCheck), () => b.return(b.i32(0)));
}

/** A destination inside of the source is not a copy: the elements written are read again. */
const copyString: RuntimeFunction = {
  name: 'copyString',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, source, destination, size) => {
    if (source === undefined || destination === undefined || size === undefined) return;
    refuseAlignmentChecks(b);
    const from = hostAddress(b, source, size, readEntry);
    const to = hostAddress(b, destination, size, writeEntry);
    b.if(b.ltU(b.sub(b.sub(to, from), 1), b.sub(size, 1)), () => b.return(b.i32(0)));
    b.copy(to, from, size);
    b.return(b.i32(1));
  },
};

const fillString: RuntimeFunction = {
  name: 'fillString',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, linear, size, pattern) => {
    if (linear === undefined || size === undefined || pattern === undefined) return;
    refuseAlignmentChecks(b);
    const to = hostAddress(b, linear, size, writeEntry);
    b.if(b.eq(b.op('i32.rotl', pattern, b.i32(8)), pattern), () => {
      b.fill(to, pattern, size);
      b.return(b.i32(1));
    });
    const at = b.variable('i32', to);
    const end = b.add(to, b.and(size, ~3));
    b.loop((loop) => {
      b.if(b.geU(b.get(at), end), () => b.break(loop));
      b.store('i32.store', 0, pattern, b.get(at));
      b.set(at, b.add(b.get(at), 4));
      b.continue(loop);
    });
    b.if(b.and(size, 2), () => b.store('i32.store16', 0, pattern, end));
    b.return(b.i32(1));
  },
};

/** Chunks of MOVS and STOS. */
export const stringFunctions: readonly RuntimeFunction[] = [copyString, fillString];
