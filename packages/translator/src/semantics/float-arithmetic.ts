/** Packed arithmetic and comparison of SSE to SSE4.1: SDM vol. 1, 10.4.1, 11.4.1, 12.3 ff. */
import type { Value } from '../ir/value.ts';
import type { FloatFormat } from '../runtime/sse-float-format.ts';
import { f32, f64 } from '../runtime/sse-float-format.ts';
import type { InstructionContext } from './context.ts';
import {
  allLanes,
  eachLane,
  fastOrSlow,
  floatLanes,
  integerLanes,
  isDefaultControl,
  laneCount,
  mergeLow,
  normalLanes,
  ordinaryLanes,
  rawLane,
  splatBits,
  zeroLanes,
} from './float-lanes.ts';
import { predicateOf } from './float-predicates.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { laneBytes, readVector, shuffle, vectors, writeVector } from './vector.ts';

type Name = 'Add' | 'Sub' | 'Mul' | 'Div';

/** Least exponent field of a product or quotient that cannot have underflowed. */
const safeExponent = 1n;

/** Lanes where a result shows that no exception but inexact happened. */
function safeResult(
  c: InstructionContext,
  f: FloatFormat,
  name: Name,
  { left, right }: Pair,
  result: Value,
): Value {
  const b = c.b;
  if (name === 'Add' || name === 'Sub') return ordinaryLanes(c, f, result);
  const normal = normalLanes(c, f, result, safeExponent);
  const zero = zeroLanes(c, f, left);
  const divisor = zeroLanes(c, f, right);
  const exact =
    name === 'Mul' ? b.op('v128.or', zero, divisor) : b.op('v128.andnot', zero, divisor);
  return b.op('v128.or', normal, exact);
}

interface Pair {
  readonly left: Value;
  readonly right: Value;
}

/** left `name` right in all lanes; `lane` may name another operation for each lane. */
function compute(
  c: InstructionContext,
  f: FloatFormat,
  name: Name,
  pair: Pair,
  fast?: Value,
  lane?: (index: number) => Name,
): Value {
  const { left, right } = pair;
  const native = fast ?? c.b.op(`${floatLanes(f)}.${name.toLowerCase()}`, left, right);
  const allowed = c.b.and(
    isDefaultControl(c, true),
    allLanes(
      c,
      ordinaryLanes(c, f, left),
      ordinaryLanes(c, f, right),
      safeResult(c, f, name, pair, native),
    ),
  );
  return fastOrSlow(c, allowed, native, () =>
    eachLane(c, f, left, laneCount(f), (index) =>
      c.b.call(
        `${f.name}${lane?.(index) ?? name}`,
        'i64',
        rawLane(c, f, left, index),
        rawLane(c, f, right, index),
      ),
    ),
  );
}

/** Destination, then source; the source's faults come first. */
function readPair(c: InstructionContext): Pair {
  const right = readVector(c, 1);
  return { left: readVector(c, 0), right };
}

function arithmetic(f: FloatFormat, name: Name): Semantics {
  return (c) => {
    writeVector(c, 0, compute(c, f, name, readPair(c)));
  };
}

function squareRoot(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const value = readVector(c, 1);
    const positive = positiveLanes(c, f, value);
    const ordinary = b.op('v128.or', positive, zeroLanes(c, f, value));
    const allowed = b.and(isDefaultControl(c, true), allLanes(c, ordinary));
    const native = b.op(`${floatLanes(f)}.sqrt`, value);
    const result = fastOrSlow(c, allowed, native, () =>
      eachLane(c, f, value, laneCount(f), (index) =>
        b.call(`${f.name}Sqrt`, 'i64', rawLane(c, f, value, index)),
      ),
    );
    writeVector(c, 0, result);
  };
}

/** Lanes that are a positive normal number. */
function positiveLanes(c: InstructionContext, f: FloatFormat, value: Value): Value {
  const b = c.b;
  const positive = b.op(`${integerLanes(f)}.gt_s`, value, splatBits(c, f, 0n));
  return b.op('v128.and', positive, normalLanes(c, f, value));
}

/** Minimum and maximum of ordinary numbers have no exceptions, whatever MXCSR says. */
function extreme(f: FloatFormat, name: 'Min' | 'Max'): Semantics {
  return (c) => {
    const b = c.b;
    const { left, right } = readPair(c);
    const native = b.op(`${floatLanes(f)}.p${name.toLowerCase()}`, right, left);
    const allowed = allLanes(c, ordinaryLanes(c, f, left), ordinaryLanes(c, f, right));
    const result = fastOrSlow(c, allowed, native, () =>
      eachLane(c, f, left, laneCount(f), (index) =>
        b.call(`${f.name}${name}`, 'i64', rawLane(c, f, left, index), rawLane(c, f, right, index)),
      ),
    );
    writeVector(c, 0, result);
  };
}

function compareMask(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const { left, right } = readPair(c);
    const { accepted, quiet } = predicateOf(c);
    const part = (op: string, bit: number): Value => {
      const mask = b.op('i32x4.splat', b.neg(b.and(b.shrU(accepted, bit), 1)));
      return b.op('v128.and', b.op(`${floatLanes(f)}.${op}`, left, right), mask);
    };
    const native = b.op('v128.or', b.op('v128.or', part('lt', 0), part('eq', 1)), part('gt', 2));
    const allowed = allLanes(c, ordinaryLanes(c, f, left), ordinaryLanes(c, f, right));
    const result = fastOrSlow(c, allowed, native, () =>
      eachLane(c, f, left, laneCount(f), (index) => {
        const relation = relate(c, f, left, right, index, quiet);
        return b.extendS(b.neg(b.ne(b.and(relation, accepted), 0)));
      }),
    );
    writeVector(c, 0, result);
  };
}

function relate(
  c: InstructionContext,
  f: FloatFormat,
  left: Value,
  right: Value,
  index: number,
  quiet: Value,
): Value {
  const [a, z] = [rawLane(c, f, left, index), rawLane(c, f, right, index)];
  return c.b.call(`${f.name}Compare`, 'i32', a, z, quiet);
}

/** The even or the odd lanes of two vectors. */
function alternate(c: InstructionContext, f: FloatFormat, pair: Pair, odd: 0 | 1): Value {
  const count = laneCount(f);
  const lanes = Array.from({ length: count }, (_, at) => 2 * at + odd);
  return shuffle(c, pair.left, pair.right, laneBytes(lanes, 16 / count));
}

function horizontal(f: FloatFormat, name: 'Add' | 'Sub'): Semantics {
  return (c) => {
    const operands = readPair(c);
    const left = alternate(c, f, operands, 0);
    const right = alternate(c, f, operands, 1);
    writeVector(c, 0, compute(c, f, name, { left, right }));
  };
}

/** Even lanes subtract: they add the negated operand. */
function addSubtract(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const operands = readPair(c);
    const single = [f.sign, 0n, f.sign, 0n];
    const bytes = single.slice(0, laneCount(f)).flatMap((bits) => {
      const size = 16 / laneCount(f);
      return Array.from({ length: size }, (_, at) => Number((bits >> BigInt(8 * at)) & 0xffn));
    });
    const turned = b.op('v128.xor', operands.right, b.v128(bytes));
    const fast = b.op(`${floatLanes(f)}.add`, operands.left, turned);
    const lane = (index: number): Name => (index % 2 === 0 ? 'Sub' : 'Add');
    writeVector(c, 0, compute(c, f, 'Add', operands, fast, lane));
  };
}

/** Lanes whose bit of the immediate, from `bit` on, is set. */
function chosenLanes(c: InstructionContext, f: FloatFormat, bit: number): Value {
  const b = c.b;
  const count = laneCount(f);
  const bytes = Array.from({ length: 16 }, (_, at) => {
    const lane = Math.floor((at * count) / 16);
    return (at * count) % 16 === 0 ? 1 << (bit + lane) : 0;
  });
  const lanes = integerLanes(f);
  const immediate = f.name === 'f32' ? c.immediate(1) : b.extendU(c.immediate(1));
  const used = b.op('v128.and', b.op(`${lanes}.splat`, immediate), b.v128(bytes));
  return b.op(`${lanes}.ne`, used, splatBits(c, f, 0n));
}

/** Products of chosen lanes, added in pairs, and put into chosen lanes (SDM vol. 2A, DPPS). */
function dotProduct(f: FloatFormat): Semantics {
  return (c) => {
    const b = c.b;
    const count = laneCount(f);
    const operands = readPair(c);
    const mask = chosenLanes(c, f, 4);
    const left = b.op('v128.and', operands.left, mask);
    const right = b.op('v128.and', operands.right, mask);
    let sum = compute(c, f, 'Mul', { left, right });
    for (let lanes: number = count; lanes > 1; lanes /= 2) {
      const pair = { left: sum, right: sum };
      const [even, odd] = [alternate(c, f, pair, 0), alternate(c, f, pair, 1)];
      sum = compute(c, f, 'Add', { left: even, right: odd });
    }
    writeVector(c, 0, b.op('v128.and', sum, chosenLanes(c, f, 0)));
  };
}

/**
 * RCPPS and RSQRTPS: processors give 12 bits from tables that differ between makers; here the
 * result is exact to the last place, which is within the bound of 1.5 * 2^-12 (SDM vol. 2B, RCPPS).
 */
function approximate(scalar: boolean, root: boolean): Semantics {
  return (c) => {
    const b = c.b;
    const f = f32;
    const { left, right } = readPair(c);
    const value = flushLanes(c, f, right);
    const base = root ? b.op('f32x4.sqrt', value) : value;
    const one = splatBits(c, f, 0x3f80_0000n);
    const quotient = flushLanes(c, f, b.op('f32x4.div', one, base));
    const isNan = b.op('f32x4.ne', right, right);
    const quieted = b.op('v128.or', right, splatBits(c, f, f.quiet));
    let result = b.op('v128.bitselect', quieted, quotient, isNan);
    if (root) {
      const negative = b.op('f32x4.lt', value, splatBits(c, f, 0n));
      const indefinite = splatBits(c, f, f.sign | f.infinity | f.quiet);
      result = b.op('v128.bitselect', indefinite, result, negative);
    }
    writeVector(c, 0, scalar ? mergeLow(c, f, result, left) : result);
  };
}

/** Denormal lanes as zeros of their sign. */
function flushLanes(c: InstructionContext, f: FloatFormat, value: Value): Value {
  const b = c.b;
  const field = b.op('v128.and', value, splatBits(c, f, f.infinity));
  const small = b.op(`${integerLanes(f)}.eq`, field, splatBits(c, f, 0n));
  const sign = b.op('v128.and', value, splatBits(c, f, f.sign));
  return b.op('v128.bitselect', sign, value, small);
}

function formatted(): SemanticsTable {
  const table: Record<string, Semantics> = {};
  for (const [suffix, f] of [
    ['PS', f32],
    ['PD', f64],
  ] as const) {
    for (const name of ['Add', 'Sub', 'Mul', 'Div'] as const) {
      table[`${name.toUpperCase()}${suffix}`] = arithmetic(f, name);
    }
    table[`SQRT${suffix}`] = squareRoot(f);
    table[`MIN${suffix}`] = extreme(f, 'Min');
    table[`MAX${suffix}`] = extreme(f, 'Max');
    table[`CMP${suffix}`] = compareMask(f);
  }
  return table;
}

/** Arithmetic and comparison of packed numbers, and the approximations. */
export const floatArithmetics: SemanticsTable = vectors({
  ...formatted(),
  HADDPS: horizontal(f32, 'Add'),
  HADDPD: horizontal(f64, 'Add'),
  HSUBPS: horizontal(f32, 'Sub'),
  HSUBPD: horizontal(f64, 'Sub'),
  ADDSUBPS: addSubtract(f32),
  ADDSUBPD: addSubtract(f64),
  DPPS: dotProduct(f32),
  DPPD: dotProduct(f64),
  RCPPS: approximate(false, false),
  RCPSS: approximate(true, false),
  RSQRTPS: approximate(false, true),
  RSQRTSS: approximate(true, true),
});
