import { CpuState, SegmentRegister, segmentBytes } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { OperandSource, StateAddress } from '../semantics/operand-source.ts';
import { RecordField, recordBytes } from './record.ts';

const stackSegment = segmentBytes * SegmentRegister.ss;

/** Operands read at run time from the record in IR parameter 0. */
export class RecordSource implements OperandSource {
  readonly #b: IrBuilder;
  readonly #record: Value;
  readonly #simple: boolean;
  readonly #offset: number;

  /**
   * `simple`: the variant's effective addresses have no index register. `position`: how many
   * records behind the one in the parameter this instruction's is.
   */
  constructor(builder: IrBuilder, simple: boolean, position = 0) {
    this.#b = builder;
    this.#record = builder.parameter(0, 'i32');
    this.#simple = simple;
    this.#offset = position * recordBytes;
  }

  register(index: number): StateAddress {
    const field = index === 2 ? RecordField.register2 : RecordField.register0 + 2 * index;
    return { offset: 0, dynamic: this.#half(field) };
  }

  stNumber(index: number): Value {
    return this.#half(RecordField.register0 + 2 * index);
  }

  memoryModrm(): Value {
    return this.#half(RecordField.register1);
  }

  registerNumber(index: number): Value {
    return this.#half(RecordField.register0 + 2 * index);
  }

  immediate(): Value {
    return this.#word(RecordField.immediate);
  }

  immediateHigh(): Value {
    return this.#word(RecordField.immediateHigh);
  }

  immediate2(): Value {
    return this.#word(RecordField.immediate2);
  }

  address(): Value {
    const b = this.#b;
    const base = b.load('i32.load', 0, this.#half(RecordField.base));
    const sum = b.add(base, this.displacement());
    if (this.#simple) return sum;
    const index = b.load('i32.load', 0, this.#half(RecordField.index));
    return b.add(sum, b.shl(index, this.scale()));
  }

  /** Displacement of the effective address. */
  protected displacement(): Value {
    return this.#word(RecordField.displacement);
  }

  /** Left shift of the index register. */
  scale(): Value {
    return this.#byte(RecordField.scale);
  }

  segment(): StateAddress {
    return { offset: CpuState.segments, dynamic: this.#byte(RecordField.segment) };
  }

  segmentIsStack(): Value {
    return this.#b.eq(this.#byte(RecordField.segment), stackSegment);
  }

  eip(): Value {
    const b = this.#b;
    return b.add(b.load('i32.load', CpuState.eipBase), this.#half(RecordField.offset));
  }

  nextEip(): Value {
    return this.#b.add(this.eip(), this.#byte(RecordField.length));
  }

  #byte(offset: number): Value {
    return this.#b.load('i32.load8_u', this.#offset + offset, this.#record);
  }

  #half(offset: number): Value {
    return this.#b.load('i32.load16_u', this.#offset + offset, this.#record);
  }

  #word(offset: number): Value {
    return this.#b.load('i32.load', this.#offset + offset, this.#record);
  }
}
