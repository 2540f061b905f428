import type { ValueType } from '@ringfence/wasm';
import { BinaryOperations } from './binary-operations.ts';
import { faultArguments } from './fault-arguments.ts';
import { DeferredState } from './deferred-state.ts';
import { foldOperation, storedPart } from './fold.ts';
import { FlagWords } from './flag-words.ts';
import { KnownFloats } from './known-floats.ts';
import { Promotion, type FlagsOrigin, type PromotedState } from './promotion.ts';
import { resultType } from './result-type.ts';
import { constantI64, constantOf, named, Value, type IrType, type Variable } from './value.ts';

/** A loop that is being built; pass it to `break` and `continue`. */
export type LoopHandle = Value;

/**
 * Appends IR operations to the current block, folding constants as it goes.
 *
 * The two-argument helpers (`add`, `shl`, `eq` ...) choose the instruction by the type of their
 * first argument. Values are used in any later operation of the same block or of blocks inside it.
 */
export class IrBuilder extends BinaryOperations {
  /** The outermost block. */
  readonly body: Value[] = [];
  /** What the flags come from, in a region; kept by `FlagsBuilder`. */
  flagsOrigin: FlagsOrigin | undefined = undefined;
  /** Whether flags may be left as what they come from: the last instruction of a block. */
  leavesFlagsLazy = false;
  /** The flag words, or what stands for them. */
  readonly flagWords: FlagWords;
  /** What is known of floating-point numbers. */
  readonly floats: KnownFloats = new KnownFloats();
  #block: Value[] = this.body;
  readonly #promotion: Promotion;
  readonly #done = new Set<string>();
  /** State that is written as late as possible, if this builder does that. */
  readonly deferred: DeferredState | undefined;

  /**
   * `promoted`: state that loads and stores of constant addresses find in locals. `defers`: state
   * is written where something may see it and not before.
   */
  constructor(promoted?: PromotedState, defers = false) {
    super();
    this.deferred = defers ? new DeferredState() : undefined;
    this.flagWords = new FlagWords(this, promoted !== undefined);
    this.#promotion = new Promotion(this, promoted, defers);
  }

  /** Whether this is code outside of any condition, of which facts hold until changed. */
  get isStraight(): boolean {
    return this.#promotion.isStraight;
  }

  /** Whether there is promoted state. */
  get isRegion(): boolean {
    return this.#promotion.isRegion;
  }

  /** Writes deferred flags: something is about to read them. */
  settleFlags(lazily = false): void {
    const origin = this.flagsOrigin;
    this.deferred?.settleFlags(lazily);
    this.flagsOrigin = origin;
  }

  /** Writes all deferred state: something is about to see it. */
  settle(): void {
    this.settleFlags(this.leavesFlagsLazy);
    this.deferred?.settle(this.leavesFlagsLazy);
  }

  /** Begins instruction `index` of a region. */
  mark(index: number): void {
    const value = new Value('mark', 'void', []);
    value.imm = index;
    this.#append(value);
  }

  /**
   * Builds with the CPU state in memory and not in locals, for code that calls functions using it.
   * `touchesFlags`: whether it reads or sets flags.
   */
  unpromoted(build: () => void, touchesFlags: boolean): void {
    if (touchesFlags) this.flagWords.expose();
    this.settleFlags();
    this.floats.forget();
    if (touchesFlags) this.flagsOrigin = undefined;
    this.#append(new Value('spill', 'void', []));
    this.#promotion.without(build);
    this.#append(new Value('reload', 'void', []));
    if (touchesFlags) this.flagWords.exposed();
  }

  /**
   * Whether a check is due: in a block of a region it is not where one of the same name was made
   * before. What is checked so does not change while a region runs.
   */
  isFirst(check: string): boolean {
    if (!this.#promotion.isRegion || !this.isStraight) return true;
    const isFirst = !this.#done.has(check);
    this.#done.add(check);
    return isFirst;
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

  not(a: Value): Value {
    return this.xor(a, -1);
  }

  neg(a: Value): Value {
    const zero = a.type === 'i64' ? this.i64(0) : this.i32(0);
    return this.sub(zero, a);
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
    if (isPlace(address)) return this.load(name, offset + address.imm);
    if (address === undefined) {
      const deferred = this.deferred?.registers?.load(name, offset);
      if (deferred !== undefined) return deferred;
    }
    const slot = address === undefined ? this.#promotion.find(offset) : undefined;
    if (slot !== undefined) return this.#promotion.load(slot, name, offset);
    return this.#append(
      named('load', resultType(name), name, address === undefined ? [] : [address], offset),
    );
  }

  /** Stores to host memory at a constant offset plus, if given, an address. */
  store(name: string, offset: number, content: Value, address?: Value): void {
    if (isPlace(address)) {
      this.store(name, offset + address.imm, content);
      return;
    }
    if (address === undefined && this.deferred?.registers?.store(name, offset, content) === true) {
      return;
    }
    const slot = address === undefined ? this.#promotion.find(offset) : undefined;
    if (slot !== undefined) {
      this.#promotion.store(slot, name, offset, content);
      return;
    }
    const part = storedPart(name, content);
    const args = address === undefined ? [part] : [address, part];
    this.#append(named('store', 'void', name, args, offset));
  }

  /** Loads a word of host memory, deferred or promoted or not. */
  loadAt(offset: number, address?: Value): Value {
    const args = address === undefined ? [] : [address];
    return this.#append(named('load', 'i32', 'i32.load', args, offset));
  }

  /** Stores a word to host memory, whatever is deferred or promoted. */
  storeAt(content: Value, offset: number, address?: Value): void {
    const args = address === undefined ? [content] : [address, content];
    this.#append(named('store', 'void', 'i32.store', args, offset));
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
    this.settle();
    const value = new Value('if', 'void', [condition]);
    const blocks = [this.#nested(then)];
    if (otherwise !== undefined) blocks.push(this.#nested(otherwise));
    value.blocks = blocks;
    this.#append(value);
  }

  /** Builds a loop: it is left at the end of its body or by `break`, repeated by `continue`. */
  loop(body: (loop: LoopHandle) => void): void {
    this.settle();
    const value = new Value('loop', 'void', []);
    this.#promotion.forget();
    value.blocks = [this.#nested(() => body(value))];
    this.#append(value);
  }

  break(loop: LoopHandle): void {
    this.#append(new Value('break', 'void', [])).target = loop;
  }

  continue(loop: LoopHandle): void {
    this.#append(new Value('continue', 'void', [])).target = loop;
  }

  /** Calls a runtime function or host import by name. */
  call(name: string, type: IrType, ...args: Value[]): Value {
    return this.#append(named('call', type, name, args));
  }

  /** Returns from a runtime function. */
  return(result?: Value): void {
    this.#append(new Value('return', 'void', result === undefined ? [] : [result]));
  }

  /** Loads guest memory at a linear address by a load instruction (`i32.load16_u`); may fault. */
  guestLoad(name: string, linear: Value): Value {
    return this.#access(named('guest.load', resultType(name), name, [linear]));
  }

  /** Stores to guest memory at a linear address by a store instruction; may fault. */
  guestStore(name: string, linear: Value, content: Value): void {
    this.#access(named('guest.store', 'void', name, [linear, storedPart(name, content)]));
  }

  /** Loads guest memory that `guestCommit` then writes; all faults happen here. */
  guestModify(name: string, linear: Value): Value {
    return this.#access(named('guest.modify', resultType(name), name, [linear]));
  }

  /** Writes to where a `guestModify` read; cannot fault. */
  guestCommit(name: string, modify: Value, content: Value): void {
    const value = named('guest.commit', 'void', name, [storedPart(name, content)]);
    value.target = modify;
    this.#append(value);
  }

  /** Faults unless `bytes` (1..16) at the linear address may be written. */
  guestProbe(bytes: number, linear: Value): void {
    this.#access(named('guest.probe', 'void', '', [linear], bytes));
  }

  /** Ends the instruction here: the following one runs. The end of a body does the same. */
  next(): void {
    this.#end(new Value('next', 'void', []));
  }

  /** Ends this step of a repeated instruction, which runs again with the state as it is. */
  repeat(): void {
    this.#end(new Value('repeat', 'void', []));
  }

  /** Ends the instruction with a jump to its relative target. */
  jump(): void {
    this.#end(new Value('jump', 'void', []));
  }

  /** Ends the instruction with a near jump to an EIP (i32). */
  jumpTo(eip: Value): void {
    this.#end(new Value('jump.to', 'void', [eip]));
  }

  /** Ends the instruction with a guest fault; `error` absent for vectors without error code. */
  fault(vector: Value | number, error?: Value | number): void {
    this.#end(new Value('fault', 'void', faultArguments(this, vector, error)));
  }

  /** `fault` where a condition holds; before the instruction changes anything. */
  faultIf(condition: Value, vector: Value | number, error?: Value | number): void {
    if (condition.isConst && condition.imm === 0) return;
    const args = [condition, ...faultArguments(this, vector, error)];
    this.#access(new Value('fault.if', 'void', args));
  }

  /** Calls host function `number` with three i32; leaves the instruction if the host says so. */
  callout(number: number, a?: Value, b?: Value, c?: Value): void {
    const zero = this.i32(0);
    this.#append(named('callout', 'void', '', [a ?? zero, b ?? zero, c ?? zero], number));
  }

  #nested(build: () => void): Value[] {
    const outer = this.#block;
    const inner: Value[] = [];
    this.#block = inner;
    this.flagWords.nested(() => this.#promotion.nested(build));
    this.#block = outer;
    return inner;
  }

  #end(value: Value): void {
    if (this.isStraight) this.settle();
    this.#append(value);
  }

  /** A guest access may be the end of a case: what is deferred is written then. */
  #access(value: Value): Value {
    const { deferred, flagsOrigin } = this;
    if (deferred?.isPending === true) {
      const { isRegion } = this.#promotion;
      const write = (): void => deferred.writeAside(isRegion);
      value.blocks = [this.#nested(() => this.#promotion.active(write))];
      this.flagsOrigin = flagsOrigin;
    }
    return this.#append(value);
  }

  #append(value: Value): Value {
    this.#block.push(value);
    return value;
  }
}

/** Whether an address is known: a part of what is kept in a local is found by its offset then. */
function isPlace(address: Value | undefined): address is Value {
  return address?.isConst === true && address.imm >= 0;
}
