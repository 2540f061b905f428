import { Expression } from '@ringfence/assembler';
import type { Operand, Prefixes, Register } from '@ringfence/assembler';
import { operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { WINDOW } from './layout.ts';
import type { MachineState } from './machine-state.ts';
import type { Random } from './random.ts';
import type { IgnoredBytes } from './vector-file.ts';
import { integerValue, loadValue, storeValue } from './values.ts';

/** A case while it is made: what is decided so far about its instruction and its state. */
export class Plan {
  readonly form: Form;
  readonly operandSize: 16 | 32;
  readonly random: Random;
  readonly state: MachineState;
  /** At the positions of the form's operands; the memory operand is filled in last. */
  readonly operands: (Operand | undefined)[] = [];
  /** Position of the memory operand among the operands, or -1. */
  memoryAt = -1;
  /** Where the memory operand lies. */
  address = 0;
  addressBits: 16 | 32 = 32;
  segment: Register | undefined;
  /** The index register of a gather, and the number of its mask register. */
  vectorIndex: Register | undefined;
  otherVector: number | undefined;
  prefixes: Prefixes = {};
  /** Registers whose values matter, so that addressing must not change them. */
  readonly reserved: Set<number> = new Set<number>();
  readonly ignored: IgnoredBytes[] = [];

  constructor(form: Form, operandSize: 16 | 32, random: Random, state: MachineState) {
    this.form = form;
    this.operandSize = operandSize;
    this.random = random;
    this.state = state;
  }

  /** Bytes of an operand, by what it is in this case. */
  bytesOf(position: number): number {
    const spec = this.spec(position);
    const code = position === this.memoryAt ? spec.memorySize : spec.size;
    return operandBytes(code, this.operandSize);
  }

  spec(position: number): OperandSpec {
    const spec = this.form.operands[position];
    if (spec === undefined) throw new Error(`${this.form.mnemonic} has no operand ${position}`);
    return spec;
  }

  get hasMemory(): boolean {
    return this.memoryAt >= 0;
  }

  /** Offset of the memory operand in the window; it may lie outside. */
  get offset(): number {
    return this.address - WINDOW;
  }

  /** Sets a general register and keeps addressing from changing it. */
  setGpr(number: number, value: number): void {
    this.state.setGpr(number, value >>> 0);
    this.reserved.add(number);
  }

  /** Sets the low `bytes` bytes of a general register and keeps the rest. */
  setGprPart(number: number, bytes: number, value: number): void {
    const mask = bytes === 4 ? 0xffffffff : bytes === 2 ? 0xffff : 0xff;
    this.setGpr(number, (this.state.gpr(number) & ~mask) | (value & mask));
  }

  /** An integer of up to four bytes that is worth trying. */
  integer(bytes: number): number {
    return Number(integerValue(this.random, Math.min(bytes, 4)));
  }

  /** Sets an operand that is a general register or memory. */
  setOperand(position: number, value: bigint): void {
    const bytes = this.bytesOf(position);
    const chosen = this.operands[position];
    if (position === this.memoryAt) {
      storeValue(this.state.memory, this.offset, bytes, value);
    } else if (chosen !== undefined && 'kind' in chosen && chosen.kind === 'register') {
      const low = Number(BigInt.asUintN(32, value));
      if (chosen.high) {
        const number = chosen.number - 4;
        const kept = this.state.gpr(number) & ~0xff00;
        this.setGpr(number, kept | ((low & 0xff) << 8));
      } else {
        this.setGprPart(chosen.number, chosen.bytes, low);
      }
    }
  }

  /** The value of an operand that is a general register or memory. */
  operandValue(position: number): bigint {
    const bytes = this.bytesOf(position);
    const chosen = this.operands[position];
    if (position === this.memoryAt) return loadValue(this.state.memory, this.offset, bytes);
    if (chosen === undefined || !('kind' in chosen) || chosen.kind !== 'register') return 0n;
    const { number, high } = chosen;
    const value = high ? this.state.gpr(number - 4) >>> 8 : this.state.gpr(number);
    return BigInt.asUintN(bytes * 8, BigInt(value));
  }

  setImmediate(position: number, value: number): void {
    this.operands[position] = new Expression(BigInt(value));
  }

  /** The first immediate, or undefined. */
  get immediate(): number | undefined {
    const found = this.operands.find((value) => value instanceof Expression);
    return found instanceof Expression ? Number(found.constant) : undefined;
  }

  setFlag(mask: number, on: boolean): void {
    this.state.eflags = on ? this.state.eflags | mask : this.state.eflags & ~mask;
  }

  /** Stores a little-endian value in the window, at an address. */
  store(address: number, bytes: number, value: number): void {
    storeValue(this.state.memory, address - WINDOW, bytes, BigInt(value >>> 0));
  }
}
