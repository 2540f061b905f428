/** The numeric instructions with two operands, chosen by the type of the first. */
import { constantLike, type IrType, type Value } from './value.ts';

/** Names of an instruction by the type of its operands. */
type Names = Readonly<Record<IrType, string>>;

function namesOf(name: string): Names {
  return {
    i32: `i32.${name}`,
    i64: `i64.${name}`,
    f32: `f32.${name}`,
    f64: `f64.${name}`,
    v128: `v128.${name}`,
    void: `void.${name}`,
  };
}

const names = {
  add: namesOf('add'),
  sub: namesOf('sub'),
  mul: namesOf('mul'),
  and: namesOf('and'),
  or: namesOf('or'),
  xor: namesOf('xor'),
  shl: namesOf('shl'),
  shrU: namesOf('shr_u'),
  shrS: namesOf('shr_s'),
  eq: namesOf('eq'),
  ne: namesOf('ne'),
  ltU: namesOf('lt_u'),
  ltS: namesOf('lt_s'),
  gtU: namesOf('gt_u'),
  gtS: namesOf('gt_s'),
  leU: namesOf('le_u'),
  leS: namesOf('le_s'),
  geU: namesOf('ge_u'),
  geS: namesOf('ge_s'),
} as const;

/** Builds operations of two operands; a number as the second stands for a constant of the type. */
export abstract class BinaryOperations {
  /** Any pure WebAssembly instruction by name. */
  abstract op(name: string, ...args: Value[]): Value;

  add(a: Value, b: Value | number): Value {
    return this.#binary(names.add, a, b);
  }

  sub(a: Value, b: Value | number): Value {
    return this.#binary(names.sub, a, b);
  }

  mul(a: Value, b: Value | number): Value {
    return this.#binary(names.mul, a, b);
  }

  and(a: Value, b: Value | number): Value {
    return this.#binary(names.and, a, b);
  }

  or(a: Value, b: Value | number): Value {
    return this.#binary(names.or, a, b);
  }

  xor(a: Value, b: Value | number): Value {
    return this.#binary(names.xor, a, b);
  }

  shl(a: Value, b: Value | number): Value {
    return this.#binary(names.shl, a, b);
  }

  shrU(a: Value, b: Value | number): Value {
    return this.#binary(names.shrU, a, b);
  }

  shrS(a: Value, b: Value | number): Value {
    return this.#binary(names.shrS, a, b);
  }

  eq(a: Value, b: Value | number): Value {
    return this.#binary(names.eq, a, b);
  }

  ne(a: Value, b: Value | number): Value {
    return this.#binary(names.ne, a, b);
  }

  ltU(a: Value, b: Value | number): Value {
    return this.#binary(names.ltU, a, b);
  }

  ltS(a: Value, b: Value | number): Value {
    return this.#binary(names.ltS, a, b);
  }

  gtU(a: Value, b: Value | number): Value {
    return this.#binary(names.gtU, a, b);
  }

  gtS(a: Value, b: Value | number): Value {
    return this.#binary(names.gtS, a, b);
  }

  leU(a: Value, b: Value | number): Value {
    return this.#binary(names.leU, a, b);
  }

  leS(a: Value, b: Value | number): Value {
    return this.#binary(names.leS, a, b);
  }

  geU(a: Value, b: Value | number): Value {
    return this.#binary(names.geU, a, b);
  }

  geS(a: Value, b: Value | number): Value {
    return this.#binary(names.geS, a, b);
  }

  #binary(name: Names, a: Value, b: Value | number): Value {
    return this.op(name[a.type], a, typeof b === 'number' ? constantLike(a.type, b) : b);
  }
}
