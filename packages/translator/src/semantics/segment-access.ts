import { CpuState, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { StateAddress } from './operand-source.ts';

/** State address of a segment register. */
export function segmentAddress(register: number): StateAddress {
  return { offset: CpuState.segments + segmentBytes * register };
}

/** Exception vectors of segment faults. */
const stackFault = 12;
const generalProtection = 13;

/** `writeFirst` of segments that are not writable. No other has it: no limit is 0xfffffffe. */
const nothingWritable = -1;

/** Limit checks and bases of segments that are not flat (SDM 3A 5.3). */
export class SegmentAccess {
  readonly #b: IrBuilder;

  constructor(builder: IrBuilder) {
    this.#b = builder;
  }

  /** Segment base + offset. */
  based(segment: StateAddress, offset: Value): Value {
    return this.#b.add(this.#field(segment, SegmentField.base), offset);
  }

  /**
   * Linear address of `bytes` at `offset`, or #SS(0) / #GP(0) when the segment does not allow it.
   */
  linear(
    segment: StateAddress,
    isStack: Value,
    offset: Value,
    bytes: number,
    write: boolean,
  ): Value {
    const b = this.#b;
    const first = this.#field(segment, write ? SegmentField.writeFirst : SegmentField.readFirst);
    const last = this.#field(segment, SegmentField.readLast);
    const end = bytes === 1 ? offset : b.add(offset, bytes - 1);
    let outside = b.or(b.ltU(offset, first), b.gtU(end, last));
    if (bytes > 1) outside = b.or(outside, b.ltU(end, offset));
    else if (write) outside = b.or(outside, b.eq(first, nothingWritable));
    b.if(outside, () => {
      b.fault(b.select(isStack, b.i32(stackFault), b.i32(generalProtection)), 0);
    });
    return this.based(segment, offset);
  }

  /** Whether `size` bytes (a value that is not 0) at `offset` are inside of the segment, 0 or 1. */
  allows(segment: StateAddress, offset: Value, size: Value, write: boolean): Value {
    const b = this.#b;
    const first = this.#field(segment, write ? SegmentField.writeFirst : SegmentField.readFirst);
    const last = this.#field(segment, SegmentField.readLast);
    const end = b.sub(b.add(offset, size), 1);
    const outside = b.or(b.ltU(offset, first), b.or(b.gtU(end, last), b.ltU(end, offset)));
    return b.eqz(write ? b.or(outside, b.eq(first, nothingWritable)) : outside);
  }

  /** As `linear`, for the stack segment. */
  stackLinear(offset: Value, bytes: number, write: boolean): Value {
    const ss = segmentAddress(SegmentRegister.ss);
    return this.linear(ss, this.#b.i32(1), offset, bytes, write);
  }

  #field(segment: StateAddress, field: number): Value {
    return this.#b.load('i32.load', segment.offset + field, segment.dynamic);
  }
}
