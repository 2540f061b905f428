import type { Instruction } from '@ringfence/decoder';
import { OperandKind } from '@ringfence/decoder';
import { CpuState, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { OperandSource, StateAddress } from '../semantics/operand-source.ts';

/** Operands of one decoded instruction as constants; EIP is relative to the region's page. */
export class ConstantSource implements OperandSource {
  readonly #b: IrBuilder;
  readonly #instruction: Instruction;
  readonly #offset: number;

  constructor(builder: IrBuilder, instruction: Instruction, offset: number) {
    this.#b = builder;
    this.#instruction = instruction;
    this.#offset = offset;
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
    return this.#b.i32(this.#instruction.immediate);
  }

  immediateHigh(): Value {
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

  #gpr(register: number): Value {
    return this.#b.load('i32.load', CpuState.gpr + 8 * register);
  }
}
