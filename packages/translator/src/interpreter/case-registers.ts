import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { DeferredRegisters } from '../ir/deferred-state.ts';
import type { Value } from '../ir/value.ts';
import type { CaseInstruction } from './hot-case.ts';
import { RecordField, recordBytes } from './record.ts';
import { isHigh, noRegister, numberOf, registerAt, registerPlaces } from './register-pattern.ts';

const places = [
  { place: registerPlaces.operand0, field: RecordField.register0 },
  { place: registerPlaces.operand1, field: RecordField.register1 },
  { place: registerPlaces.base, field: RecordField.base },
  { place: registerPlaces.index, field: RecordField.index },
] as const;

/** The general registers of a case: read once, written where something may see them. */
export class CaseRegisters implements DeferredRegisters {
  readonly #b: IrBuilder;
  readonly #words = new Map<number, Value>();
  readonly #changed = new Set<number>();
  /** Where in the records the state address of a register is; `high`: that of its second byte. */
  readonly #fields = new Map<number, { readonly offset: number; readonly high: boolean }>();

  /** Registers that instructions use without an operand (`fixed`) are where they always are. */
  constructor(
    builder: IrBuilder,
    instructions: readonly CaseInstruction[],
    fixed: ReadonlySet<number>,
  ) {
    this.#b = builder;
    instructions.forEach(({ registers }, position) => {
      for (const { place, field } of places) {
        const register = registerAt(registers, place);
        const number = numberOf(register);
        if (register === noRegister || fixed.has(number) || this.#fields.has(number)) continue;
        const offset = position * recordBytes + field;
        this.#fields.set(number, { offset, high: isHigh(register) });
      }
    });
  }

  load(name: string, address: number): Value | undefined {
    const number = numberAt(address);
    if (number < 0) return undefined;
    const b = this.#b;
    const part = b.shrU(this.#word(number), 8 * (address & 3));
    switch (name) {
      case 'i32.load':
        return part;
      case 'i32.load8_u':
        return b.and(part, 0xff);
      case 'i32.load16_u':
        return b.and(part, 0xffff);
      default:
        throw new Error(`translator: no ${name} of a register of a case`);
    }
  }

  store(name: string, address: number, content: Value): boolean {
    const number = numberAt(address);
    if (number < 0) return false;
    const b = this.#b;
    if (!b.isStraight) throw new Error('translator: a case changes a register on a condition');
    let word = content;
    if (name !== 'i32.store') {
      const shift = 8 * (address & 3);
      const mask = (name === 'i32.store8' ? 0xff : 0xffff) << shift;
      word = b.or(b.and(this.#word(number), ~mask), b.and(b.shl(content, shift), mask));
    }
    this.#words.set(number, word);
    this.#changed.add(number);
    return true;
  }

  get isPending(): boolean {
    return this.#changed.size > 0;
  }

  writeAside(): void {
    for (const number of this.#changed) {
      const word = this.#words.get(number);
      if (word !== undefined) this.#b.storeAt(word, ...this.#place(number));
    }
  }

  settle(): void {
    this.writeAside();
    this.#changed.clear();
  }

  #word(number: number): Value {
    const known = this.#words.get(number);
    if (known !== undefined) return known;
    const word = this.#b.loadAt(...this.#place(number));
    if (this.#b.isStraight) this.#words.set(number, word);
    return word;
  }

  /** State address of a register: a constant and, where it depends on the record, a value. */
  #place(number: number): [offset: number, address?: Value] {
    const field = this.#fields.get(number);
    if (field === undefined) return [CpuState.gpr + 8 * number];
    const b = this.#b;
    const address = b.load('i32.load16_u', field.offset, b.parameter(0, 'i32'));
    return [0, field.high ? b.sub(address, 1) : address];
  }
}

/** Number of the general register whose low half a state address is in, or -1. */
function numberAt(address: number): number {
  const offset = address - CpuState.gpr;
  return offset >= 0 && offset < 64 && (offset & 4) === 0 ? offset >> 3 : -1;
}
