import type { ValueType } from '@ringfence/wasm';

/**
 * A mutable local of one IR body, for values that differ by path (results of `if`, loop counters).
 */
export interface Variable {
  readonly type: ValueType;
  /** WebAssembly local, given by the back end; -1 before. */
  local: number;
}

/** Guest accesses of a block near one base value, whose page is looked up once. */
export interface AccessGroup {
  /** Lowest displacement from the base. */
  readonly low: number;
  /** Bytes from there to the end of the last access. */
  readonly bytes: number;
  /** Whether one of them writes. */
  readonly writes: boolean;
  /**
   * WebAssembly local with the address of the lowest byte from `Layout.ram`; given by the back end
   * at the first access, -1 before.
   */
  local: number;
}

/** Type of a value; `void` for operations that are only an effect. */
export type IrType = ValueType | 'void';

/**
 * One operation of the IR, in single assignment form.
 *
 * The numeric operations are WebAssembly's, under their text-format names (`i32.add`). The others:
 *
 * | op | arguments | meaning |
 * | --- | --- | --- |
 * | `const` | | `imm` (i32, f32, f64) or `big` (i64) or `lanes` (v128) |
 * | `parameter` | | parameter number `imm` |
 * | `get`, `set` | value | of `variable` |
 * | `load`, `store` | [address,] [value] | host memory by instruction `name` at `imm` + address |
 * | `copy`, `fill` | to, from or byte, size | host memory in bulk |
 * | `select` | condition, a, b | a if condition is not 0, else b |
 * | `if` | condition | `blocks[0]`, else `blocks[1]` |
 * | `loop` | | `blocks[0]`, left by `break`, repeated by `continue`, left at its end |
 * | `break`, `continue` | | of the `loop` operation `target` |
 * | `call` | any | runtime function or host import `name` |
 * | `return` | [value] | from a runtime function |
 * | `guest.load` | linear | guest memory by load instruction `name`; may fault |
 * | `guest.store` | linear, value | guest memory by store instruction `name`; may fault |
 * | `guest.modify` | linear | as guest.load, and the write of it cannot fault afterwards |
 * | `guest.commit` | value | writes back to where `target`, a guest.modify, read |
 * | `guest.probe` | linear | faults unless `imm` bytes may be written |
 * | `next` | | ends the instruction: the following one runs |
 * | `repeat` | | ends this step of the instruction: it runs again |
 * | `jump` | | ends it: to the relative target of the instruction |
 * | `jump.to` | eip | ends it: to an EIP |
 * | `fault` | vector, error | ends it: guest fault; state is that of before the instruction |
 * | `fault.if` | condition, vector, error | the same where the condition is not 0 |
 * | `code.block` | | of a region: address of the code-page block of page `imm` |
 * | `mark` | | instruction number `imm` of a region begins: order of effects, exits |
 * | `spill`, `reload` | | of a region: registers in locals to and from the CPU state |
 * | `callout` | a, b, c | calls the host's function number `imm`; leaves if it says so |
 */
export class Value {
  readonly op: string;
  readonly type: IrType;
  args: readonly Value[];
  /** Instruction name of loads, stores and calls. */
  name = '';
  /** Number: constant, offset, parameter, size. */
  imm = 0;
  /** Constant of type i64. */
  big = 0n;
  /** Constant of type v128, or lane immediates. */
  lanes: readonly number[] | undefined = undefined;
  variable: Variable | undefined = undefined;
  /** The loop of a break, the modify of a commit. */
  target: Value | undefined = undefined;
  /** Blocks of `if` and `loop`; of a guest access, what to do before it is left to others. */
  blocks: readonly Value[][] | undefined = undefined;
  /** How many operations use the result; kept by the back end. */
  uses = 0;
  /** The last operation that uses it, and the list that holds that; kept by the back end. */
  user: Value | undefined = undefined;
  userList: readonly Value[] | undefined = undefined;
  /** Index in its list, whether nothing needs it, and whether it is emitted where it is used. */
  index = -1;
  isDead = false;
  isInlined = false;
  /** Position in emission order, and the block that holds it; set by the back end. */
  position = -1;
  /** WebAssembly local that holds the result, or -1: it is emitted where it is used. */
  local = -1;
  /**
   * The group of a guest access, whose argument is then the base, and its distance from that; the
   * last argument is added to it if it `isIndexed`.
   */
  group: AccessGroup | undefined = undefined;
  displacement = 0;
  isIndexed = false;
  /** A second local of guest.modify: host address, or 0 when the slow path was taken. */
  hostLocal = -1;

  constructor(op: string, type: IrType, args: readonly Value[]) {
    this.op = op;
    this.type = type;
    this.args = args;
  }

  /** Whether the result is known now. */
  get isConst(): boolean {
    return this.op === 'const';
  }
}

const pureOps = new Map<string, boolean>();

/** Whether an operation has no effect and depends on nothing but its arguments. */
export function isPure({ op }: Value): boolean {
  let known = pureOps.get(op);
  if (known === undefined) {
    known = isPureOp(op);
    pureOps.set(op, known);
  }
  return known;
}

function isPureOp(op: string): boolean {
  if (op === 'const' || op === 'parameter' || op === 'select') return true;
  const dot = op.indexOf('.');
  if (dot < 0) return false;
  const family = op.slice(0, dot);
  return family !== 'guest' && family !== 'jump' && family !== 'fault';
}

/** A constant of type i32, f32 or f64. */
export function constantOf(type: ValueType, imm: number): Value {
  const constant = new Value('const', type, []);
  constant.imm = imm;
  return constant;
}

/** A constant of type i64. */
export function constantI64(value: bigint): Value {
  const constant = new Value('const', 'i64', []);
  constant.big = BigInt.asIntN(64, value);
  return constant;
}

/** The number as a constant of a type: an i32 or i64 integer, else a floating-point number. */
export function constantLike(type: IrType, imm: number): Value {
  if (type === 'i64') return constantI64(BigInt(imm));
  return constantOf(type as ValueType, type === 'i32' ? imm | 0 : imm);
}

/** An operation by an instruction, function or access of a name, with its constant offset. */
export function named(
  op: string,
  type: IrType,
  name: string,
  args: readonly Value[],
  imm = 0,
): Value {
  const value = new Value(op, type, args);
  value.name = name;
  value.imm = imm;
  return value;
}
