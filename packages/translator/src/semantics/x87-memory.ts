/** What x87 instructions do first: checks, operands from memory, and the pointers to both. */
import { Location } from '@ringfence/isa';
import { CpuState, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import type { InstructionContext } from './context.ts';
import { requireReady } from './x87-state.ts';

const codeSelector = CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.selector;

/** The low three bits of the first opcode byte and the second byte (SDM vol. 1, 8.1.9). */
function opcode(c: InstructionContext): Value {
  const { b, form } = c;
  const fixed = ((form.opcode & 7) << 8) | (form.digit << 3);
  if (form.operands.length > 0 && c.isMemory(0)) return b.or(c.source.memoryModrm(), fixed);
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

/** The start of an instruction without an operand in memory. */
export function beginX87(c: InstructionContext): void {
  requireReady(c);
  recordPointers(c);
}

/** An operand of arithmetic in memory. */
export interface MemoryOperand {
  /** Its bits, i64 or i32 by the format. */
  readonly bits: Value;
  readonly format: 'F64' | 'F32';
}

/** Reads a single, a double, or an integer of 2 or 4 bytes, which a double holds exactly. */
export function loadOperand(c: InstructionContext, index: number): MemoryOperand {
  const b = c.b;
  requireReady(c);
  const isInteger = c.form.operation.startsWith('FI');
  const value = isInteger ? c.readSigned(index) : c.read(index);
  recordPointers(c);
  if (!isInteger) return { bits: value, format: c.bytes(index) === 8 ? 'F64' : 'F32' };
  const double = b.op('f64.convert_i32_s', value);
  return { bits: b.op('i64.reinterpret_f64', double), format: 'F64' };
}

/** Reads an integer of 8 bytes to the memory slot. */
export function loadLongInteger(c: InstructionContext, index: number): void {
  requireReady(c);
  const value = c.read(index);
  recordPointers(c);
  c.b.call('x87FromInteger', 'void', value);
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
