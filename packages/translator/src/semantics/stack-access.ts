import { CpuState, Gpr } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { SegmentAccess } from './segment-access.ts';
import type { VariantInfo } from './variant.ts';

const stackPointer = CpuState.gpr + 8 * Gpr.rsp;

/**
 * Pushes and pops by the stack's address size. Nothing changes (E)SP until `setPointer`, `push` or
 * `drop`, so that an instruction can do all its accesses first.
 */
export class StackAccess {
  readonly #b: IrBuilder;
  readonly #segments: SegmentAccess;
  readonly #info: VariantInfo;

  constructor(builder: IrBuilder, segments: SegmentAccess, info: VariantInfo) {
    this.#b = builder;
    this.#segments = segments;
    this.#info = info;
  }

  /** SP or ESP. */
  pointer(): Value {
    const name = this.#info.stackSize === 16 ? 'i32.load16_u' : 'i32.load';
    return this.#b.load(name, stackPointer);
  }

  /** Sets SP or ESP; the upper half of ESP is kept with a 16-bit stack. */
  setPointer(value: Value): void {
    this.#b.store(this.#info.stackSize === 16 ? 'i32.store16' : 'i32.store', stackPointer, value);
  }

  /** The pointer moved by `bytes`, wrapped by the stack's address size. */
  moved(pointer: Value, bytes: number): Value {
    const sum = this.#b.add(pointer, bytes);
    return this.#info.stackSize === 16 ? this.#b.and(sum, 0xffff) : sum;
  }

  /** Linear address of `bytes` at stack offset `pointer`. */
  linear(pointer: Value, bytes: number, write: boolean): Value {
    if (this.#info.flatStack) return pointer;
    return this.#segments.stackLinear(pointer, bytes, write);
  }

  /** Pushes one value of 2, 4 or 8 bytes: store, then pointer. */
  push(value: Value, bytes: number): void {
    const pointer = this.moved(this.pointer(), -bytes);
    const name = bytes === 2 ? 'i32.store16' : bytes === 4 ? 'i32.store' : 'i64.store';
    this.#b.guestStore(name, this.linear(pointer, bytes, true), value);
    this.setPointer(pointer);
  }

  /** Reads the value at `offset` bytes above the top; the pointer stays. */
  peek(bytes: number, offset = 0): Value {
    const pointer = offset === 0 ? this.pointer() : this.moved(this.pointer(), offset);
    const name = bytes === 2 ? 'i32.load16_u' : bytes === 4 ? 'i32.load' : 'i64.load';
    return this.#b.guestLoad(name, this.linear(pointer, bytes, false));
  }

  /** Moves the pointer up over `bytes`. */
  drop(bytes: number): void {
    this.setPointer(this.moved(this.pointer(), bytes));
  }
}
