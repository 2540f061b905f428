/** What x87 instructions do first: checks, operands from memory, and the pointers to both. */
import { Location } from '@ringfence/isa';
import { CpuState, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { requireFpu, requireNoPending } from './x87-state.ts';

const codeSelector = CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.selector;

/**
 * ModRM of a memory operand as the opcode register shows it: the record has not kept mod and rm.
 */
const absoluteAddress = 0b00_000_101;

/** The low three bits of the first opcode byte and the second byte (SDM vol. 1, 8.1.9). */
function opcode(c: InstructionContext): Value {
  const { b, form } = c;
  const fixed = ((form.opcode & 7) << 8) | (form.digit << 3);
  if (form.operands.length > 0 && c.isMemory(0)) return b.i32(fixed | absoluteAddress);
  const stack = form.operands.findIndex((operand) => operand.location === Location.sti);
  const rm = stack >= 0 ? c.source.stNumber(stack) : b.i32(form.rm);
  return b.or(rm, fixed | 0xc0);
}

/**
 * Remembers where the instruction and its operand in memory are (SDM vol. 1, 8.1.8); comes after
 * all that can fault.
 */
export function recordPointers(c: InstructionContext): void {
  const b = c.b;
  b.store('i32.store', CpuState.fpuIp, c.source.eip());
  b.store('i32.store', CpuState.fpuCs, b.load('i32.load16_u', codeSelector));
  b.store('i32.store', CpuState.fpuOpcode, opcode(c));
  if (c.form.operands.length === 0 || !c.isMemory(0)) return;
  const { offset, dynamic } = c.source.segment();
  b.store('i32.store', CpuState.fpuDp, c.effectiveAddress(0));
  const selector = b.load('i32.load16_u', offset + SegmentField.selector, dynamic);
  b.store('i32.store', CpuState.fpuDs, selector);
}

/** #NM and #MF. */
export function requireReady(c: InstructionContext): void {
  requireFpu(c);
  requireNoPending(c);
}

/** The start of an instruction without an operand in memory. */
export function beginX87(c: InstructionContext): void {
  requireReady(c);
  recordPointers(c);
}

/**
 * Reads a single or double to the memory slot; the bit of `BinaryOption.denormal` if it was one.
 */
export function loadFloat(c: InstructionContext, index: number): Value {
  const b = c.b;
  requireReady(c);
  const double = c.bytes(index) === 8;
  const bits = double ? c.read(index) : b.extendU(c.read(index));
  recordPointers(c);
  return b.call(double ? 'x87FromF64' : 'x87FromF32', 'i32', bits);
}

/** Reads an integer of 2, 4 or 8 bytes to the memory slot; 0, as it cannot be a denormal. */
export function loadInteger(c: InstructionContext, index: number): Value {
  const b = c.b;
  requireReady(c);
  const value = c.bytes(index) === 8 ? c.read(index) : b.extendS(c.readSigned(index));
  recordPointers(c);
  b.call('x87FromInteger', 'void', value);
  return b.i32(0);
}

/** Reads the ten bytes of operand `index` as a low word (i64) and the bits above (i32). */
export function readTenBytes(c: InstructionContext, index: number): { low: Value; high: Value } {
  const b = c.b;
  requireReady(c);
  const linear = c.linear(index, 10, false);
  const low = b.guestLoad('i64.load', linear);
  const high = b.guestLoad('i32.load16_u', b.add(linear, 8));
  recordPointers(c);
  return { low, high };
}
