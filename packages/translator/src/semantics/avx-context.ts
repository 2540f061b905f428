/**
 * An instruction with VEX as the instruction of SSE that it comes from sees it.
 *
 * AVX does with each half of a YMM register what SSE does with an XMM register (SDM vol. 1, 14.1).
 * So semantics of SSE run once for each half, on a context in which vector operands are values that
 * were read before, and the destination is collected: where one is read and written, what it reads
 * is the operand in VEX.vvvv. All other operands are those of the instruction itself.
 */
import { Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { CpuState } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { InstructionContext } from './context.ts';
import type { StateAddress } from './operand-source.ts';

const vectorLocations: ReadonlySet<number> = new Set([
  Location.regXmm,
  Location.rmXmm,
  Location.rmXmmOnly,
  Location.xmm0,
]);

const vectorBytes = 16;

/** What a lane is a part of. */
export interface LaneOf {
  readonly outer: InstructionContext;
  /** The form of SSE. */
  readonly legacy: Form;
  /** Values of its vector operands in this lane, where they are read before. */
  readonly values: readonly (Value | undefined)[];
  /** How far the immediate is shifted right for this lane. */
  readonly shift: number;
  /** Whether there are more lanes, whose exceptions are reported together. */
  readonly isPart: boolean;
}

/** One lane of 128 bits. */
export class LaneContext extends InstructionContext {
  /** What was written to the destination. */
  #result: Value | undefined;
  readonly #lane: LaneOf;
  /** Operands whose values are in scratch memory, for semantics that want an address. */
  readonly #placed = new Set<number>();

  constructor(lane: LaneOf) {
    const { outer, legacy } = lane;
    super(outer.b, { ...outer.info, form: legacy, memory: false }, outer.source);
    this.#lane = lane;
  }

  /** The destination's new value, if it is a vector register. */
  result(): Value | undefined {
    if (this.#result !== undefined) return this.#result;
    return this.#placed.has(0) ? this.b.load('v128.load', slotOf(0)) : undefined;
  }

  override get isLane(): boolean {
    return true;
  }

  override get leavesExceptions(): boolean {
    return this.#lane.isPart;
  }

  override vectorOperand(index: number): Value | undefined {
    return this.#isOwn(index) ? this.#lane.values[index] : undefined;
  }

  override takeVector(index: number, value: Value): boolean {
    if (!this.#isOwn(index)) return false;
    this.#result = value;
    return true;
  }

  override bytes(index: number): number {
    return this.#isOwn(index) ? vectorBytes : this.#lane.outer.bytes(outerIndex(this.#lane, index));
  }

  override isMemory(index: number): boolean {
    const { outer } = this.#lane;
    return !this.#isOwn(index) && outer.isMemory(outerIndex(this.#lane, index));
  }

  override register(index: number): StateAddress {
    const { outer, values } = this.#lane;
    if (!this.#isOwn(index)) return outer.register(outerIndex(this.#lane, index));
    const value = values[index];
    const offset = slotOf(index);
    if (!this.#placed.has(index) && value !== undefined) {
      this.b.store('v128.store', offset, value);
    }
    this.#placed.add(index);
    return { offset };
  }

  override immediate(bytes: number): Value {
    const whole = super.immediate(bytes);
    return this.#lane.shift === 0 ? whole : this.b.shrU(whole, this.#lane.shift);
  }

  override effectiveAddress(index: number): Value {
    return this.#lane.outer.effectiveAddress(outerIndex(this.#lane, index));
  }

  override linear(index: number, bytes: number, write: boolean, offset: Value | number = 0): Value {
    return this.#lane.outer.linear(outerIndex(this.#lane, index), bytes, write, offset);
  }

  override linearUnchecked(index: number): Value {
    return this.#lane.outer.linearUnchecked(outerIndex(this.#lane, index));
  }

  /** Whether a vector operand is a value of this lane. */
  #isOwn(index: number): boolean {
    return isLaneOperand(this.#lane.outer, this.#lane.legacy, index);
  }
}

/** Where the value of an operand is put for semantics that want an address. */
function slotOf(index: number): number {
  return CpuState.lanes + vectorBytes * index;
}

/** Position among the operands of the instruction of what is operand `index` for SSE. */
export function outerIndex(
  { outer, legacy }: Pick<LaneOf, 'outer' | 'legacy'>,
  index: number,
): number {
  return outer.form.operands.length > legacy.operands.length ? index + 1 : index;
}

/**
 * Whether operand `index` of a form of SSE is a value of its lane: registers are, and memory that
 * is as wide as a register, of which AVX asks no alignment.
 */
export function isLaneOperand(outer: InstructionContext, legacy: Form, index: number): boolean {
  const operand = legacy.operands[index];
  if (operand === undefined || !vectorLocations.has(operand.location)) return false;
  const position = outerIndex({ outer, legacy }, index);
  if (!outer.isMemory(position)) return true;
  return outer.form.vex === '256' || outer.bytes(position) === vectorBytes;
}
