import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { StateAddress } from '../semantics/operand-source.ts';
import { RecordSource } from './record-source.ts';
import { isHigh, noRegister, numberOf, registerAt, registerPlaces } from './register-pattern.ts';

/**
 * Operands of an instruction of a case for several: registers are those of the case's example, as
 * `CaseRegisters` understands them; all else is read from the record.
 */
export class CaseSource extends RecordSource {
  readonly #b: IrBuilder;
  readonly #registers: number;

  constructor(builder: IrBuilder, registers: number, position: number) {
    super(builder, false, position);
    this.#b = builder;
    this.#registers = registers;
  }

  override register(index: number): StateAddress {
    const register = registerAt(this.#registers, index);
    if (register === noRegister) throw new Error('translator: a case needs general registers');
    return { offset: CpuState.gpr + 8 * numberOf(register) + (isHigh(register) ? 1 : 0) };
  }

  override address(): Value {
    const b = this.#b;
    const base = this.#addressRegister(registerPlaces.base);
    const index = this.#addressRegister(registerPlaces.index);
    const displacement = this.displacement();
    const sum = base === undefined ? displacement : b.add(base, displacement);
    return index === undefined ? sum : b.add(sum, b.shl(index, this.scale()));
  }

  #addressRegister(place: number): Value | undefined {
    const register = registerAt(this.#registers, place);
    if (register === noRegister) return undefined;
    return this.#b.load('i32.load', CpuState.gpr + 8 * numberOf(register));
  }
}
