/**
 * Turns flags that a region left as what they come from (`LazyFlags`) into flag words.
 */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import { lazyOperations } from '../ir/lazy-flags.ts';
import type { Value } from '../ir/value.ts';
import { FlagsBuilder } from '../semantics/flags.ts';
import type { RuntimeFunction } from './runtime-function.ts';

type LazyOperation = (typeof lazyOperations)[number];

function compute(b: IrBuilder, { operation, bytes }: LazyOperation): void {
  const flags = new FlagsBuilder(b);
  const state = (address: number): Value => b.load('i32.load', address);
  if (operation === 'add' || operation === 'subtract') {
    const [left, right] = [state(CpuState.flagsResult), state(CpuState.flagsCarries)];
    if (operation === 'add') flags.add(left, right, b.add(left, right), bytes);
    else flags.sub(left, right, b.sub(left, right), bytes);
    return;
  }
  const result = state(CpuState.flagsAmended);
  const one = b.i32(1);
  if (operation === 'increment') flags.increment(b.sub(result, one), one, result, bytes);
  else flags.decrement(b.add(result, one), one, result, bytes);
}

/** The most frequent first. */
const assigning = lazyOperations.filter(({ kind }) => kind < 0x100).reverse();
const amending = lazyOperations.filter(({ kind }) => kind >= 0x100).reverse();

/** Turns lazy flags in the CPU state into flag words: `settleFlags()`. */
export const settleFlags: RuntimeFunction = {
  name: 'settleFlags',
  parameters: [],
  results: [],
  build: (b) => {
    const kind = b.load('i32.load', CpuState.flagsKind);
    b.if(b.eqz(kind), () => b.return());
    b.store('i32.store', CpuState.flagsKind, b.i32(0));
    const assigned = b.and(kind, 0xff);
    const amended = b.and(kind, 0xff00);
    b.loop((choice) => {
      for (const each of assigning) {
        b.if(b.eq(assigned, each.kind), () => {
          compute(b, each);
          b.break(choice);
        });
      }
    });
    for (const each of amending) {
      b.if(b.eq(amended, each.kind), () => {
        compute(b, each);
        b.return();
      });
    }
  },
};
