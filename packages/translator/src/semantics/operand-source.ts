import type { Value } from '../ir/value.ts';

/**
 * An address in the CPU state: a constant, or a constant plus a value that is known at run time.
 */
export interface StateAddress {
  readonly offset: number;
  readonly dynamic?: Value;
}

/**
 * Where semantics find the parts of an instruction that vary within a variant. The interpreter's
 * source reads them from the record; the translator's gives constants.
 */
export interface OperandSource {
  /**
   * Where register operand `index` lives (AH and its like included); for `st` see `stNumber`. Of a
   * memory operand with a vector register for its index, that register.
   */
  register(index: number): StateAddress;
  /** Number i of the ST(i) operand `index`. */
  stNumber(index: number): Value;
  /** ModRM of an instruction whose one operand is in memory, with zeros for the reg field. */
  memoryModrm(): Value;
  /** Register number of segment, control and debug register operands. */
  registerNumber(index: number): Value;
  /** The immediate, sign-extended as decoded, i32. */
  immediate(): Value;
  /** Upper half of the immediate, i32. */
  immediateHigh(): Value;
  /** ENTER's level, a far pointer's selector, i32. */
  immediate2(): Value;
  /**
   * base + (index << scale) + displacement of the memory operand, before the address-size mask; an
   * index that is a vector register is left out.
   */
  address(): Value;
  /** Left shift of the index register, i32. */
  scale(): Value;
  /** State address of the memory operand's segment register (SegmentField offsets apply). */
  segment(): StateAddress;
  /** Whether that segment is SS, i32: its faults are #SS. */
  segmentIsStack(): Value;
  /** EIP of this instruction, i32. */
  eip(): Value;
  /** EIP of the following instruction, before any wrap, i32. */
  nextEip(): Value;
}
