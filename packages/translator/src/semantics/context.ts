import { Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { CpuState, Gpr, SegmentRegister } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { FlagsBuilder } from './flags.ts';
import type { OperandSource, StateAddress } from './operand-source.ts';
import { SegmentAccess, segmentAddress } from './segment-access.ts';
import { StackAccess } from './stack-access.ts';
import type { VariantInfo } from './variant.ts';

/** Load and store instructions of an integer of 1, 2, 4 or 8 bytes, and of a vector of 16. */
export const loadOf: Readonly<Record<number, string>> = {
  1: 'i32.load8_u',
  2: 'i32.load16_u',
  4: 'i32.load',
  8: 'i64.load',
  16: 'v128.load',
};
/** See {@link loadOf}. */
export const storeOf: Readonly<Record<number, string>> = {
  1: 'i32.store8',
  2: 'i32.store16',
  4: 'i32.store',
  8: 'i64.store',
  16: 'v128.store',
};

/**
 * What the semantics of one instruction see: its operands by index, the builder, flags, stack.
 *
 * Integers of up to 4 bytes are i32, zero-extended; of 8 bytes i64; of 16 bytes v128. Everything
 * that can fault comes before the first change of state, because faults leave the state as it was.
 */
export class InstructionContext {
  readonly b: IrBuilder;
  readonly flags: FlagsBuilder;
  readonly info: VariantInfo;
  readonly form: Form;
  readonly source: OperandSource;
  readonly segments: SegmentAccess;
  readonly stack: StackAccess;

  constructor(builder: IrBuilder, info: VariantInfo, source: OperandSource) {
    this.b = builder;
    this.info = info;
    this.form = info.form;
    this.source = source;
    this.flags = new FlagsBuilder(builder);
    this.segments = new SegmentAccess(builder);
    this.stack = new StackAccess(builder, this.segments, info);
  }

  /** Effective operand size in bytes: 2, 4 or 8. */
  get operandBytes(): number {
    return this.info.operandSize / 8;
  }

  /** The table's row of operand `index`. */
  operand(index: number): OperandSpec {
    const operand = this.form.operands[index];
    if (operand === undefined) throw new Error(`${this.form.mnemonic}: no operand ${index}`);
    return operand;
  }

  /** Size of operand `index` in bytes, in the form (register or memory) that it has here. */
  bytes(index: number): number {
    const operand = this.operand(index);
    const code = this.isMemory(index) ? operand.memorySize : operand.size;
    return operandBytes(code, this.info.operandSize);
  }

  /**
   * Whether this is one lane of 128 bits of an instruction with VEX, as an instruction of SSE sees
   * it: what may fault for SSE does not then.
   */
  get isLane(): boolean {
    return false;
  }

  /** Whether another reports exceptions of floating point: those of all lanes, together. */
  get leavesExceptions(): boolean {
    return false;
  }

  /** Vector operand `index`, where it was read before. */
  vectorOperand(_index: number): Value | undefined {
    return undefined;
  }

  /** Takes what is written to vector operand `index`; false if it is to be written here. */
  takeVector(_index: number, _value: Value): boolean {
    return false;
  }

  /** Whether operand `index` is in memory. */
  isMemory(index: number): boolean {
    const location = this.operand(index).location;
    switch (location) {
      case Location.memory:
      case Location.vectorMemory:
      case Location.offset:
      case Location.stringSource:
      case Location.stringDestination:
      case Location.implicitDi:
      case Location.implicitBxAl:
        return true;
      case Location.rmGpr:
      case Location.rmMm:
      case Location.rmXmm:
        return this.info.memory;
      default:
        return false;
    }
  }

  /** Reads operand `index`; `bytes` defaults to the operand's own size. */
  read(index: number, bytes: number = this.bytes(index)): Value {
    const location = this.operand(index).location;
    if (location === Location.immediate || location === Location.relative) {
      return this.immediate(bytes);
    }
    if (location === Location.one) return this.b.i32(1);
    if (this.isMemory(index)) {
      return this.b.guestLoad(loadName(bytes), this.linear(index, bytes, false));
    }
    return this.loadState(this.register(index), bytes);
  }

  /** Reads operand `index` of 1 or 2 bytes sign-extended to i32 (or 4 bytes as they are). */
  readSigned(index: number): Value {
    const bytes = this.bytes(index);
    const value = this.read(index);
    return signExtend(this.b, value, bytes);
  }

  /** Writes operand `index`; in 64-bit code a 4-byte register write clears the upper half. */
  write(index: number, value: Value, bytes: number = this.bytes(index)): void {
    if (this.isMemory(index)) {
      this.b.guestStore(storeName(bytes), this.linear(index, bytes, true), value);
      return;
    }
    this.storeState(this.register(index), value, bytes);
  }

  /**
   * Reads operand `index`, computes, writes it back. `compute` returns the new value, and may build
   * flag updates: they come after everything that can fault.
   */
  modify(index: number, compute: (old: Value) => Value): void {
    const bytes = this.bytes(index);
    if (!this.isMemory(index)) {
      const address = this.register(index);
      this.storeState(address, compute(this.loadState(address, bytes)), bytes);
      return;
    }
    const old = this.b.guestModify(loadName(bytes), this.linear(index, bytes, true));
    this.b.guestCommit(storeName(bytes), old, compute(old));
  }

  /** The immediate as i32, or i64 for `bytes` 8, truncated to an unsigned value below 4 bytes. */
  immediate(bytes: number): Value {
    const b = this.b;
    const low = this.source.immediate();
    if (bytes === 8) {
      return b.or(b.extendU(low), b.shl(b.extendU(this.source.immediateHigh()), 32));
    }
    if (bytes >= 4) return low;
    return b.and(low, bytes === 1 ? 0xff : 0xffff);
  }

  /** State address of register operand `index`. */
  register(index: number): StateAddress {
    const operand = this.operand(index);
    if (operand.location === Location.fixedGpr) {
      return gprAddress(operand.register, 'high' in operand && operand.high === true);
    }
    if (operand.location === Location.xmm0) return { offset: CpuState.xmm };
    if (operand.location === Location.immediateXmm) return this.#immediateRegister();
    return this.source.register(index);
  }

  /** State address of the vector register that bits 6 to 4 of the immediate are the number of. */
  #immediateRegister(): StateAddress {
    const offset = this.b.and(this.source.immediate(), 0x70);
    if (offset.isConst) return { offset: CpuState.xmm + offset.imm };
    return { offset: CpuState.xmm, dynamic: offset };
  }

  /** Reads general register `number` (see `Gpr`): its low 1, 2, 4 or 8 bytes. */
  gpr(number: number, bytes: number): Value {
    return this.loadState(gprAddress(number, false), bytes);
  }

  /** Writes general register `number`: its low bytes; the others are kept below 4 bytes. */
  setGpr(number: number, value: Value, bytes: number): void {
    this.storeState(gprAddress(number, false), value, bytes);
  }

  /** AH. */
  ah(): Value {
    return this.b.load('i32.load8_u', CpuState.gpr + 1);
  }

  setAh(value: Value): void {
    this.b.store('i32.store8', CpuState.gpr + 1, value);
  }

  /** Loads from the CPU state. */
  loadState(address: StateAddress, bytes: number): Value {
    return this.b.load(loadName(bytes), address.offset, address.dynamic);
  }

  /** Stores to the CPU state. */
  storeState(address: StateAddress, value: Value, bytes: number): void {
    this.b.store(storeName(bytes), address.offset, value, address.dynamic);
  }

  /**
   * Effective address (offset in the segment) of memory operand `index`, as the address size has
   * it.
   */
  effectiveAddress(index: number): Value {
    const size = this.info.addressSize;
    const mask = (value: Value): Value => (size === 16 ? this.b.and(value, 0xffff) : value);
    switch (this.operand(index).location) {
      case Location.stringSource:
        return mask(this.gpr(Gpr.rsi, 4));
      case Location.stringDestination:
      case Location.implicitDi:
        return mask(this.gpr(Gpr.rdi, 4));
      case Location.implicitBxAl:
        return mask(this.b.add(this.gpr(Gpr.rbx, 4), this.gpr(Gpr.rax, 1)));
      default:
        return mask(this.source.address());
    }
  }

  /** Linear address of `bytes` at memory operand `index` plus `offset`, checked by its segment. */
  linear(index: number, bytes: number, write: boolean, offset: Value | number = 0): Value {
    let address = this.effectiveAddress(index);
    if (offset !== 0) {
      address = this.b.add(address, offset);
      if (this.info.addressSize === 16) address = this.b.and(address, 0xffff);
    }
    return this.linearAt(index, address, bytes, write);
  }

  /** As `linear`, for an offset in the operand's segment that was computed before. */
  linearAt(index: number, address: Value, bytes: number, write: boolean): Value {
    if (this.operand(index).location === Location.stringDestination) {
      const es = segmentAddress(SegmentRegister.es);
      if (this.info.flatStack) return address;
      return this.segments.linear(es, this.b.i32(0), address, bytes, write);
    }
    if (this.info.flat) return address;
    const stack = this.source.segmentIsStack();
    return this.segments.linear(this.source.segment(), stack, address, bytes, write);
  }

  /** Base of the memory operand's segment added, without any check (INVLPG, LEA-like uses). */
  linearUnchecked(index: number): Value {
    const address = this.effectiveAddress(index);
    return this.info.flat ? address : this.segments.based(this.source.segment(), address);
  }

  /** Ends the instruction with a near jump; a 16-bit operand size truncates EIP. */
  jumpTo(eip: Value): void {
    this.b.jumpTo(this.info.operandSize === 16 ? this.b.and(eip, 0xffff) : eip);
  }

  /** CPL, 0..3. */
  cpl(): Value {
    return this.b.load('i32.load', CpuState.cpl);
  }

  /** #GP(0) unless CPL is 0. */
  requireRing0(): void {
    this.b.if(this.cpl(), () => this.b.fault(13, 0));
  }
}

/** State address of general register `number`, or of its bits 15:8. */
export function gprAddress(number: number, high: boolean): StateAddress {
  return { offset: CpuState.gpr + 8 * number + (high ? 1 : 0) };
}

/** Sign-extends the low 1 or 2 bytes of an i32. */
export function signExtend(b: IrBuilder, value: Value, bytes: number): Value {
  if (bytes === 1) return b.op('i32.extend8_s', value);
  return bytes === 2 ? b.op('i32.extend16_s', value) : value;
}

function loadName(bytes: number): string {
  const name = loadOf[bytes];
  if (name === undefined) throw new Error(`semantics: no load of ${bytes} bytes`);
  return name;
}

function storeName(bytes: number): string {
  const name = storeOf[bytes];
  if (name === undefined) throw new Error(`semantics: no store of ${bytes} bytes`);
  return name;
}
