/** Moves of AVX and AVX2: whole registers, halves, single elements to all; tests and masks. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { Halves } from './avx-lanes.ts';
import { readHalves, requireAvx, writeHalves } from './avx-lanes.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, storeOf } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { laneBytes, low, named, shuffle, zeroVector } from './vector.ts';

const registers = 8;
const vectorBytes = 16;
const shapes = { 1: 'i8x16', 4: 'i32x4', 8: 'i64x2' } as const;

/** A move of a whole register. */
function move(aligned: boolean): Semantics {
  return (c) => {
    requireAvx(c);
    writeHalves(c, 0, readHalves(c, 1, aligned && c.isMemory(1)), aligned);
  };
}

/** VMOVSS, VMOVSD: the rest is that of the operand in VEX.vvvv; loads clear it. */
function moveScalar(bytes: 4 | 8): Semantics {
  const lanes = laneBytes(bytes === 4 ? [0, 5, 6, 7] : [0, 1, 6, 7], 4);
  return (c) => {
    const b = c.b;
    requireAvx(c);
    if (c.isMemory(0)) {
      const [value] = readHalves(c, 1);
      b.guestStore(storeOf[bytes] ?? '', c.linear(0, bytes, true), low(c, value, bytes));
    } else if (c.isMemory(1)) writeHalves(c, 0, readHalves(c, 1));
    else {
      const [[rest], [value]] = [readHalves(c, 1), readHalves(c, 2)];
      writeHalves(c, 0, [shuffle(c, value, rest, lanes)]);
    }
  };
}

/** The element of `bytes` at the start of the source, in all places. */
function broadcast(bytes: 1 | 2 | 4 | 8): Semantics {
  return (c) => {
    requireAvx(c);
    const [source] = readHalves(c, 1);
    const lanes = new Array<number>(vectorBytes / bytes).fill(0);
    const value = shuffle(c, source, source, laneBytes(lanes, bytes));
    writeHalves(c, 0, c.form.vex === '256' ? [value, value] : [value]);
  };
}

const broadcastHalf: Semantics = (c) => {
  requireAvx(c);
  const [value] = readHalves(c, 1);
  writeHalves(c, 0, [value, value]);
};

const insertHalf: Semantics = (c) => {
  const b = c.b;
  requireAvx(c);
  const [inserted] = readHalves(c, 2);
  const [first, second = first] = readHalves(c, 1);
  const isHigh = b.and(c.immediate(1), 1);
  writeHalves(c, 0, [b.select(isHigh, first, inserted), b.select(isHigh, inserted, second)]);
};

const extractHalf: Semantics = (c) => {
  requireAvx(c);
  const [first, second = first] = readHalves(c, 1);
  writeHalves(c, 0, [c.b.select(c.b.and(c.immediate(1), 1), second, first)]);
};

/** VZEROUPPER, and VZEROALL, which has VEX.L. */
const zeroRegisters: Semantics = (c) => {
  requireAvx(c);
  for (let at = 0; at < registers * vectorBytes; at += vectorBytes) {
    if (c.form.vex === '256') c.b.store('v128.store', CpuState.xmm + at, zeroVector(c));
    c.b.store('v128.store', CpuState.ymmHigh + at, zeroVector(c));
  }
};

/** The signs of the elements of both halves, those of the high one above. */
function moveMask(bytes: 1 | 4 | 8): Semantics {
  return (c) => {
    requireAvx(c);
    const bits = maskBits(c, readHalves(c, 1), bytes);
    c.write(0, c.bytes(0) === 8 ? c.b.extendU(bits) : bits);
  };
}

/** ZF: no bit of `mask` is in both operands; CF: none is in the second and not in the first. */
function test(mask: readonly number[]): Semantics {
  return (c) => {
    const b = c.b;
    requireAvx(c);
    const right = readHalves(c, 1);
    const left = readHalves(c, 0);
    const none = (combine: (a: Value, z: Value) => Value): Value => {
      let all = combine(right[0], left[0]);
      if (right[1] !== undefined && left[1] !== undefined) {
        all = b.op('v128.or', all, combine(right[1], left[1]));
      }
      return b.eqz(b.op('v128.any_true', b.op('v128.and', all, b.v128(mask))));
    };
    const zero = none((a, z) => b.op('v128.and', a, z));
    const carry = none((a, z) => b.op('v128.andnot', a, z));
    c.flags.fromEflags(b.or(b.shl(zero, 6), carry));
  };
}

const signs = (bytes: number): number[] =>
  Array.from({ length: vectorBytes }, (_, at) => (at % bytes === bytes - 1 ? 0x80 : 0));

/** Runs `body` for the number of each set bit, from the lowest. */
function eachBit(c: InstructionContext, bits: Value, body: (number: Value) => void): void {
  const b = c.b;
  const left = b.variable('i32', bits);
  b.loop((loop) => {
    const rest = b.get(left);
    b.if(b.eqz(rest), () => b.break(loop));
    body(b.op('i32.ctz', rest));
    b.set(left, b.and(rest, b.sub(rest, 1)));
    b.continue(loop);
  });
}

/** The signs of a mask's elements as bits. */
function maskBits(c: InstructionContext, [low, high]: Halves, bytes: 1 | 4 | 8): Value {
  const b = c.b;
  const bitsOf = (half: Value): Value => b.op(`${shapes[bytes]}.bitmask`, half);
  return high === undefined
    ? bitsOf(low)
    : b.or(bitsOf(low), b.shl(bitsOf(high), vectorBytes / bytes));
}

/** VMASKMOV, VPMASKMOV: elements without their mask are zero, or stay; they never fault. */
function moveMasked(bytes: 4 | 8): Semantics {
  return (c) => {
    const b = c.b;
    requireAvx(c);
    const bits = maskBits(c, readHalves(c, 1), bytes);
    const address = (element: Value, write: boolean): Value =>
      c.linear(write ? 0 : 2, bytes, write, b.mul(element, bytes));
    const [load, store] = [loadOf[bytes] ?? '', storeOf[bytes] ?? ''];
    if (c.isMemory(0)) {
      placeHalves(c, readHalves(c, 2));
      eachBit(c, bits, (element) => b.guestProbe(bytes, address(element, true)));
      eachBit(c, bits, (element) => {
        const content = b.load(load, CpuState.lanes, b.mul(element, bytes));
        b.guestStore(store, address(element, true), content);
      });
      return;
    }
    const zero = zeroVector(c);
    placeHalves(c, [zero, zero]);
    eachBit(c, bits, (element) => {
      const content = b.guestLoad(load, address(element, false));
      b.store(store, CpuState.lanes, content, b.mul(element, bytes));
    });
    writeHalves(c, 0, placedHalves(c, c.form.vex === '256'));
  };
}

/** Puts halves into scratch memory, where an element is an address. */
export function placeHalves(c: InstructionContext, [first, second]: Halves, at = 0): void {
  c.b.store('v128.store', CpuState.lanes + at, first);
  if (second !== undefined) c.b.store('v128.store', CpuState.lanes + at + vectorBytes, second);
}

/** What is in scratch memory. */
export function placedHalves(c: InstructionContext, isWide: boolean, at = 0): Halves {
  const half = (from: number): Value => c.b.load('v128.load', CpuState.lanes + from);
  return isWide ? [half(at), half(at + vectorBytes)] : [half(at)];
}

/** Moves of AVX and AVX2. */
export const avxMoves: SemanticsTable = {
  ...named('VMOVUPS VMOVUPD VMOVDQU VLDDQU', move(false)),
  ...named('VMOVAPS VMOVAPD VMOVDQA VMOVNTPS VMOVNTPD VMOVNTDQ VMOVNTDQA', move(true)),
  VMOVSS: moveScalar(4),
  VMOVSD: moveScalar(8),
  VPMOVMSKB: moveMask(1),
  VMOVMSKPS: moveMask(4),
  VMOVMSKPD: moveMask(8),
  VPTEST: test(new Array<number>(vectorBytes).fill(0xff)),
  VTESTPS: test(signs(4)),
  VTESTPD: test(signs(8)),
  VZEROUPPER: zeroRegisters,
  VZEROALL: zeroRegisters,
  VPBROADCASTB: broadcast(1),
  VPBROADCASTW: broadcast(2),
  ...named('VPBROADCASTD VBROADCASTSS', broadcast(4)),
  ...named('VPBROADCASTQ VBROADCASTSD', broadcast(8)),
  ...named('VBROADCASTF128 VBROADCASTI128', broadcastHalf),
  ...named('VINSERTF128 VINSERTI128', insertHalf),
  ...named('VEXTRACTF128 VEXTRACTI128', extractHalf),
  ...named('VMASKMOVPS VPMASKMOVD', moveMasked(4)),
  ...named('VMASKMOVPD VPMASKMOVQ', moveMasked(8)),
};
