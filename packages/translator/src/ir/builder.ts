import type { ValueType } from '@ringfence/wasm';
import { foldOperation } from './fold.ts';
import { Promotion, type FlagsOrigin, type PromotedState } from './promotion.ts';
import { resultType } from './result-type.ts';
import { constantI64, constantOf, Value, type IrType, type Variable } from './value.ts';

/** A loop that is being built; pass it to `break` and `continue`. */
export type LoopHandle = Value;

/**
 * Appends IR operations to the current block, folding constants as it goes.
 *
 * The two-argument helpers (`add`, `shl`, `eq` ...) choose the instruction by the type of their
 * first argument. Values are used in any later operation of the same block or of blocks inside it.
 */
export class IrBuilder {
  /** The outermost block. */
  readonly body: Value[] = [];
  /** What the flags come from, in a region; kept by `FlagsBuilder`. */
  flagsOrigin: FlagsOrigin | undefined = undefined;
  #block: Value[] = this.body;
  readonly #promotion: Promotion;

  /** `promoted`: state that loads and stores of constant addresses find in locals. */
  constructor(promoted?: PromotedState) {
    this.#promotion = new Promotion(this, promoted);
  }

  /** Whether this is code of a region outside of any condition: facts hold until changed. */
  get isStraight(): boolean {
    return this.#promotion.isStraight;
  }

  /** Begins instruction `index` of a region. */
  mark(index: number): void {
    const value = new Value('mark', 'void', []);
    value.imm = index;
    this.#append(value);
  }

  /**
   * Builds with the CPU state in memory and not in locals, for code that calls functions using it.
   */
  unpromoted(build: () => void): void {
    this.#append(new Value('spill', 'void', []));
    this.#promotion.without(build);
    this.flagsOrigin = undefined;
    this.#append(new Value('reload', 'void', []));
  }

  /** Any pure WebAssembly instruction by name. */
  op(name: string, ...args: Value[]): Value {
    const folded = foldOperation(name, args);
    if (folded !== undefined) return folded;
    return this.#append(new Value(name, resultType(name), args));
  }

  /** A pure instruction with lane immediates (`i8x16.shuffle`, `i32x4.extract_lane`). */
  opLanes(name: string, lanes: readonly number[], ...args: Value[]): Value {
    const value = new Value(name, resultType(name), args);
    value.lanes = lanes;
    return this.#append(value);
  }

  i32(value: number): Value {
    return constantOf('i32', value | 0);
  }

  i64(value: bigint | number): Value {
    return constantI64(BigInt(value));
  }

  f32(value: number): Value {
    return constantOf('f32', value);
  }

  f64(value: number): Value {
    return constantOf('f64', value);
  }

  v128(bytes: readonly number[]): Value {
    const constant = new Value('const', 'v128', []);
    constant.lanes = bytes;
    return constant;
  }

  add(a: Value, b: Value | number): Value {
    return this.#typed('add', a, b);
  }

  sub(a: Value, b: Value | number): Value {
    return this.#typed('sub', a, b);
  }

  mul(a: Value, b: Value | number): Value {
    return this.#typed('mul', a, b);
  }

  and(a: Value, b: Value | number): Value {
    return this.#typed('and', a, b);
  }

  or(a: Value, b: Value | number): Value {
    return this.#typed('or', a, b);
  }

  xor(a: Value, b: Value | number): Value {
    return this.#typed('xor', a, b);
  }

  not(a: Value): Value {
    return this.#typed('xor', a, -1);
  }

  neg(a: Value): Value {
    const zero = a.type === 'i64' ? this.i64(0) : this.i32(0);
    return this.#typed('sub', zero, a);
  }

  shl(a: Value, b: Value | number): Value {
    return this.#typed('shl', a, b);
  }

  shrU(a: Value, b: Value | number): Value {
    return this.#typed('shr_u', a, b);
  }

  shrS(a: Value, b: Value | number): Value {
    return this.#typed('shr_s', a, b);
  }

  eq(a: Value, b: Value | number): Value {
    return this.#typed('eq', a, b);
  }

  ne(a: Value, b: Value | number): Value {
    return this.#typed('ne', a, b);
  }

  ltU(a: Value, b: Value | number): Value {
    return this.#typed('lt_u', a, b);
  }

  ltS(a: Value, b: Value | number): Value {
    return this.#typed('lt_s', a, b);
  }

  gtU(a: Value, b: Value | number): Value {
    return this.#typed('gt_u', a, b);
  }

  gtS(a: Value, b: Value | number): Value {
    return this.#typed('gt_s', a, b);
  }

  leU(a: Value, b: Value | number): Value {
    return this.#typed('le_u', a, b);
  }

  leS(a: Value, b: Value | number): Value {
    return this.#typed('le_s', a, b);
  }

  geU(a: Value, b: Value | number): Value {
    return this.#typed('ge_u', a, b);
  }

  geS(a: Value, b: Value | number): Value {
    return this.#typed('ge_s', a, b);
  }

  eqz(a: Value): Value {
    return this.op(a.type === 'i64' ? 'i64.eqz' : 'i32.eqz', a);
  }

  /** `condition ? a : b`, both evaluated. */
  select(condition: Value, a: Value, b: Value): Value {
    if (condition.isConst) return condition.imm !== 0 ? a : b;
    return this.#append(new Value('select', a.type, [condition, a, b]));
  }

  /** Low half of an i64. */
  wrap(a: Value): Value {
    return this.op('i32.wrap_i64', a);
  }

  /** An i32 zero-extended to i64. */
  extendU(a: Value): Value {
    return this.op('i64.extend_i32_u', a);
  }

  /** An i32 sign-extended to i64. */
  extendS(a: Value): Value {
    return this.op('i64.extend_i32_s', a);
  }

  /** Parameter `index` of the function that is being built. */
  parameter(index: number, type: ValueType): Value {
    const value = new Value('parameter', type, []);
    value.imm = index;
    return value;
  }

  /** Loads from host memory at a constant offset plus, if given, an address. */
  load(name: string, offset: number, address?: Value): Value {
    const slot = address === undefined ? this.#promotion.find(offset) : undefined;
    if (slot !== undefined) return this.#promotion.load(slot, name, offset & 3);
    const value = new Value('load', resultType(name), address === undefined ? [] : [address]);
    value.name = name;
    value.imm = offset;
    return this.#append(value);
  }

  /** Stores to host memory at a constant offset plus, if given, an address. */
  store(name: string, offset: number, content: Value, address?: Value): void {
    const slot = address === undefined ? this.#promotion.find(offset) : undefined;
    if (slot !== undefined) {
      this.#promotion.store(slot, name, offset & 3, content);
      return;
    }
    const args = address === undefined ? [content] : [address, content];
    const value = new Value('store', 'void', args);
    value.name = name;
    value.imm = offset;
    this.#append(value);
  }

  /** Copies `size` bytes of host memory, as if through a buffer. */
  copy(to: Value, from: Value, size: Value): void {
    this.#append(new Value('copy', 'void', [to, from, size]));
  }

  /** Fills `size` bytes of host memory with the low byte of `content`. */
  fill(to: Value, content: Value, size: Value): void {
    this.#append(new Value('fill', 'void', [to, content, size]));
  }

  /** A mutable local; reading it before the first `set` gives an undefined value. */
  variable(type: ValueType, initial?: Value): Variable {
    const variable: Variable = { type, local: -1 };
    if (initial !== undefined) this.set(variable, initial);
    return variable;
  }

  get(variable: Variable): Value {
    const value = new Value('get', variable.type, []);
    value.variable = variable;
    return this.#append(value);
  }

  set(variable: Variable, content: Value): void {
    const value = new Value('set', 'void', [content]);
    value.variable = variable;
    this.#append(value);
  }

  /** Builds both branches of a condition. */
  if(condition: Value, then: () => void, otherwise?: () => void): void {
    if (condition.isConst) {
      if (condition.imm !== 0) then();
      else otherwise?.();
      return;
    }
    const value = new Value('if', 'void', [condition]);
    const blocks = [this.#nested(then)];
    if (otherwise !== undefined) blocks.push(this.#nested(otherwise));
    value.blocks = blocks;
    this.#append(value);
  }

  /** Builds a loop: it is left at the end of its body or by `break`, repeated by `continue`. */
  loop(body: (loop: LoopHandle) => void): void {
    const value = new Value('loop', 'void', []);
    this.#promotion.forget();
    value.blocks = [this.#nested(() => body(value))];
    this.#append(value);
  }

  break(loop: LoopHandle): void {
    this.#appendTo('break', loop);
  }

  continue(loop: LoopHandle): void {
    this.#appendTo('continue', loop);
  }

  /** Calls a runtime function or host import by name. */
  call(name: string, type: IrType, ...args: Value[]): Value {
    const value = new Value('call', type, args);
    value.name = name;
    return this.#append(value);
  }

  /** Returns from a runtime function. */
  return(result?: Value): void {
    this.#append(new Value('return', 'void', result === undefined ? [] : [result]));
  }

  /** Loads guest memory at a linear address by a load instruction (`i32.load16_u`); may fault. */
  guestLoad(name: string, linear: Value): Value {
    const value = new Value('guest.load', resultType(name), [linear]);
    value.name = name;
    return this.#append(value);
  }

  /** Stores to guest memory at a linear address by a store instruction; may fault. */
  guestStore(name: string, linear: Value, content: Value): void {
    const value = new Value('guest.store', 'void', [linear, content]);
    value.name = name;
    this.#append(value);
  }

  /** Loads guest memory that `guestCommit` then writes; all faults happen here. */
  guestModify(name: string, linear: Value): Value {
    const value = new Value('guest.modify', resultType(name), [linear]);
    value.name = name;
    return this.#append(value);
  }

  /** Writes to where a `guestModify` read; cannot fault. */
  guestCommit(name: string, modify: Value, content: Value): void {
    const value = new Value('guest.commit', 'void', [content]);
    value.name = name;
    value.target = modify;
    this.#append(value);
  }

  /** Faults unless `bytes` (1..16) at the linear address may be written. */
  guestProbe(bytes: number, linear: Value): void {
    const value = new Value('guest.probe', 'void', [linear]);
    value.imm = bytes;
    this.#append(value);
  }

  /** Ends the instruction here: the following one runs. The end of a body does the same. */
  next(): void {
    this.#append(new Value('next', 'void', []));
  }

  /** Ends this step of a repeated instruction, which runs again with the state as it is. */
  repeat(): void {
    this.#append(new Value('repeat', 'void', []));
  }

  /** Ends the instruction with a jump to its relative target. */
  jump(): void {
    this.#append(new Value('jump', 'void', []));
  }

  /** Ends the instruction with a near jump to an EIP (i32). */
  jumpTo(eip: Value): void {
    this.#append(new Value('jump.to', 'void', [eip]));
  }

  /** Ends the instruction with a guest fault; `error` absent for vectors without error code. */
  fault(vector: Value | number, error?: Value | number): void {
    const number = typeof vector === 'number' ? this.i32(vector) : vector;
    const code = typeof error === 'number' ? this.i32(error) : (error ?? this.i32(0));
    const args = [error === undefined ? number : this.or(number, 0x100), code];
    this.#append(new Value('fault', 'void', args));
  }

  /** Calls host function `number` with three i32; leaves the instruction if the host says so. */
  callout(number: number, a?: Value, b?: Value, c?: Value): void {
    const zero = this.i32(0);
    const value = new Value('callout', 'void', [a ?? zero, b ?? zero, c ?? zero]);
    value.imm = number;
    this.#append(value);
  }

  #typed(name: string, a: Value, b: Value | number): Value {
    const other = typeof b === 'number' ? this.#like(a.type, b) : b;
    return this.op(`${a.type}.${name}`, a, other);
  }

  #like(type: IrType, imm: number): Value {
    if (type === 'i64') return this.i64(imm);
    return type === 'i32' ? this.i32(imm) : constantOf(type as ValueType, imm);
  }

  #nested(build: () => void): Value[] {
    const outer = this.#block;
    const inner: Value[] = [];
    this.#block = inner;
    this.#promotion.nested(build);
    this.#block = outer;
    return inner;
  }

  #append(value: Value): Value {
    this.#block.push(value);
    return value;
  }

  #appendTo(op: string, target: Value): void {
    const value = new Value(op, 'void', []);
    value.target = target;
    this.#append(value);
  }
}
