/** FMA and F16C: SDM vol. 1, 14.5 and 14.4; lanes are computed by runtime functions. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Negate } from '../runtime/avx-fused.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { f32, f64 } from '../runtime/sse-float-format.ts';
import type { Halves } from './avx-lanes.ts';
import { readHalves, requireAvx, writeHalves } from './avx-lanes.ts';
import type { InstructionContext } from './context.ts';
import { storeOf } from './context.ts';
import { beginFloat, eachLane, finishFloat, laneCount, rawLane } from './float-lanes.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { low, zeroVector } from './vector.ts';

/** Which operands are multiplied, and which is added. */
interface Order {
  readonly left: number;
  readonly right: number;
  readonly addend: number;
}

const orders: Readonly<Record<string, Order>> = {
  '132': { left: 0, right: 2, addend: 1 },
  '213': { left: 1, right: 0, addend: 2 },
  '231': { left: 1, right: 2, addend: 0 },
};

/** What each operation negates, in even and in odd lanes. */
const negations: Readonly<Record<string, readonly [even: number, odd: number]>> = {
  FMADD: [0, 0],
  FMSUB: [Negate.addend, Negate.addend],
  FNMADD: [Negate.product, Negate.product],
  FNMSUB: [Negate.product | Negate.addend, Negate.product | Negate.addend],
  FMADDSUB: [Negate.addend, 0],
  FMSUBADD: [0, Negate.addend],
};

function fused(f: FloatFormat, order: Order, name: string, isScalar: boolean): Semantics {
  const [even, odd] = negations[name] ?? [0, 0];
  return (c) => {
    const b = c.b;
    requireAvx(c);
    const operands = [2, 1, 0].map((index) => readHalves(c, index)).reverse();
    beginFloat(c);
    const half = (at: 0 | 1): Value => {
      const part = (index: number): Value => {
        const [first, second = first] = operands[index] ?? [zeroVector(c)];
        return at === 0 ? first : second;
      };
      const [left, right] = [part(order.left), part(order.right)];
      const addend = part(order.addend);
      return eachLane(c, f, part(0), isScalar ? 1 : laneCount(f), (index) => {
        const [x, y] = [rawLane(c, f, left, index), rawLane(c, f, right, index)];
        const z = rawLane(c, f, addend, index);
        return b.call(`${f.name}Fused`, 'i64', x, y, z, b.i32(index % 2 === 0 ? even : odd));
      });
    };
    const result: Halves = c.form.vex === '256' ? [half(0), half(1)] : [half(0)];
    finishFloat(c);
    writeHalves(c, 0, result);
  };
}

function fusedTable(): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [digits, order] of Object.entries(orders)) {
    for (const name of Object.keys(negations)) {
      for (const [letter, f] of [
        ['S', f32],
        ['D', f64],
      ] as const) {
        table[`V${name}${digits}P${letter}`] = fused(f, order, name, false);
        if (name === 'FMADDSUB' || name === 'FMSUBADD') continue;
        table[`V${name}${digits}S${letter}`] = fused(f, order, name, true);
      }
    }
  }
  return table;
}

/** Four numbers of half precision, from lane `first` on, as single precision. */
function widened(c: InstructionContext, source: Value, first: number): Value {
  const half = (index: number): Value =>
    c.b.opLanes('i16x8.extract_lane_u', [first + index], source);
  return eachLane(c, f32, zeroVector(c), 4, (index) => c.b.call('f16ToF32', 'i64', half(index)));
}

const fromHalf: Semantics = (c) => {
  requireAvx(c);
  const [source] = readHalves(c, 1);
  beginFloat(c);
  const first = widened(c, source, 0);
  const result: Halves = c.form.vex === '256' ? [first, widened(c, source, 4)] : [first];
  finishFloat(c);
  writeHalves(c, 0, result);
};

/** Bits 1 and 0 of the immediate are the rounding, unless bit 2 takes MXCSR's. */
const toHalf: Semantics = (c) => {
  const b = c.b;
  requireAvx(c);
  const source = readHalves(c, 1);
  const immediate = c.immediate(1);
  const own = b.and(b.shrU(b.load('i32.load', CpuState.mxcsr), 13), 3);
  const rounding = b.select(b.and(immediate, 4), own, b.and(immediate, 3));
  beginFloat(c);
  let result = zeroVector(c);
  source.forEach((value, at) => {
    if (value === undefined) return;
    for (let index = 0; index < 4; index++) {
      const half = b.call('f32ToF16', 'i64', rawLane(c, f32, value, index), rounding);
      result = b.opLanes('i16x8.replace_lane', [4 * at + index], result, b.wrap(half));
    }
  });
  const bytes = 8 * source.length;
  // Exceptions are not reported where the destination cannot be written.
  if (c.isMemory(0)) b.guestProbe(bytes, c.linear(0, bytes, true));
  finishFloat(c);
  if (bytes > 8 || !c.isMemory(0)) writeHalves(c, 0, [result]);
  else b.guestStore(storeOf[8] ?? '', c.linear(0, 8, true), low(c, result, 8));
};

/** Fused operations, and conversions of half precision. */
export const avxFused: SemanticsTable = {
  ...fusedTable(),
  VCVTPH2PS: fromHalf,
  VCVTPS2PH: toHalf,
};
