/** Data transfer between registers and memory: SDM vol. 1, 5.1.1; operations from vol. 2. */
import { Location } from '@ringfence/isa';
import { CpuState, Gpr, SegmentField, SegmentRegister } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Callout } from './callout-numbers.ts';
import type { InstructionContext } from './context.ts';
import { signExtend } from './context.ts';
import { deferWrite, resize, swapBytes, transferred } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const invalidOpcode = 6;
const generalProtection = 13;

/** Selector of the segment register whose number is operand `index`. */
export function selectorOf(c: InstructionContext, index: number): Value {
  const at = c.b.shl(c.source.registerNumber(index), 5);
  return c.b.load('i32.load16_u', CpuState.segments + SegmentField.selector, at);
}

function move(c: InstructionContext): void {
  const target = c.operand(0).location;
  const source = c.operand(1).location;
  if (target === Location.segment) moveToSegment(c);
  else if (source === Location.segment) {
    const bytes = c.bytes(0);
    c.write(0, resize(c.b, selectorOf(c, 1), 2, bytes, false));
  } else if (source === Location.control) moveFromControl(c);
  else if (source === Location.debug) moveFromSystem(c, Callout.readDebug);
  else if (target === Location.control) moveToSystem(c, Callout.writeControl);
  else if (target === Location.debug) moveToSystem(c, Callout.writeDebug);
  else c.write(0, c.read(1, c.bytes(0)));
}

function moveToSegment(c: InstructionContext): void {
  const b = c.b;
  const register = c.source.registerNumber(0);
  b.if(b.eq(register, SegmentRegister.cs), () => b.fault(invalidOpcode));
  const selector = c.read(1, 2);
  const loaded = b.call('loadSegment', 'i32', register, selector);
  b.if(b.eqz(loaded), () => b.callout(Callout.loadSegment, register, selector));
}

/** By number, the control registers whose value is what the CPU state holds. */
const plainControls = 0b1_1101;

function moveFromControl(c: InstructionContext): void {
  const b = c.b;
  c.requireRing0();
  const number = c.source.registerNumber(1);
  const isPlain = b.and(b.shrU(b.i32(plainControls), number), b.ltU(number, 8));
  b.if(b.eqz(isPlain), () => b.callout(Callout.readControl, number));
  c.write(0, c.loadState({ offset: CpuState.cr, dynamic: b.shl(number, 3) }, c.bytes(0)));
}

function moveFromSystem(c: InstructionContext, callout: number): void {
  c.requireRing0();
  c.b.callout(callout, c.source.registerNumber(1));
  c.write(0, transferred(c, c.bytes(0)));
}

function moveToSystem(c: InstructionContext, callout: number): void {
  c.requireRing0();
  const value = c.read(1, 4);
  c.b.callout(callout, c.source.registerNumber(0), value);
}

function extend(signed: boolean): Semantics {
  return (c) => {
    const from = c.bytes(1);
    c.write(0, resize(c.b, c.read(1), from, c.bytes(0), signed));
  };
}

function loadEffectiveAddress(c: InstructionContext): void {
  c.write(0, resize(c.b, c.effectiveAddress(1), 4, c.bytes(0), false));
}

/** CMOVcc reads its source whatever the condition is (SDM vol. 2A, CMOVcc). */
function conditionalMove(c: InstructionContext): void {
  const value = c.read(1);
  c.write(0, c.b.select(c.flags.condition(c.form.condition), value, c.read(0)));
}

function exchange(c: InstructionContext): void {
  c.modify(0, (old) => {
    const value = c.read(1);
    c.write(1, old);
    return value;
  });
}

/** BSWAP of a 16-bit register is undefined; processors write zero. */
function swapRegister(c: InstructionContext): void {
  const bytes = c.bytes(0);
  if (bytes === 2) c.write(0, c.b.i32(0));
  else c.write(0, swapBytes(c.b, c.read(0), bytes));
}

function moveSwapped(c: InstructionContext): void {
  c.write(0, swapBytes(c.b, c.read(1), c.bytes(0)));
}

function exchangeAdd(c: InstructionContext): void {
  const bytes = c.bytes(0);
  c.modify(0, (old) => {
    const addend = c.read(1);
    const sum = c.b.add(old, addend);
    c.flags.add(old, addend, sum, bytes);
    c.write(1, old);
    return sum;
  });
}

/** The destination is written in both cases, with its old value when the comparison fails. */
function compareExchange(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  c.modify(0, (old) => {
    const accumulator = c.gpr(Gpr.rax, bytes);
    const value = c.read(1);
    const equal = b.eq(accumulator, old);
    c.flags.sub(accumulator, old, b.sub(accumulator, old), bytes);
    c.setGpr(Gpr.rax, b.select(equal, accumulator, old), bytes);
    return b.select(equal, value, old);
  });
}

function compareExchangePair(c: InstructionContext): void {
  if (c.bytes(0) === 16) compareExchange16(c);
  else compareExchange8(c);
}

function compareExchange8(c: InstructionContext): void {
  const b = c.b;
  const half = (number: number): Value => b.extendU(c.gpr(number, 4));
  const pair = (high: number, low: number): Value => b.or(b.shl(half(high), 32), half(low));
  c.modify(0, (old) => {
    const equal = b.eq(pair(Gpr.rdx, Gpr.rax), old);
    const value = b.select(equal, pair(Gpr.rcx, Gpr.rbx), old);
    b.if(b.eqz(equal), () => {
      c.setGpr(Gpr.rax, b.wrap(old), 4);
      c.setGpr(Gpr.rdx, b.wrap(b.shrU(old, 32)), 4);
    });
    c.flags.setZero(equal);
    return value;
  });
}

function compareExchange16(c: InstructionContext): void {
  const b = c.b;
  const linear = c.linear(0, 16, true);
  b.faultIf(b.and(linear, 15), generalProtection, 0);
  const old = b.guestModify('v128.load', linear);
  const low = b.opLanes('i64x2.extract_lane', [0], old);
  const high = b.opLanes('i64x2.extract_lane', [1], old);
  const same = b.eq(c.gpr(Gpr.rax, 8), low);
  const equal = b.and(same, b.eq(c.gpr(Gpr.rdx, 8), high));
  const newLow = b.op('i64x2.splat', c.gpr(Gpr.rbx, 8));
  const fresh = b.opLanes('i64x2.replace_lane', [1], newLow, c.gpr(Gpr.rcx, 8));
  const mask = b.op('i64x2.splat', b.extendS(b.neg(equal)));
  b.if(b.eqz(equal), () => {
    c.setGpr(Gpr.rax, low, 8);
    c.setGpr(Gpr.rdx, high, 8);
  });
  c.flags.setZero(equal);
  b.guestCommit('v128.store', old, b.op('v128.bitselect', fresh, old, mask));
}

/** CBW, CWDE, CDQE: the lower half of the accumulator extended to the operand size. */
function convertHalf(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const half = bytes / 2;
  c.setGpr(Gpr.rax, resize(c.b, c.gpr(Gpr.rax, half), half, bytes, true), bytes);
}

/** CWD, CDQ, CQO: the sign of the accumulator in all bits of rDX. */
function convertDouble(c: InstructionContext): void {
  const bytes = c.operandBytes;
  const value = c.gpr(Gpr.rax, bytes);
  const sign = bytes === 8 ? c.b.shrS(value, 63) : c.b.shrS(signExtend(c.b, value, bytes), 31);
  c.setGpr(Gpr.rdx, sign, bytes);
}

const statusFlags = 0xd5;

function loadFlags(c: InstructionContext): void {
  c.setAh(c.b.or(c.b.and(c.flags.toEflags(), statusFlags), 2));
}

function storeFlags(c: InstructionContext): void {
  const b = c.b;
  const overflow = b.shl(c.flags.overflow(), 11);
  c.flags.fromEflags(b.or(b.and(c.ah(), statusFlags), overflow));
}

/** In the first argument of `Callout.loadSegment`: LSS and the like hold no interrupts off. */
const farPointer = 8;

function loadFarPointer(segment: number): Semantics {
  return (c) => {
    const bytes = c.bytes(0);
    const name = bytes === 2 ? 'i32.load16_u' : bytes === 4 ? 'i32.load' : 'i64.load';
    const offset = c.b.guestLoad(name, c.linear(1, bytes, false));
    const selector = c.b.guestLoad('i32.load16_u', c.linear(1, 2, false, bytes));
    const write = deferWrite(c, c.register(0), offset, bytes);
    c.b.callout(Callout.loadSegment, c.b.i32(segment | farPointer), selector, write);
  };
}

function checksum(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(1);
  const value = c.read(1);
  let crc = c.read(0, 4);
  if (bytes === 8) {
    crc = b.call('crc32c', 'i32', b.xor(crc, b.wrap(value)), b.i32(32));
    crc = b.call('crc32c', 'i32', b.xor(crc, b.wrap(b.shrU(value, 32))), b.i32(32));
  } else crc = b.call('crc32c', 'i32', b.xor(crc, value), b.i32(bytes * 8));
  c.write(0, resize(b, crc, 4, c.bytes(0), false));
}

/** Moves, exchanges and conversions. */
export const moves: SemanticsTable = {
  MOV: move,
  MOVZX: extend(false),
  MOVSX: extend(true),
  MOVSXD: extend(true),
  MOVBE: moveSwapped,
  MOVNTI: (c) => c.write(0, c.read(1)),
  CMOVcc: conditionalMove,
  SETcc: (c) => c.write(0, c.flags.condition(c.form.condition)),
  LEA: loadEffectiveAddress,
  BSWAP: swapRegister,
  XCHG: exchange,
  XADD: exchangeAdd,
  CMPXCHG: compareExchange,
  CMPXCHG8B: compareExchangePair,
  XLATB: (c) => c.setGpr(Gpr.rax, c.read(0), 1),
  SALC: (c) => c.setGpr(Gpr.rax, c.b.neg(c.flags.carry()), 1),
  LAHF: loadFlags,
  SAHF: storeFlags,
  CBW: convertHalf,
  CWD: convertDouble,
  LES: loadFarPointer(SegmentRegister.es),
  LDS: loadFarPointer(SegmentRegister.ds),
  LSS: loadFarPointer(SegmentRegister.ss),
  LFS: loadFarPointer(SegmentRegister.fs),
  LGS: loadFarPointer(SegmentRegister.gs),
  CRC32: checksum,
};
