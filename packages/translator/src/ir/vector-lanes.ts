/**
 * Loads and stores of parts of a vector register that is in a local: lanes instead of memory. A
 * lane that was put into a vector in the same code is found again without taking it out.
 */
import type { IrBuilder } from './builder.ts';
import type { Value } from './value.ts';

const vectorBytes = 16;

/** What a load or store of a part is by lanes: shape, bytes, and the way to read one. */
interface Lanes {
  readonly shape: string;
  readonly bytes: number;
  readonly extract: string;
}

const lanes: Readonly<Record<string, Lanes>> = {
  'i32.load8_u': { shape: 'i8x16', bytes: 1, extract: 'extract_lane_u' },
  'i32.load8_s': { shape: 'i8x16', bytes: 1, extract: 'extract_lane_s' },
  'i32.load16_u': { shape: 'i16x8', bytes: 2, extract: 'extract_lane_u' },
  'i32.load16_s': { shape: 'i16x8', bytes: 2, extract: 'extract_lane_s' },
  'i32.load': { shape: 'i32x4', bytes: 4, extract: 'extract_lane' },
  'i64.load': { shape: 'i64x2', bytes: 8, extract: 'extract_lane' },
  'f32.load': { shape: 'f32x4', bytes: 4, extract: 'extract_lane' },
  'f64.load': { shape: 'f64x2', bytes: 8, extract: 'extract_lane' },
  'i32.store8': { shape: 'i8x16', bytes: 1, extract: '' },
  'i32.store16': { shape: 'i16x8', bytes: 2, extract: '' },
  'i32.store': { shape: 'i32x4', bytes: 4, extract: '' },
  'i64.store': { shape: 'i64x2', bytes: 8, extract: '' },
  'f32.store': { shape: 'f32x4', bytes: 4, extract: '' },
  'f64.store': { shape: 'f64x2', bytes: 8, extract: '' },
};

/** What load instruction `name` reads at an address that is in a vector. */
export function loadLane(b: IrBuilder, vector: Value, name: string, address: number): Value {
  if (name === 'v128.load') return vector;
  const { shape, bytes, extract, ...asked } = laneOf(name, address);
  let { lane } = asked;
  let within = vector;
  for (;;) {
    const source = shuffledFrom(within, lane, bytes);
    if (source !== undefined) {
      within = source.vector;
      lane = source.lane;
      continue;
    }
    const [before, content] = within.args;
    if (within.op !== `${shape}.replace_lane`) break;
    if (before === undefined || content === undefined) break;
    if (within.lanes?.[0] === lane) {
      // What is narrower than its value has yet to be cut and extended.
      if (extract === 'extract_lane') return content;
      break;
    }
    within = before;
  }
  return b.opLanes(`${shape}.${extract}`, [lane], within);
}

/** The vector behind store instruction `name` at an address in it. */
export function storeLane(
  b: IrBuilder,
  vector: Value,
  name: string,
  address: number,
  content: Value,
): Value {
  const { shape, lane } = laneOf(name, address);
  return b.opLanes(`${shape}.replace_lane`, [lane], vector, content);
}

/** The lane of another vector that a shuffle takes a lane from as it is, if it does. */
function shuffledFrom(
  { op, args, lanes: from }: Value,
  lane: number,
  bytes: number,
): { vector: Value; lane: number } | undefined {
  const first = from?.[lane * bytes] ?? -1;
  if (op !== 'i8x16.shuffle' || first % bytes !== 0) return undefined;
  for (let byte = 1; byte < bytes; byte++) {
    if (from?.[lane * bytes + byte] !== first + byte) return undefined;
  }
  const vector = args[first < vectorBytes ? 0 : 1];
  return vector && { vector, lane: (first & (vectorBytes - 1)) / bytes };
}

function laneOf(name: string, address: number): Lanes & { readonly lane: number } {
  const found = lanes[name];
  const byte = address & (vectorBytes - 1);
  if (found === undefined || byte % found.bytes !== 0) {
    throw new Error(`ir: no ${name} at byte ${String(byte)} of a vector register`);
  }
  return { ...found, lane: byte / found.bytes };
}
