/** PDEP and PEXT: SDM vol. 2B. The low bits of one value and the bits of a mask, one for one. */
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';

/** What to add for one bit of the mask, whose place in the mask and among its bits are given. */
type Part = (b: IrBuilder, source: Value, inMask: Value, inOrder: Value) => Value;

function overMask(name: string, part: Part): RuntimeFunction {
  return {
    name,
    parameters: ['i64', 'i64'],
    results: ['i64'],
    build: (b, source, mask) => {
      if (source === undefined || mask === undefined) return;
      const left = b.variable('i64', mask);
      const inOrder = b.variable('i64', b.i64(1));
      const result = b.variable('i64', b.i64(0));
      b.loop((loop) => {
        b.if(b.ne(b.get(left), b.i64(0)), () => {
          const inMask = b.and(b.get(left), b.sub(b.i64(0), b.get(left)));
          b.set(result, b.or(b.get(result), part(b, source, inMask, b.get(inOrder))));
          b.set(left, b.xor(b.get(left), inMask));
          b.set(inOrder, b.shl(b.get(inOrder), b.i64(1)));
          b.continue(loop);
        });
      });
      b.return(b.get(result));
    },
  };
}

/** `bit` where `source` has `test`, else 0. */
function where(b: IrBuilder, source: Value, test: Value, bit: Value): Value {
  return b.select(b.ne(b.and(source, test), b.i64(0)), bit, b.i64(0));
}

/** Functions of a source and a mask. */
export const bitDeposit: readonly RuntimeFunction[] = [
  overMask('depositBits', (b, source, inMask, inOrder) => where(b, source, inOrder, inMask)),
  overMask('extractBits', (b, source, inMask, inOrder) => where(b, source, inMask, inOrder)),
];
