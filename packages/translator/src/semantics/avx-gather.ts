/**
 * Gathers of AVX2 (SDM vol. 2C, VGATHERDPS, VPGATHERDD): elements whose mask has its sign are
 * loaded one after the other. Each is written, and its mask cleared, before the next may fault, so
 * that an instruction that faults goes on where it was. Masks of elements that are not loaded yet
 * stay as they are then, as on an AMD EPYC.
 */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { requireAvx } from './avx-lanes.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, storeOf } from './context.ts';
import type { StateAddress } from './operand-source.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { named, zeroVector } from './vector.ts';

const vectorBytes = 16;
/** From the low half of a YMM register to its high half. */
const toHigh = CpuState.ymmHigh - CpuState.xmm;

type Place = readonly [offset: number, dynamic?: Value];

/** Where byte `from` of a YMM register is. */
function placeOf({ offset, dynamic }: StateAddress, from: number): Place {
  const at = offset + (from & (vectorBytes - 1)) + (from >= vectorBytes ? toHigh : 0);
  return dynamic === undefined ? [at] : [at, dynamic];
}

function store(c: InstructionContext, bytes: number, [offset, dynamic]: Place, value: Value): void {
  c.b.store(storeOf[bytes] ?? '', offset, value, dynamic);
}

/** Elements of `bytes` by indices of `indexBytes`, as many as both registers have. */
function gather(bytes: 4 | 8, indexBytes: 4 | 8): Semantics {
  return (c) => {
    const b = c.b;
    requireAvx(c);
    const [destination, indices, mask] = [c.register(0), c.register(1), c.register(2)];
    const registerBytes = c.form.vex === '256' ? 2 * vectorBytes : vectorBytes;
    const used = bytes * (registerBytes / Math.max(bytes, indexBytes));
    for (let element = 0; element * bytes < used; element++) {
      const maskPlace = placeOf(mask, element * bytes);
      const signPlace = placeOf(mask, element * bytes + bytes - 4);
      b.if(b.ltS(b.load('i32.load', ...signPlace), 0), () => {
        const index = b.load('i32.load', ...placeOf(indices, element * indexBytes));
        const distance = b.shl(index, c.source.scale());
        const content = b.guestLoad(loadOf[bytes] ?? '', c.linear(1, bytes, false, distance));
        store(c, bytes, placeOf(destination, element * bytes), content);
      });
      store(c, bytes, maskPlace, bytes === 4 ? b.i32(0) : b.i64(0));
    }
    if (used < vectorBytes) store(c, 8, placeOf(destination, 8), b.i64(0));
    if (used <= vectorBytes)
      store(c, vectorBytes, placeOf(destination, vectorBytes), zeroVector(c));
    for (const from of [0, vectorBytes]) store(c, vectorBytes, placeOf(mask, from), zeroVector(c));
  };
}

/** Gathers, by the sizes of element and index. */
export const avxGathers: SemanticsTable = {
  ...named('VPGATHERDD VGATHERDPS', gather(4, 4)),
  ...named('VPGATHERDQ VGATHERDPD', gather(8, 4)),
  ...named('VPGATHERQD VGATHERQPS', gather(4, 8)),
  ...named('VPGATHERQQ VGATHERQPD', gather(8, 8)),
};
