import { ByteWriter } from './byte-writer.ts';
import { opcodes } from './opcodes.ts';
import type { ValueType } from './value-type.ts';
import { valueTypeCodes } from './value-type.ts';

/** A branch target: a block (branch leaves it) or a loop (branch repeats it). */
export interface Label {
  /** Nesting depth at which the label was opened; -1 once it is closed. */
  depth: number;
}

/** What a number in a function's code counts, which differs from module to module. */
export type Relocated = 'function' | 'global';

/** A number in a function's code that a linker changes, in three bytes. */
export interface Relocation {
  /** Where it is in the code. */
  readonly at: number;
  readonly what: Relocated;
}

/**
 * Writes one function's instructions.
 *
 * Branches name labels, not depths. Locals are numbered parameters first, then in the order of
 * `local()`; `releaseLocals` lets independent pieces of one function share them.
 */
export class FunctionBody {
  readonly code: ByteWriter = new ByteWriter();
  readonly #parameters: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  #taken: number[] = [];
  #depth = 0;
  readonly #relocations: Relocation[] | undefined;

  /** `linkage`: whether the function may become part of another module (`linkModules`). */
  constructor(parameters: readonly ValueType[], linkage: 'fixed' | 'relocatable' = 'fixed') {
    this.#parameters = parameters;
    this.#relocations = linkage === 'relocatable' ? [] : undefined;
  }

  /** The numbers that a linker changes; undefined if the code is for one module only. */
  get relocations(): readonly Relocation[] | undefined {
    return this.#relocations;
  }

  /** Types of the locals beside the parameters. */
  get locals(): readonly ValueType[] {
    return this.#locals;
  }

  /** Takes a local of the type: a released one, else a new one. Its content is undefined. */
  local(type: ValueType): number {
    const reused = this.#free.get(type)?.pop();
    const index = reused ?? this.#parameters.length + this.#locals.push(type) - 1;
    this.#taken.push(index);
    return index;
  }

  /** Marks the locals taken so far as permanent: `releaseLocals` does not free them. */
  keepLocals(): void {
    this.#taken = [];
  }

  /** Gives back every local taken since the last `keepLocals` or `releaseLocals`. */
  releaseLocals(): void {
    for (const index of this.#taken) {
      const type = this.#locals[index - this.#parameters.length];
      if (type === undefined) continue;
      const list = this.#free.get(type);
      if (list === undefined) this.#free.set(type, [index]);
      else list.push(index);
    }
    this.#taken = [];
  }

  /** Opens a block; a branch to its label continues after its end. */
  block(result?: ValueType): Label {
    return this.#open(0x02, result);
  }

  /** Opens a loop; a branch to its label repeats it. */
  loop(result?: ValueType): Label {
    return this.#open(0x03, result);
  }

  /** Opens an `if` on the i32 on the stack; a branch to its label continues after its end. */
  if(result?: ValueType): Label {
    return this.#open(0x04, result);
  }

  /** Begins the other branch of the innermost `if`. */
  else(): void {
    this.code.byte(0x05);
  }

  /** Closes the innermost block, loop or if. */
  end(label: Label): void {
    if (label.depth !== this.#depth) throw new Error('wasm: labels closed out of order');
    this.code.byte(0x0b);
    label.depth = -1;
    this.#depth -= 1;
  }

  /** Branches to a label. */
  br(label: Label): void {
    this.code.byte(0x0c);
    this.code.unsigned(this.#relative(label));
  }

  /** Branches to a label if the i32 on the stack is not zero. */
  brIf(label: Label): void {
    this.code.byte(0x0d);
    this.code.unsigned(this.#relative(label));
  }

  /** Branches to `labels[i]` for the i32 on the stack, or to `otherwise` past the end. */
  brTable(labels: readonly Label[], otherwise: Label): void {
    this.code.byte(0x0e);
    this.code.unsigned(labels.length);
    for (const label of labels) this.code.unsigned(this.#relative(label));
    this.code.unsigned(this.#relative(otherwise));
  }

  /** Returns from the function. */
  return(): void {
    this.code.byte(0x0f);
  }

  /** Pushes the value of a global by index. */
  getGlobal(index: number): void {
    this.code.byte(0x23);
    this.#index(index, 'global');
  }

  /** Calls a function by index. */
  call(index: number): void {
    this.code.byte(0x10);
    this.#index(index, 'function');
  }

  /** Calls a function by index in place of this function's frame. */
  returnCall(index: number): void {
    this.code.byte(0x12);
    this.#index(index, 'function');
  }

  /** Calls through table 0 with the type index; not in relocatable code. */
  callIndirect(typeIndex: number): void {
    this.code.byte(0x11);
    this.code.unsigned(typeIndex);
    this.code.byte(0);
  }

  /** Calls through table 0 in place of this function's frame; not in relocatable code. */
  returnCallIndirect(typeIndex: number): void {
    this.code.byte(0x13);
    this.code.unsigned(typeIndex);
    this.code.byte(0);
  }

  /** Drops the value on the stack. */
  drop(): void {
    this.code.byte(0x1a);
  }

  /** Chooses between two numbers by an i32. */
  select(): void {
    this.code.byte(0x1b);
  }

  /** Traps; for code that cannot be reached. */
  unreachable(): void {
    this.code.byte(0x00);
  }

  /** Pushes a local. */
  get(local: number): void {
    this.code.byte(0x20);
    this.code.unsigned(local);
  }

  /** Pops into a local. */
  set(local: number): void {
    this.code.byte(0x21);
    this.code.unsigned(local);
  }

  /** Copies the top of the stack into a local. */
  tee(local: number): void {
    this.code.byte(0x22);
    this.code.unsigned(local);
  }

  /** Pushes an i32. */
  i32(value: number): void {
    this.code.byte(0x41);
    this.code.signed(value);
  }

  /** Pushes an i64. */
  i64(value: bigint): void {
    this.code.byte(0x42);
    this.code.signed64(value);
  }

  /** Pushes an f32. */
  f32(value: number): void {
    this.code.byte(0x43);
    this.code.bytes(new Uint8Array(new Float32Array([value]).buffer));
  }

  /** Pushes an f64. */
  f64(value: number): void {
    this.code.byte(0x44);
    this.code.bytes(new Uint8Array(new Float64Array([value]).buffer));
  }

  /** Pushes a vector of sixteen bytes. */
  v128(bytes: ArrayLike<number>): void {
    this.code.byte(0xfd);
    this.code.unsigned(12);
    this.code.bytes(bytes);
  }

  /** An instruction without immediates, by its text-format name. */
  op(name: string): void {
    const info = opcodes.get(name);
    if (info === undefined) throw new Error(`wasm: no instruction named ${name}`);
    if (info.prefix === 0) {
      this.code.byte(info.code);
      return;
    }
    this.code.byte(info.prefix);
    this.code.unsigned(info.code);
  }

  /** A lane instruction or shuffle with its immediate bytes. */
  opLanes(name: string, lanes: ArrayLike<number>): void {
    this.op(name);
    this.code.bytes(lanes);
  }

  /** A load or store with a constant offset; no alignment is promised. */
  memory(name: string, offset = 0): void {
    this.op(name);
    this.code.byte(0);
    this.code.unsigned(offset);
  }

  /** `memory.copy` or `memory.fill` within the one memory. */
  bulk(name: 'memory.copy' | 'memory.fill'): void {
    this.op(name);
    this.code.byte(0);
    if (name === 'memory.copy') this.code.byte(0);
  }

  #index(index: number, what: Relocated): void {
    if (this.#relocations === undefined) {
      this.code.unsigned(index);
      return;
    }
    this.#relocations.push({ at: this.code.length, what });
    this.code.unsignedOfThree(index);
  }

  #open(opcode: number, result: ValueType | undefined): Label {
    this.code.byte(opcode);
    this.code.byte(result === undefined ? 0x40 : valueTypeCodes[result]);
    this.#depth += 1;
    return { depth: this.#depth };
  }

  #relative(label: Label): number {
    if (label.depth < 0) throw new Error('wasm: branch to a closed label');
    return this.#depth - label.depth;
  }
}
