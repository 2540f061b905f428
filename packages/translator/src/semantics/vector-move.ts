/** Moves of MMX and SSE registers: SDM vol. 1, 5.4.1, 5.5.1, 5.6.1; lane inserts and extracts. */
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { loadOf, storeOf } from './context.ts';
import { resize } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import {
  fromInteger,
  isMm,
  laneBytes,
  low,
  named,
  readVector,
  shuffle,
  vectors,
  writeVector,
} from './vector.ts';

const pageBytes = 4096;

const move: Semantics = (c) => writeVector(c, 0, readVector(c, 1));
const moveUnaligned: Semantics = (c) => writeVector(c, 0, readVector(c, 1, false), false);

/** Between an MMX or XMM register and a general register or memory, of 4 or 8 bytes. */
const moveInteger: Semantics = (c) => {
  if (!isGeneral(c, 1)) {
    const bytes = c.bytes(0);
    c.write(0, low(c, readVector(c, 1), bytes));
    return;
  }
  const bytes = c.bytes(1);
  writeVector(c, 0, fromInteger(c, c.read(1), bytes));
};

function isGeneral(c: InstructionContext, index: number): boolean {
  return c.operand(index).text.startsWith('E');
}

/** The low quadword; an XMM destination is cleared above it. */
const moveQuad: Semantics = (c) => {
  if (isGeneral(c, 0) || isGeneral(c, 1)) {
    moveInteger(c);
    return;
  }
  const value = readVector(c, 1);
  const whole = isMm(c, 0) || c.isMemory(0);
  writeVector(c, 0, whole ? value : fromInteger(c, low(c, value, 8), 8));
};

/** MOVSS and MOVSD between registers keep the rest of the destination; loads clear it. */
function moveScalar(bytes: 4 | 8): Semantics {
  const lanes = laneBytes(bytes === 4 ? [0, 5, 6, 7] : [0, 1, 6, 7], 4);
  return (c) => {
    const value = readVector(c, 1);
    if (c.isMemory(0) || c.isMemory(1)) {
      writeVector(c, 0, value);
      return;
    }
    writeVector(c, 0, shuffle(c, value, readVector(c, 0), lanes));
  };
}

/** MOVLPS, MOVHPS and their PD forms: one quadword of the register and memory. */
function moveHalf(high: boolean): Semantics {
  return (c) => {
    if (c.isMemory(0)) {
      const value = readVector(c, 1);
      const half = c.b.opLanes('i64x2.extract_lane', [high ? 1 : 0], value);
      c.b.guestStore('i64.store', c.linear(0, 8, true), half);
      return;
    }
    const half = c.b.guestLoad('i64.load', c.linear(1, 8, false));
    const lane = c.b.opLanes('i64x2.replace_lane', [high ? 1 : 0], readVector(c, 0), half);
    writeVector(c, 0, lane);
  };
}

/** destination = quadwords of the destination (0, 1) and the source (2, 3). */
function arrangeQuads(lanes: readonly number[]): Semantics {
  return (c) => {
    const value = shuffle(c, readVector(c, 0), readVector(c, 1), laneBytes(lanes, 8));
    writeVector(c, 0, value);
  };
}

/** destination = lanes of the source. */
function duplicate(lanes: readonly number[], bytes: number): Semantics {
  return (c) => {
    const value = readVector(c, 1);
    writeVector(c, 0, shuffle(c, value, value, laneBytes(lanes, bytes)));
  };
}

function moveMask(lane: string): Semantics {
  return (c) => {
    const bits = c.b.op(`${lane}.bitmask`, readVector(c, 1));
    const used = isMm(c, 1) ? c.b.and(bits, 0xff) : bits;
    c.write(0, resize(c.b, used, 4, c.bytes(0), false));
  };
}

/** Address of a vector put into scratch memory, plus a lane's offset. */
function laneAddress(c: InstructionContext, lane: Value, bytes: number): Value {
  return c.b.mul(lane, bytes);
}

/** A copy of `value` with the integer of `bytes` in a lane that is known at run time. */
function insertLane(
  c: InstructionContext,
  value: Value,
  lane: Value,
  content: Value,
  bytes: number,
): Value {
  const b = c.b;
  b.store('v128.store', CpuState.temporary, value);
  b.store(storeOf[bytes] ?? '', CpuState.temporary, content, laneAddress(c, lane, bytes));
  return b.load('v128.load', CpuState.temporary);
}

function insert(bytes: number): Semantics {
  return (c) => {
    const lanes = (isMm(c, 0) ? 8 : 16) / bytes;
    const lane = c.b.and(c.immediate(1), lanes - 1);
    const content = c.isMemory(1)
      ? c.b.guestLoad(loadOf[bytes] ?? '', c.linear(1, bytes, false))
      : c.loadState(c.register(1), bytes);
    writeVector(c, 0, insertLane(c, readVector(c, 0), lane, content, bytes));
  };
}

/** Registers take the lane zero-extended to their size. */
function extract(bytes: number): Semantics {
  return (c) => {
    const b = c.b;
    const lanes = (isMm(c, 1) ? 8 : 16) / bytes;
    const lane = b.and(c.immediate(1), lanes - 1);
    const { offset, dynamic } = c.register(1);
    const at = laneAddress(c, lane, bytes);
    const address = dynamic === undefined ? at : b.add(dynamic, at);
    const value = b.load(loadOf[bytes] ?? '', offset, address);
    if (c.isMemory(0)) {
      b.guestStore(storeOf[bytes] ?? '', c.linear(0, bytes, true), value);
      return;
    }
    c.write(0, resize(b, value, bytes, c.bytes(0), false));
  };
}

/** INSERTPS: a lane of the source (or memory) into a lane, and lanes to clear. */
const insertSingle: Semantics = (c) => {
  const b = c.b;
  const immediate = c.immediate(1);
  const destination = readVector(c, 0);
  const value = c.isMemory(1) ? c.read(1) : registerLane(c, b.shrU(immediate, 6));
  const inserted = insertLane(c, destination, b.and(b.shrU(immediate, 4), 3), value, 4);
  const bits = b.op('v128.and', b.op('i32x4.splat', immediate), b.v128(bitPerLane(4)));
  const keep = b.op('i32x4.eq', bits, b.v128(new Array<number>(16).fill(0)));
  writeVector(c, 0, b.op('v128.and', inserted, keep));
};

function registerLane(c: InstructionContext, lane: Value): Value {
  const { offset, dynamic } = c.register(1);
  const at = c.b.shl(lane, 2);
  return c.b.load('i32.load', offset, dynamic === undefined ? at : c.b.add(dynamic, at));
}

/** Lanes of `bytes` with bit `i` set in lane `i`. */
export function bitPerLane(bytes: 2 | 4 | 8): number[] {
  const all: number[] = [];
  for (let lane = 0; lane < 16 / bytes; lane++) {
    for (let at = 0; at < bytes; at++) all.push(at === 0 ? 1 << lane : 0);
  }
  return all;
}

/** Writes the bytes whose mask has bit 7 set; nothing faults for the others (SDM vol. 2B). */
const maskedStore: Semantics = (c) => {
  const b = c.b;
  const bytes = isMm(c, 1) ? 8 : 16;
  b.store('v128.store', CpuState.temporary, readVector(c, 1));
  const signs = b.op('i8x16.bitmask', readVector(c, 2));
  const bits = bytes === 8 ? b.and(signs, 0xff) : signs;
  const eachByte = (write: (at: Value) => void): void => {
    const left = b.variable('i32', bits);
    b.loop((loop) => {
      const rest = b.get(left);
      b.if(b.eqz(rest), () => b.break(loop));
      write(b.op('i32.ctz', rest));
      b.set(left, b.and(rest, b.sub(rest, 1)));
      b.continue(loop);
    });
  };
  // Everything is checked before the first byte is written: the segment, then each page.
  if (!c.info.flat) eachByte((at) => void c.linear(0, 1, true, at));
  const linear = c.linearUnchecked(0);
  const onFirst = b.sub(b.i32(pageBytes), b.and(linear, pageBytes - 1));
  const first = b.select(b.ltU(onFirst, 16), onFirst, b.i32(16));
  const isOnFirst = b.op('i32.ctz', bits);
  b.if(b.ltU(isOnFirst, first), () => b.guestProbe(1, linear));
  b.if(b.shrU(bits, first), () => b.guestProbe(1, b.add(linear, first)));
  eachByte((at) => {
    const content = b.load('i32.load8_u', CpuState.temporary, at);
    b.guestStore('i32.store8', b.add(linear, at), content);
  });
};

/** Moves between registers and memory, and of lanes. */
export const vectorMoves: SemanticsTable = vectors({
  ...named('MOVAPS MOVAPD MOVDQA MOVNTPS MOVNTPD MOVNTDQ MOVNTDQA MOVNTQ MOVNTSS MOVNTSD', move),
  ...named('MOVUPS MOVUPD MOVDQU LDDQU', moveUnaligned),
  MOVD: moveInteger,
  MOVQ: moveQuad,
  MOVQ2DQ: moveQuad,
  MOVDQ2Q: moveQuad,
  MOVSS: moveScalar(4),
  MOVSD: moveScalar(8),
  ...named('MOVLPS MOVLPD', moveHalf(false)),
  ...named('MOVHPS MOVHPD', moveHalf(true)),
  MOVHLPS: arrangeQuads([3, 1]),
  MOVLHPS: arrangeQuads([0, 2]),
  MOVSLDUP: duplicate([0, 0, 2, 2], 4),
  MOVSHDUP: duplicate([1, 1, 3, 3], 4),
  MOVDDUP: duplicate([0, 0], 8),
  PMOVMSKB: moveMask('i8x16'),
  MOVMSKPS: moveMask('i32x4'),
  MOVMSKPD: moveMask('i64x2'),
  PINSRB: insert(1),
  PINSRW: insert(2),
  PINSRD: (c) => insert(c.bytes(1))(c),
  PEXTRB: extract(1),
  PEXTRW: extract(2),
  PEXTRD: (c) => extract(c.bytes(0))(c),
  EXTRACTPS: extract(4),
  INSERTPS: insertSingle,
  ...named('MASKMOVQ MASKMOVDQU', maskedStore),
});
