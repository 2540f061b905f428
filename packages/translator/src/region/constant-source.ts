import { BlockField } from '@ringfence/code-cache';
import type { Instruction } from '@ringfence/decoder';
import { OperandKind } from '@ringfence/decoder';
import { CpuState, Layout, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { OperandSource, StateAddress } from '../semantics/operand-source.ts';
import type { ChangingImmediate } from './changing-immediate.ts';

/**
 * Operands of one decoded instruction as constants, but for an immediate that the guest writes
 * again and again; EIP is relative to the region's page.
 */
export class ConstantSource implements OperandSource {
  readonly #b: IrBuilder;
  readonly #instruction: Instruction;
  readonly #offset: number;
  readonly #changing: ChangingImmediate | undefined;

  constructor(
    builder: IrBuilder,
    instruction: Instruction,
    offset: number,
    changing?: ChangingImmediate,
  ) {
    this.#b = builder;
    this.#instruction = instruction;
    this.#offset = offset;
    this.#changing = changing;
  }

  register(index: number): StateAddress {
    const register = this.#instruction.operandRegister[index] ?? 0;
    switch (this.#instruction.operandKind[index]) {
      case OperandKind.gpr8High:
        return { offset: CpuState.gpr + 8 * register + 1 };
      case OperandKind.xmm:
      case OperandKind.ymm:
      case OperandKind.memory:
        return { offset: CpuState.xmm + 16 * register };
      case OperandKind.mm:
        return { offset: CpuState.fpu + 16 * (register & 7) };
      default:
        return { offset: CpuState.gpr + 8 * register };
    }
  }

  stNumber(index: number): Value {
    return this.registerNumber(index);
  }

  memoryModrm(): Value {
    return this.#b.i32((this.#instruction.mod << 6) | this.#instruction.rm);
  }

  registerNumber(index: number): Value {
    return this.#b.i32(this.#instruction.operandRegister[index] ?? 0);
  }

  immediate(): Value {
    if (this.#changing !== undefined) return this.#read(this.#changing);
    return this.#b.i32(this.#instruction.immediate);
  }

  immediateHigh(): Value {
    if (this.#changing !== undefined) return this.#b.shrS(this.immediate(), 31);
    return this.#b.i32(this.#instruction.immediateHigh);
  }

  immediate2(): Value {
    return this.#b.i32(this.#instruction.immediate2);
  }

  address(): Value {
    const b = this.#b;
    const { base, index, scale, displacement, vectorIndex } = this.#instruction;
    let sum = base < 0 ? b.i32(displacement) : b.add(this.#gpr(base), displacement);
    if (index >= 0 && vectorIndex === 0) sum = b.add(sum, b.shl(this.#gpr(index), scale));
    return sum;
  }

  scale(): Value {
    return this.#b.i32(this.#instruction.scale);
  }

  segment(): StateAddress {
    return { offset: CpuState.segments + segmentBytes * this.#instruction.segment };
  }

  segmentIsStack(): Value {
    return this.#b.i32(this.#instruction.segment === SegmentRegister.ss ? 1 : 0);
  }

  eip(): Value {
    const b = this.#b;
    return b.add(b.load('i32.load', CpuState.eipBase), this.#offset);
  }

  nextEip(): Value {
    return this.#b.add(
      this.#b.load('i32.load', CpuState.eipBase),
      this.#offset + this.#instruction.length,
    );
  }

  /** What the guest's memory holds at the end of the instruction. */
  #read({ bytes, load }: ChangingImmediate): Value {
    const b = this.#b;
    const block = b.op('code.block');
    block.imm = this.#offset >> 12;
    const page = b.load('i32.load', BlockField.page, block);
    const place = (this.#offset + this.#instruction.length - bytes) & 4095;
    return b.load(load, Layout.ram + place, b.shl(page, 12));
  }

  #gpr(register: number): Value {
    return this.#b.load('i32.load', CpuState.gpr + 8 * register);
  }
}
