/**
 * How far transcendental results may be from the processor's: its own are not rounded correctly.
 */
import type { MachineState, VectorCase } from '@ringfence/native-vectors';

const c1 = 0x200;

/** A number's bits without sign as an integer in which neighbours differ by 1, and its sign. */
function orderOf(number: Uint8Array): readonly [sign: number, order: bigint] {
  const view = new DataView(number.buffer, number.byteOffset, 10);
  const word = view.getUint16(8, true);
  const significand = view.getBigUint64(0, true) & ~(1n << 63n);
  return [word >> 15, (BigInt(word & 0x7fff) << 63n) | significand];
}

/**
 * Takes over the expected x87 registers that the result differs from by one unit in the last place,
 * and C1, which says whether the unrounded result was below or above.
 */
export function acceptNeighbours(vector: VectorCase, state: MachineState): void {
  state.statusWord = (state.statusWord & ~c1) | (vector.after.statusWord & c1);
  for (let index = 0; index < 8; index++) {
    const [want, have] = [vector.after.st(index), state.st(index)];
    const [[signWanted, wanted], [sign, actual]] = [orderOf(want), orderOf(have)];
    const distance = wanted - actual;
    if (sign !== signWanted || distance > 1n || distance < -1n) continue;
    have.set(want);
  }
}
